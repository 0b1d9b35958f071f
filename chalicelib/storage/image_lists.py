"""Image lists, stored as an append-only log of packed segments under a head.

A list is read with one strongly consistent Query. The head contains the current generation; segments of other
generations are ignored; later segments take precedence. A push appends a segment under a key of its own, so that two
pushes at the same time lose nothing. Keys of a list:

    head
    segment/<generation>/<time-ordered id>/<round>

`round` counts the compactions that ended at this id, as four hexadecimal digits.
"""

import secrets
import time
from collections.abc import Iterable

from msgspec import Struct
from pynamodb.expressions.condition import Condition

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.image_list import merge_images
from chalicelib.domain.models import RepositoryState
from chalicelib.storage.segment_codec import pack, unpack_into
from chalicelib.storage.tables import ImagesItem, RawItem, Tables, translate_dynamodb_errors
from chalicelib.storage.transactions import Conflict

HEAD = "head"
COMPACT_ABOVE = 16  # segments
_MAX_COMPACTED_BYTES = 1_500_000  # a transaction handles 4 MB, including the deleted items
_MAX_COMPACTED_SEGMENTS = 60  # a transaction handles 100 items


class StoredImages(Struct, frozen=True):
    """The stored list of one repository.

    Attributes:
        head: the state, or None if the repository never existed or has expired.
        segments: (key, packed bytes) of the current generation, oldest first.
        orphans: the keys of segments of other generations.
    """

    head: RepositoryState | None = None
    segments: tuple[tuple[str, bytes], ...] = ()
    orphans: tuple[str, ...] = ()

    @property
    def active_head(self) -> RepositoryState | None:
        """The state if the repository exists: None if it is missing or deleted."""
        return self.head if self.head is not None and not self.head.deleted else None

    def merged(self) -> dict[str, str]:
        """Return the list: id to checksum, '' if none is known, in the order in which the ids first appeared."""
        return _merge_segments(self.segments)


class ImageListStore:
    """Every method raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @translate_dynamodb_errors
    def read(self, repository: RepositoryName) -> StoredImages:
        """Return the stored list. One strongly consistent Query for each megabyte."""
        head: RepositoryState | None = None
        segments: list[tuple[str, bytes]] = []
        for item in self._tables.query_image_items(str(repository)):
            key = item["segment"]["S"]
            if key == HEAD:
                head = _parse_head(item)
            else:
                segments.append((key, item["packed"]["B"]))
        if head is None:
            return StoredImages(orphans=tuple(key for key, _ in segments))
        prefix = segment_prefix(head.generation)
        return StoredImages(
            head,
            tuple(segment for segment in segments if segment[0].startswith(prefix)),
            tuple(key for key, _ in segments if not key.startswith(prefix)),
        )

    @translate_dynamodb_errors
    def get_head(self, repository: RepositoryName) -> RepositoryState | None:
        """Return the state of a repository. One strongly consistent GetItem."""
        item = self._tables.get_image_item(str(repository), HEAD)
        return None if item is None else _parse_head(item)

    @translate_dynamodb_errors
    def append(
        self, repository: RepositoryName, stored: StoredImages, images: dict[str, str], *, replaces: bool = False
    ) -> int:
        """Add `images` to the existing list `stored`. Return the number of segments that were compacted.

        Usually this is one Put of one write unit per kilobyte. If there are many segments, the push compacts them in
        one transaction. The transaction requires that the compacted segments still exist.

        `replaces` means that a checksum replaces another one. A Put could then be overtaken by a compaction that has
        only seen the old checksum. Therefore the last segment is rewritten together with the new checksum. Raises
        Conflict if the last segment has changed.
        """
        head = stored.active_head
        if head is None:
            raise ValueError("only an existing list can be appended to")
        first = first_to_compact([len(packed) for _, packed in stored.segments])
        if first is None and replaces:
            first = len(stored.segments) - 1
        if first is not None:
            try:
                self._compact(repository, head, stored.segments[first:], images)
            except Conflict:
                if replaces:
                    raise
                # Another writer has compacted or deleted the list. This push continues as a plain append.
            else:
                self.delete_segments(repository, stored.orphans)
                return len(stored.segments) - first
        last = stored.segments[-1][0] if stored.segments else None
        items = self.segment_items(repository, head.generation, pack(images), after=last)
        if len(items) == 1:
            items[0].save()
            return 0
        with self._tables.transaction() as transaction:
            for item in items:
                transaction.save(item)
        return 0

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

    def segment_items(
        self, repository: RepositoryName, generation: str, packed: list[bytes], *, after: str | None = None
    ) -> list[ImagesItem]:
        """Return items for `packed` whose keys sort after `after`, even if the clock of this container is slow."""
        milliseconds = time.time_ns() // 1_000_000
        if after is not None:
            milliseconds = max(milliseconds, int(after.split("/")[2][:12], 16) + 1)
        base = f"{segment_prefix(generation)}{milliseconds:012x}{secrets.token_hex(4)}"
        return [
            self._tables.images(str(repository), f"{base}/{place:04x}", packed=part)
            for place, part in enumerate(packed)
        ]

    def is_generation(self, generation: str, *, deleted: bool | None = None) -> Condition:
        """Return the condition that a head has this generation and, unless None, this `deleted`."""
        images = self._tables.images
        condition = images.generation == generation
        return condition if deleted is None else condition & (images.deleted == deleted)

    def _compact(
        self,
        repository: RepositoryName,
        head: RepositoryState,
        segments: tuple[tuple[str, bytes], ...],
        images: dict[str, str],
    ) -> None:
        """Replace `segments` by their merge with `images`.

        The new key sorts directly after the last old key. A reader whose Query continues on a second page therefore
        sees the old segments, the new one, or both.
        """
        merged = merge_images(_merge_segments(segments), images)
        base, _, rounds = segments[-1][0].rpartition("/")
        model = self._tables.images
        with self._tables.transaction() as transaction:
            transaction.check(
                model, str(repository), HEAD, condition=self.is_generation(head.generation, deleted=False)
            )
            for key, _ in segments:
                transaction.delete(model(str(repository), key), condition=model.segment.exists())
            for place, packed in enumerate(pack(merged), start=int(rounds, 16) + 1):
                transaction.save(model(str(repository), f"{base}/{place:04x}", packed=packed))


def segment_prefix(generation: str) -> str:
    """Return the beginning of the keys of a generation's segments."""
    return f"segment/{generation}/"


def first_to_compact(sizes: list[int]) -> int | None:
    """Return the index of the first segment to compact, or None if compaction is not worthwhile.

    `sizes` are the sizes in bytes, oldest first. The run extends backwards while the next older segment is at most
    twice as large as the run. Each byte is then rewritten a logarithmic number of times, and adding 5 images to 10,000
    remains a write of one unit.
    """
    if len(sizes) <= COMPACT_ABOVE:
        return None
    first, total = len(sizes) - 1, sizes[-1]
    while (
        first > 0
        and sizes[first - 1] <= 2 * total
        and total + sizes[first - 1] <= _MAX_COMPACTED_BYTES
        and len(sizes) - first < _MAX_COMPACTED_SEGMENTS
    ):
        first -= 1
        total += sizes[first]
    return first if first < len(sizes) - 1 else None


def state_of(item: ImagesItem) -> RepositoryState:
    """Return the state that a head item contains."""
    return RepositoryState(
        item.generation or "", bool(item.private), bool(item.shared), bool(item.deleted), bool(item.confirmed)
    )


def _merge_segments(segments: tuple[tuple[str, bytes], ...]) -> dict[str, str]:
    images: dict[str, str] = {}
    for _, packed in segments:
        unpack_into(images, packed)
    return images


def _parse_head(item: RawItem) -> RepositoryState:
    private, shared, deleted, confirmed = (
        name in item and item[name]["BOOL"] for name in ("private", "shared", "deleted", "confirmed")
    )
    return RepositoryState(item["generation"]["S"], private, shared, deleted, confirmed)
