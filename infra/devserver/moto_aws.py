"""AWS in this process, emulated by moto, with the tables and the key of the production template."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from moto import mock_aws

from chalicelib.aws import Clients
from chalicelib.settings import Settings
from infra.admin import table_copy
from infra.admin.export_format import Item
from infra.deploy.data_template import resolve_name, resources, tables
from infra.devserver import moto_speed
from infra.devserver.aws_configuration import empty_aws_configuration
from infra.devserver.moto_lock import LOCK

_TABLE_PROPERTIES = (
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "DeletionProtectionEnabled",
)


@contextmanager
def local_aws() -> Iterator[None]:
    """Let moto answer all calls to AWS from this process, from an empty state, until the block ends.

    Clients for DynamoDB that are created in the block are safe for threads. The AWS configuration of the environment
    does not affect them.
    """
    with empty_aws_configuration(), LOCK.installed(), mock_aws():
        yield


def create_stack(clients: Clients, stack: str) -> None:
    """Create the tables and the key of the template, as CloudFormation does for a stack of this name."""
    dynamodb, kms = clients
    keys: dict[str, str] = {}
    for name, resource in resources().items():
        properties = resource["Properties"]
        match resource["Type"]:
            case "AWS::DynamoDB::Table":
                _create_table(dynamodb, resolve_name(properties["TableName"], stack), properties)
            case "AWS::KMS::Key":
                response = kms.create_key(KeySpec=properties["KeySpec"], KeyUsage=properties["KeyUsage"])
                keys[name] = response["KeyMetadata"]["KeyId"]
            case "AWS::KMS::Alias":
                kms.create_alias(
                    AliasName=resolve_name(properties["AliasName"], stack),
                    TargetKeyId=keys[properties["TargetKeyId"]["Ref"]],
                )


def read_items(clients: Clients, settings: Settings) -> list[Item]:
    """Return all items of the stack at one moment, as (table, DynamoDB's JSON with bytes as bytes).

    All other calls to DynamoDB wait in the meantime.
    """
    with LOCK.held():
        return list(table_copy.scan_items(clients.dynamodb, settings))


def put_items(clients: Clients, settings: Settings, items: Iterable[Item]) -> None:
    """Write items, as (table, DynamoDB's JSON with bytes as bytes)."""
    table_copy.put_items(clients.dynamodb, settings, items)


def take_snapshot(settings: Settings) -> Iterator[Item]:
    """Yield all items of the stack at the moment of the call, as (table, DynamoDB's JSON with bytes as bytes).

    Other calls to DynamoDB wait for about 0.1 µs for each item, not until all items were yielded.
    """
    names = {settings.table(name): name for name in tables()}
    with LOCK.held():
        snapshot = moto_speed.take_snapshot(settings.region, names)
    return (
        (names[table], moto_speed.decode_item(item)) for table, items in snapshot for item in sorted(items, key=_key_of)
    )


def load_items(settings: Settings, items: Iterable[Item]) -> None:
    """Write items as `put_items` does, five times as fast. Raises moto's exceptions for invalid items."""
    for table, item in items:
        with LOCK.held():
            moto_speed.put_item(settings.region, settings.table(table), item)


def count_writes() -> int:
    """Return the number of calls so far that may have changed data."""
    return LOCK.writes


def _key_of(item: Any) -> tuple[str, str]:
    return item.hash_key.value, item.range_key.value if item.range_key else ""


def _create_table(dynamodb: Any, table: str, properties: dict[str, Any]) -> None:
    dynamodb.create_table(TableName=table, **{key: properties[key] for key in _TABLE_PROPERTIES if key in properties})
    dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification=properties["PointInTimeRecoverySpecification"]
    )
    if "TimeToLiveSpecification" in properties:
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=properties["TimeToLiveSpecification"])
