"""The bytes of the segments of an image list."""

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


def unpack(segments: list[bytes]) -> dict[str, str]:
    images: dict[str, str] = {}
    for segment in segments:
        unpack_into(images, segment)
    return images


@given(LISTS, st.integers(300, 2000))
def test_any_list_is_unpacked_in_order(images: dict[str, str], segment_bytes: int) -> None:
    segments = pack(images, segment_bytes)
    assert list(unpack(segments).items()) == list(images.items())
    assert all(len(segment) <= segment_bytes or len(unpack([segment])) == 1 for segment in segments)


@given(st.lists(LISTS, max_size=5))
def test_unpacking_several_lists_merges_them(lists: list[dict[str, str]]) -> None:
    expected: dict[str, str] = {}
    for images in lists:
        for image_id, checksum in images.items():
            expected[image_id] = checksum or expected.get(image_id, "")
    found = unpack([segment for images in lists for segment in pack(images)])
    assert list(found.items()) == list(expected.items())


def test_image_takes_64_bytes_and_a_full_list_takes_six_segments() -> None:
    images = {f"{n:064x}": f"tarsum.v1+sha256:{n:064x}" for n in range(30_000)}
    segments = pack(images)
    assert sum(map(len, segments)) < 30_000 * 64 + 100
    assert [len(segment) <= SEGMENT_BYTES for segment in segments] == [True] * 6
    assert unpack(segments) == images


PACKED = {  # each form, as it is stored in the tables of every index
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
def test_stored_format_does_not_change(segment: str) -> None:
    assert [packed.hex() for packed in pack(PACKED[segment])] == [segment]
    assert unpack([bytes.fromhex(segment)]) == PACKED[segment]


def test_segments_are_filled_up_to_the_limit() -> None:
    images = {f"{n:064x}": "" for n in range(7)}
    three = 1 + 3 + 3 * 32  # the version, the header of a run, three entries
    assert list(map(len, pack(images, three + 3))) == [
        three,
        three,
        1 + 3 + 32,
    ]  # room for the header of another run is required
    assert list(map(len, pack(images, three + 2))) == [three - 32] * 3 + [1 + 3 + 32]
    assert list(map(len, pack(images, 1))) == [36] * 7  # each segment has at least one entry


@pytest.mark.parametrize("checksum", ["", "c" * 64, "sha256:" + "c" * 64, "tarsum.v1+sha256:" + "c" * 64, "md5:c"])
def test_each_segment_can_be_unpacked_alone(checksum: str) -> None:
    images = {f"{n:064x}": checksum for n in range(20)}
    segments = pack(images, 300)
    assert len(segments) > 2
    unpacked = [unpack([segment]) for segment in segments]
    assert {image: found for part in unpacked for image, found in part.items()} == images
    assert sum(map(len, unpacked)) == 20


def test_run_has_at_most_65535_entries() -> None:
    images = {f"{n:064x}": "" for n in range(0x10001)}
    [segment] = pack(images, 10_000_000)
    assert segment[:4].hex() == "0100ffff"
    assert segment[4 + 0xFFFF * 32 :][:3].hex() == "000002"
    assert unpack([segment]) == images


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        ("", "version"),
        ("00", "version"),
        ("02", "version"),
        ("01050001", "form"),
        ("01fe0001", "form"),
        ("0100", "truncated"),
        ("010000", "truncated"),
        ("01000001" + "aa" * 31, "truncated"),
        ("01010001" + "aa" * 63, "truncated"),
        ("01ff0001", "truncated"),
        ("01ff000100", "truncated"),
        ("01ff0001000261", "truncated"),
        ("01ff00010001610001", "truncated"),
        ("01ff0001" + "0001ff" + "0000", "UTF-8"),
    ],
)
def test_corrupt_segment_is_rejected_with_the_reason(segment: str, reason: str) -> None:
    with pytest.raises(CorruptSegmentError, match=reason):
        unpack([bytes.fromhex(segment)])


def test_empty_list_has_no_segment() -> None:
    assert pack({}) == []


@given(LISTS.filter(bool), st.data())
def test_truncated_or_unknown_segment_is_rejected(images: dict[str, str], data: st.DataObject) -> None:
    segment = pack(images)[0]
    cut = data.draw(st.integers(2, len(segment) - 1))
    with pytest.raises(CorruptSegmentError):
        unpack([segment[:cut], b"\x02"])  # a cut between two runs gives a valid shorter list
    with pytest.raises(CorruptSegmentError):
        unpack([b"\x01\x09\x00\x01" + segment])


def test_segment_with_text_that_is_not_utf8_is_rejected() -> None:
    assert unpack([b"\x01\xff\x00\x01\x00\x01a\x00\x01b"]) == {"a": "b"}
    for text in (b"\x00\x01\xffa\x00\x01b", b"\x00\x01a\x00\x01\x80", b"\x00\x02\xed\xa0\x00\x01b"):
        with pytest.raises(CorruptSegmentError):
            unpack([b"\x01\xff\x00\x01" + text])


def test_upper_case_digests_are_kept() -> None:
    images = {"a" * 64: "sha256:" + "AB" * 32, "b" * 64: "AB" * 32}
    assert unpack(pack(images)) == images
