"""Trims botocore's descriptions of AWS services to the operations that the index uses.

botocore parses them at a cold start. Descriptions of all services are also most of the size of Chalice's own package.
"""

import gzip
import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

OPERATIONS = {  # the operations that the index calls
    "dynamodb": (
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactWriteItems",
        "UpdateItem",
    ),
    "kms": ("GenerateMac", "GetPublicKey", "Sign"),
    "logs": ("FilterLogEvents",),
    "ses": ("SendEmail",),
}
SHARED_FILES = ("_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json")


def trim_service_models(data: Path) -> None:
    """Remove unused operations, endpoints of other services, old versions and documentation from `botocore/data`."""
    endpoints = data / "endpoints.json"
    content = json.loads(endpoints.read_text())
    for partition in content["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in services if name in OPERATIONS}
    endpoints.write_text(_to_json(content))
    for service, operations in OPERATIONS.items():
        *old, current = sorted((data / service).iterdir())
        for version in old:
            shutil.rmtree(version)
        for compressed in current.glob("*.json.gz"):
            model = json.loads(gzip.decompress(compressed.read_bytes()), object_hook=_remove_documentation)
            if compressed.name == "service-2.json.gz":
                _keep_operations(model, operations)
            compressed.with_suffix("").write_text(_to_json(model))
            compressed.unlink()


def _to_json(content: Any) -> str:
    return json.dumps(content, separators=(",", ":"))


def _remove_documentation(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "documentation" or not isinstance(value, str)}


def _keep_operations(model: dict[str, Any], names: Iterable[str]) -> None:
    """Remove the other operations, and the shapes that only they use."""
    model["operations"] = {name: model["operations"][name] for name in names}
    shapes, pending = model.pop("shapes"), list(_find_shapes(model["operations"]))
    model["shapes"] = {}
    while pending:
        name = pending.pop()
        if name not in model["shapes"]:
            model["shapes"][name] = shapes[name]
            pending += _find_shapes(shapes[name])


def _find_shapes(content: Any) -> Iterator[str]:
    """Yield the names of the shapes to which a part of a model refers."""
    if isinstance(content, dict):
        if isinstance(content.get("shape"), str):
            yield content["shape"]
        content = list(content.values())
    if isinstance(content, list):
        for part in content:
            yield from _find_shapes(part)
