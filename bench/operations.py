"""The requests that are measured, and a Lambda function to send them to, as API Gateway would."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalice.app import Chalice
from chalice.local import LambdaEventConverter, RouteMatcher

USERNAME, PASSWORD = "alice", "correct horse"  # of an account that lives for a measurement
BASIC = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
WEB = "/v1/repositories/alice/web"


class Function:
    """The app as Lambda calls it: an event in, a reply out. `lines` is its journal's last line, if it keeps one."""

    def __init__(self, app: Chalice, lines: Sequence[str] = ()) -> None:
        self.lines = lines
        self._app: Callable[[Any, Any], dict[str, Any]] = app
        self._converter = LambdaEventConverter(RouteMatcher(list(app.routes)))

    def event(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """What API Gateway makes of a request."""
        event: dict[str, Any] = self._converter.create_lambda_event(method, path, {"host": "index", **headers}, body)
        event["body"] = body.decode() or None
        return event

    def invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        """What the function replies."""
        return self._app(event, None)

    def request(
        self, method: str, path: str, authorization: str | None = None, body: Any = None, *, token: bool = True
    ) -> dict[str, Any]:
        """One request. Raises AssertionError unless it succeeds."""
        operation = Operation("", method, path, body=body, token=token)
        response = self.invoke(operation.event(self, authorization))
        assert response["statusCode"] < 300, response["body"]
        return response


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of request. `who` is `nobody`, `alice` (Basic), or the holder of a `read` or `write` token."""

    name: str
    method: str
    path: str
    who: str = "nobody"
    body: Any = None
    token: bool = False

    def event(self, function: Function, authorization: str | None) -> dict[str, Any]:
        """The event that it is."""
        headers = {"authorization": authorization} if authorization else {}
        if self.token:
            headers["x-docker-token"] = "true"
        return function.event(self.method, self.path, headers, b"" if self.body is None else _json(self.body))


def images(count: int, start: int = 0, *, checksums: bool = False) -> list[dict[str, str]]:
    """`count` images as clients send them, from number `start` on."""
    ids = (hashlib.sha256(b"%d" % number).hexdigest() for number in range(start, start + count))
    return [{"id": i, "checksum": f"tarsum.v1+sha256:{i[::-1]}"} if checksums else {"id": i} for i in ids]


def operations(count: int) -> list[Operation]:
    """Every operation of docker, its registry and its search, on a list of `count` images."""
    new, first = images(count), images(1)[0]["id"]
    return [
        Operation("GET images, token", "GET", f"{WEB}/images", "write"),
        Operation("GET images, remembered", "GET", f"{WEB}/images", "read"),
        Operation("GET images, Basic", "GET", f"{WEB}/images", "alice", token=True),
        Operation("GET layer access", "GET", f"{WEB}/layer/{first}/access", "write"),
        Operation("PUT auth", "PUT", f"{WEB}/auth", "write"),
        Operation("sign in, remembered", "GET", "/v1/users", "alice"),
        Operation("push, new", "PUT", "/v1/repositories/alice/new", "alice", new, token=True),
        Operation("push, unchanged", "PUT", WEB, "alice", new, token=True),
        Operation("push, 5 more", "PUT", WEB, "alice", [*new[:5], *images(5, 10**6)], token=True),
        Operation("PUT images, end of a push", "PUT", f"{WEB}/images", "alice", []),
        Operation("search", "GET", "/v1/search?q=web"),
        Operation("ping", "GET", "/v1/_ping"),
    ]


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
