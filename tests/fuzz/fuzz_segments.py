"""The bytes of a segment (`store.packing`): whatever they are, they are a list or are refused with the one error.

What is a list packs into bytes that are that list, and only into those. Half of the inputs are lists to pack.
"""

import re
import sys

import atheris

with atheris.instrument_imports(include=["chalicelib.storage.segment_codec"]):
    from chalicelib.storage import segment_codec

from tests.fuzz.runner import run

HEX = "0123456789abcdef" * 4
SEEDS = [
    b"\0" + segment
    for images in (
        {},
        {HEX: ""},
        {HEX: f"sha256:{HEX}"},
        {"a": "b", "c": ""},
        {HEX: "", "a": "", HEX[::-1]: HEX},
    )
    for segment in (segment_codec.pack(images) or [b"\1"])
] + [b"\0\1\xff\0\1\0\x40" + HEX.encode() + b"\0\0", b"\1a list"]


def one(data: bytes) -> None:
    """One input."""
    if data[:1] == b"\1":
        images = _drawn(data[1:])
        assert _unpacked(segment_codec.pack(images)) == list(images.items()), "what was packed does not come back"
        return
    try:
        found = dict(_unpacked([data[1:]]))
    except segment_codec.CorruptSegmentError:
        return
    again = segment_codec.pack(found)
    assert _unpacked(again) == list(found.items()), "what was unpacked does not come back"
    assert segment_codec.pack(dict(_unpacked(again))) == again, "one list packs in two ways"


def _unpacked(segments: list[bytes]) -> list[tuple[str, str]]:
    """With its order."""
    images: dict[str, str] = {}
    for segment in segments:
        segment_codec.unpack_into(images, segment)
    return list(images.items())


def _drawn(data: bytes) -> dict[str, str]:
    draw = atheris.FuzzedDataProvider(data)
    images = {}
    for _ in range(draw.ConsumeIntInRange(0, 8)):
        image_id = HEX[draw.ConsumeIntInRange(0, 15) :] if draw.ConsumeBool() else draw.ConsumeUnicodeNoSurrogates(70)
        prefix = draw.PickValueInList(["", "sha256:", "tarsum+sha256:", "tarsum.v1+sha256:", ":", "md5:"])
        digest = HEX if draw.ConsumeBool() else draw.ConsumeUnicodeNoSurrogates(70)
        images[image_id.ljust(64, "0") if draw.ConsumeBool() else image_id] = prefix + digest
    return images


def plant() -> None:
    """A fault for the harness to find: digits are taken for a digest in any case, and come back in one."""
    segment_codec._HEX_64 = re.compile(segment_codec._HEX_64.pattern, re.ASCII | re.IGNORECASE)


if __name__ == "__main__":
    if sys.argv[2:] == ["planted"]:
        plant()
    run(one, SEEDS, int(sys.argv[1]))
