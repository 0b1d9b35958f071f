"""Events of an HTTP API of API Gateway, and a gateway that sends them to the function.

The formats are those of the examples in "Working with AWS Lambda proxy integrations for HTTP APIs".
"""

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from infra.devserver.gateway import GatewayResponse

if TYPE_CHECKING:
    from tests.index import Index, Response

PayloadFormat = Literal["1.0", "2.0"]
REQUEST_ID = "JKJaXmPLvHcESHA="  # API Gateway's format; it is not a UUID
_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/javascript")


class HttpApiGateway:
    """Sends requests to a function as API Gateway does. `app` is the function."""

    def __init__(self, app: Any, payload_format: PayloadFormat) -> None:
        self._app = app
        self._create_event = {"1.0": create_event_1, "2.0": create_event_2}[payload_format]

    def handle(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"", client_ip: str = "127.0.0.1"
    ) -> GatewayResponse:
        """Handle one request. `target` is a path with a query, or an absolute URL."""
        return decode_response(self._app(self._create_event(method, target, headers, body, client_ip), None))


def decode_response(result: Mapping[str, Any]) -> GatewayResponse:
    """Return the response that a client receives for the result of the function."""
    multiple = {name: ", ".join(values) for name, values in (result.get("multiValueHeaders") or {}).items()}
    body = (result.get("body") or "").encode()
    if result.get("isBase64Encoded"):
        body = base64.b64decode(body)
    return GatewayResponse(result["statusCode"], {**(result.get("headers") or {}), **multiple}, body)


def create_event_1(
    method: str, target: str, headers: Mapping[str, str], body: bytes = b"", client_ip: str = "127.0.0.1"
) -> dict[str, Any]:
    """Return an event of payload format 1.0 for the route `$default`. API Gateway decodes the path."""
    path, query = _split(target)
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    text, is_encoded = _encode_body(headers, body)
    return {
        "version": "1.0",
        "resource": "$default",
        "path": unquote(path),
        "httpMethod": method,
        "headers": dict(headers),
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: items[-1] for name, items in values.items()} or None,
        "multiValueQueryStringParameters": values or None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "id",
            "authorizer": {"claims": None, "scopes": None},
            "domainName": "id.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "id",
            "extendedRequestId": REQUEST_ID,
            "httpMethod": method,
            "identity": {"sourceIp": client_ip, "userAgent": headers.get("user-agent")},
            "path": unquote(path),
            "protocol": "HTTP/1.1",
            "requestId": REQUEST_ID,
            "requestTime": "04/Mar/2020:19:15:17 +0000",
            "requestTimeEpoch": 1583349317135,
            "resourceId": None,
            "resourcePath": "$default",
            "stage": "$default",
        },
        "pathParameters": None,
        "stageVariables": None,
        "body": text,
        "isBase64Encoded": is_encoded,
    }


def create_event_2(
    method: str, target: str, headers: Mapping[str, str], body: bytes = b"", client_ip: str = "127.0.0.1"
) -> dict[str, Any]:
    """Return an event of payload format 2.0 for the route `$default`. Header names are in lower case."""
    path, query = _split(target)
    text, is_encoded = _encode_body(headers, body)
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": unquote(path),
        "rawQueryString": query,
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "id",
            "domainName": "id.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "id",
            "http": {
                "method": method,
                "path": unquote(path),
                "protocol": "HTTP/1.1",
                "sourceIp": client_ip,
                "userAgent": headers.get("user-agent"),
            },
            "requestId": REQUEST_ID,
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1583348638390,
        },
        "isBase64Encoded": is_encoded,
    }
    return event if text is None else {**event, "body": text}


def send(
    index: "Index",
    method: str,
    resource: str,
    *,
    parameters: Mapping[str, str] | None = None,
    query: Mapping[str, list[str]] | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> "Response":
    """Call the function with any path variables and headers.

    A header can contain characters that an HTTP server rejects.
    """
    from tests.index import Response

    path = resource
    for name, value in (parameters or {}).items():
        path = path.replace("{" + name + "}", value)
    event = create_event_1(method, "/", headers or {}, body, "192.0.2.1")
    event |= {
        "path": path,
        "headers": dict(headers or {}) or None,
        "multiValueQueryStringParameters": dict(query or {}) or None,
    }
    received = decode_response(index.app(event, None))
    lower = {name.lower(): value for name, value in received.headers.items()}
    return Response(received.status, lower, received.body)


def _split(target: str) -> tuple[str, str]:
    """Return the path and the query, each as it was sent."""
    if not target.startswith("/"):
        try:
            url = urlsplit(target)
        except ValueError:
            return target, ""
        return url.path or "/", url.query
    path, _, query = target.partition("?")
    return quote(path, safe="/%:@!$&'()*+,;=~"), query


def _encode_body(headers: Mapping[str, str], body: bytes) -> tuple[str | None, bool]:
    """Return the body of an event. API Gateway encodes it with base64 unless the Content-Type is a text type."""
    if not body:
        return None, False
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if kind.startswith(_TEXT_TYPES):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True
