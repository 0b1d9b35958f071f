"""Counts the use of AWS by a request: DynamoDB units, KMS calls, bcrypt computations, and bytes.

moto does not count units like AWS. The meter reads the items before and after each call and applies DynamoDB's
published rules. A read unit is 4 KB and a write unit 1 KB. A write in a transaction counts twice, an eventually
consistent read half, and a write once more for each index that contains the item.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from typing import Any
from unittest import mock

import bcrypt
from msgspec import Struct

from chalicelib.aws import Clients, create_clients
from infra.deploy.data_template import tables

READ_UNIT_BYTES, WRITE_UNIT_BYTES = 4096, 1024
_INDEXED_ATTRIBUTES = {  # table -> the key of its index; an item without this attribute is not in the index
    table.name: index["KeySchema"][0]["AttributeName"]
    for table in tables().values()
    for index in table.properties.get("GlobalSecondaryIndexes", [])
}
Item = Mapping[str, Mapping[str, Any]]


class Usage(Struct):
    """The use of AWS."""

    reads: float = 0
    writes: float = 0
    macs: int = 0
    bcrypts: int = 0
    bytes_out: int = 0
    bytes_logged: int = 0


@contextmanager
def measure_usage(aws: Clients) -> Iterator[Usage]:
    """Count the calls through `aws` and the bcrypt computations until the end of the block."""
    usage, meter = Usage(), _Meter(aws)
    handlers: list[tuple[Any, str, Callable[..., None]]] = [
        (aws.dynamodb, "before-call.dynamodb.*", meter.before_call),
        (aws.dynamodb, "after-call.dynamodb.*", lambda **kwargs: meter.after_call(usage, **kwargs)),
        (aws.kms, "before-call.kms.GenerateMac", lambda **_: setattr(usage, "macs", usage.macs + 1)),
    ]
    for client, event, handler in handlers:
        client.meta.events.register(event, handler)
    try:
        with (
            mock.patch.object(bcrypt, "checkpw", wraps=bcrypt.checkpw) as checks,
            mock.patch.object(bcrypt, "hashpw", wraps=bcrypt.hashpw) as hashes,
        ):
            yield usage
        usage.bcrypts = checks.call_count + hashes.call_count
    finally:
        for client, event, handler in handlers:
            client.meta.events.unregister(event, handler)


class _Meter:
    """Handles the events of one client. It reads items through another client, whose calls are not counted."""

    def __init__(self, aws: Clients) -> None:
        self._dynamodb = create_clients(aws.dynamodb.meta.region_name).dynamodb
        self._request: dict[str, Any] = {}
        self._key_attributes: dict[str, list[str]] = {}
        self._before: list[tuple[str, Item, Item]] = []

    def before_call(self, model: Any, params: Mapping[str, Any], **_: Any) -> None:
        self._request = json.loads(params["body"])
        written = map(self._find_key, _find_written_items(model.name, self._request))
        self._before = [(table, key, self._get_item(table, key)) for table, key in written]

    def after_call(self, usage: Usage, model: Any, parsed: Mapping[str, Any], **_: Any) -> None:
        weight = _consistency_weight(self._request)
        match model.name:
            case "GetItem":
                usage.reads += weight * _count_units([parsed.get("Item", {})], READ_UNIT_BYTES)
            case "Query":
                usage.reads += weight * _count_units(parsed["Items"], READ_UNIT_BYTES)
            case "BatchGetItem":
                for table, request in self._request["RequestItems"].items():
                    items = parsed["Responses"].get(table, [])
                    missing = len(request["Keys"]) - len(items)
                    units = sum(_count_units([item], READ_UNIT_BYTES) for item in items) + missing
                    usage.reads += _consistency_weight(request) * units
        times = 2 if model.name == "TransactWriteItems" else 1
        for table, key, before in self._before:
            after = self._get_item(table, key)
            units = max(_count_units([before], WRITE_UNIT_BYTES), _count_units([after], WRITE_UNIT_BYTES))
            attribute = _INDEXED_ATTRIBUTES.get(table.rpartition("-")[2])
            is_indexed = attribute is not None and (attribute in before or attribute in after)
            usage.writes += times * units + (units if is_indexed else 0)

    def _find_key(self, written: tuple[str, Item]) -> tuple[str, Item]:
        table, item = written
        if table not in self._key_attributes:
            schema = self._dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
            self._key_attributes[table] = [key["AttributeName"] for key in schema]
        return table, {name: item[name] for name in self._key_attributes[table]}

    def _get_item(self, table: str, key: Item) -> Item:
        item: Item = self._dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
        return item


def _consistency_weight(request: Mapping[str, Any]) -> float:
    return 1.0 if request.get("ConsistentRead") else 0.5


def _find_written_items(operation: str, request: Mapping[str, Any]) -> Iterable[tuple[str, Item]]:
    """Yield the table and at least the key of each item that a call writes or checks."""
    match operation:
        case "PutItem" | "UpdateItem" | "DeleteItem":
            yield request["TableName"], request.get("Item") or request["Key"]
        case "TransactWriteItems":
            for entry in request["TransactItems"]:
                (action,) = entry.values()
                yield action["TableName"], action.get("Item") or action["Key"]
        case "BatchWriteItem":
            for table, entries in request["RequestItems"].items():
                for entry in entries:
                    (action,) = entry.values()
                    yield table, action.get("Item") or action["Key"]


def _count_units(items: Iterable[Item], unit: int) -> int:
    return max(1, ceil(sum(_item_size(item) for item in items) / unit))


def _item_size(item: Item) -> int:
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
            return sum(len(text.encode()) for text in value)
    return 1
