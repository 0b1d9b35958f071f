"""AWS in this process, from moto, holding the production template's tables and key."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from threading import RLock
from typing import Any

import yaml
from moto import mock_aws
from moto.dynamodb.responses import DynamoHandler

from chalicelib.aws import Clients

TEMPLATE = Path(__file__).parents[1] / "template.yaml"
_TABLE_PROPERTIES = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")


@contextmanager
def local_aws() -> Iterator[None]:
    """Everything that this process asks of AWS is answered by moto, from memory, until the context ends."""
    _lock_dynamodb()
    for name in [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL")]:
        del os.environ[name]  # it would lead around moto
    with mock_aws():
        yield


def create_stack(aws: Clients, stack: str) -> None:
    """Creates the template's tables and key, as CloudFormation would under the name `stack`."""
    dynamodb, kms = aws
    keys: dict[str, str] = {}
    for name, resource in _resources().items():
        properties = resource["Properties"]
        match resource["Type"]:
            case "AWS::DynamoDB::Table":
                table = _name(properties["TableName"], stack)
                dynamodb.create_table(
                    TableName=table, **{key: properties[key] for key in _TABLE_PROPERTIES if key in properties}
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
                    AliasName=_name(properties["AliasName"], stack), TargetKeyId=keys[properties["TargetKeyId"]["Ref"]]
                )


@cache
def _resources() -> dict[str, Any]:
    resources: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text())["Resources"]
    return resources


def _name(value: dict[str, str], stack: str) -> str:
    return value["Fn::Sub"].replace("${Stack}", stack)


def _lock_dynamodb() -> None:
    """Moto's DynamoDB has no lock, and a failed transaction restores a copied table: without this, concurrent writes
    that it acknowledged get lost.
    """
    if hasattr(DynamoHandler.call_action, "locked"):
        return
    lock, call_action = RLock(), DynamoHandler.call_action

    @wraps(call_action)
    def locked(self: DynamoHandler) -> Any:
        with lock:
            return call_action(self)

    locked.locked = True  # type: ignore[attr-defined]
    DynamoHandler.call_action = locked  # type: ignore[method-assign]
