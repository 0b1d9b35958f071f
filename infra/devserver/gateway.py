"""API Gateway as a WSGI application. Chalice's own emulation, `LocalGateway`, handles the requests."""

import gzip
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from chalice.config import Config
from chalice.local import LocalChalice, LocalGateway, RouteMatcher
from msgspec import Struct

from chalicelib.api.errors import render_unrouted
from chalicelib.chalice_adapter import RenderUnrouted
from infra.devserver.output import print_line
from infra.terminal_text import sanitize

COMPRESSED_FROM_BYTES = 10_240  # MinimumCompressionSize in infra/deploy/service.yaml
_HIDDEN_PARAMETERS = ("account", "link", "scope")
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
WSGI = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class GatewayResponse(Struct, frozen=True):
    """The response that a client receives."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Gateway:
    """Serves one app to any number of threads.

    Threads must not share a `LocalGateway`, so each thread has its own. `LocalChalice` keeps the current request of
    each thread. `render_unrouted` returns the response for a path or a method that the app does not have.
    """

    def __init__(self, app: LocalChalice, render_unrouted: RenderUnrouted = render_unrouted) -> None:
        self._app = app
        self._render_unrouted = render_unrouted
        self._config = Config.create(lambda_timeout=29)
        self._routes = RouteMatcher(list(app.routes))
        self._thread = threading.local()

    def handle(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"", client_ip: str = "127.0.0.1"
    ) -> GatewayResponse:
        """Handle one request. `target` is a path with a query, or an absolute URL. Header names are in lower case."""
        try:
            path = target if target.startswith("/") else _parse_path(target)
            if path.startswith("//"):
                return self._reject(path, headers)  # Chalice would parse the first segment as a host
            match = self._routes.match_route(path)
        except ValueError:
            return self._reject(target, headers)
        if not all(match.captured.values()):
            return self._reject(path, headers)
        if method not in self._app.routes[match.route]:
            return self._reject(path, headers, self._app.routes[match.route])
        if not hasattr(self._thread, "gateway"):
            self._thread.gateway = LocalGateway(self._app, self._config)
        self._thread.gateway.event_converter.LOCAL_SOURCE_IP = client_ip
        local = self._thread.gateway.handle_request(method, path, dict(headers), body)
        response = GatewayResponse(
            local["statusCode"], {**local["headers"], **_join_multi_values(local)}, (local["body"] or "").encode()
        )
        return _compress(response) if "gzip" in headers.get("accept-encoding", "") else response

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Handle a WSGI request. Log one line."""
        start = time.perf_counter()
        method, target = environ["REQUEST_METHOD"], environ["REQUEST_URI"]
        body = environ["wsgi.input"].read()
        response = self.handle(method, target, _read_headers(environ), body, environ["REMOTE_ADDR"])
        headers = list(response.headers.items())
        if response.status != HTTPStatus.NO_CONTENT:
            headers.append(("Content-Length", str(len(response.body))))
        start_response(format_status(response.status), headers)
        log_request(start, response.status, method, target, environ)
        return [] if method == "HEAD" or response.status == HTTPStatus.NO_CONTENT else [response.body]

    def _reject(self, target: str, headers: Mapping[str, str], allowed: Collection[str] = ()) -> GatewayResponse:
        path = target.partition("?")[0]
        response = self._render_unrouted(path, headers.get("accept", ""), allowed)
        return GatewayResponse(response.status, response.headers, response.body.encode())


def format_status(status: int) -> str:
    """Return a status line for WSGI, for example `200 OK`."""
    return f"{status} {HTTPStatus(status).phrase}"


def log_request(start: float, status: int, method: str, target: str, environ: Mapping[str, Any]) -> None:
    """Print one line. It contains no header except User-Agent, and no value of a secret or personal parameter.

    `start` is the value of `time.perf_counter` at the start of the request.
    """
    milliseconds, client = (time.perf_counter() - start) * 1000, environ.get("HTTP_USER_AGENT", "-")
    moment = time.strftime("%H:%M:%S")
    line = f"{moment} {status} {method:6} {_hide_values(target)}  {milliseconds:.0f} ms  {client[:60]}"
    print_line(sanitize(line), sys.stderr)


def _compress(response: GatewayResponse) -> GatewayResponse:
    """Compress a large body, as API Gateway does for clients that accept gzip."""
    if len(response.body) < COMPRESSED_FROM_BYTES:
        return response
    headers = {**response.headers, "Content-Encoding": "gzip"}
    return GatewayResponse(response.status, headers, gzip.compress(response.body, 5))


def _parse_path(target: str) -> str:
    """Return the path and query of an absolute URL. Docker 0.5 sends such targets."""
    url = urlsplit(target)
    if url.scheme not in ("http", "https"):
        raise ValueError("the target is neither a path nor a URL")
    return (url.path or "/") + (f"?{url.query}" if url.query else "")


def _hide_values(target: str) -> str:
    """Replace the values of some parameters.

    A link from an email gives access to an account for some time. Clients of token servers send usernames as `account`
    and names of private repositories in `scope`.
    """
    path, mark, query = target.partition("?")
    return path + mark + "&".join(map(_hide_value, query.split("&")))


def _hide_value(pair: str) -> str:
    name = pair.partition("=")[0]
    return f"{name}=…" if unquote_plus(name) in _HIDDEN_PARAMETERS else pair


def _read_headers(environ: Mapping[str, Any]) -> dict[str, str]:
    headers = {key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")}
    if "CONTENT_TYPE" in environ:
        headers["content-type"] = environ["CONTENT_TYPE"]
    if "x-docker-token" in headers:  # waitress joins repeated headers, but API Gateway passes the last one
        headers["x-docker-token"] = headers["x-docker-token"].rpartition(",")[2].strip()
    return headers


def _join_multi_values(response: Mapping[str, Any]) -> dict[str, str]:
    return {name: ", ".join(values) for name, values in response["multiValueHeaders"].items()}
