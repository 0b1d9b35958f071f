"""A repository's beginning and end: its item and its list's head, written together."""

import secrets
import time
from datetime import UTC, datetime

from chalicelib.names import RepositoryName
from chalicelib.store.images import HEAD, ImageStore, StoredImages
from chalicelib.store.packing import pack
from chalicelib.store.tables import Tables, stored

DELETED_KEPT_SECONDS = 7 * 86400  # above the longest token's life, for a registry that takes its time
_TRANSACTION_SEGMENTS = 90


class RepositoryStore:
    """Every method raises Unavailable when DynamoDB does not answer."""

    def __init__(self, tables: Tables, images: ImageStore) -> None:
        self._tables = tables
        self._images = images

    @stored
    def create(self, repository: RepositoryName, before: StoredImages, images: dict[str, str]) -> str:
        """Begins a new life of `repository` and gives its generation. Head, item and list appear at once.

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
        self._images.sweep(repository, [*(key for key, _ in before.segments), *before.strays])
        return generation

    @stored
    def delete(self, repository: RepositoryName, before: StoredImages) -> None:
        """Hides `repository` at once: the item goes, the head is marked, the list stays for its delete token.

        Raises ConditionFailed when the list has changed since `before` was read.
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
            for key, _ in before.segments[:_TRANSACTION_SEGMENTS]:
                write.update(
                    model(str(repository), key), [model.expires.set(expires)], condition=model.segment.exists()
                )
