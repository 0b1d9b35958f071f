"""docs/reference/openapi.yaml, as tests ask it."""

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


def resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference leads to, with what stands beside it; any other node as it is."""
    if "$ref" not in node:
        return node
    found: Any = DOCUMENT
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return {**resolved(found), **{key: value for key, value in node.items() if key != "$ref"}}


def operations() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every call that is described, as (method, path, operation)."""
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def call_of(method: str, target: str) -> tuple[str, str, Mapping[str, Any]] | None:
    """The call that a request is; None for what is not described, and so not served."""
    asked, path = "GET" if method == "HEAD" else method, target.partition("?")[0]
    for pattern, found in _patterns():
        if found[0] == asked and pattern.fullmatch(path):
            return found
    return None


@cache
def _patterns() -> list[tuple[re.Pattern[str], tuple[str, str, Mapping[str, Any]]]]:
    """Fewer variables first, as API Gateway takes them: `{repository}/images` before `{namespace}/{repository}`."""
    calls = sorted(operations(), key=lambda call: call[1].count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", call[1]) + "/?"), call) for call in calls]
