"""The bytes of a segment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.store.packing import SEGMENT_BYTES, CorruptSegment, pack, unpack_into

HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
ANY_ID = HEX | st.text(max_size=80)
ANY_CHECKSUM = (
    st.just("")
    | HEX
    | st.builds("{}:{}".format, st.sampled_from(["sha256", "tarsum+sha256", "tarsum.v1+sha256", "md5", ""]), HEX)
    | st.text(max_size=200)
)
LISTS = st.dictionaries(ANY_ID, ANY_CHECKSUM, max_size=40)


def unpacked(segments: list[bytes]) -> dict[str, str]:
    images: dict[str, str] = {}
    for segment in segments:
        unpack_into(images, segment)
    return images


@given(LISTS, st.integers(300, 2000))
def test_any_ids_and_checksums_come_back_in_order(images: dict[str, str], segment_bytes: int) -> None:
    segments = pack(images, segment_bytes)
    assert list(unpacked(segments).items()) == list(images.items())
    assert all(len(segment) <= segment_bytes or len(pack_alone(segment)) == 1 for segment in segments)


def pack_alone(segment: bytes) -> dict[str, str]:
    return unpacked([segment])


@given(st.lists(LISTS, max_size=5))
def test_unpacking_one_after_the_other_merges(lists: list[dict[str, str]]) -> None:
    expected: dict[str, str] = {}
    for images in lists:
        for image_id, checksum in images.items():
            expected[image_id] = checksum or expected.get(image_id, "")
    found = unpacked([segment for images in lists for segment in pack(images)])
    assert list(found.items()) == list(expected.items())


def test_a_real_image_takes_64_bytes_and_a_full_list_six_segments() -> None:
    images = {f"{n:064x}": f"tarsum.v1+sha256:{n:064x}" for n in range(30_000)}
    segments = pack(images)
    assert sum(map(len, segments)) < 30_000 * 64 + 100
    assert [len(segment) <= SEGMENT_BYTES for segment in segments] == [True] * 6
    assert unpacked(segments) == images


def test_an_empty_list_has_no_segment() -> None:
    assert pack({}) == []


@given(LISTS.filter(bool), st.data())
def test_a_segment_cut_short_or_of_another_kind_is_refused(images: dict[str, str], data: st.DataObject) -> None:
    segment = pack(images)[0]
    cut = data.draw(st.integers(2, len(segment) - 1))
    with pytest.raises(CorruptSegment):
        unpacked([segment[:cut], b"\x02"])  # a cut between two runs is a shorter list; the second byte string is none
    with pytest.raises(CorruptSegment):
        unpacked([b"\x01\x09\x00\x01" + segment])


def test_a_segment_whose_text_is_no_utf8_is_refused_with_the_same_error() -> None:
    assert unpacked([b"\x01\xff\x00\x01\x00\x01a\x00\x01b"]) == {"a": "b"}
    for text in (b"\x00\x01\xffa\x00\x01b", b"\x00\x01a\x00\x01\x80", b"\x00\x02\xed\xa0\x00\x01b"):
        with pytest.raises(CorruptSegment):
            unpacked([b"\x01\xff\x00\x01" + text])


def test_upper_case_digests_keep_their_case() -> None:
    images = {"a" * 64: "sha256:" + "AB" * 32, "b" * 64: "AB" * 32}
    assert unpacked(pack(images)) == images
