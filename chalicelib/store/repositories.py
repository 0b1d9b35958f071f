"""A repository's beginning, changes and end: its item, its list's head and its search terms, written together."""

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pynamodb.expressions.condition import Condition

from chalicelib.names import RepositoryName
from chalicelib.store.images import HEAD, ImageStore, StoredImages
from chalicelib.store.packing import pack
from chalicelib.store.tables import RepositoryItem, Tables, stored
from chalicelib.store.terms import Rank, TermStore

DELETED_KEPT_SECONDS = 7 * 86400  # above the longest token's life, for a registry that takes its time
TERMS_AT_MOST = 48  # a transaction holds 100 items, and a change of visibility moves each term
_TRANSACTION_SEGMENTS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """What is known of a living repository beside its images."""

    name: RepositoryName
    generation: str
    description: str = ""
    private: bool = False
    created: datetime


class RepositoryStore:
    """`terms` is what finds a repository (`search.terms_of`). Raises Unavailable when DynamoDB does not answer."""

    def __init__(self, tables: Tables, images: ImageStore, terms: TermStore) -> None:
        self._tables = tables
        self._images = images
        self._terms = terms

    @stored
    def create(
        self,
        repository: RepositoryName,
        before: StoredImages,
        images: dict[str, str],
        terms: Mapping[str, Rank],
        *,
        private: bool = False,
        owner: str | None = None,
        created: datetime | None = None,
    ) -> str:
        """Begins a new life of `repository` and gives its generation. Head, item, list and terms appear at once.

        `before` is what `ImageStore.read` found: nothing, or a deleted repository, whose remains are swept. `owner` is
        the account in whose right it is created: it must not be leaving. `created` is for what moves here: else now.
        Raises ConditionFailed when somebody else has created it meanwhile, or the owner is leaving.
        """
        generation = secrets.token_hex(8)
        model, users = self._tables.images, self._tables.users
        gone = before.head
        condition = (
            model.segment.does_not_exist()
            if gone is None
            else self._images.is_generation(gone.generation, deleted=True)
        )
        with self._tables.transaction() as write:
            write.save(
                model(str(repository), HEAD, generation=generation, private=private, deleted=False),
                condition=condition,
            )
            write.save(
                self._tables.repositories(
                    repository.namespace,
                    repository.name,
                    generation=generation,
                    private=private,
                    created=created or datetime.now(UTC),
                ),
            )
            if owner is not None:
                there = users.password_hash.exists() & users.leaving.does_not_exist()
                write.condition_check(users, owner, condition=there)
            for item in self._images.segments(repository, generation, pack(images)):
                write.save(item)
            for term in self._terms.items(repository, terms, private=private):
                write.save(term)
        self._images.sweep(repository, [*(key for key, _ in before.segments), *before.strays])
        return generation

    @stored
    def change(
        self, before: Repository, old_terms: Mapping[str, Rank], after: Repository, new_terms: Mapping[str, Rank]
    ) -> None:
        """Replaces description and visibility, and moves the terms along. All at once.

        Raises ConditionFailed when the repository has changed since `before` was read.
        """
        model, images = self._tables.repositories, self._tables.images
        name = before.name
        old = {(item.bucket, item.entry): item for item in self._terms.items(name, old_terms, private=before.private)}
        new = {(item.bucket, item.entry): item for item in self._terms.items(name, new_terms, private=after.private)}
        with self._tables.transaction() as write:
            write.update(
                model(name.namespace, name.name),
                [model.description.set(after.description), model.private.set(after.private)],
                condition=self._is_still(before),
            )
            write.update(
                images(str(name), HEAD),
                [images.private.set(after.private)],
                condition=self._images.is_generation(before.generation, deleted=False),
            )
            for key, item in old.items():
                if key not in new:
                    write.delete(item)
            for item in new.values():
                write.save(item)

    @stored
    def delete(
        self, repository: Repository, before: StoredImages, terms: Mapping[str, Rank], *, confirmed: bool = False
    ) -> None:
        """Hides `repository` at once: item and terms go, the head is marked, the list stays for its delete token.

        Raises ConditionFailed when it, or its list, has changed since it was read. All that is left expires, but for
        segments above a transaction's size, which wait for the name's next life to sweep them.
        """
        model, name = self._tables.images, repository.name
        expires = int(time.time()) + DELETED_KEPT_SECONDS
        with self._tables.transaction() as write:
            write.update(
                model(str(name), HEAD),
                [model.deleted.set(True), model.confirmed.set(confirmed), model.expires.set(expires)],
                condition=self._images.is_generation(repository.generation, deleted=False),
            )
            write.delete(
                self._tables.repositories(name.namespace, name.name),
                condition=self._is_still(repository),
            )
            for term in self._terms.items(name, terms, private=repository.private):
                write.delete(term)
            for key, _ in before.segments[:_TRANSACTION_SEGMENTS]:
                write.update(model(str(name), key), [model.expires.set(expires)], condition=model.segment.exists())

    @stored
    def get(self, repository: RepositoryName) -> Repository | None:
        """One consistent read; None where there is no such repository."""
        return self.get_all([repository]).get(repository)

    @stored
    def get_all(self, repositories: Iterable[RepositoryName]) -> dict[RepositoryName, Repository]:
        """Those that exist, in one BatchGetItem for each hundred. Consistent: what was just hidden does not show."""
        keys = [(name.namespace, name.name) for name in repositories]
        found = map(repository_of, self._tables.repositories.batch_get(keys, consistent_read=True))
        return {repository.name: repository for repository in found}

    @stored
    def in_namespace(self, namespace: str, after: str, limit: int) -> list[Repository]:
        """A namespace's first `limit` repositories by name, from behind the name `after` on. One Query."""
        model = self._tables.repositories
        behind = model.name > after if after else None
        return [
            repository_of(item)
            for item in model.query(namespace, behind, limit=limit, page_size=limit, consistent_read=True)
        ]

    def _is_still(self, repository: Repository) -> Condition:
        model = self._tables.repositories
        still: Condition = (
            (model.generation == repository.generation)
            & (model.description == repository.description)
            & (model.private == repository.private)
        )
        return still


def repository_of(item: RepositoryItem) -> Repository:
    """The repository that an item is."""
    return Repository(
        name=RepositoryName(item.namespace, item.name),
        generation=item.generation,
        description=item.description or "",
        private=item.private,
        created=item.created,
    )
