"""The bytes of a segment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.storage.segment_codec import SEGMENT_BYTES, CorruptSegmentError, pack, unpack_into

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


PACKED = {  # one of each form, as the tables of every index hold them
    "01000001" + "aa" * 32: {"a" * 64: ""},
    "01010001" + "bb" * 32 + "cc" * 32: {"b" * 64: "c" * 64},
    "01020001" + "dd" * 32 + "ee" * 32: {"d" * 64: "sha256:" + "e" * 64},
    "01030001" + "ff" * 32 + "00" * 32: {"f" * 64: "tarsum+sha256:" + "0" * 64},
    "01040001" + "11" * 32 + "22" * 32: {"1" * 64: "tarsum.v1+sha256:" + "2" * 64},
    "01ff00010004657274770003333474": {"ertw": "34t"},
    "01ff000200016100000000000162": {"a": "", "": "b"},
    "01000002" + "aa" * 32 + "bb" * 32 + "ff000100000000": {"a" * 64: "", "b" * 64: "", "": ""},
}


@pytest.mark.parametrize("segment", PACKED)
def test_the_bytes_are_those_that_are_stored(segment: str) -> None:
    assert [packed.hex() for packed in pack(PACKED[segment])] == [segment]
    assert unpacked([bytes.fromhex(segment)]) == PACKED[segment]


def test_segments_are_as_full_as_they_may_be() -> None:
    images = {f"{n:064x}": "" for n in range(7)}
    three = 1 + 3 + 3 * 32  # a version, a run's head, entries
    assert list(map(len, pack(images, three + 3))) == [three, three, 1 + 3 + 32]  # as if the next began a run
    assert list(map(len, pack(images, three + 2))) == [three - 32] * 3 + [1 + 3 + 32]
    assert list(map(len, pack(images, 1))) == [36] * 7, "one at least"


@pytest.mark.parametrize("checksum", ["", "c" * 64, "sha256:" + "c" * 64, "tarsum.v1+sha256:" + "c" * 64, "md5:c"])
def test_every_segment_can_be_read_without_those_before_it(checksum: str) -> None:
    images = {f"{n:064x}": checksum for n in range(20)}
    segments = pack(images, 300)
    assert len(segments) > 2
    alone = [unpacked([segment]) for segment in segments]
    assert {image: found for part in alone for image, found in part.items()} == images
    assert sum(map(len, alone)) == 20


def test_a_run_counts_to_65535_and_the_next_begins() -> None:
    images = {f"{n:064x}": "" for n in range(0x10001)}
    [segment] = pack(images, 10_000_000)
    assert segment[:4].hex() == "0100ffff"
    assert segment[4 + 0xFFFF * 32 :][:3].hex() == "000002"
    assert unpacked([segment]) == images


@pytest.mark.parametrize(
    ("segment", "told"),
    [
        ("", "the segment's version is unknown"),
        ("00", "the segment's version is unknown"),
        ("02", "the segment's version is unknown"),
        ("01050001", "the segment has a run of an unknown form"),
        ("01fe0001", "the segment has a run of an unknown form"),
        ("0100", "the segment is cut short"),
        ("010000", "the segment is cut short"),
        ("01000001" + "aa" * 31, "the segment is cut short"),
        ("01010001" + "aa" * 63, "the segment is cut short"),
        ("01ff0001", "the segment is cut short"),
        ("01ff000100", "the segment is cut short"),
        ("01ff0001000261", "the segment is cut short"),
        ("01ff00010001610001", "the segment is cut short"),
        ("01ff0001" + "0001ff" + "0000", "the segment has a text that is no UTF-8"),
    ],
)
def test_what_is_wrong_with_a_segment_is_said(segment: str, told: str) -> None:
    with pytest.raises(CorruptSegmentError) as refused:
        unpacked([bytes.fromhex(segment)])
    assert str(refused.value) == told


def test_an_empty_list_has_no_segment() -> None:
    assert pack({}) == []


@given(LISTS.filter(bool), st.data())
def test_a_segment_cut_short_or_of_another_kind_is_refused(images: dict[str, str], data: st.DataObject) -> None:
    segment = pack(images)[0]
    cut = data.draw(st.integers(2, len(segment) - 1))
    with pytest.raises(CorruptSegmentError):
        unpacked([segment[:cut], b"\x02"])  # a cut between two runs is a shorter list; the second byte string is none
    with pytest.raises(CorruptSegmentError):
        unpacked([b"\x01\x09\x00\x01" + segment])


def test_a_segment_whose_text_is_no_utf8_is_refused_with_the_same_error() -> None:
    assert unpacked([b"\x01\xff\x00\x01\x00\x01a\x00\x01b"]) == {"a": "b"}
    for text in (b"\x00\x01\xffa\x00\x01b", b"\x00\x01a\x00\x01\x80", b"\x00\x02\xed\xa0\x00\x01b"):
        with pytest.raises(CorruptSegmentError):
            unpacked([b"\x01\xff\x00\x01" + text])


def test_upper_case_digests_keep_their_case() -> None:
    images = {"a" * 64: "sha256:" + "AB" * 32, "b" * 64: "AB" * 32}
    assert unpacked(pack(images)) == images
