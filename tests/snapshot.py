"""A copy of all items of an index, to which its tables can return."""

from typing import Any

from infra.deploy.data_template import tables
from infra.devserver.moto_aws import read_items
from tests.index import Index

_BATCH_ITEMS = 25  # the limit of BatchWriteItem

Key = tuple[str, tuple[str, ...]]  # the table, and the values of the key


class Snapshot:
    """The items of an index at the time of the creation of this object."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._items = self._read()

    def restore(self) -> None:
        """Write what has changed since, through the API."""
        current = self._read()
        requests: list[tuple[str, dict[str, Any]]] = []
        for key in current.keys() - self._items.keys():
            table, values = key
            names = tables()[table].keys
            item_key = {name: {"S": value} for name, value in zip(names, values, strict=True)}
            requests.append((table, {"DeleteRequest": {"Key": item_key}}))
        for key, item in self._items.items():
            if current.get(key) != item:
                requests.append((key[0], {"PutRequest": {"Item": item}}))
        for start in range(0, len(requests), _BATCH_ITEMS):
            batch: dict[str, list[dict[str, Any]]] = {}
            for table, request in requests[start : start + _BATCH_ITEMS]:
                batch.setdefault(self._index.settings.table(table), []).append(request)
            self._index.aws.dynamodb.batch_write_item(RequestItems=batch)

    def _read(self) -> dict[Key, dict[str, Any]]:
        items = read_items(self._index.aws, self._index.settings)
        return {(table, tuple(item[name]["S"] for name in tables()[table].keys)): dict(item) for table, item in items}
