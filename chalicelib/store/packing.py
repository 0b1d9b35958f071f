"""The bytes of an image list's segment: about 64 an image, against 190 for an item of its own.

    segment = version (1 byte), then runs
    run     = form (1 byte), count (2 bytes, big endian), then `count` entries of that form
    entry   = HEX: 32 bytes of id | PREFIXES[n] + digest: 32 bytes of id, 32 of digest
            | TEXT: length (2 bytes) and UTF-8 of the id, then of the checksum

Order is kept. The published API's own example has ids and checksums that are no hex: TEXT is for those.
"""

import re
from collections.abc import Mapping
from struct import Struct

SEGMENT_BYTES = 350_000  # an item holds 400 KB, its key and the encoding included
VERSION = 1

_PREFIXES = ("", "sha256:", "tarsum+sha256:", "tarsum.v1+sha256:")
_HEX, _DIGEST, _TEXT = 0, 1, 255  # a digest's form is _DIGEST + its prefix's place
_HEX_64 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_RUN = Struct(">BH")
_LENGTH = Struct(">H")
_RUN_ENTRIES = 0xFFFF


class CorruptSegment(ValueError):
    """Bytes that `pack` did not write."""


def pack(images: Mapping[str, str], segment_bytes: int = SEGMENT_BYTES) -> list[bytes]:
    """Packs a list of id -> checksum ('' where there is none) into as few segments of `segment_bytes` as hold it."""
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
    """Merges a segment into `images`: new ids go to the end, a checksum replaces, its absence changes nothing.

    Raises CorruptSegment.
    """
    if segment[:1] != bytes([VERSION]):
        raise CorruptSegment("the segment's version is unknown")
    at = 1
    while at < len(segment):
        form, count, at = *_read(_RUN, segment, at), at + _RUN.size
        if form == _TEXT:
            at = _unpack_text(images, segment, at, count)
            continue
        if form > len(_PREFIXES):
            raise CorruptSegment("the segment has a run of an unknown form")
        size = 32 if form == _HEX else 64
        digits = segment[at : at + size * count].hex()
        if len(digits) != size * count * 2:
            raise CorruptSegment("the segment is cut short")
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
        raise CorruptSegment("the segment is cut short")
    try:
        return segment[start : start + length].decode(), start + length
    except UnicodeDecodeError:
        raise CorruptSegment("the segment has a text that is no UTF-8") from None


def _read(struct: Struct, segment: bytes, at: int) -> tuple[int, ...]:
    if at + struct.size > len(segment):
        raise CorruptSegment("the segment is cut short")
    return struct.unpack_from(segment, at)
