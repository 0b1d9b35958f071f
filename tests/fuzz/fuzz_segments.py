"""Fuzzes the bytes of segments (`storage.segment_codec`): any bytes are a list, or raise CorruptSegmentError.

Unpacking and packing again keeps the list and its order, and a list has only one encoding. Inputs that start with the
byte 1 describe lists to pack; other inputs are segments to unpack.
"""

import re
import sys

import atheris

with atheris.instrument_imports(include=["chalicelib.storage.segment_codec"]):
    from chalicelib.storage import segment_codec

from tests.fuzz.runner import run

HEX = "0123456789abcdef" * 4
EXAMPLES = [
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


def check(data: bytes) -> None:
    """Check one input."""
    if data[:1] == b"\1":
        images = _generate_list(data[1:])
        assert _unpack(segment_codec.pack(images)) == list(images.items()), "packing has changed the list"
        return
    try:
        listed = dict(_unpack([data[1:]]))
    except segment_codec.CorruptSegmentError:
        return
    packed = segment_codec.pack(listed)
    assert _unpack(packed) == list(listed.items()), "packing has changed the list"
    assert segment_codec.pack(dict(_unpack(packed))) == packed, "one list has two encodings"


def _unpack(segments: list[bytes]) -> list[tuple[str, str]]:
    """Return the entries in their order."""
    images: dict[str, str] = {}
    for segment in segments:
        segment_codec.unpack_into(images, segment)
    return list(images.items())


def _generate_list(data: bytes) -> dict[str, str]:
    provider = atheris.FuzzedDataProvider(data)
    images = {}
    for _ in range(provider.ConsumeIntInRange(0, 8)):
        if provider.ConsumeBool():
            image_id = HEX[provider.ConsumeIntInRange(0, 15) :]
        else:
            image_id = provider.ConsumeUnicodeNoSurrogates(70)
        prefix = provider.PickValueInList(["", "sha256:", "tarsum+sha256:", "tarsum.v1+sha256:", ":", "md5:"])
        digest = HEX if provider.ConsumeBool() else provider.ConsumeUnicodeNoSurrogates(70)
        images[image_id.ljust(64, "0") if provider.ConsumeBool() else image_id] = prefix + digest
    return images


def plant_fault() -> None:
    """Plant a fault: treat upper-case digits as hexadecimal, so that they are unpacked in lower case."""
    segment_codec._HEX_64 = re.compile(segment_codec._HEX_64.pattern, re.ASCII | re.IGNORECASE)


if __name__ == "__main__":
    if sys.argv[2:] == ["fault"]:
        plant_fault()
    run(check, EXAMPLES, int(sys.argv[1]))
