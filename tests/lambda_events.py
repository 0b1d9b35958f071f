"""Events of API Gateway, with any content."""

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
    """Call the function directly, without the local gateway.

    The path variables are decoded already. A header can contain characters that an HTTP server rejects.
    """
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
    result: dict[str, Any] = index.app(event, None)
    multiple = {name: ", ".join(values) for name, values in result["multiValueHeaders"].items()}
    lower = {name.lower(): value for name, value in {**result["headers"], **multiple}.items()}
    return Response(result["statusCode"], lower, (result["body"] or "").encode())
