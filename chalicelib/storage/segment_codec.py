"""The bytes of a segment of an image list: about 64 per image. A DynamoDB item for each image would need 190.

    segment = version (1 byte), then runs
    run     = form (1 byte), count (2 bytes, big-endian), then `count` entries of that form
    entry   = HEX: 32 bytes of id
            | PREFIXES[n] + digest: 32 bytes of id, 32 bytes of digest
            | TEXT: length (2 bytes) and UTF-8 of the id, then of the checksum

The order is kept. The published API has examples whose ids and checksums are not hexadecimal; they use TEXT.
"""

import re
from collections.abc import Mapping
from struct import Struct

SEGMENT_BYTES = 350_000  # a DynamoDB item holds 400 KB, including its key and the encoding
VERSION = 1

_PREFIXES = ("", "sha256:", "tarsum+sha256:", "tarsum.v1+sha256:")
_HEX, _DIGEST, _TEXT = 0, 1, 255  # the form of a digest is _DIGEST + the index of its prefix
_HEX_64 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_RUN = Struct(">BH")
_LENGTH = Struct(">H")
_RUN_ENTRIES = 0xFFFF


class CorruptSegmentError(ValueError):
    """The bytes were not written by `pack`."""


def pack(images: Mapping[str, str], segment_bytes: int = SEGMENT_BYTES) -> list[bytes]:
    """Return the segments for a list (id to checksum, '' if none is known), each of at most `segment_bytes`."""
    segments: list[bytes] = []
    segment, form, count, header = bytearray([VERSION]), -1, 0, 0
    for image_id, checksum in images.items():
        entry_form, entry = _entry(image_id, checksum)
        if len(segment) > 1 and len(segment) + _RUN.size + len(entry) > segment_bytes:
            segments.append(bytes(segment))
            segment, form = bytearray([VERSION]), -1
        if entry_form != form or count == _RUN_ENTRIES:
            form, count, header = entry_form, 0, len(segment)
            segment += _RUN.pack(form, 0)
        segment += entry
        count += 1
        _RUN.pack_into(segment, header, form, count)
    if len(segment) > 1:
        segments.append(bytes(segment))
    return segments


def unpack_into(images: dict[str, str], segment: bytes) -> None:
    """Merge a segment into `images`. New ids are added at the end; a checksum replaces an earlier one.

    Raises CorruptSegmentError.
    """
    if segment[:1] != bytes([VERSION]):
        raise CorruptSegmentError("the segment has an unknown version")
    at = 1
    while at < len(segment):
        form, count, at = *_read(_RUN, segment, at), at + _RUN.size
        if form == _TEXT:
            at = _unpack_text(images, segment, at, count)
            continue
        if form > len(_PREFIXES):
            raise CorruptSegmentError("the segment has a run with an unknown form")
        size = 32 if form == _HEX else 64
        digits = segment[at : at + size * count].hex()
        if len(digits) != size * count * 2:
            raise CorruptSegmentError("the segment is truncated")
        at += size * count
        if form == _HEX:
            for start in range(0, len(digits), 64):
                images.setdefault(digits[start : start + 64], "")
        else:
            prefix = _PREFIXES[form - _DIGEST]
            for start in range(0, len(digits), 128):
                images[digits[start : start + 64]] = prefix + digits[start + 64 : start + 128]


def _entry(image_id: str, checksum: str) -> tuple[int, bytes]:
    if _HEX_64.fullmatch(image_id):
        if not checksum:
            return _HEX, bytes.fromhex(image_id)
        prefix, colon, digest = checksum.rpartition(":")
        if _HEX_64.fullmatch(digest) and prefix + colon in _PREFIXES:
            return _DIGEST + _PREFIXES.index(prefix + colon), bytes.fromhex(image_id + digest)
    fields = (image_id.encode(), checksum.encode())
    return _TEXT, b"".join(_LENGTH.pack(len(field)) + field for field in fields)


def _unpack_text(images: dict[str, str], segment: bytes, at: int, count: int) -> int:
    for _ in range(count):
        image_id, at = _read_text(segment, at)
        checksum, at = _read_text(segment, at)
        if checksum or image_id not in images:
            images[image_id] = checksum
    return at


def _read_text(segment: bytes, at: int) -> tuple[str, int]:
    (length,), start = _read(_LENGTH, segment, at), at + _LENGTH.size
    if start + length > len(segment):
        raise CorruptSegmentError("the segment is truncated")
    try:
        return segment[start : start + length].decode(), start + length
    except UnicodeDecodeError:
        raise CorruptSegmentError("the segment has a text that is not UTF-8") from None


def _read(struct: Struct, segment: bytes, at: int) -> tuple[int, ...]:
    if at + struct.size > len(segment):
        raise CorruptSegmentError("the segment is truncated")
    return struct.unpack_from(segment, at)
