"""Repositories: the item, the head of the image list and the search terms are written in one transaction."""

import secrets
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from pynamodb.expressions.condition import Condition

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository
from chalicelib.domain.search_terms import TermRank
from chalicelib.storage.image_lists import HEAD, ImageListStore, StoredImages
from chalicelib.storage.search_terms import SearchTermStore
from chalicelib.storage.segment_codec import pack
from chalicelib.storage.tables import RepositoryItem, Tables, translate_dynamodb_errors

DELETED_KEPT_SECONDS = 7 * 86400  # longer than any token is valid, so that a slow registry can finish the deletion
_MAX_EXPIRED_SEGMENTS = 25  # in the transaction of a deletion


class RepositoryStore:
    """Every method raises Unavailable if DynamoDB does not answer.

    `terms` are the words that find a repository, as `domain.search_terms.terms_of` returns them.
    """

    def __init__(self, tables: Tables, images: ImageListStore, terms: SearchTermStore) -> None:
        self._tables = tables
        self._images = images
        self._terms = terms

    @translate_dynamodb_errors
    def create(
        self,
        repository: RepositoryName,
        stored: StoredImages,
        images: dict[str, str],
        terms: Mapping[str, TermRank],
        *,
        private: bool = False,
        owner: str | None = None,
        created: datetime | None = None,
    ) -> str:
        """Create a new generation of `repository` and return its identifier.

        Args:
            repository: the full name.
            stored: the result of `ImageListStore.read`: nothing, or a deleted repository.
            images: the first entries of the list.
            terms: the search terms.
            private: the visibility.
            owner: the account that owns the namespace. It must exist and must not be in deletion.
            created: the original time of creation of a transferred repository.

        Raises Conflict if the repository was created meanwhile, or if the owner is in deletion.
        """
        generation = secrets.token_hex(8)
        model, users = self._tables.images, self._tables.users
        condition = (
            model.segment.does_not_exist()
            if stored.head is None
            else self._images.is_generation(stored.head.generation, deleted=True)
        )
        with self._tables.transaction() as transaction:
            transaction.save(
                model(str(repository), HEAD, generation=generation, private=private, deleted=False),
                condition=condition,
            )
            transaction.save(
                self._tables.repositories(
                    repository.namespace,
                    repository.name,
                    generation=generation,
                    private=private,
                    created=created or datetime.now(UTC),
                ),
            )
            if owner is not None:
                can_own = users.password_hash.exists() & users.deletion_started.does_not_exist()
                transaction.check(users, owner, condition=can_own)
            for segment in self._images.segment_items(repository, generation, pack(images)):
                transaction.save(segment)
            for term in self._terms.items(repository, terms, private=private):
                transaction.save(term)
        self._images.delete_segments(repository, [*(key for key, _ in stored.segments), *stored.orphans])
        return generation

    @translate_dynamodb_errors
    def change(
        self,
        before: Repository,
        old_terms: Mapping[str, TermRank],
        after: Repository,
        new_terms: Mapping[str, TermRank],
    ) -> None:
        """Replace the description and the visibility, together with the search terms.

        Raises Conflict if the repository has changed since `before` was read.
        """
        model, images = self._tables.repositories, self._tables.images
        name = before.name
        old = {(item.bucket, item.entry): item for item in self._terms.items(name, old_terms, private=before.private)}
        new = {(item.bucket, item.entry): item for item in self._terms.items(name, new_terms, private=after.private)}
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
    def delete(
        self,
        repository: Repository,
        stored: StoredImages,
        terms: Mapping[str, TermRank],
        *,
        confirmed: bool = False,
    ) -> None:
        """Hide `repository`: delete the item and the terms, and mark the head.

        The list remains until it expires, because a registry still presents the delete token. Segments that do not fit
        into the transaction are deleted when the name is used again. Raises Conflict if the repository or its list has
        changed since it was read.
        """
        model, name = self._tables.images, repository.name
        expires = int(time.time()) + DELETED_KEPT_SECONDS
        with self._tables.transaction() as transaction:
            transaction.update(
                model(str(name), HEAD),
                [model.deleted.set(True), model.confirmed.set(confirmed), model.expires.set(expires)],
                condition=self._images.is_generation(repository.generation, deleted=False),
            )
            transaction.delete(
                self._tables.repositories(name.namespace, name.name),
                condition=self._is_unchanged(repository),
            )
            for term in self._terms.items(name, terms, private=repository.private):
                transaction.delete(term)
            for key, _ in stored.segments[:_MAX_EXPIRED_SEGMENTS]:
                transaction.update(
                    model(str(name), key), [model.expires.set(expires)], condition=model.segment.exists()
                )

    @translate_dynamodb_errors
    def get(self, repository: RepositoryName) -> Repository | None:
        """Return the repository, or None if it does not exist. One consistent read."""
        return self.get_all([repository]).get(repository)

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
    )
