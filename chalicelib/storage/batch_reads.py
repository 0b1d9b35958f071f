"""Reads of single items from several tables at once."""

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.errors import Unavailable

_MAX_ATTEMPTS = 4  # DynamoDB leaves out items if a table is throttled


def read_items(client: Any, keys: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the items that exist, one of each table. One strongly consistent BatchGetItem. Raises Unavailable.

    Args:
        client: a botocore client for DynamoDB.
        keys: the key of one item, by the full name of its table.
    """
    pending: dict[str, Any] = {name: {"Keys": [key], "ConsistentRead": True} for name, key in keys.items()}
    found: dict[str, Mapping[str, Any]] = {}
    for _ in range(_MAX_ATTEMPTS):
        response = client.batch_get_item(RequestItems=pending)
        found |= {name: items[0] for name, items in response["Responses"].items() if items}
        pending = response.get("UnprocessedKeys") or {}
        if not pending:
            return found
    raise Unavailable
