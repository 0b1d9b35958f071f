"""Writing to image lists: appending, compacting, and removing replaced entries."""

import secrets
from collections.abc import Callable, Iterator

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.image_list import merge_images
from chalicelib.domain.models import RepositoryState
from chalicelib.storage.compaction import (
    MAX_RUN_BYTES,
    YOUNG_BYTES,
    first_to_compact,
    keys_between,
    needs_reclaiming,
    remaining_entries,
    split_runs,
)
from chalicelib.storage.image_lists import HEAD, ImageListStore, Segments, StoredImages, merge_segments
from chalicelib.storage.quotas import AccountUnavailable, Quotas, release_quota, use_quota
from chalicelib.storage.segment_codec import pack
from chalicelib.storage.tables import Tables, translate_dynamodb_errors
from chalicelib.storage.transactions import Conflict, Transaction

CHARGED_FROM_BYTES = 16_384  # smaller changes are counted for the quota when they are compacted
_MAX_RECLAIMS = 5  # repetitions, because another writer can change the list
_UNLIMITED = 2**53


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
        compacted, generation = 0, None if stored.head is None else stored.head.generation
        for index, part in enumerate(_split_images(images)):
            if index > 0:
                stored = self._store.read(repository)
            head = stored.active_head
            if head is None or head.generation != generation:
                raise Conflict
            count = self._compact_with(repository, stored, head, part, replaces=replaces)
            if not count:
                self._append_only(repository, stored, head, part)
            compacted += count
        size = _size_of(images)
        if stored.size + size > YOUNG_BYTES:
            # A small push does not read the list again. A later push then finds what it has added.
            is_read = replaces or size >= CHARGED_FROM_BYTES
            self.reclaim(repository, self._store.read(repository) if is_read else stored)
        return compacted

    @translate_dynamodb_errors
    def reclaim(self, repository: RepositoryName, stored: StoredImages) -> None:
        """Rewrite the list without replaced and repeated entries, if they take too much space.

        Each run of segments is rewritten in one transaction; see `remaining_entries`. If another writer changes the
        list at the same time, the rest is read and rewritten again, so that the last one of several writers finishes.
        """
        for _ in range(_MAX_RECLAIMS):
            if stored.active_head is None or stored.size <= YOUNG_BYTES:
                return
            if not needs_reclaiming(stored.size, sum(map(len, pack(stored.merged())))):
                return
            try:
                self._rewrite(repository, stored, stored.active_head)
                return
            except AccountUnavailable:
                return  # the account is being deleted
            except Conflict:
                stored = self._store.read(repository)

    def _rewrite(self, repository: RepositoryName, stored: StoredImages, head: RepositoryState) -> None:
        """Rewrite all runs, the newest first: the new keys of a run are before those of the next run."""
        segments = stored.segments
        ranges = split_runs([len(packed) for _, packed in segments])
        entries = remaining_entries([merge_segments(segments[start:end]) for start, end in ranges])
        growth = stored.size - (head.charged_bytes or 0)
        next_key: str | None = None
        for (start, end), remaining in reversed(list(zip(ranges, entries, strict=True))):
            run, packed = segments[start:end], pack(remaining)
            growth += sum(map(len, packed)) - sum(len(part) for _, part in run)
            keys = keys_between(run[-1][0], next_key, len(packed), 2 * len(segments), secrets.token_hex(4))
            growth -= self._replace_run(repository, head, run, dict(zip(keys, packed, strict=True)), growth, _UNLIMITED)
            next_key = keys[0] if keys else next_key

    def _append_only(
        self, repository: RepositoryName, stored: StoredImages, head: RepositoryState, images: dict[str, str]
    ) -> None:
        packed = pack(images)
        last = stored.segments[-1][0] if stored.segments else None
        items = self._store.segment_items(repository, head.generation, packed, after=last)
        size = sum(map(len, packed))
        if len(items) > 1 or size >= CHARGED_FROM_BYTES:

            def save_items(transaction: Transaction) -> None:
                for item in items:
                    transaction.save(item)

            self._commit(repository, head, size, self._quotas.stored_bytes, save_items)
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
        packed = pack(merge_images(merge_segments(run), images))
        keys = keys_between(run[-1][0], None, len(packed), 0, secrets.token_hex(4))
        growth = stored.size + sum(map(len, packed)) - sum(len(part) for _, part in run) - (head.charged_bytes or 0)
        try:
            new = dict(zip(keys, packed, strict=True))
            self._replace_run(repository, head, run, new, growth, self._quotas.stored_bytes)
        except Conflict:
            if replaces:
                raise
            return 0  # another writer has compacted or deleted the list; this push continues as a plain append
        self._store.delete_segments(repository, stored.orphans)
        return len(run)

    def _replace_run(
        self,
        repository: RepositoryName,
        head: RepositoryState,
        run: Segments,
        new: dict[str, bytes],
        growth: int,
        maximum: int,
    ) -> int:
        """Replace consecutive segments by `new`. Return the part of `growth` that was counted for the quota.

        The new keys sort after the last old key. A reader whose Query continues on a second page therefore sees the old
        segments, the new ones, or both.
        """
        model = self._tables.images

        def replace_segments(transaction: Transaction) -> None:
            for key, _ in run:
                transaction.delete(model(str(repository), key), condition=model.segment.exists())
            for key, packed in new.items():
                transaction.save(model(str(repository), key, packed=packed))

        return self._commit(repository, head, growth, maximum, replace_segments)

    def _commit(
        self,
        repository: RepositoryName,
        head: RepositoryState,
        growth: int,
        maximum: int,
        add_writes: Callable[[Transaction], None],
    ) -> int:
        """Write to a list whose repository still exists. Return the bytes that were counted for the quota.

        Changes below CHARGED_FROM_BYTES are not counted, and nothing is counted for a repository in `library`.
        """
        amount = 0 if head.charged_bytes is None or abs(growth) < CHARGED_FROM_BYTES else growth
        try:
            with self._tables.transaction() as transaction:
                self._require_active(transaction, repository, head, amount, maximum)
                add_writes(transaction)
        except AccountUnavailable:
            if not amount or self._has_owner(repository.namespace):
                raise
            amount = 0  # an imported repository can have no account
            with self._tables.transaction() as transaction:
                self._require_active(transaction, repository, head, amount, maximum)
                add_writes(transaction)
        return amount

    def _require_active(
        self, transaction: Transaction, repository: RepositoryName, head: RepositoryState, amount: int, maximum: int
    ) -> None:
        """Require that the repository exists, and count `amount` bytes for the quota of its account."""
        images, users, namespace = self._tables.images, self._tables.users, repository.namespace
        is_active = self._store.is_generation(head.generation, deleted=False)
        if not amount:
            transaction.check(images, str(repository), HEAD, condition=is_active)
            return
        transaction.update(images(str(repository), HEAD), [images.charged_bytes.add(amount)], is_active)
        if amount > 0:
            use_quota(transaction, self._tables, namespace, users.stored_bytes, amount, maximum)
        else:
            release_quota(transaction, self._tables, namespace, {"stored_bytes": -amount})

    def _has_owner(self, namespace: str) -> bool:
        try:
            return self._tables.users.get(namespace, consistent_read=True).created is not None
        except self._tables.users.DoesNotExist:
            return False


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
