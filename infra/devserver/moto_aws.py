"""AWS in this process, emulated by moto, with the tables and the key of the production template."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from moto import mock_aws

from chalicelib.aws import Clients
from chalicelib.settings import Settings
from infra.admin import table_copy
from infra.admin.export_format import Item
from infra.deploy.data_template import resolve_name, resources
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

    Clients for DynamoDB that are created in the block are safe for threads.
    """
    endpoints = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("AWS_ENDPOINT_URL")}
    try:
        with LOCK.installed(), mock_aws():  # clients would call these endpoints instead of moto
            yield
    finally:
        os.environ.update(endpoints)


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


def count_writes() -> int:
    """Return the number of calls so far that may have changed data."""
    return LOCK.writes


def _create_table(dynamodb: Any, table: str, properties: dict[str, Any]) -> None:
    dynamodb.create_table(TableName=table, **{key: properties[key] for key in _TABLE_PROPERTIES if key in properties})
    dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification=properties["PointInTimeRecoverySpecification"]
    )
    if "TimeToLiveSpecification" in properties:
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=properties["TimeToLiveSpecification"])
