"""The export's file: everything of a stack as JSON Lines.

    {"format": "waybill export", "version": 1, "stack": "waybill-prod", "time": "2026-11-24T06:00:00+00:00"}
    {"item": {"username": {"S": "alice"}, …}, "table": "users"}       DynamoDB's JSON, bytes as base64
    {"counts": {"users": 1, …}}                                       last, so that a file that was cut is noticed

It holds password hashes: it is made readable for its owner alone.
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

from infra.deploy.data_template import Table, tables

FORMAT = "waybill export"
VERSION = 1
_SETS = ("SS", "NS", "BS")

Item = tuple[str, dict[str, Any]]  # the table's name and the item in DynamoDB's JSON
_Number = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$")]


class ExportError(Exception):
    """A file that is no export of Waybill's, or not a whole one. The message is one sentence for a person."""


class Header(msgspec.Struct, frozen=True):
    """The first line. Other keys are let pass, so that a later version is told apart from what is no export."""

    format: str
    version: int
    stack: str
    time: datetime


class Value(msgspec.Struct, forbid_unknown_fields=True):
    """An attribute's value as DynamoDB's JSON has it: exactly one of these."""

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


class ItemLine(msgspec.Struct, forbid_unknown_fields=True):
    """A line between the first and the last."""

    table: str
    item: dict[str, Value]


class LastLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last line: how many items of each table came before it."""

    counts: dict[str, int]


def write(out: IO[bytes], stack: str, items: Iterable[Item]) -> Counter[str]:
    """Writes an export of `stack`, and gives what it counted. Equal items make equal lines."""
    encode = msgspec.json.Encoder(order="sorted").encode
    header = Header(FORMAT, VERSION, stack, datetime.now(UTC).replace(microsecond=0))
    counts = Counter(dict.fromkeys(tables(), 0))
    out.write(msgspec.json.encode(header) + b"\n")
    for table, item in items:
        counts[table] += 1
        out.write(encode({"table": table, "item": _normal(item)}) + b"\n")
    out.write(encode({"counts": counts}) + b"\n")
    return counts


def read(lines: Iterable[bytes], name: str) -> Iterator[Item]:
    """The items of an export, checked line by line, with bytes as bytes. `name` is what messages call the file.

    Raises ExportError, and where it is the last line that is missing, only behind the last item.
    """
    numbered = enumerate(lines, start=1)
    _check_header(next(numbered, (1, b""))[1], name)
    decoder, counts = msgspec.json.Decoder(ItemLine), Counter(dict.fromkeys(tables(), 0))
    for number, line in numbered:
        if line.startswith(b'{"counts":'):
            _check_end(line, counts, f"{name}, line {number}")
            if next(numbered, None) is not None:
                raise ExportError(f"{name}, line {number + 1}: more follows what should be the last line")
            return
        try:
            found = decoder.decode(line)
            table = _known_table(found.table)
            item = msgspec.to_builtins(found.item, builtin_types=(bytes,))
            _check_item(table, item)
        except (msgspec.DecodeError, ValueError) as error:
            raise ExportError(f"{name}, line {number}: {error}") from error
        counts[table.name] += 1
        yield table.name, item
    raise ExportError(f"{name} ends without its last line, the counts: it is not whole")


def active_head(items: Iterable[Item]) -> Iterator[Item]:
    """Those of `items` that are not past their time: DynamoDB may forget the others at any moment."""
    now = time.time()
    for table, item in items:
        expires = tables()[table].expires
        if expires not in item or float(item[expires].get("N", "inf")) > now:
            yield table, item


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes `path`'s place when the context ends well, synced to disk; else `path` stays as it was.

    Readable for its owner alone. What a killed process leaves is a file beside it: `remains`.
    """
    path = path.resolve()  # a symbolic link stays one
    if not path.parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "there is no such folder", str(path.parent))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "this is something else than a file, and is not replaced", str(path))
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


def remains(path: Path) -> Iterator[Path]:
    """What processes that were killed while they wrote `path` have left beside it."""
    path = path.resolve()
    return (part for part in path.parent.iterdir() if part.name.startswith(f".{path.name}.") and part.suffix == ".part")


def _normal(item: dict[str, Any]) -> dict[str, Any]:
    """The same item with its sets in order: DynamoDB's have none."""
    return {
        name: {kind: sorted(value) if kind in _SETS else value for kind, value in typed.items()}
        for name, typed in item.items()
    }


def _check_header(line: bytes, name: str) -> None:
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.DecodeError, ValueError) as error:
        raise ExportError(f"{name} is no export of Waybill's: its first line is not an export's") from error
    if header.format != FORMAT:
        raise ExportError(f"{name} is no export of Waybill's: its first line is not an export's")
    if header.version != VERSION:
        raise ExportError(f"{name} is an export of version {header.version}; this Waybill reads version {VERSION}")


def _check_end(line: bytes, counts: Counter[str], place: str) -> None:
    try:
        said = msgspec.json.decode(line, type=LastLine).counts
    except (msgspec.DecodeError, ValueError) as error:
        raise ExportError(f"{place}: {error}") from error
    for table in sorted({*said, *counts}):
        if said.get(table, 0) != counts[table]:
            raise ExportError(
                f"{place}: it counts {said.get(table, 0)} items of {table}, and {counts[table]} came before it"
            )


def _known_table(name: str) -> Table:
    try:
        return tables()[name]
    except KeyError:
        raise ValueError(f"there is no table {name!r} in this Waybill") from None


def _check_item(table: Table, item: dict[str, Any]) -> None:
    for name, value in item.items():
        if len(value) != 1:
            raise ValueError(f"the value of {name!r} has to have exactly one type")
    for key in table.keys:
        if not item.get(key, {}).get("S"):
            raise ValueError(f"an item of {table.name} needs a text in {key!r}, which is part of its key")
