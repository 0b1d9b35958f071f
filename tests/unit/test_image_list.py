"""Parsing, merging, limits and encoding of image lists."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import InvalidInput, TooLarge
from chalicelib.domain.image_list import (
    MAX_IMAGES,
    ImageEntry,
    check_image_count,
    encode_image_list,
    find_changes,
    merge_images,
    parse_image_entries,
)

IDS = st.sampled_from(["a", "b", "0c", "d1", "e", "f", "a" * 64])
CHECKSUMS = st.sampled_from(["", "sha256:ab", "sha256:cd", "ef", "tarsum.v1+sha256:ab"])
LISTS = st.dictionaries(IDS, CHECKSUMS, max_size=8)


def test_repeated_ids_are_one_image_with_the_known_checksum() -> None:
    entries = [ImageEntry("b"), ImageEntry("a", "cd"), ImageEntry("b", "ef"), ImageEntry("a", ""), ImageEntry("b")]
    assert list(parse_image_entries(entries).items()) == [("b", "ef"), ("a", "cd")]


@pytest.mark.parametrize("image_id", ["", "A", "a" * 65, "a b", "a\n", "ä", "a/b"])
def test_malformed_id_is_rejected(image_id: str) -> None:
    with pytest.raises(InvalidInput):
        parse_image_entries([ImageEntry("good"), ImageEntry(image_id)])


@pytest.mark.parametrize("checksum", ['"', "sha256:", "a b", "a\r\nb", "x" * 129])
def test_malformed_checksum_is_rejected(checksum: str) -> None:
    with pytest.raises(InvalidInput):
        parse_image_entries([ImageEntry("a", checksum)])


def test_different_checksums_of_one_id_are_rejected() -> None:
    with pytest.raises(InvalidInput, match="image a"):
        parse_image_entries([ImageEntry("a", "b"), ImageEntry("a", "c")])


def test_list_of_30000_images_is_accepted_and_one_more_is_not() -> None:
    entries = [ImageEntry(f"{n:x}") for n in range(MAX_IMAGES)]
    images = parse_image_entries(entries)
    check_image_count(images)
    with pytest.raises(TooLarge, match=str(MAX_IMAGES)):
        parse_image_entries([*entries, ImageEntry("one0more")])
    with pytest.raises(TooLarge):
        check_image_count(images | {"one0more": ""})


@given(LISTS, LISTS)
def test_merge_keeps_order_and_prefers_new_checksums(existing: dict[str, str], images: dict[str, str]) -> None:
    merged = merge_images(existing, images)
    assert list(merged) == list(existing) + [image_id for image_id in images if image_id not in existing]
    assert all(merged[image_id] == (images.get(image_id) or existing.get(image_id, "")) for image_id in merged)


@given(LISTS, LISTS)
def test_changes_are_the_smallest_list_with_the_same_merge(existing: dict[str, str], images: dict[str, str]) -> None:
    changes = find_changes(existing, images)
    merged = merge_images(existing, images)
    assert list(merge_images(existing, changes).items()) == list(merged.items())
    for image_id in changes:
        without = {other: checksum for other, checksum in changes.items() if other != image_id}
        assert merge_images(existing, without) != merged


@given(LISTS, LISTS)
def test_repeated_merge_changes_nothing(existing: dict[str, str], images: dict[str, str]) -> None:
    merged = merge_images(existing, images)
    assert find_changes(merged, images) == {}


@given(LISTS)
def test_encoded_list_is_json_with_the_known_checksums(images: dict[str, str]) -> None:
    assert json.loads(encode_image_list(images)) == [
        {"id": image_id, "checksum": checksum} if checksum else {"id": image_id}
        for image_id, checksum in images.items()
    ]
