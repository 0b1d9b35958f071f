"""What infra/deploy/data.yaml declares: the one source of which tables there are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).with_name("data.yaml")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the template.

    Attributes:
        name: without the stack's: `users`.
        keys: the attributes of its key, strings all of them.
        expires: the attribute that says when DynamoDB may forget an item; None where nothing expires.
        properties: what CloudFormation gets.
    """

    name: str
    keys: tuple[str, ...]
    expires: str | None
    properties: Mapping[str, Any] = field(repr=False)


@cache
def document() -> dict[str, Any]:
    """The whole of it, as CloudFormation takes it: YAML's anchors are not for it."""
    written: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text())
    return written


def resources() -> dict[str, Any]:
    """Everything that the template declares, by logical name."""
    declared: dict[str, Any] = document()["Resources"]
    return declared


@cache
def tables() -> dict[str, Table]:
    """The tables, by name."""
    declared = (
        resource["Properties"] for resource in resources().values() if resource["Type"] == "AWS::DynamoDB::Table"
    )
    return {table.name: table for table in map(_table, declared)}


def named(value: Mapping[str, str], stack: str) -> str:
    """The name that `{"Fn::Sub": "${Stack}-…"}` becomes in `stack`."""
    return value["Fn::Sub"].replace("${Stack}", stack)


def _table(properties: Mapping[str, Any]) -> Table:
    return Table(
        name=named(properties["TableName"], "").removeprefix("-"),
        keys=tuple(key["AttributeName"] for key in properties["KeySchema"]),
        expires=properties.get("TimeToLiveSpecification", {}).get("AttributeName"),
        properties=properties,
    )
