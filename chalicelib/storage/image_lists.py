"""Image lists, stored as an append-only log of packed segments under a head.

A list is read with one strongly consistent Query. The head contains the current generation; segments of other
generations are ignored; later segments take precedence. A push appends a segment under a key of its own, so that two
pushes at the same time lose nothing. Keys of a list:

    head
    segment/<generation>/<time-ordered id>/<round>

`round` orders the segments of one id: eight hexadecimal digits, and a random suffix if the segment is the result of a
compaction. A key is never used twice.
"""

import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress

from msgspec import Struct
from pynamodb.expressions.condition import Condition

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import RepositoryState
from chalicelib.storage.segment_codec import unpack_into
from chalicelib.storage.tables import ImagesItem, RawItem, Tables, raises_conflict, translate_dynamodb_errors
from chalicelib.storage.transactions import Conflict

HEAD = "head"
Segments = tuple[tuple[str, bytes], ...]


class StoredImages(Struct, frozen=True):
    """The stored list of one repository.

    Attributes:
        head: the state, or None if the repository never existed or has expired.
        segments: (key, packed bytes) of the current generation, oldest first.
        orphans: the keys of segments of other generations.
        expires: the time when a deleted repository is forgotten, in seconds since 1970.
    """

    head: RepositoryState | None = None
    segments: Segments = ()
    orphans: tuple[str, ...] = ()
    expires: int | None = None

    @property
    def active_head(self) -> RepositoryState | None:
        """The state if the repository exists: None if it is missing or deleted."""
        return self.head if self.head is not None and not self.head.deleted else None

    @property
    def size(self) -> int:
        """The size of the segments in bytes."""
        return sum(len(packed) for _, packed in self.segments)

    def merged(self) -> dict[str, str]:
        """Return the list: id to checksum, '' if none is known, in the order in which the ids first appeared."""
        return merge_segments(self.segments)


class ImageListStore:
    """Every method raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @translate_dynamodb_errors
    def read(self, repository: RepositoryName) -> StoredImages:
        """Return the stored list. One strongly consistent Query for each megabyte."""
        head: RepositoryState | None = None
        expires: int | None = None
        segments: list[tuple[str, bytes]] = []
        for item in self._tables.query_image_items(str(repository)):
            key = item["segment"]["S"]
            if key == HEAD:
                head = parse_head(item)
                expires = int(item["expires"]["N"]) if "expires" in item else None
            else:
                segments.append((key, item["packed"]["B"]))
        if head is None:
            return StoredImages(orphans=tuple(key for key, _ in segments))
        prefix = segment_prefix(head.generation)
        return StoredImages(
            head,
            tuple(segment for segment in segments if segment[0].startswith(prefix)),
            tuple(key for key, _ in segments if not key.startswith(prefix)),
            expires,
        )

    @translate_dynamodb_errors
    def get_head(self, repository: RepositoryName) -> RepositoryState | None:
        """Return the state of a repository. One strongly consistent GetItem."""
        item = self._tables.get_image_item(str(repository), HEAD)
        return None if item is None else parse_head(item)

    @translate_dynamodb_errors
    def contains(self, repository: RepositoryName, generation: str, image_id: str) -> bool:
        """Return whether the list of this generation contains an image.

        Ids are never removed from a list, so reading stops at the first segment that contains it.
        """
        prefix = segment_prefix(generation)
        for item in self._tables.query_image_items(str(repository)):
            if item["segment"]["S"].startswith(prefix):
                images: dict[str, str] = {}
                unpack_into(images, item["packed"]["B"])
                if image_id in images:
                    return True
        return False

    @translate_dynamodb_errors
    def confirm_deletion(self, repository: RepositoryName, generation: str) -> None:
        """Record that a registry has presented the delete token of this generation."""
        images = self._tables.images
        try:
            with self._tables.transaction() as transaction:
                transaction.update(
                    images(str(repository), HEAD),
                    [images.confirmed.set(True)],
                    condition=self.is_generation(generation),
                )
        except Conflict:
            pass  # the repository was created again, so there is nothing to confirm

    @translate_dynamodb_errors
    def delete_segments(self, repository: RepositoryName, keys: Iterable[str]) -> None:
        """Delete segments of earlier generations. Those that remain expire or are deleted by a later compaction."""
        with self._tables.images.batch_write() as batch:
            for key in keys:
                batch.delete(self._tables.images(str(repository), key))

    @translate_dynamodb_errors
    def expire_deleted(self, repository: RepositoryName, expires: int) -> None:
        """Let the segments of a deleted repository expire at a time in seconds since 1970.

        One Query for each megabyte, and one update for each segment that does not expire yet. Nothing happens if the
        repository exists. Segments of other generations are left alone, because the repository can be created again at
        the same time.
        """
        model = self._tables.images
        head: RepositoryState | None = None
        for item in self._tables.query_image_items(str(repository)):
            key = item["segment"]["S"]
            if key == HEAD:
                head = parse_head(item)
                continue
            if head is None or not head.deleted:
                return
            if key.startswith(segment_prefix(head.generation)) and "expires" not in item:
                with suppress(Conflict), raises_conflict():  # a conflict means that it was deleted meanwhile
                    model(str(repository), key).update([model.expires.set(expires)], condition=model.segment.exists())

    def segment_items(
        self, repository: RepositoryName, generation: str, packed: list[bytes], *, after: str | None = None
    ) -> list[ImagesItem]:
        """Return items for `packed` whose keys sort after `after`, even if the clock of this container is slow."""
        milliseconds = time.time_ns() // 1_000_000
        if after is not None:
            milliseconds = max(milliseconds, int(after.split("/")[2][:12], 16) + 1)
        base = f"{segment_prefix(generation)}{milliseconds:012x}{secrets.token_hex(4)}"
        return [
            self._tables.images(str(repository), f"{base}/{place:08x}", packed=part)
            for place, part in enumerate(packed)
        ]

    def is_generation(self, generation: str, *, deleted: bool | None = None) -> Condition:
        """Return the condition that a head has this generation and, unless None, this `deleted`."""
        images = self._tables.images
        condition = images.generation == generation
        return condition if deleted is None else condition & (images.deleted == deleted)


def segment_prefix(generation: str) -> str:
    """Return the beginning of the keys of a generation's segments."""
    return f"segment/{generation}/"


def state_of(item: ImagesItem) -> RepositoryState:
    """Return the state that a head item contains."""
    return RepositoryState(
        item.generation or "",
        bool(item.private),
        bool(item.shared),
        bool(item.deleted),
        bool(item.confirmed),
        None if item.charged_bytes is None else int(item.charged_bytes),
    )


def merge_segments(segments: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Return the list that consecutive segments contain."""
    images: dict[str, str] = {}
    for _, packed in segments:
        unpack_into(images, packed)
    return images


def parse_head(item: RawItem) -> RepositoryState:
    """Return the state that the head of an image list contains."""
    private, shared, deleted, confirmed = _flags(item)
    charged_bytes = int(item["charged_bytes"]["N"]) if "charged_bytes" in item else None
    return RepositoryState(item["generation"]["S"], private, shared, deleted, confirmed, charged_bytes)


def _flags(item: RawItem) -> Iterator[bool]:
    return (name in item and item[name]["BOOL"] for name in ("private", "shared", "deleted", "confirmed"))
