"""Which segments of an image list to merge, and their new keys. Pure functions."""

from collections.abc import Mapping, Sequence

COMPACT_ABOVE = 16  # segments
MAX_RUN_BYTES = 1_200_000  # a transaction handles 4 MB, counting the deleted items, the new ones and their keys
MAX_RUN_SEGMENTS = 45  # a transaction handles 100 items: the deleted ones, as many new ones, and the head
YOUNG_BYTES = 400_000  # what small pushes may add before replaced entries are removed


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

    The stored size therefore stays below twice the merged list plus YOUNG_BYTES. A rewritten list has at most one and
    a half times the merged size, so a rewrite costs at most three written bytes for each replaced byte.
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


def remaining_entries(runs: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return what each run of a list contains after a rewrite. `runs` are the merged entries, the oldest run first.

    An id stays in the first run that contains it, without a checksum, because this gives the order of the list. The
    last checksum stays in the last run that has one. No checksum moves to another run. Therefore the list is the same
    whichever of the runs are rewritten, and also for a reader that reads some runs before their rewrite and others
    after it.
    """
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for index, run in enumerate(runs):
        for image_id, checksum in run.items():
            first.setdefault(image_id, index)
            if checksum:
                last[image_id] = index
    return [
        {
            image_id: checksum if last.get(image_id) == index else ""
            for image_id, checksum in run.items()
            if index in (first[image_id], last.get(image_id))
        }
        for index, run in enumerate(runs)
    ]


def keys_between(last_key: str, next_key: str | None, count: int, spare: int, suffix: str) -> list[str]:
    """Return `count` keys that sort after `last_key` and before `next_key`, with the base of `last_key`.

    Keys have the form `<base>/<round>`, see image_lists.py. If the next key has another base, or there is none, the
    first `spare` rounds after `last_key` remain free. The segments before `last_key` can then be rewritten too: their
    new keys are directly before these keys. `suffix` makes keys unique.
    """
    base, last_round = _parse(last_key)
    end = last_round + 1 + spare + count
    if next_key is not None and _parse(next_key)[0] == base:
        end = _parse(next_key)[1]
    if end - count <= last_round:
        raise ValueError(f"there are not {count} keys between {last_key} and {next_key}")
    return [f"{base}/{place:08x}{suffix}" for place in range(end - count, end)]


def _parse(key: str) -> tuple[str, int]:
    base, _, place = key.rpartition("/")
    return base, int(place[:8], 16)
