"""Which segments of an image list to merge. Pure functions of sizes in bytes."""

from collections.abc import Mapping, Sequence

COMPACT_ABOVE = 16  # segments
MAX_RUN_BYTES = 1_200_000  # a transaction handles 4 MB, counting the deleted items, the new ones and their keys
MAX_RUN_SEGMENTS = 45  # a transaction handles 100 items: the deleted ones, as many new ones, and the head
YOUNG_BYTES = 400_000  # what small pushes may add before old entries are removed


def first_to_compact(sizes: Sequence[int]) -> int | None:
    """Return the index of the first segment to compact, or None if compaction is not worthwhile.

    `sizes` are the sizes of the segments, oldest first. The run extends backwards while the next older segment is at
    most twice as large as the run. Each byte is then rewritten a logarithmic number of times, and adding 5 images to
    10,000 remains a write of one unit.
    """
    if len(sizes) <= COMPACT_ABOVE:
        return None
    first, total = len(sizes) - 1, sizes[-1]
    while (
        first > 0
        and sizes[first - 1] <= 2 * total
        and total + sizes[first - 1] <= MAX_RUN_BYTES
        and len(sizes) - first < MAX_RUN_SEGMENTS
    ):
        first -= 1
        total += sizes[first]
    return first if first < len(sizes) - 1 else None


def needs_reclaiming(stored_bytes: int, merged_bytes: int) -> bool:
    """Return whether replaced entries take so much space that the whole list is rewritten.

    The stored size therefore stays below twice the merged list plus YOUNG_BYTES. A rewrite costs at most one written
    byte for each replaced byte.
    """
    return stored_bytes > 2 * merged_bytes + YOUNG_BYTES


def split_runs(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Return consecutive (start, end) index ranges, each small enough for one transaction."""
    runs: list[tuple[int, int]] = []
    start, total = 0, 0
    for index, size in enumerate(sizes):
        if index > start and (total + size > MAX_RUN_BYTES or index - start == MAX_RUN_SEGMENTS):
            runs.append((start, index))
            start, total = index, 0
        total += size
    if start < len(sizes):
        runs.append((start, len(sizes)))
    return runs


def keys_after(last_key: str, next_key: str | None, count: int) -> list[str]:
    """Return `count` keys that sort after `last_key` and before `next_key`.

    Keys have the form `<base>/<round>`. If the next key has the same base, there is no free round between the two, and
    the new keys extend the last key.
    """
    base, _, last_round = last_key.rpartition("/")
    if next_key is not None and next_key.rpartition("/")[0] == base:
        return [f"{last_key}.{place:04x}" for place in range(1, count + 1)]
    first = int(last_round.partition(".")[0], 16) + 1
    return [f"{base}/{first + place:08x}" for place in range(count)]


def remaining_entries(
    run: Mapping[str, str], merged: Mapping[str, str], written: Mapping[str, object]
) -> dict[str, str]:
    """Return what the rewritten run contains: its ids with their final checksums, without those written before it."""
    return {image_id: merged[image_id] for image_id in run if image_id not in written}
