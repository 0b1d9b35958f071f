"""The choice of segments to compact: it limits both the number of segments and the bytes that are rewritten."""

from math import log2

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.storage.compaction import COMPACT_ABOVE, MAX_RUN_BYTES, MAX_RUN_SEGMENTS, first_to_compact


@given(st.lists(st.integers(1, 350_000), max_size=COMPACT_ABOVE))
def test_few_segments_are_not_compacted(sizes: list[int]) -> None:
    assert first_to_compact(sizes) is None


@given(st.lists(st.integers(1, 350_000), min_size=2, max_size=100))
def test_compacted_segments_fit_one_transaction(sizes: list[int]) -> None:
    first = first_to_compact(sizes)
    if first is not None:
        assert len(sizes) - first >= 2
        assert len(sizes) - first <= MAX_RUN_SEGMENTS
        assert sum(sizes[first:]) <= MAX_RUN_BYTES


def test_small_pushes_to_a_large_list_rewrite_few_bytes_and_keep_few_segments() -> None:
    sizes, written, most = [350_000, 290_000], 0, 0
    for _ in range(2000):  # pushes of 5 images
        first = first_to_compact(sizes)
        if first is None:
            sizes.append(320)
            written += 320
        else:
            merged = sum(sizes[first:]) + 320
            sizes[first:] = [merged]
            written += merged
        most = max(most, len(sizes))
    assert most <= COMPACT_ABOVE + 1
    assert written / (2000 * 320) < log2(2000 / COMPACT_ABOVE)  # rewrites of each byte
