"""The tables and the keys that infra/deploy/data.yaml declares. It is the only list of tables."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

DATA_TEMPLATE = Path(__file__).with_name("data.yaml")


class Table(Struct, frozen=True):
    """A table of the template.

    Attributes:
        name: the name without the stack: `users`.
        keys: the attributes of its key. All of them are strings.
        expires: the attribute with the time after which DynamoDB deletes an item, or None.
        properties: the properties for CloudFormation.
    """

    name: str
    keys: tuple[str, ...]
    expires: str | None
    properties: Mapping[str, Any]


@cache
def read_data_template() -> dict[str, Any]:
    """Return the template."""
    template: dict[str, Any] = yaml.safe_load(DATA_TEMPLATE.read_text())
    return template


def resources(*, with_token_key: bool = False) -> dict[str, Any]:
    """Return the resources by logical name. The key of bearer tokens is included only on request."""
    declared: dict[str, Any] = read_data_template()["Resources"]
    return {name: value for name, value in declared.items() if with_token_key or "Condition" not in value}


@cache
def tables() -> dict[str, Table]:
    """Return the tables by name."""
    return {
        table.name: table
        for table in (
            _parse_table(resource["Properties"])
            for resource in resources().values()
            if resource["Type"] == "AWS::DynamoDB::Table"
        )
    }


def resolve_name(value: Mapping[str, str], stack: str) -> str:
    """Return the text of `{"Fn::Sub": "${Stack}-…"}` in `stack`."""
    return value["Fn::Sub"].replace("${Stack}", stack)


def _parse_table(properties: Mapping[str, Any]) -> Table:
    return Table(
        name=resolve_name(properties["TableName"], "").removeprefix("-"),
        keys=tuple(key["AttributeName"] for key in properties["KeySchema"]),
        expires=properties.get("TimeToLiveSpecification", {}).get("AttributeName"),
        properties=properties,
    )
