"""Reads of single items from several tables at once."""

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.errors import Unavailable

_MAX_ATTEMPTS = 4  # DynamoDB leaves out items if a table is throttled


def read_items(client: Any, keys: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the items that exist, by table, in no order. One strongly consistent BatchGetItem. Raises Unavailable.

    Args:
        client: a botocore client for DynamoDB.
        keys: the keys of the items, by the full name of their table. A table without keys is not read.
    """
    pending = {name: {"Keys": list(each), "ConsistentRead": True} for name, each in keys.items() if each}
    found: dict[str, list[Mapping[str, Any]]] = {name: [] for name in keys}
    for _ in range(_MAX_ATTEMPTS):
        response = client.batch_get_item(RequestItems=pending)
        for name, items in response["Responses"].items():
            found[name] += items
        pending = response.get("UnprocessedKeys") or {}
        if not pending:
            return found
    raise Unavailable
