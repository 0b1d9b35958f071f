"""AWS in this process, from moto, holding the production template's tables and key."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import RLock
from typing import Any

from moto import mock_aws
from moto.core.common_models import BaseModel
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler

from chalicelib.aws import Clients
from infra.deploy.data_template import named, resources, tables

_TABLE_PROPERTIES = (
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "DeletionProtectionEnabled",
)
_READS = frozenset({"BatchGetItem", "DescribeTable", "DescribeTimeToLive", "GetItem", "ListTables", "Query", "Scan"})
_LOCK = RLock()
_writes = 0


@contextmanager
def local_aws() -> Iterator[None]:
    """Everything that this process asks of AWS is answered by moto, from memory, until the context ends."""
    _lock_dynamodb()
    _quicken_dynamodb()
    _forget_what_was()
    for name in [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL")]:
        del os.environ[name]  # it would lead around moto
    with mock_aws():
        yield


def create_stack(aws: Clients, stack: str) -> None:
    """Creates the template's tables and key, as CloudFormation would under the name `stack`."""
    dynamodb, kms = aws
    keys: dict[str, str] = {}
    for name, resource in resources().items():
        properties = resource["Properties"]
        match resource["Type"]:
            case "AWS::DynamoDB::Table":
                table = named(properties["TableName"], stack)
                dynamodb.create_table(
                    TableName=table, **{key: properties[key] for key in _TABLE_PROPERTIES if key in properties}
                )
                dynamodb.update_continuous_backups(
                    TableName=table,
                    PointInTimeRecoverySpecification=properties["PointInTimeRecoverySpecification"],
                )
                if "TimeToLiveSpecification" in properties:
                    dynamodb.update_time_to_live(
                        TableName=table, TimeToLiveSpecification=properties["TimeToLiveSpecification"]
                    )
            case "AWS::KMS::Key":
                made = kms.create_key(KeySpec=properties["KeySpec"], KeyUsage=properties["KeyUsage"])
                keys[name] = made["KeyMetadata"]["KeyId"]
            case "AWS::KMS::Alias":
                kms.create_alias(
                    AliasName=named(properties["AliasName"], stack),
                    TargetKeyId=keys[properties["TargetKeyId"]["Ref"]],
                )


def items(stack: str, region: str) -> list[tuple[str, dict[str, Any]]]:
    """Every item of the stack as (table, DynamoDB's JSON), as they stood at one moment."""
    with _LOCK:
        return [
            (table, {name: value.to_regular_json() for name, value in item.attrs.items()})
            for table in tables()
            for item in _backend(region).get_table(f"{stack}-{table}").all_items()
        ]


def put(stack: str, region: str, found: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Puts items, as (table, DynamoDB's JSON with base64 for bytes), past the API: five times as fast."""
    backend = _backend(region)
    with _LOCK:
        for table, item in found:
            backend.put_item(f"{stack}-{table}", item)


def writes() -> int:
    """How many calls that may have changed something this process has taken so far."""
    return _writes


def _backend(region: str) -> Any:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][region]


def _lock_dynamodb() -> None:
    """Moto's DynamoDB has no lock, and a failed transaction restores a copied table: without this, concurrent writes
    that it acknowledged get lost. It counts writes, too: `writes`.
    """
    if hasattr(DynamoHandler.call_action, "locked"):
        return
    call_action = DynamoHandler.call_action

    @wraps(call_action)
    def locked(self: DynamoHandler) -> Any:
        global _writes
        with _LOCK:
            if self._get_action() not in _READS:
                _writes += 1
            return call_action(self)

    locked.locked = True  # type: ignore[attr-defined]
    DynamoHandler.call_action = locked  # type: ignore[method-assign]


def _quicken_dynamodb() -> None:
    """Moto looks for each of an attribute's ten types under several spellings: half a millisecond for an item that is
    in the shape of the reply already.
    """
    if hasattr(BaseJSONSerializer._serialize_type_structure, "quick"):
        return
    walk = BaseJSONSerializer._serialize_type_structure

    @wraps(walk)
    def quick(self: BaseJSONSerializer, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name != "AttributeValue" or "L" in value or "M" in value:
            walk(self, serialized, value, shape, key)
        elif isinstance(value.get("B"), bytes):
            serialized[key] = {"B": self._base64(value["B"])}
        else:
            serialized[key] = value

    quick.quick = True  # type: ignore[attr-defined]
    BaseJSONSerializer._serialize_type_structure = quick  # type: ignore[method-assign]


def _forget_what_was() -> None:
    """Moto keeps whatever there ever was, for its own server's dashboard, and with it a copy of every table for each
    transaction: the local server would grow without end.
    """
    BaseModel.__new__ = lambda cls, *_, **__: object.__new__(cls)  # type: ignore[method-assign]
