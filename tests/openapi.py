"""docs/reference/openapi.yaml for tests: its operations, and the operation of a request."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

DOCUMENT: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[1] / "docs" / "reference" / "openapi.yaml").read_text()
)
METHODS = ("get", "put", "post", "delete")

Operation = tuple[str, str, Mapping[str, Any]]  # the method, the path and the description


def resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the target of a reference, extended by the other keys of `node`. Return any other node unchanged."""
    if "$ref" not in node:
        return node
    target: Any = DOCUMENT
    for part in node["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return {**resolved(target), **{key: value for key, value in node.items() if key != "$ref"}}


def operations() -> Iterator[Operation]:
    """Yield every operation of the document."""
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def call_of(method: str, target: str) -> Operation | None:
    """Return the operation of a request, or None if the document does not describe it."""
    described_method, path = "GET" if method == "HEAD" else method, target.partition("?")[0]
    for pattern, operation in _patterns():
        if operation[0] == described_method and pattern.fullmatch(path):
            return operation
    return None


@cache
def _patterns() -> list[tuple[re.Pattern[str], Operation]]:
    """Return the path patterns. Those with fewer variables come first, because API Gateway prefers them too."""
    sorted_operations = sorted(operations(), key=lambda operation: operation[1].count("{"))
    return [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", operation[1]) + "/?"), operation) for operation in sorted_operations
    ]
