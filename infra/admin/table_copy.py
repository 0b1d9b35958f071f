"""Reads and writes all items of an index through DynamoDB's API."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from chalicelib.settings import Settings
from infra.admin.export_format import Item, skip_expired
from infra.deploy.data_template import tables

_BATCH_ITEMS = 25  # the limit of BatchWriteItem
_BATCH_BYTES = 4_000_000  # BatchWriteItem accepts 16 MB, and the local server 10 MB of JSON
_MAX_ATTEMPTS = 10
_encode = msgspec.json.Encoder(order="sorted").encode


class CopyError(Exception):
    """DynamoDB does not accept the items. The message is for the operator."""


class ExtraItems(msgspec.Struct, frozen=True):
    """Items of an index that are not in a file.

    Attributes:
        count: the number of items.
        table: the table of the first item.
        key: the key of the first item.
    """

    count: int
    table: str
    key: str


def count_items(dynamodb: Any, settings: Settings) -> int:
    """Return the approximate number of items. DynamoDB updates it every few hours."""
    descriptions = (dynamodb.describe_table(TableName=settings.table(name)) for name in tables())
    return sum(description["Table"].get("ItemCount", 0) for description in descriptions)


def scan_items(dynamodb: Any, settings: Settings) -> Iterator[Item]:
    """Yield all items. This is not a snapshot: a change during the scan may be included or not."""
    for table in tables():
        scan = dynamodb.get_paginator("scan")
        for page in scan.paginate(TableName=settings.table(table), ConsistentRead=True):
            yield from ((table, item) for item in page["Items"])


def find_extra_items(dynamodb: Any, settings: Settings, items: Iterable[Item]) -> ExtraItems | None:
    """Return the items of the index that are not in `items`, or None if there are none.

    `items` is read only if the index is not empty.
    """
    extra = {_digest(item): (item[0], _key_of(*item)) for item in skip_expired(scan_items(dynamodb, settings))}
    if extra:
        for item in items:
            extra.pop(_digest(item), None)
    for table, key in extra.values():
        return ExtraItems(len(extra), table, key.replace("\n", " "))
    return None


def put_items(
    dynamodb: Any, settings: Settings, items: Iterable[Item], advance: Callable[[int], object] = lambda _: None
) -> None:
    """Write items in batches. An item replaces the stored item with the same key. Raises CopyError.

    `advance` is called after each batch with the number of its items.
    """
    batch: dict[tuple[str, str], Item] = {}
    room = _BATCH_BYTES
    for table, item in items:
        size = len(_encode(item))
        if len(batch) == _BATCH_ITEMS or size > room:
            _write_batch(dynamodb, settings, list(batch.values()))
            advance(len(batch))
            batch, room = {}, _BATCH_BYTES
        batch[table, _key_of(table, item)] = (table, item)  # a batch cannot contain a key twice; the last one counts
        room -= size
    if batch:
        _write_batch(dynamodb, settings, list(batch.values()))
        advance(len(batch))


def _write_batch(dynamodb: Any, settings: Settings, batch: list[Item]) -> None:
    """Write one batch. Repeat unprocessed items with increasing delays."""
    requests: dict[str, list[object]] = {}
    for table, item in batch:
        requests.setdefault(settings.table(table), []).append({"PutRequest": {"Item": item}})
    for attempt in range(_MAX_ATTEMPTS):
        if attempt:
            time.sleep(min(0.05 * 2**attempt, 5))
        requests = dynamodb.batch_write_item(RequestItems=requests).get("UnprocessedItems") or {}
        if not requests:
            return
    count = sum(map(len, requests.values()))
    raise CopyError(f"DynamoDB did not accept {count} items after {_MAX_ATTEMPTS} attempts; run the import again")


def _key_of(table: str, item: dict[str, dict[str, str]]) -> str:
    """Return the key of an item as one string. No key contains a line feed."""
    return "\n".join(item[name]["S"] for name in tables()[table].keys)


def _digest(item: Item) -> bytes:
    return hashlib.blake2b(_encode(item), digest_size=16).digest()
