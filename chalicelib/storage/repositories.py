"""Repositories: the item, the head of the image list and the search terms are written in one transaction."""

import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from pynamodb.expressions.condition import Condition

from chalicelib.domain.identifiers import LIBRARY, RepositoryName
from chalicelib.domain.models import Repository, RepositoryState
from chalicelib.domain.roles import Role
from chalicelib.storage.collaborators import highest_role, role_keys
from chalicelib.storage.image_lists import HEAD, ImageListStore, StoredImages, parse_head
from chalicelib.storage.quotas import AccountUnavailable, Quotas, is_active, release_quota
from chalicelib.storage.search_terms import SearchTermStore
from chalicelib.storage.segment_codec import pack
from chalicelib.storage.tables import RepositoryItem, Tables, translate_dynamodb_errors
from chalicelib.storage.transactions import Transaction

_PRIVATE_KEPT_SECONDS = 3650 * 86400  # a name whose last generation was private starts private
DELETED_KEPT_SECONDS = 7 * 86400  # longer than any token is valid, so that a slow registry can finish the deletion


class RepositoryStore:
    """Every method raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables, images: ImageListStore, terms: SearchTermStore, quotas: Quotas) -> None:
        self._tables = tables
        self._images = images
        self._terms = terms
        self._quotas = quotas

    @translate_dynamodb_errors
    def create(
        self,
        repository: RepositoryName,
        stored: StoredImages,
        images: dict[str, str],
        *,
        private: bool = False,
        created: datetime | None = None,
    ) -> str:
        """Create a new generation of `repository` and return its identifier.

        Args:
            repository: the full name.
            stored: the result of `ImageListStore.read`: nothing, or a deleted repository.
            images: the first entries of the list.
            private: the visibility.
            created: the original time of creation of a transferred repository.

        The namespace must be `library`, or belong to an account or organisation that is not in deletion. The
        transaction requires this, so that nobody can register a name in which repositories exist. Raises
        AccountUnavailable if that is not so, or if the owner has reached a quota. Raises Conflict if the repository was
        created meanwhile.
        """
        new = Repository(
            name=repository, generation=secrets.token_hex(8), private=private, created=created or datetime.now(UTC)
        )
        generation, model = new.generation, self._tables.images
        packed = pack(images)
        size = sum(map(len, packed))
        condition = (
            model.segment.does_not_exist()
            if stored.head is None
            else self._images.is_generation(stored.head.generation, deleted=True)
        )
        with self._tables.transaction() as transaction:
            transaction.save(
                model(
                    str(repository),
                    HEAD,
                    generation=generation,
                    private=private,
                    deleted=False,
                    charged_bytes=None if repository.namespace == LIBRARY else size,
                ),
                condition=condition,
            )
            transaction.save(
                self._tables.repositories(
                    repository.namespace,
                    repository.name,
                    generation=generation,
                    private=private,
                    created=new.created,
                    previous_deleted=deletion_time(stored) or None,
                ),
            )
            if repository.namespace != LIBRARY:
                self._use_quotas(transaction, repository.namespace, size)
            for segment in self._images.segment_items(repository, generation, packed):
                transaction.save(segment)
            for term in self._terms.items(new):
                transaction.save(term)
        self._images.delete_segments(repository, [*(key for key, _ in stored.segments), *stored.orphans])
        return generation

    @translate_dynamodb_errors
    def change(self, before: Repository, after: Repository) -> None:
        """Replace the description and the visibility, together with the search terms.

        Raises Conflict if the repository has changed since `before` was read.
        """
        model, images = self._tables.repositories, self._tables.images
        name = before.name
        old = {(item.bucket, item.entry): item for item in self._terms.items(before)}
        new = {(item.bucket, item.entry): item for item in self._terms.items(after)}
        with self._tables.transaction() as transaction:
            transaction.update(
                model(name.namespace, name.name),
                [model.description.set(after.description), model.private.set(after.private)],
                condition=self._is_unchanged(before),
            )
            transaction.update(
                images(str(name), HEAD),
                [images.private.set(after.private)],
                condition=self._images.is_generation(before.generation, deleted=False),
            )
            for key, item in old.items():
                if key not in new:
                    transaction.delete(item)
            for item in new.values():
                transaction.save(item)

    @translate_dynamodb_errors
    def delete(self, repository: Repository, stored: StoredImages, *, confirmed: bool = False) -> None:
        """Hide `repository`: delete the item and the terms, and mark the head.

        The list remains until it expires, because a registry still presents the delete token. The transaction does not
        include the segments, because together they can exceed its limit of 4 MB; `expire` follows. Raises Conflict if
        the repository has changed since it was read.
        """
        charged = None if stored.head is None else stored.head.charged_bytes
        try:
            self._hide(repository, charged, confirmed=confirmed, is_counted=charged is not None)
        except AccountUnavailable:  # an imported repository can have no account
            self._hide(repository, charged, confirmed=confirmed, is_counted=False)
        self.expire(repository.name)

    def _hide(self, repository: Repository, charged: int | None, *, confirmed: bool, is_counted: bool) -> None:
        model, name = self._tables.images, repository.name
        expires = int(time.time()) + _kept_seconds(repository.private)
        is_unchanged = self._images.is_generation(repository.generation, deleted=False)
        is_unchanged &= model.charged_bytes.does_not_exist() if charged is None else model.charged_bytes == charged
        with self._tables.transaction() as transaction:
            transaction.update(
                model(str(name), HEAD),
                [model.deleted.set(True), model.confirmed.set(confirmed), model.expires.set(expires)],
                condition=is_unchanged,
            )
            transaction.delete(
                self._tables.repositories(name.namespace, name.name),
                condition=self._is_unchanged(repository),
            )
            for term in self._terms.items(repository):
                transaction.delete(term)
            if is_counted:
                amounts = {"repositories": 1, "stored_bytes": charged or 0}
                release_quota(transaction, self._tables, name.namespace, amounts)

    @translate_dynamodb_errors
    def expire(self, repository: RepositoryName) -> None:
        """Let the segments of a deleted repository expire. This can be repeated."""
        self._images.expire_deleted(repository, int(time.time()) + DELETED_KEPT_SECONDS)

    @translate_dynamodb_errors
    def get(self, repository: RepositoryName) -> Repository | None:
        """Return the repository, or None if it does not exist. One consistent read."""
        return self.get_all([repository]).get(repository)

    @translate_dynamodb_errors
    def get_with_state(
        self, repository: RepositoryName, account: str | None
    ) -> tuple[RepositoryState | None, Repository | None, Role]:
        """Return the state and the repository, as far as they exist, and the role that others have given to `account`.

        One consistent BatchGetItem.
        """
        images, repositories, collaborators = self._tables.images, self._tables.repositories, self._tables.collaborators
        keys = [] if account is None else role_keys(account, repository)
        found = self._tables.get_items(
            {
                images: [{"repository": {"S": str(repository)}, "segment": {"S": HEAD}}],
                repositories: [{"namespace": {"S": repository.namespace}, "name": {"S": repository.name}}],
                collaborators: [{"of": {"S": of}, "entry": {"S": entry}} for of, entry in keys],
            }
        )
        state = next(map(parse_head, found[images]), None)
        items = (repositories.from_raw_data(dict(item)) for item in found[repositories])
        roles = (collaborators.from_raw_data(dict(item)) for item in found[collaborators])
        given = highest_role(roles, repository, "" if state is None else state.generation)
        return state, next(map(repository_of, items), None), given

    @translate_dynamodb_errors
    def get_all(self, repositories: Iterable[RepositoryName]) -> dict[RepositoryName, Repository]:
        """Return the repositories that exist. One consistent BatchGetItem for each hundred."""
        keys = [(name.namespace, name.name) for name in repositories]
        existing = map(repository_of, self._tables.repositories.batch_get(keys, consistent_read=True))
        return {repository.name: repository for repository in existing}

    @translate_dynamodb_errors
    def in_namespace(self, namespace: str, after: str, limit: int) -> list[Repository]:
        """Return the first `limit` repositories of a namespace whose names sort after `after`. One Query."""
        model = self._tables.repositories
        condition = model.name > after if after else None
        return [
            repository_of(item)
            for item in model.query(namespace, condition, limit=limit, page_size=limit, consistent_read=True)
        ]

    def public_in_namespace(self, namespace: str, after: str, limit: int) -> list[RepositoryName]:
        """Return the names of the public ones, without reading private ones. One Query."""
        return self._terms.public_in_namespace(namespace, after, limit)

    @translate_dynamodb_errors
    def has_any(self, namespace: str) -> bool:
        """Return whether there are repositories in a namespace. One Query of one item."""
        return any(True for _ in self._tables.repositories.query(namespace, limit=1, consistent_read=True))

    def _use_quotas(self, transaction: Transaction, namespace: str, size: int) -> None:
        """Count a new repository for its owner, and require that the owner exists."""
        users = self._tables.users
        condition = is_active(self._tables)
        condition &= users.repositories.does_not_exist() | (users.repositories < self._quotas.repositories)
        condition &= users.stored_bytes.does_not_exist() | (users.stored_bytes < self._quotas.stored_bytes)
        transaction.update(
            users(namespace),
            [users.repositories.add(1), users.stored_bytes.add(size)],
            condition,
            failure=AccountUnavailable(),
        )

    def _is_unchanged(self, repository: Repository) -> Condition:
        model = self._tables.repositories
        condition: Condition = (
            (model.generation == repository.generation)
            & (model.description == repository.description)
            & (model.private == repository.private)
        )
        return condition


def repository_of(item: RepositoryItem) -> Repository:
    """Return the repository that an item contains."""
    return Repository(
        name=RepositoryName(item.namespace, item.name),
        generation=item.generation,
        description=item.description or "",
        private=item.private,
        created=item.created,
        last_pushed=item.last_pushed,
        tags=max(0, int(item.tags or 0)),  # a repository from before the count can have a negative one
        previous_deleted=int(item.previous_deleted or 0),
    )


def deletion_time(stored: StoredImages) -> int:
    """Return when the stored repository was deleted, in seconds since 1970, or 0 if there is none."""
    if stored.head is None or not stored.head.deleted or stored.expires is None:
        return 0
    return stored.expires - _kept_seconds(stored.head.private)


def _kept_seconds(is_private: bool) -> int:
    """Return how long the head of a deleted repository is kept."""
    return _PRIVATE_KEPT_SECONDS if is_private else DELETED_KEPT_SECONDS
