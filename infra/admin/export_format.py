"""The file of an export: all items of an index as JSON Lines.

    {"format": "waybill export", "version": 1, "stack": "waybill-prod", "time": "2026-11-24T06:00:00+00:00"}
    {"item": {"username": {"S": "alice"}, …}, "table": "users"}       DynamoDB's JSON, bytes as base64
    {"counts": {"users": 1, …}}                                       the last line; without it the file is incomplete

The file contains password hashes, so that only its owner can read it.
"""

import errno
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from infra.deploy.data_template import tables

FORMAT = "waybill export"
VERSION = 1
_SETS = ("SS", "NS", "BS")

Item = tuple[str, dict[str, Any]]  # the name of the table, and the item in DynamoDB's JSON
_Number = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$")]


class ExportError(Exception):
    """The file is not an export, or is incomplete. The message is for the operator."""


class Header(msgspec.Struct, frozen=True):
    """The first line. Unknown keys are accepted, so that a later version is recognized."""

    format: str
    version: int
    stack: str
    time: datetime


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An attribute value in DynamoDB's JSON. Exactly one of the fields is set."""

    S: str | UnsetType = UNSET
    N: _Number | UnsetType = UNSET
    B: bytes | UnsetType = UNSET
    BOOL: bool | UnsetType = UNSET
    NULL: bool | UnsetType = UNSET
    SS: list[str] | UnsetType = UNSET
    NS: list[_Number] | UnsetType = UNSET
    BS: list[bytes] | UnsetType = UNSET
    L: "list[Value] | UnsetType" = UNSET
    M: "dict[str, Value] | UnsetType" = UNSET


class ItemLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line between the first and the last."""

    table: str
    item: dict[str, Value]


class LastLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last line: the number of items of each table."""

    counts: dict[str, int]


def write_export(output: IO[bytes], stack: str, items: Iterable[Item]) -> Counter[str]:
    """Write an export and return the number of items of each table. Equal items give equal lines."""
    encode = msgspec.json.Encoder(order="sorted").encode
    header = Header(FORMAT, VERSION, stack, datetime.now(UTC).replace(microsecond=0))
    counts = Counter(dict.fromkeys(tables(), 0))
    output.write(msgspec.json.encode(header) + b"\n")
    for table, item in items:
        counts[table] += 1
        output.write(encode({"table": table, "item": _sort_sets(item)}) + b"\n")
    output.write(encode({"counts": counts}) + b"\n")
    return counts


def read_export(lines: Iterable[bytes], name: str) -> Iterator[Item]:
    """Yield the items of an export, with bytes as bytes. Each line is checked.

    `name` is the file in messages. Raises ExportError. A missing last line is reported after the last item.
    """
    numbered = enumerate(lines, start=1)
    _check_header(next(numbered, (1, b""))[1], name)
    decoder, counts = msgspec.json.Decoder(ItemLine), Counter(dict.fromkeys(tables(), 0))
    for number, line in numbered:
        place = f"{name}, line {number}"
        try:
            if line.startswith(b'{"counts":'):
                _check_counts(msgspec.json.decode(line, type=LastLine).counts, counts)
                if next(numbered, None) is not None:
                    raise ValueError("the counts must be the last line")
                return
            item_line = decoder.decode(line)
            item = msgspec.to_builtins(item_line.item, builtin_types=(bytes,))
            _check_item(item_line.table, item)
        except (msgspec.DecodeError, ValueError) as error:
            raise ExportError(f"{place}: {error}") from error
        counts[item_line.table] += 1
        yield item_line.table, item
    raise ExportError(f"{name} is incomplete: the last line with the counts is missing")


def skip_expired(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items that have not expired. DynamoDB may delete the others at any time."""
    now = time.time()
    for table, item in items:
        expires = tables()[table].expires
        if expires not in item or float(item[expires].get("N", "inf")) > now:
            yield table, item


@contextmanager
def replace_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file that replaces `path` at the end of the block, after it is synced to disk.

    If the block raises an error, `path` is unchanged. Only the owner can read the new file. A killed process leaves a
    partial file in the same folder, see `find_partial_files`.
    """
    path = path.resolve()  # so that a symbolic link is kept
    if not path.parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "the folder does not exist", str(path.parent))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "this is not a regular file, and cannot be replaced", str(path))
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False) as part:
        try:
            yield part.file
            part.flush()
            os.fsync(part.fileno())
            Path(part.name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(part.name).unlink()
            raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def find_partial_files(path: Path) -> Iterator[Path]:
    """Yield the partial files that killed processes have left for `path`."""
    path = path.resolve()
    return (part for part in path.parent.iterdir() if part.name.startswith(f".{path.name}.") and part.suffix == ".part")


def _sort_sets(item: dict[str, Any]) -> dict[str, Any]:
    """Return the item with sorted sets, because the order of a set in DynamoDB is undefined."""
    return {
        name: {kind: sorted(value) if kind in _SETS else value for kind, value in typed.items()}
        for name, typed in item.items()
    }


def _check_header(line: bytes, name: str) -> None:
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.DecodeError, ValueError):
        header = None
    if header is None or header.format != FORMAT:
        raise ExportError(f"{name} is not an export of Waybill: the header in line 1 is missing")
    if header.version != VERSION:
        raise ExportError(f"{name} has the format version {header.version}; this Waybill reads version {VERSION}")


def _check_counts(expected: dict[str, int], counts: Counter[str]) -> None:
    for table in sorted({*expected, *counts}):
        if expected.get(table, 0) != counts[table]:
            raise ValueError(
                f"the counts require {expected.get(table, 0)} items of {table}, but the file has {counts[table]}"
            )


def _check_item(table_name: str, item: dict[str, Any]) -> None:
    table = tables().get(table_name)
    if table is None:
        raise ValueError(f"this Waybill has no table {table_name!r}")
    for name, value in item.items():
        if len(value) != 1:
            raise ValueError(f"the value of {name!r} must have exactly one type")
    for key in table.keys:
        if not item.get(key, {}).get("S"):
            raise ValueError(f"an item of {table_name} needs a non-empty string {key!r}, because it is part of the key")
    from infra.admin.item_validation import validate_item  # imports PynamoDB, which a help text does not need

    validate_item(table_name, item)
