"""The image list as an append-only log of packed segments under a head.

A read is one strongly consistent Query: the head says which generation is current, later segments win, and other
generations are ignored. A push appends under a key of its own, so two at once cannot lose anything. Keys of a list:

    head
    segment/<generation>/<time-ordered id>/<round>      round counts the compactions that ended at this id
"""

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass

from pynamodb.expressions.condition import Condition

from chalicelib.journal import note
from chalicelib.names import RepositoryName
from chalicelib.store.packing import pack, unpack_into
from chalicelib.store.tables import ConditionFailed, ImagesItem, RawItem, Tables, stored

HEAD = "head"
COMPACT_ABOVE = 16  # segments
_COMPACT_BYTES = 1_500_000  # a transaction holds 4 MB, what it deletes included
_COMPACT_SEGMENTS = 60  # and 100 items


@dataclass(frozen=True, slots=True)
class Head:
    """A repository's life: `generation` names it, `deleted` ends it, `confirmed` says that a registry knows.

    `private` and `shared` (somebody is a collaborator) stand here too, so that the one Query that reads a list also
    tells who may read it.
    """

    generation: str
    private: bool = False
    shared: bool = False
    deleted: bool = False
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class StoredImages:
    """What one Query found. `head` is None where there never was a repository, or its traces are gone.

    `segments` are the head's generation's, oldest first, as (key, packed bytes); `strays` are other generations' keys.
    """

    head: Head | None = None
    segments: tuple[tuple[str, bytes], ...] = ()
    strays: tuple[str, ...] = ()

    @property
    def living(self) -> Head | None:
        """The head of a repository that exists: neither missing nor deleted."""
        return self.head if self.head is not None and not self.head.deleted else None

    def merged(self) -> dict[str, str]:
        """The list: id -> checksum, '' where there is none, in the order in which the ids first came."""
        return _merged(self.segments)


class ImageStore:
    """Every method raises Unavailable when DynamoDB does not answer."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @stored
    def read(self, repository: RepositoryName) -> StoredImages:
        """One strongly consistent Query (one more for each megabyte that the list is long)."""
        head: Head | None = None
        found: list[tuple[str, bytes]] = []
        for item in self._tables.raw_items(self._tables.images, str(repository)):
            key = item["segment"]["S"]
            if key == HEAD:
                head = _head(item)
            else:
                found.append((key, item["packed"]["B"]))
        if head is None:
            return StoredImages(strays=tuple(key for key, _ in found))
        ours = segment_prefix(head.generation)
        return StoredImages(
            head,
            tuple(entry for entry in found if entry[0].startswith(ours)),
            tuple(key for key, _ in found if not key.startswith(ours)),
        )

    @stored
    def head(self, repository: RepositoryName) -> Head | None:
        """One strongly consistent GetItem."""
        item = self._tables.raw_item(self._tables.images, str(repository), HEAD)
        return None if item is None else _head(item)

    @stored
    def append(
        self, repository: RepositoryName, stored_images: StoredImages, images: dict[str, str], *, replaces: bool = False
    ) -> None:
        """Adds `images` to the living list that `read` found as `stored_images`.

        One Put, of one write unit a kilobyte; where segments have piled up, the same push compacts them, in one
        transaction that is conditional on exactly the segments that were read and changes nothing if it fails.

        `replaces` says that some checksum is put in another's place. A Put could then end up before a compaction that
        had not seen it and has the old one: so the last segment that was read is always packed anew with it, which no
        compaction of older ones survives. Raises ConditionFailed when it was not the last to do so.
        """
        head = stored_images.living
        if head is None:
            raise ValueError("only a living list can be appended to")
        first = first_to_compact([len(packed) for _, packed in stored_images.segments])
        if first is None and replaces:
            first = len(stored_images.segments) - 1
        if first is not None:
            try:
                self._compact(repository, head, stored_images.segments[first:], images)
            except ConditionFailed:
                if replaces:
                    raise
                # another writer compacts, or the repository goes; ours is an append like any other
            else:
                note(CompactedSegments=len(stored_images.segments) - first)
                self.sweep(repository, stored_images.strays)
                return
        last = stored_images.segments[-1][0] if stored_images.segments else None
        items = self.segments(repository, head.generation, pack(images), after=last)
        if len(items) == 1:
            items[0].save()
            return
        with self._tables.transaction() as write:
            for item in items:
                write.save(item)

    @stored
    def confirm_deletion(self, repository: RepositoryName, generation: str) -> None:
        """Notes that a registry has taken up the deletion of this generation."""
        images = self._tables.images
        try:
            with self._tables.transaction() as write:
                write.update(
                    images(str(repository), HEAD),
                    [images.confirmed.set(True)],
                    condition=self.is_generation(generation),
                )
        except ConditionFailed:
            pass  # created anew meanwhile: nothing is left to confirm

    @stored
    def sweep(self, repository: RepositoryName, keys: Iterable[str]) -> None:
        """Removes segments of dead generations. What it does not get to goes by TTL or with the next compaction."""
        with self._tables.images.batch_write() as batch:
            for key in keys:
                batch.delete(self._tables.images(str(repository), key))

    def segments(
        self, repository: RepositoryName, generation: str, packed: list[bytes], *, after: str | None = None
    ) -> list[ImagesItem]:
        """Items for `packed` that sort behind `after`, whatever this container's clock says."""
        at = time.time_ns() // 1_000_000
        if after is not None:
            at = max(at, int(after.split("/")[2][:12], 16) + 1)
        base = f"{segment_prefix(generation)}{at:012x}{secrets.token_hex(4)}"
        return [
            self._tables.images(str(repository), f"{base}/{place:04x}", packed=part)
            for place, part in enumerate(packed)
        ]

    def is_generation(self, generation: str, *, deleted: bool | None = None) -> Condition:
        """The condition on a head that it is (still) of this generation, and deleted or not where that is given."""
        images = self._tables.images
        condition = images.generation == generation
        return condition if deleted is None else condition & (images.deleted == deleted)

    def _compact(
        self, repository: RepositoryName, head: Head, old: tuple[tuple[str, bytes], ...], images: dict[str, str]
    ) -> None:
        """Puts the merge of `old` and `images` behind `old`'s last key, and before whatever is appended meanwhile.

        Behind, not in its place: a reader that turns from one page of its Query to the next sees the old, the new or
        both, never neither.
        """
        merged = _merged(old)
        for image_id, checksum in images.items():
            merged[image_id] = checksum or merged.get(image_id, "")
        base, _, rounds = old[-1][0].rpartition("/")
        model = self._tables.images
        with self._tables.transaction() as write:
            write.condition_check(
                model, str(repository), HEAD, condition=self.is_generation(head.generation, deleted=False)
            )
            for key, _ in old:
                write.delete(model(str(repository), key), condition=model.segment.exists())
            for place, packed in enumerate(pack(merged), start=int(rounds, 16) + 1):
                write.save(model(str(repository), f"{base}/{place:04x}", packed=packed))


def segment_prefix(generation: str) -> str:
    """What the keys of a generation's segments begin with."""
    return f"segment/{generation}/"


def first_to_compact(sizes: list[int]) -> int | None:
    """Where the run of young segments begins that is worth packing into one; None when nothing is.

    Reaches back as long as the next older segment is at most twice what has been gathered: each byte is then rewritten
    a logarithmic number of times, and 5 images added to 10,000 stay a write of one unit.
    """
    if len(sizes) <= COMPACT_ABOVE:
        return None
    first, gathered = len(sizes) - 1, sizes[-1]
    while (
        first > 0
        and sizes[first - 1] <= 2 * gathered
        and gathered + sizes[first - 1] <= _COMPACT_BYTES
        and len(sizes) - first < _COMPACT_SEGMENTS
    ):
        first -= 1
        gathered += sizes[first]
    return first if first < len(sizes) - 1 else None


def _merged(segments: tuple[tuple[str, bytes], ...]) -> dict[str, str]:
    images: dict[str, str] = {}
    for _, packed in segments:
        unpack_into(images, packed)
    return images


def head_of(item: ImagesItem) -> Head:
    """The head that an item is."""
    return Head(item.generation or "", bool(item.private), bool(item.shared), bool(item.deleted), bool(item.confirmed))


def _head(item: RawItem) -> Head:
    private, shared, deleted, confirmed = (
        name in item and item[name]["BOOL"] for name in ("private", "shared", "deleted", "confirmed")
    )
    return Head(item["generation"]["S"], private, shared, deleted, confirmed)
