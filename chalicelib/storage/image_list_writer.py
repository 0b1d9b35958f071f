"""Writing to image lists: appending, compacting, and removing replaced entries."""

from collections.abc import Iterator

from chalicelib.domain.identifiers import LIBRARY, RepositoryName
from chalicelib.domain.image_list import merge_images
from chalicelib.domain.models import RepositoryState
from chalicelib.storage.compaction import (
    MAX_RUN_BYTES,
    YOUNG_BYTES,
    first_to_compact,
    keys_after,
    needs_reclaiming,
    remaining_entries,
    split_runs,
)
from chalicelib.storage.image_lists import HEAD, ImageListStore, Segments, StoredImages, merge_segments
from chalicelib.storage.quotas import Quotas, release_quota, use_quota
from chalicelib.storage.segment_codec import pack
from chalicelib.storage.tables import Tables, translate_dynamodb_errors
from chalicelib.storage.transactions import Conflict, Transaction

CHARGED_FROM_BYTES = 16_384  # smaller changes are counted for the quota when they are compacted


class ImageListWriter:
    """Every method raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables, store: ImageListStore, quotas: Quotas) -> None:
        self._tables = tables
        self._store = store
        self._quotas = quotas

    @translate_dynamodb_errors
    def append(
        self, repository: RepositoryName, stored: StoredImages, images: dict[str, str], *, replaces: bool = False
    ) -> int:
        """Add `images` to the existing list `stored`. Return the number of segments that were compacted.

        Usually this is one Put of one write unit per kilobyte, and one GetItem that confirms that the repository still
        exists. A large push takes several transactions. If there are many segments, the push compacts them. The
        transaction requires that the compacted segments still exist.

        `replaces` means that a checksum replaces another one. A Put could then be overtaken by a compaction that has
        only seen the old checksum. Therefore the last segment is rewritten together with the new checksum.

        Raises Conflict if the repository was deleted or the last segment has changed. Raises AccountUnavailable if the
        owner has reached a quota.
        """
        compacted = 0
        for index, part in enumerate(_split_images(images)):
            if index > 0:
                stored = self._store.read(repository)
            head = stored.active_head
            if head is None:
                raise Conflict
            count = self._compact_with(repository, stored, head, part, replaces=replaces)
            if not count:
                self._append_only(repository, stored, head, part)
            compacted += count
        if stored.size + _size_of(images) > YOUNG_BYTES:
            self.reclaim(repository, self._store.read(repository) if replaces else stored)
        return compacted

    def _charge(self, transaction: Transaction, repository: RepositoryName, head: RepositoryState, amount: int) -> int:
        """Require that the repository exists, and count `amount` bytes for the quota of its account.

        An amount below CHARGED_FROM_BYTES is not counted. Return what is counted.
        """
        images = self._tables.images
        is_active = self._store.is_generation(head.generation, deleted=False)
        if abs(amount) < CHARGED_FROM_BYTES or repository.namespace == LIBRARY:
            transaction.check(images, str(repository), HEAD, condition=is_active)
            return 0
        transaction.update(images(str(repository), HEAD), [images.charged_bytes.add(amount)], is_active)
        users, namespace = self._tables.users, repository.namespace
        if amount > 0:
            maximum = self._quotas.stored_bytes
            use_quota(transaction, self._tables, namespace, users.stored_bytes, amount, maximum)
        else:
            release_quota(transaction, self._tables, namespace, {"stored_bytes": -amount})
        return amount

    def _append_only(
        self, repository: RepositoryName, stored: StoredImages, head: RepositoryState, images: dict[str, str]
    ) -> None:
        packed = pack(images)
        last = stored.segments[-1][0] if stored.segments else None
        items = self._store.segment_items(repository, head.generation, packed, after=last)
        size = sum(map(len, packed))
        if len(items) > 1 or size >= CHARGED_FROM_BYTES:
            with self._tables.transaction() as transaction:
                self._charge(transaction, repository, head, size)
                for item in items:
                    transaction.save(item)
            return
        items[0].save()
        # A deletion or transfer that sees no segment here has marked the head before. It would lose the push.
        current = self._store.get_head(repository)
        if current is None or current.deleted or current.generation != head.generation:
            items[0].delete()
            raise Conflict

    def _compact_with(
        self,
        repository: RepositoryName,
        stored: StoredImages,
        head: RepositoryState,
        images: dict[str, str],
        *,
        replaces: bool,
    ) -> int:
        """Compact the newest segments together with `images`. Return their number, or 0 if nothing was written."""
        first = first_to_compact([len(packed) for _, packed in stored.segments])
        if first is None and replaces:
            first = len(stored.segments) - 1
        if first is None:
            return 0
        run = stored.segments[first:]
        merged = pack(merge_images(merge_segments(run), images))
        try:
            size = stored.size + sum(map(len, merged)) - sum(len(part) for _, part in run)
            self._replace_run(repository, head, run, merged, size - head.charged_bytes)
        except Conflict:
            if replaces:
                raise
            return 0  # another writer has compacted or deleted the list; this push continues as a plain append
        self._store.delete_segments(repository, stored.orphans)
        return len(run)

    @translate_dynamodb_errors
    def reclaim(self, repository: RepositoryName, stored: StoredImages) -> None:
        """Rewrite the list without replaced and repeated entries, if they take too much space.

        The runs are rewritten from the oldest to the newest, each in one transaction. Each run receives the final
        checksums of the ids that first appear in it, so every state in between gives the same list.
        """
        if stored.active_head is None or stored.size <= YOUNG_BYTES:
            return
        merged = stored.merged()
        if not needs_reclaiming(stored.size, sum(map(len, pack(merged)))):
            return
        written: dict[str, str] = {}
        size, charged = stored.size, stored.active_head.charged_bytes
        try:
            for start, end in split_runs([len(packed) for _, packed in stored.segments]):
                run = stored.segments[start:end]
                next_key = stored.segments[end][0] if end < len(stored.segments) else None
                entries = remaining_entries(merge_segments(run), merged, written)
                packed = pack(entries)
                size += sum(map(len, packed)) - sum(len(part) for _, part in run)
                charged += self._replace_run(repository, stored.active_head, run, packed, size - charged, next_key)
                written |= entries
        except Conflict:
            pass  # another writer changes the list; the next push continues

    def _replace_run(
        self,
        repository: RepositoryName,
        head: RepositoryState,
        run: Segments,
        packed: list[bytes],
        growth: int,
        next_key: str | None = None,
    ) -> int:
        """Replace consecutive segments by `packed`. Return the part of `growth` that was counted for the quota.

        The new keys sort directly after the last old key, and before `next_key`. A reader whose Query continues on a
        second page therefore sees the old segments, the new ones, or both.
        """
        keys = keys_after(run[-1][0], next_key, len(packed))
        model = self._tables.images
        with self._tables.transaction() as transaction:
            charged = self._charge(transaction, repository, head, growth)
            for key, _ in run:
                transaction.delete(model(str(repository), key), condition=model.segment.exists())
            for key, part in zip(keys, packed, strict=True):
                transaction.save(model(str(repository), key, packed=part))
        return charged


def _size_of(images: dict[str, str]) -> int:
    """Return an upper bound of the packed size of a list without runs of text entries."""
    return sum(map(len, images)) + sum(map(len, images.values()))


def _split_images(images: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yield parts of a list that each fit into one transaction together with an existing segment."""
    part: dict[str, str] = {}
    size = 0
    for image_id, checksum in images.items():
        part[image_id] = checksum
        size += len(image_id) + len(checksum)  # never less than the packed size, apart from a few bytes
        if size > MAX_RUN_BYTES:
            yield part
            part, size = {}, 0
    if part:
        yield part
