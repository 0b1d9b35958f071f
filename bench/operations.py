"""The operations that are measured, and the Lambda function that receives them as events of API Gateway."""

import base64
import hashlib
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chalice.app import Chalice
from chalice.local import LambdaEventConverter, RouteMatcher
from msgspec import Struct

from chalicelib.accounts.mailer import Mailer
from chalicelib.aws import Clients
from chalicelib.bootstrap import Services
from chalicelib.chalice_adapter import create_chalice_app
from chalicelib.request_log import RequestLog
from chalicelib.settings import Settings

USERNAME, PASSWORD = "alice", "correct horse"  # of an account that exists during a measurement
WEB = "/v1/repositories/alice/web"


def basic(username: str, password: str) -> str:
    """Return an Authorization header for Basic authentication."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


BASIC = basic(USERNAME, PASSWORD)


class Function:
    """The app as Lambda calls it: it receives an event and returns a response.

    Args:
        app: the app.
        lines: contains the last line of the request log, if the app writes one.
    """

    def __init__(self, app: Chalice, lines: Sequence[str] = ()) -> None:
        self.lines = lines
        self._app: Callable[[Any, Any], dict[str, Any]] = app
        self._converter = LambdaEventConverter(RouteMatcher(list(app.routes)))

    def create_event(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """Return the event that API Gateway creates for a request."""
        event: dict[str, Any] = self._converter.create_lambda_event(method, path, {"host": "index", **headers}, body)
        event["body"] = body.decode() or None
        return event

    def invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return the response to an event."""
        return self._app(event, None)

    def request(
        self, method: str, path: str, authorization: str | None = None, body: Any = None, *, token: bool = True
    ) -> dict[str, Any]:
        """Send a request, which must succeed. Raises AssertionError otherwise."""
        operation = Operation("", method, path, body=body, token=token)
        response = self.invoke(operation.create_event(self, authorization))
        assert response["statusCode"] < 300, response["body"]
        return response


def create_function(settings: Settings, aws: Clients | None = None, mailer: Mailer | None = None) -> Function:
    """Return a function that keeps the last line of its request log in memory, because printing takes time."""
    lines: deque[str] = deque(maxlen=1)
    routes = Services(settings, aws, mailer).routes
    return Function(create_chalice_app(routes, RequestLog(lines.append, settings.stack), app_class=Chalice), lines)


class Operation(Struct, frozen=True):
    """A request.

    Attributes:
        name: the name in the results.
        method: the HTTP method.
        path: the path.
        principal: `anonymous`, `alice` (Basic), or the scope of a token: `read` or `write`.
        body: a value that becomes the JSON body.
        token: whether the request asks for a token.
    """

    name: str
    method: str
    path: str
    principal: str = "anonymous"
    body: Any = None
    token: bool = False

    def create_event(self, function: Function, authorization: str | None) -> dict[str, Any]:
        """Return the event of this request."""
        headers = {"authorization": authorization} if authorization else {}
        if self.token:
            headers["x-docker-token"] = "true"
        body = b"" if self.body is None else json.dumps(self.body, separators=(",", ":")).encode()
        return function.create_event(self.method, self.path, headers, body)


def create_images(count: int, start: int = 0, *, checksums: bool = False) -> list[dict[str, str]]:
    """Return `count` images as clients send them, from the number `start`."""
    ids = (hashlib.sha256(b"%d" % number).hexdigest() for number in range(start, start + count))
    return [{"id": i, "checksum": f"tarsum.v1+sha256:{i[::-1]}"} if checksums else {"id": i} for i in ids]


def create_operations(count: int) -> list[Operation]:
    """Return every operation of docker, its registry and its search, for a list of `count` images."""
    images, first = create_images(count), create_images(1)[0]["id"]
    more = [*images[:5], *create_images(5, 10**6)]
    return [
        Operation("GET images, token", "GET", f"{WEB}/images", "write"),
        Operation("GET images, cached", "GET", f"{WEB}/images", "read"),
        Operation("GET images, Basic", "GET", f"{WEB}/images", "alice", token=True),
        Operation("GET layer access", "GET", f"{WEB}/layer/{first}/access", "write"),
        Operation("PUT auth", "PUT", f"{WEB}/auth", "write"),
        Operation("log in, cached", "GET", "/v1/users", "alice"),
        Operation("push, new", "PUT", "/v1/repositories/alice/new", "alice", images, token=True),
        Operation("push, unchanged", "PUT", WEB, "alice", images, token=True),
        Operation("push, 5 more", "PUT", WEB, "alice", more, token=True),
        Operation("PUT images, end of a push", "PUT", f"{WEB}/images", "alice", []),
        Operation("search", "GET", "/v1/search?q=web"),
        Operation("ping", "GET", "/v1/_ping"),
    ]
