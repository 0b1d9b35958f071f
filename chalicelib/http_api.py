"""Events and responses of an API Gateway HTTP API whose only route is `$default`.

The gateway does not find the endpoint, so this module does. It accepts the payload formats 1.0 and 2.0 and returns the
event of a REST API, which Chalice expects. The formats are documented in "Working with AWS Lambda proxy integrations
for HTTP APIs".
"""

import base64
import gzip
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct

from chalicelib.api.http import Route

COMPRESSED_FROM_BYTES = 10_240
_COMPRESSION_LEVEL = 5

Event = dict[str, Any]
LambdaResponse = dict[str, Any]


class RouteMatch(Struct, frozen=True):
    """The endpoint of a request. `path` has its variables in braces; `parameters` has their values."""

    path: str
    parameters: dict[str, str]


class RouteTable:
    """Finds the endpoint of a path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        methods: dict[str, set[str]] = {}
        for route in routes:
            methods.setdefault(route.path, set()).update(["GET", "HEAD"] if route.method == "GET" else [route.method])
        self._methods = methods
        self._by_length: dict[int, list[tuple[list[str], str]]] = {}
        for path in sorted(methods, key=lambda path: (path.count("{"), path)):  # words precede variables
            segments = path.strip("/").split("/")
            self._by_length.setdefault(len(segments), []).append((segments, path))

    def find(self, method: str, path: str) -> RouteMatch | None:
        """Return the endpoint, or None. One slash at the end of the path is ignored."""
        return next((match for match in self._find_all(path) if method in self._methods[match.path]), None)

    def find_methods(self, path: str) -> set[str]:
        """Return the methods with which a path is served."""
        return {method for match in self._find_all(path) for method in self._methods[match.path]}

    def _find_all(self, path: str) -> Iterator[RouteMatch]:
        """Yield the endpoints whose paths match, words before variables."""
        if not path.startswith("/") or path.startswith("//"):
            return
        values = path[1:].removesuffix("/").split("/")
        for segments, route_path in self._by_length.get(len(values), ()):
            parameters = _match(segments, values)
            if parameters is not None:
                yield RouteMatch(route_path, parameters)


def normalize_event(event: Event) -> Event:
    """Return an event of payload format 1.0. An event of format 1.0 is returned unchanged."""
    if event.get("version") != "2.0":
        return event
    http = event["requestContext"]["http"]
    query = parse_qsl(event.get("rawQueryString", ""), keep_blank_values=True)
    headers = dict(event.get("headers") or {})
    if event.get("cookies"):  # format 2.0 moves the Cookie header here
        headers["cookie"] = "; ".join(event["cookies"])
    values: dict[str, list[str]] = {}
    for name, value in query:
        values.setdefault(name, []).append(value)
    return {
        "version": "1.0",
        "path": event.get("rawPath") or "/",
        "httpMethod": http["method"],
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: items[-1] for name, items in values.items()} or None,
        "multiValueQueryStringParameters": values or None,
        "requestContext": {
            "requestId": event["requestContext"].get("requestId"),
            "httpMethod": http["method"],
            "identity": {"sourceIp": http.get("sourceIp", "")},
        },
        "body": event.get("body"),
        "isBase64Encoded": event.get("isBase64Encoded", False),
    }


def add_route(event: Event, match: RouteMatch) -> Event:
    """Return the event of a REST API for an endpoint."""
    context = {**event["requestContext"], "resourcePath": match.path, "httpMethod": event["httpMethod"]}
    return {
        "stageVariables": None,
        "multiValueQueryStringParameters": None,
        **event,
        "resource": match.path,
        "pathParameters": match.parameters or None,
        "requestContext": context,
    }


def compress_response(response: LambdaResponse, headers: Mapping[str, str]) -> LambdaResponse:
    """Return the response with gzip if it is long and the client accepts that. `headers` are those of the request."""
    body = response.get("body") or ""
    accepted = next((value for name, value in headers.items() if name.lower() == "accept-encoding"), "")
    if response.get("isBase64Encoded") or len(body) < COMPRESSED_FROM_BYTES or "gzip" not in accepted.lower():
        return response
    compressed = gzip.compress(body.encode(), _COMPRESSION_LEVEL, mtime=0)
    return {
        **response,
        "headers": {**(response.get("headers") or {}), "Content-Encoding": "gzip", "Vary": "Accept-Encoding"},
        "body": base64.b64encode(compressed).decode("ascii"),
        "isBase64Encoded": True,
    }


def _match(segments: list[str], values: list[str]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for segment, value in zip(segments, values, strict=True):
        if segment.startswith("{"):
            if not value:
                return None
            parameters[segment[1:-1]] = value
        elif segment != value:
            return None
    return parameters
