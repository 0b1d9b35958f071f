"""A repository's beginning and end: its item and its list's head, written together."""

import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from chalicelib.names import RepositoryName
from chalicelib.store.images import HEAD, ImageStore, StoredImages
from chalicelib.store.packing import pack
from chalicelib.store.tables import Tables, stored
from chalicelib.store.terms import Rank, TermStore

DELETED_KEPT_SECONDS = 7 * 86400  # above the longest token's life, for a registry that takes its time
_TRANSACTION_SEGMENTS = 25  # a transaction holds 100 items, and a repository has up to 71 terms


class RepositoryStore:
    """Every method raises Unavailable when DynamoDB does not answer."""

    def __init__(self, tables: Tables, images: ImageStore, terms: TermStore) -> None:
        self._tables = tables
        self._images = images
        self._terms = terms

    @stored
    def create(
        self, repository: RepositoryName, before: StoredImages, images: dict[str, str], terms: dict[str, Rank]
    ) -> str:
        """Begins a new life of `repository` and gives its generation. Head, item, list and terms appear at once.

        `before` is what `ImageStore.read` found: nothing, or a deleted repository, whose remains are swept.
        Raises ConditionFailed when somebody else has created it meanwhile.
        """
        generation = secrets.token_hex(8)
        model = self._tables.images
        gone = before.head
        condition = (
            model.segment.does_not_exist()
            if gone is None
            else self._images.is_generation(gone.generation, deleted=True)
        )
        with self._tables.transaction() as write:
            write.save(model(str(repository), HEAD, generation=generation, deleted=False), condition=condition)
            write.save(
                self._tables.repositories(repository.namespace, repository.name, created=datetime.now(UTC)),
            )
            for item in self._images.segments(repository, generation, pack(images)):
                write.save(item)
            for term in self._terms.items(repository, terms):
                write.save(term)
        self._images.sweep(repository, [*(key for key, _ in before.segments), *before.strays])
        return generation

    @stored
    def delete(self, repository: RepositoryName, before: StoredImages, terms: dict[str, Rank]) -> None:
        """Hides `repository` at once: item and terms go, the head is marked, the list stays for its delete token.

        Raises ConditionFailed when the list has changed since `before` was read. All that is left expires, but for
        segments above a transaction's size, which wait for the name's next life to sweep them.
        """
        model, head = self._tables.images, before.living
        if head is None:
            raise ValueError("only a living repository can be deleted")
        expires = int(time.time()) + DELETED_KEPT_SECONDS
        with self._tables.transaction() as write:
            write.update(
                model(str(repository), HEAD),
                [model.deleted.set(True), model.expires.set(expires)],
                condition=self._images.is_generation(head.generation, deleted=False),
            )
            write.delete(self._tables.repositories(repository.namespace, repository.name))
            for term in self._terms.items(repository, terms):
                write.delete(term)
            for key, _ in before.segments[:_TRANSACTION_SEGMENTS]:
                write.update(
                    model(str(repository), key), [model.expires.set(expires)], condition=model.segment.exists()
                )

    @stored
    def description(self, repository: RepositoryName) -> str | None:
        """What the owner says of it; None where there is no such repository."""
        return self.descriptions([repository]).get(repository)

    @stored
    def descriptions(self, repositories: Iterable[RepositoryName]) -> dict[RepositoryName, str]:
        """The descriptions of those that exist, in one BatchGetItem for each hundred."""
        keys = [(name.namespace, name.name) for name in repositories]
        return {
            RepositoryName(item.namespace, item.name): item.description or ""
            for item in self._tables.repositories.batch_get(keys)
        }
