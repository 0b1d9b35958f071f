"""A BatchGetItem that DynamoDB answers in parts."""

from typing import Any

import pytest

from chalicelib.domain.errors import Unavailable
from chalicelib.storage.batch_reads import read_items


class ThrottledClient:
    """Returns the items of one table in each call."""

    def __init__(self, tables: list[str]) -> None:
        self._tables = tables
        self.requests: list[set[str]] = []

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803  # boto's name
        self.requests.append(set(RequestItems))
        assert all(keys["ConsistentRead"] for keys in RequestItems.values())
        table = self._tables.pop(0) if self._tables else ""
        rest = {name: keys for name, keys in RequestItems.items() if name != table}
        return {"Responses": {table: [{"name": {"S": table}}]} if table else {}, "UnprocessedKeys": rest}


def test_items_that_were_left_out_are_read_again() -> None:
    client = ThrottledClient(["users", "counters"])
    found = read_items(client, {"users": [{}], "counters": [{}]})
    assert {name: items[0]["name"]["S"] for name, items in found.items()} == {"users": "users", "counters": "counters"}
    assert client.requests == [{"users", "counters"}, {"counters"}]


def test_incomplete_answer_is_an_error() -> None:
    """Otherwise a session that was ended would be valid while the table is throttled."""
    with pytest.raises(Unavailable):
        read_items(ThrottledClient(["users"]), {"users": [{}], "counters": [{}]})
