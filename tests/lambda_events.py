"""Events as API Gateway gives them to the function, with whatever a test puts into them."""

import base64
from collections.abc import Mapping
from typing import Any

from tests.index import Index, Response


def send(
    index: Index,
    method: str,
    resource: str,
    *,
    parameters: Mapping[str, str] | None = None,
    query: Mapping[str, list[str]] | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Response:
    """Past the local gateway: path variables are decoded already, and a header may hold what no HTTP server lets in."""
    event = {
        "resource": resource,
        "httpMethod": method,
        "requestContext": {
            "httpMethod": method,
            "resourcePath": resource,
            "requestId": "a-request",
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "pathParameters": dict(parameters or {}) or None,
        "multiValueQueryStringParameters": dict(query or {}) or None,
        "headers": dict(headers or {}) or None,
        "stageVariables": None,
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }
    answer: dict[str, Any] = index._gateway._chalice(event, None)
    several = {name: ", ".join(values) for name, values in answer["multiValueHeaders"].items()}
    named = {name.lower(): value for name, value in {**answer["headers"], **several}.items()}
    return Response(answer["statusCode"], named, (answer["body"] or "").encode())
