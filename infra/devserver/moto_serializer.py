"""A fast path of moto's response serializer for DynamoDB's attribute values; see moto_speed.py."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.serialize import BaseJSONSerializer


def serialize_type_structure(original: Callable[..., None]) -> Callable[..., None]:
    """Serialize attribute values without a search for each type. They already have the shape of the response."""

    def serialize(self: BaseJSONSerializer, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name == "AttributeValue" and isinstance(value, dict) and len(value) == 1:
            serialized[key] = encode_value(value)
        else:
            original(self, serialized, value, shape, key)

    return serialize


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
