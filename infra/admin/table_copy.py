"""Everything of a stack out of its tables, and into them."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec

from infra.admin.export_format import Item, active_head
from infra.admin.target import Target
from infra.deploy.data_template import tables

_BATCH_ITEMS = 25  # what BatchWriteItem takes
_BATCH_BYTES = 4_000_000  # it takes 16 MB, and the local server 10 MB of JSON
_ATTEMPTS = 10
_encode = msgspec.json.Encoder(order="sorted").encode


class CopyError(Exception):
    """DynamoDB keeps putting items off. The message is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a stack holds that a file does not: how many items, and one of them."""

    count: int
    table: str
    key: str


def size(index: Target) -> int:
    """How many items the stack has, about: DynamoDB counts every few hours."""
    described = (index.aws.dynamodb.describe_table(TableName=index.settings.table(name)) for name in tables())
    return sum(table["Table"].get("ItemCount", 0) for table in described)


def items(index: Target) -> Iterator[Item]:
    """Every item, as DynamoDB's JSON with bytes as bytes.

    It is a reading, not a snapshot: what changes meanwhile is in it or not.
    """
    for table in tables():
        pages = index.aws.dynamodb.get_paginator("scan").paginate(
            TableName=index.settings.table(table), ConsistentRead=True
        )
        for page in pages:
            yield from ((table, item) for item in page["Items"])


def foreign(index: Target, found: Iterable[Item]) -> Foreign | None:
    """What the stack holds beside `found`; None where it is empty, or has a part of it, as after an interruption.

    `found` is read only where the stack holds something, and to its end.
    """
    there = {_digest(item): (item[0], _key(*item)) for item in active_head(items(index))}
    if not there:
        return None
    for item in found:
        there.pop(_digest(item), None)
    for table, key in there.values():
        return Foreign(len(there), table, key)
    return None


def put(index: Target, found: Iterable[Item], advance: Callable[[int], object]) -> None:
    """Writes items, in batches; what has the same key is replaced. Raises CopyError."""
    batch: dict[tuple[str, str], Item] = {}
    room = _BATCH_BYTES
    for table, item in found:
        required = len(_encode(item))
        if len(batch) == _BATCH_ITEMS or required > room:
            _write(index, list(batch.values()))
            advance(len(batch))
            batch, room = {}, _BATCH_BYTES
        batch[table, _key(table, item)] = (table, item)  # the last of a key counts, and a batch takes each key once
        room -= required
    if batch:
        _write(index, list(batch.values()))
        advance(len(batch))


def _write(index: Target, batch: list[Item]) -> None:
    """One batch; what DynamoDB puts off is sent again, later each time."""
    left: dict[str, list[object]] = {}
    for table, item in batch:
        left.setdefault(index.settings.table(table), []).append({"PutRequest": {"Item": item}})
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(min(0.05 * 2**attempt, 5))
        left = index.aws.dynamodb.batch_write_item(RequestItems=left).get("UnprocessedItems") or {}
        if not left:
            return
    raise CopyError(f"DynamoDB keeps putting off {sum(map(len, left.values()))} items; run the import again")


def _key(table: str, item: dict[str, dict[str, str]]) -> str:
    """An item's key in one string; its parts hold no newline in any table."""
    return "\n".join(item[name]["S"] for name in tables()[table].keys)


def _digest(item: Item) -> bytes:
    return hashlib.blake2b(_encode(item), digest_size=16).digest()
