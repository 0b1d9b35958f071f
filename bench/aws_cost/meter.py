"""Counts what a request uses: DynamoDB's units by DynamoDB's own rules, calls to KMS, rounds of bcrypt, bytes sent.

The local engine's own figures are not AWS's. What is counted here are the items that a call reads and writes, as they
are before and after it, rounded as the published rules say: reads to 4 KB, writes to 1 KB, twice in a transaction, half
for a read that may be late, once more for each index that has the item.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Any
from unittest import mock

import bcrypt

from chalicelib.aws import Clients, create_clients
from infra.deploy.data_template import tables

READ_BYTES, WRITE_BYTES = 4096, 1024
_INDEXED = {  # table -> the attribute without which an item is not in its index
    table.name: index["KeySchema"][0]["AttributeName"]
    for table in tables().values()
    for index in table.properties.get("GlobalSecondaryIndexes", [])
}
Item = Mapping[str, Mapping[str, Any]]


@dataclass(slots=True)
class Use:
    """What was used."""

    reads: float = 0
    writes: float = 0
    macs: int = 0
    bcrypts: int = 0
    bytes_out: int = 0
    bytes_logged: int = 0


@contextmanager
def metered(aws: Clients) -> Iterator[Use]:
    """Counts what is asked through `aws` and of bcrypt meanwhile."""
    use, meter = Use(), _Meter(aws)
    handlers: list[tuple[Any, str, Callable[..., None]]] = [
        (aws.dynamodb, "before-call.dynamodb.*", meter.before),
        (aws.dynamodb, "after-call.dynamodb.*", lambda **kwargs: meter.after(use, **kwargs)),
        (aws.kms, "before-call.kms.GenerateMac", lambda **_: setattr(use, "macs", use.macs + 1)),
    ]
    for client, event, handler in handlers:
        client.meta.events.register(event, handler)
    try:
        with (
            mock.patch.object(bcrypt, "checkpw", wraps=bcrypt.checkpw) as checks,
            mock.patch.object(bcrypt, "hashpw", wraps=bcrypt.hashpw) as hashes,
        ):
            yield use
        use.bcrypts = checks.call_count + hashes.call_count
    finally:
        for client, event, handler in handlers:
            client.meta.events.unregister(event, handler)


class _Meter:
    """Follows one client's calls. Looks at items through another, which is not counted."""

    def __init__(self, aws: Clients) -> None:
        self._dynamodb = create_clients(aws.dynamodb.meta.region_name).dynamodb
        self._asked: dict[str, Any] = {}
        self._keys: dict[str, list[str]] = {}
        self._before: list[tuple[str, Item, Item]] = []

    def before(self, model: Any, params: Mapping[str, Any], **_: Any) -> None:
        self._asked = json.loads(params["body"])
        written = _written(model.name, self._asked)
        self._before = [(table, key, self._item(table, key)) for table, key in map(self._key, written)]

    def after(self, use: Use, model: Any, parsed: Mapping[str, Any], **_: Any) -> None:
        strong = 1.0 if self._asked.get("ConsistentRead") else 0.5
        match model.name:
            case "GetItem":
                use.reads += strong * _units([parsed.get("Item", {})], READ_BYTES)
            case "Query":
                use.reads += strong * _units(parsed["Items"], READ_BYTES)
            case "BatchGetItem":
                for table, request in self._asked["RequestItems"].items():
                    weight = 1.0 if request.get("ConsistentRead") else 0.5
                    found = parsed["Responses"].get(table, [])
                    missing = len(request["Keys"]) - len(found)
                    use.reads += weight * (sum(_units([item], READ_BYTES) for item in found) + missing)
        times = 2 if model.name == "TransactWriteItems" else 1
        for table, key, was in self._before:
            now = self._item(table, key)
            units = max(_units([was], WRITE_BYTES), _units([now], WRITE_BYTES))
            index = _INDEXED.get(table.rpartition("-")[2])
            indexed = index is not None and (index in was or index in now)
            use.writes += times * units + (units if indexed else 0)

    def _key(self, written: tuple[str, Item]) -> tuple[str, Item]:
        table, item = written
        if table not in self._keys:
            schema = self._dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
            self._keys[table] = [key["AttributeName"] for key in schema]
        return table, {name: item[name] for name in self._keys[table]}

    def _item(self, table: str, key: Item) -> Item:
        item: Item = self._dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
        return item


def _written(operation: str, asked: Mapping[str, Any]) -> Iterable[tuple[str, Item]]:
    """The items that a call writes or checks, each as its table and at least its key."""
    match operation:
        case "PutItem" | "UpdateItem" | "DeleteItem":
            yield asked["TableName"], asked.get("Item") or asked["Key"]
        case "TransactWriteItems":
            for each in asked["TransactItems"]:
                (action,) = each.values()
                yield action["TableName"], action.get("Item") or action["Key"]
        case "BatchWriteItem":
            for table, requests in asked["RequestItems"].items():
                for request in requests:
                    (action,) = request.values()
                    yield table, action.get("Item") or action["Key"]


def _units(items: Iterable[Item], unit: int) -> int:
    return max(1, ceil(sum(_size(item) for item in items) / unit))


def _size(item: Item) -> int:
    return sum(len(name.encode()) + _value_size(*next(iter(value.items()))) for name, value in item.items())


def _value_size(kind: str, value: Any) -> int:
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return len(value) // 2 + 1
        case "B":
            return len(value if isinstance(value, bytes) else base64.b64decode(value))
        case "SS":
            return sum(len(each.encode()) for each in value)
    return 1
