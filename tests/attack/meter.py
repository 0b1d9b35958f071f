"""Counts what requests cause: bcrypt computations, units of the store, and calls to KMS."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import bcrypt
import pytest

from chalicelib.aws import Clients

_KILOBYTES_PER_WRITE_UNIT, _KILOBYTES_PER_READ_UNIT = 1, 4


class Meter:
    """The counts of one kind of attack.

    Attributes:
        requests: the number of requests.
        statuses: the number of responses with each status.
        bcrypt: the number of bcrypt computations.
        reads: the read units; an eventually consistent read would cost half of that.
        writes: the write units; failed conditions cost as much as successful writes.
        kms: the number of calls to KMS.
        most_reads: the read units of the most expensive request.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.statuses: dict[int, int] = {}
        self.bcrypt = 0
        self.reads = 0.0
        self.writes = 0.0
        self.kms = 0
        self.most_reads = 0.0

    def add_response(self, status: int, reads_before: float) -> None:
        """Count a request that has been answered."""
        self.requests += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.most_reads = max(self.most_reads, self.reads - reads_before)

    def per_thousand(self) -> dict[str, float]:
        """Return the counts per 1,000 requests."""
        counts = {"bcrypt": self.bcrypt, "read units": self.reads, "write units": self.writes, "KMS calls": self.kms}
        return {name: 1000 * count / max(1, self.requests) for name, count in counts.items()}


@contextmanager
def measured(clients: Clients, meter: Meter) -> Iterator[None]:
    """Count everything that happens in this block."""

    def add_call(parsed: Mapping[str, Any], model: Any, context: Mapping[str, Any], **_: Any) -> None:
        if model.service_model.service_name == "kms":
            meter.kms += 1
            return
        sizes = context.get("sizes", [])
        match model.name:
            case "GetItem":
                meter.reads += _units([_size(parsed.get("Item", {}))], _KILOBYTES_PER_READ_UNIT)
            case "Query" | "Scan":
                meter.reads += _units([sum(map(_size, parsed.get("Items", [])))], _KILOBYTES_PER_READ_UNIT)
            case "BatchGetItem":
                items = [item for table in parsed.get("Responses", {}).values() for item in table]
                meter.reads += _units(list(map(_size, items)), _KILOBYTES_PER_READ_UNIT)
            case "TransactWriteItems":
                meter.writes += 2 * _units(sizes, _KILOBYTES_PER_WRITE_UNIT)
            case _:
                meter.writes += _units(sizes, _KILOBYTES_PER_WRITE_UNIT)

    def add_sizes(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        if "TransactItems" in params:
            context["sizes"] = [_size_of_write(next(iter(write.values()))) for write in params["TransactItems"]]
        elif "RequestItems" in params:
            writes = [write for table in params["RequestItems"].values() if isinstance(table, list) for write in table]
            context["sizes"] = [_size_of_write(next(iter(write.values()))) for write in writes]
        else:
            context["sizes"] = [_size_of_write(params)]

    def add_bcrypt(compute: Any) -> Any:
        def computed(*arguments: Any) -> Any:
            meter.bcrypt += 1
            return compute(*arguments)

        return computed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bcrypt, "checkpw", add_bcrypt(bcrypt.checkpw))
        patch.setattr(bcrypt, "hashpw", add_bcrypt(bcrypt.hashpw))
        for client in clients:
            client.meta.events.register("provide-client-params.*.*", add_sizes, unique_id="sizes")
            client.meta.events.register("after-call.*.*", add_call, unique_id="meter")
        try:
            yield
        finally:
            for client in clients:
                client.meta.events.unregister("provide-client-params.*.*", add_sizes, unique_id="sizes")
                client.meta.events.unregister("after-call.*.*", add_call, unique_id="meter")


def _units(sizes: list[int], kilobytes: int) -> int:
    """Return the units for items of these sizes in bytes; at least one for each."""
    return sum(max(1, -(-size // (1024 * kilobytes))) for size in sizes)


def _size_of_write(write: Mapping[str, Any]) -> int:
    """Return the size of a written item. For an update it is that of the changed attributes."""
    return _size(write.get("Item") or {**write.get("Key", {}), **write.get("ExpressionAttributeValues", {})})


def _size(item: Mapping[str, Mapping[str, Any]]) -> int:
    return sum(len(name) + _length(value) for name, kind in item.items() for value in kind.values())


def _length(value: Any) -> int:
    return len(value) if isinstance(value, bytes) else len(str(value).encode())
