"""Keys of rewritten segments, the runs of a rewrite, and what remains of each run."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.storage.compaction import (
    MAX_RUN_BYTES,
    MAX_RUN_SEGMENTS,
    YOUNG_BYTES,
    keys_between,
    needs_reclaiming,
    remaining_entries,
    split_runs,
)
from chalicelib.storage.image_lists import merge_segments
from chalicelib.storage.segment_codec import SEGMENT_BYTES, pack

BASES = [f"segment/0123456789abcdef/{number:020x}" for number in (1, 2, 3)]
SIZES = st.lists(st.integers(1, SEGMENT_BYTES), max_size=150)


def key(base: int, place: int, suffix: str = "") -> str:
    return f"{BASES[base]}/{place:08x}{suffix}"


@given(
    st.integers(0, 2**20),
    st.integers(1, 50),
    st.integers(0, 100),
    st.sampled_from([None, "same base", "next base"]),
    st.integers(0, 1_000),
)
def test_new_keys_are_between_their_neighbours(place: int, count: int, spare: int, kind: str | None, gap: int) -> None:
    last = key(1, place, "aaaaaaaa")
    following = {None: None, "same base": key(1, place + count + gap + 1, "0"), "next base": key(2, 0)}[kind]
    keys = keys_between(last, following, count, spare, "01234567")
    assert len(set(keys)) == len(keys) == count
    assert sorted(keys) == keys
    assert last < keys[0]
    assert following is None or keys[-1] < following
    assert max(map(len, keys)) <= 100
    assert all(new.startswith(BASES[1]) for new in keys), "segments that others add meanwhile come after them"


@given(st.integers(0, 50), st.integers(1, 50))
def test_keys_without_enough_room_are_rejected(place: int, count: int) -> None:
    with pytest.raises(ValueError, match="keys"):
        keys_between(key(1, place), key(1, place + count), count, 0, "x")


def test_no_keys_are_needed_for_a_run_that_becomes_empty() -> None:
    assert keys_between(key(1, 5), key(1, 6), 0, 10, "x") == []


@given(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=5), min_size=1, max_size=5), st.integers(1, 60))
def test_repeated_rewrites_find_room_and_keep_the_order(groups: list[list[int]], rounds: int) -> None:
    """`groups` are the sizes of runs, all with one base. Each rewrite moves every run, the newest first."""
    start, runs = 0, []
    for sizes in groups:
        runs.append([key(1, start + place) for place in range(sum(sizes))])
        start += sum(sizes)
    used = {name for run in runs for name in run}
    for number in range(rounds):
        spare = 2 * sum(map(len, runs))
        following: str | None = key(2, 0)
        for index in reversed(range(len(runs))):
            new = keys_between(runs[index][-1], following, len(runs[index]), spare, f"{number:08x}")
            assert not used & set(new), "a key is never used twice"
            used |= set(new)
            runs[index] = new
            following = new[0]
        names = [name for run in runs for name in run]
        assert sorted(names) == names


@given(SIZES)
def test_runs_are_consecutive_and_fit_a_transaction(sizes: list[int]) -> None:
    runs = split_runs(sizes)
    assert [index for start, end in runs for index in range(start, end)] == list(range(len(sizes)))
    for start, end in runs:
        assert 1 <= end - start <= MAX_RUN_SEGMENTS
        assert sum(sizes[start:end]) <= MAX_RUN_BYTES
    for (start, end), (_, next_end) in pairwise(runs):
        is_full = end - start == MAX_RUN_SEGMENTS or sum(sizes[start : end + 1]) > MAX_RUN_BYTES
        assert is_full, "two runs are not split without a reason"
        assert next_end > end


RUNS = st.lists(
    st.dictionaries(
        st.sampled_from([f"{number:064x}" for number in range(6)] + ["odd"]),
        st.sampled_from(["", "sha256:" + "1" * 64, "sha256:" + "2" * 64, "odd"]),
        max_size=5,
    ),
    max_size=6,
)


def merge(runs: list[dict[str, str]]) -> list[tuple[str, str]]:
    segments = [("", packed) for run in runs for packed in pack(run)]
    return list(merge_segments(segments).items())


@given(RUNS, st.lists(st.booleans(), min_size=6, max_size=6))
def test_list_is_the_same_whichever_runs_are_rewritten(runs: list[dict[str, str]], chosen: list[bool]) -> None:
    rewritten = remaining_entries(runs)
    mixed = [new if is_chosen else old for old, new, is_chosen in zip(runs, rewritten, chosen, strict=False)]
    assert merge(mixed) == merge(rewritten) == merge(runs)


@given(RUNS)
def test_checksums_do_not_move_to_another_run(runs: list[dict[str, str]]) -> None:
    for old, new in zip(runs, remaining_entries(runs), strict=True):
        for image_id, checksum in new.items():
            assert checksum in ("", old[image_id])


@given(RUNS, st.integers(0, 6), st.integers(0, 6), st.integers(0, 6))
def test_reader_of_old_and_new_runs_gets_the_last_checksums(
    runs: list[dict[str, str]], page: int, inner: int, extra: int
) -> None:
    """The first page of a Query ends in a run. All runs are rewritten before the second page is read."""
    rewritten, whole = remaining_entries(runs), dict(merge(runs))
    begun = dict(list(runs[page].items())[:inner]) if page < len(runs) else {}
    seen = dict(merge([*runs[:page], begun, *rewritten[page:]]))
    assert seen == whole


@given(RUNS)
def test_rewritten_list_needs_no_further_rewrite(runs: list[dict[str, str]]) -> None:
    rewritten = remaining_entries(runs)
    stored = sum(len(packed) for run in rewritten for packed in pack(run))
    merged = sum(map(len, pack(dict(merge(runs)))))
    headers = sum(1 + 3 * len(run) for run in rewritten)
    assert stored <= 2 * merged + headers
    assert not needs_reclaiming(stored, merged)
    assert remaining_entries(rewritten) == rewritten


def test_limit_of_the_stored_size() -> None:
    assert not needs_reclaiming(2_000_000 + YOUNG_BYTES, 1_000_000)
    assert needs_reclaiming(2_000_001 + YOUNG_BYTES, 1_000_000)
