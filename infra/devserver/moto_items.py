"""The items of a table of moto in order, so that a query or a page of a scan reads only its own items.

`Items` replaces the plain dicts in `Table.items`, and has the operations of a dict that moto uses.
"""

import base64
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item


class SortedKeys:
    """String keys in order. They are sorted when they are needed first, so that loading many items is fast."""

    def __init__(self, keys: Iterable[Any]) -> None:
        self._source = keys
        self._sorted: list[str] | None = None

    def get(self) -> list[str]:
        """Return the keys in order. Do not change the list."""
        if self._sorted is None:
            self._sorted = sorted(key.value for key in self._source)
        return self._sorted

    def add(self, key: Any) -> None:
        """Note that a key was added."""
        if self._sorted is not None:
            insort(self._sorted, key.value)

    def discard(self, key: Any) -> None:
        """Note that a key was removed."""
        if self._sorted is not None:
            del self._sorted[bisect_left(self._sorted, key.value)]


class Partition(dict[Any, Item]):
    """The items of one hash key by range key. It is in the table only while it is not empty."""

    def __init__(self, items: "Items", hash_key: Any) -> None:
        self._items = items
        self._hash_key = hash_key
        self.range_keys = SortedKeys(self)

    def __setitem__(self, range_key: Any, item: Item) -> None:
        old = self.get(range_key)
        super().__setitem__(range_key, item)
        if old is None:
            self.range_keys.add(range_key)
            if len(self) == 1:
                self._items[self._hash_key] = self
        self._items.update_indexes(old, item)

    def pop(self, range_key: Any, *default: Any) -> Any:
        """Remove an item, and the partition from the table if it was the last one."""
        if range_key not in self:
            return super().pop(range_key, *default)
        item = super().pop(range_key)
        self.range_keys.discard(range_key)
        if not self:
            self._items.pop(self._hash_key)
        self._items.update_indexes(item, None)
        return item


class Items(dict[Any, Any]):
    """The value of `Table.items`: partitions by hash key, or items if the table has no range key."""

    def __init__(self, has_range_key: bool) -> None:
        self.hash_keys = SortedKeys(self)
        self._has_range_key = has_range_key
        self._indexes: dict[str, Index] = {}

    def __missing__(self, hash_key: Any) -> Partition:
        return Partition(self, hash_key)

    def __setitem__(self, hash_key: Any, value: Any) -> None:
        old = self.get(hash_key)
        super().__setitem__(hash_key, value)
        if old is None:
            self.hash_keys.add(hash_key)
        if not self._has_range_key:
            self.update_indexes(old, value)

    def pop(self, hash_key: Any, *default: Any) -> Any:
        """Remove a value."""
        if hash_key not in self:
            return super().pop(hash_key, *default)
        value = super().pop(hash_key)
        self.hash_keys.discard(hash_key)
        if not self._has_range_key:
            self.update_indexes(value, None)
        return value

    def find_by_attribute(self, name: str, value: DynamoType) -> list[Item]:
        """Return the items whose attribute has this value. The first call for an attribute reads all items."""
        if name not in self._indexes:
            self._indexes[name] = Index(name)
            for item in self.all_values():
                self._indexes[name].add(item)
        return list(self._indexes[name].items.get(value, {}).values())

    def all_values(self) -> Iterator[Item]:
        """Yield all items, in no order."""
        for value in self.values():
            yield from value.values() if self._has_range_key else (value,)

    def update_indexes(self, old: Item | None, new: Item | None) -> None:
        """Note that an item was replaced, added, removed or, if both are the same object, changed."""
        for index in self._indexes.values():
            if old is not None:
                index.discard(old)
            if new is not None:
                index.add(new)


class Index:
    """Items by the value of an attribute. Items without this attribute are not in it.

    `_values` has the value that each item is stored under, because an update has changed the item in the meantime.
    """

    def __init__(self, attribute: str) -> None:
        self.items: dict[Any, dict[int, Item]] = {}
        self._attribute = attribute
        self._values: dict[int, Any] = {}

    def add(self, item: Item) -> None:
        """Add an item if it has the attribute."""
        value = item.attrs.get(self._attribute)
        if value is not None:
            self.items.setdefault(value, {})[id(item)] = item
            self._values[id(item)] = value

    def discard(self, item: Item) -> None:
        """Remove an item, which may have changed since it was added."""
        value = self._values.pop(id(item), None)
        if value is not None:
            del self.items[value][id(item)]
            if not self.items[value]:
                del self.items[value]


def encode_value(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return an attribute value with bytes as base64, as moto stores it and as JSON needs it."""
    ((kind, content),) = value.items()
    match kind:
        case "B":
            content = _encode_bytes(content)
        case "BS":
            content = [_encode_bytes(item) for item in content]
        case "L":
            content = [encode_value(item) for item in content]
        case "M":
            content = {name: encode_value(item) for name, item in content.items()}
    return {kind: content}


def _encode_bytes(content: bytes | str) -> str:
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()
