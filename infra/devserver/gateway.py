"""API Gateway before the app, as a WSGI application: requests go through Chalice's own emulation of it."""

import gzip
import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from chalice.config import Config
from chalice.local import LocalChalice, LocalGateway, RouteMatcher

from chalicelib.api.errors import RouteNotFound

COMPRESSED_FROM_BYTES = 10_240  # infra/deploy/service.yaml's MinimumCompressionSize
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
WSGI = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Gateway:
    """Serves one app to any number of threads.

    A `LocalGateway` must not be shared between threads, so each has its own; `LocalChalice` keeps the current request
    apart for each. A path or method that the app does not have is 404, as the template's gateway responses make it.
    """

    def __init__(self, chalice: LocalChalice) -> None:
        self._chalice = chalice
        self._config = Config.create(lambda_timeout=29)
        self._routes = RouteMatcher(list(chalice.routes))
        self._own = threading.local()

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Answers one request. `target` is as it came: a path with its query, or an absolute URL."""
        try:
            path = target if target.startswith("/") else _path_of(target)
            if path.startswith("//"):
                return _nothing_here()  # Chalice would take what follows for a host
            match = self._routes.match_route(path)
        except ValueError:
            return _nothing_here()
        if method not in self._chalice.routes[match.route] or not all(match.captured.values()):
            return _nothing_here()
        if not hasattr(self._own, "gateway"):
            self._own.gateway = LocalGateway(self._chalice, self._config)
        response = self._own.gateway.handle_request(method, path, dict(headers), body)
        answer = Answer(
            response["statusCode"], {**response["headers"], **_joined(response)}, (response["body"] or "").encode()
        )
        return _compressed(answer) if "gzip" in headers.get("accept-encoding", "") else answer

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """WSGI. Logs one line per request."""
        began = time.perf_counter()
        method, target = environ["REQUEST_METHOD"], environ["REQUEST_URI"]
        response = self.handle(method, target, _headers(environ), environ["wsgi.input"].read())
        headers = list(response.headers.items())
        if response.status != HTTPStatus.NO_CONTENT:
            headers.append(("Content-Length", str(len(response.body))))
        start_response(status_line(response.status), headers)
        log(began, response.status, method, target, environ)
        return [] if method == "HEAD" or response.status == HTTPStatus.NO_CONTENT else [response.body]


def _compressed(answer: Answer) -> Answer:
    """As API Gateway does for a client that accepts it, from the template's MinimumCompressionSize on."""
    if len(answer.body) < COMPRESSED_FROM_BYTES:
        return answer
    return Answer(answer.status, {**answer.headers, "Content-Encoding": "gzip"}, gzip.compress(answer.body, 5))


def status_line(status: int) -> str:
    """The status as WSGI wants it, with its phrase."""
    return f"{status} {HTTPStatus(status).phrase}"


def log(began: float, status: int, method: str, target: str, environ: Mapping[str, Any]) -> None:
    """One line for a request, with nothing of its headers but the client's name, and no mailed link."""
    took, client = (time.perf_counter() - began) * 1000, environ.get("HTTP_USER_AGENT", "-")
    print(
        f"{time.strftime('%H:%M:%S')} {status} {method:6} {_loggable(target)}  {took:.0f} ms  {client[:60]}",
        file=sys.stderr,
        flush=True,
    )


def _path_of(target: str) -> str:
    """The path and query of an absolute-form target; docker 0.5 sends those."""
    services = urlsplit(target)
    if services.scheme not in ("http", "https"):
        raise ValueError("neither a path nor a URL")
    return (services.path or "/") + (f"?{services.query}" if services.query else "")


def _loggable(target: str) -> str:
    """A target without the link from a mail, which is as good as a password for a while."""
    path, mark, query = target.partition("?")
    return path + mark + "&".join(map(_masked, query.split("&")))


def _masked(pair: str) -> str:
    name = pair.partition("=")[0]
    return f"{name}=…" if unquote_plus(name) == "link" else pair


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    headers = {key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")}
    if "CONTENT_TYPE" in environ:
        headers["content-type"] = environ["CONTENT_TYPE"]
    return headers


def _joined(response: Mapping[str, Any]) -> dict[str, str]:
    return {name: ", ".join(values) for name, values in response["multiValueHeaders"].items()}


def _nothing_here() -> Answer:
    return Answer(
        HTTPStatus.NOT_FOUND,
        {"Content-Type": "application/json"},
        json.dumps({"error": RouteNotFound().message}).encode(),
    )
