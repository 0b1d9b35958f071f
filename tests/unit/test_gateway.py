"""The parts of Chalice and waitress that the local server uses and that are not documented interfaces."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace

import pytest
from chalice.app import Response
from chalice.local import LocalChalice
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer, TcpWSGIServer
from waitress.task import ErrorTask, WSGITask

from infra.devserver.channel import RejectTlsChannel, use_channel
from infra.devserver.gateway import COMPRESSED_FROM_BYTES, Gateway


def _create_gateway() -> Gateway:
    app, barrier = LocalChalice(app_name="test"), Barrier(2)

    @app.route("/wait/{name}", content_types=[])
    def wait(name: str) -> Response:
        barrier.wait(timeout=10)
        query: Mapping[str, str] = app.current_request.query_params or {}
        return Response({"name": name, "q": query.get("q")})

    @app.route("/echo/{name}", methods=["GET", "PUT"], content_types=[])
    def echo(name: str) -> Response:
        request = app.current_request
        body = f"{request.method} {name} {request.raw_body!r} {request.headers.get('x-test')}"
        return Response(body, {"Content-Type": "text/plain", "X-Several": ["a", "b"]}, 201)

    @app.route("/large", content_types=[])
    def large() -> Response:
        return Response("x" * COMPRESSED_FROM_BYTES, {"Content-Type": "text/plain"})

    return Gateway(app)


@pytest.fixture(scope="module")
def gateway() -> Gateway:
    return _create_gateway()


def test_concurrent_requests_get_their_own_responses(gateway: Gateway) -> None:
    """Both requests are in the view at the same time. A shared LocalGateway or Chalice would mix them up."""
    with ThreadPoolExecutor(2) as pool:
        responses = list(pool.map(lambda name: gateway.handle("GET", f"/wait/{name}?q={name}", {}).body, ("a", "b")))
    assert responses == [b'{"name":"a","q":"a"}', b'{"name":"b","q":"b"}']


def test_request_and_response_are_passed_on(gateway: Gateway) -> None:
    response = gateway.handle("PUT", "/echo/web", {"x-test": "yes"}, b"\x00\xff")
    assert (response.status, response.body) == (201, b"PUT web b'\\x00\\xff' yes")
    assert response.headers["X-Several"] == "a, b"


def test_path_with_a_slash_at_the_end_is_the_same_path(gateway: Gateway) -> None:
    assert gateway.handle("GET", "/echo/web/", {}).status == 201
    assert gateway.handle("GET", "http://index.example.com/echo/web", {}).status == 201


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/missing"),
        ("GET", "/echo/"),
        ("GET", "//echo/web"),
        ("GET", "ftp://index.example.com/echo/web"),
        ("GET", "echo/web"),
        ("GET", "*"),
        ("GET", "http://[/echo/web"),
    ],
)
def test_unknown_path_is_404(gateway: Gateway, method: str, target: str) -> None:
    response = gateway.handle(method, target, {})
    assert response.status == 404
    assert response.headers["Content-Type"] == "application/json"


def test_unknown_method_is_405_with_the_allowed_ones(gateway: Gateway) -> None:
    response = gateway.handle("DELETE", "/echo/web", {})
    assert (response.status, response.headers["Allow"]) == (405, "GET, PUT")


def test_v2_paths_are_404_with_text(gateway: Gateway) -> None:
    """A JSON object without `errors` makes each push of docker 1.10.3 wait for 50 s."""
    response = gateway.handle("GET", "/v2/alice/web/manifests/latest", {})
    assert (response.status, response.body) == (404, b"404 page not found")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_large_body_is_compressed_for_clients_that_accept_gzip(gateway: Gateway) -> None:
    assert gateway.handle("GET", "/large", {"accept-encoding": "gzip"}).headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in gateway.handle("GET", "/large", {}).headers
    assert "Content-Encoding" not in gateway.handle("GET", "/echo/x", {"accept-encoding": "gzip"}).headers


def test_waitress_creates_our_channel() -> None:
    """If waitress changes the attribute, `use_channel` fails at the start of the server and here."""
    assert BaseWSGIServer.channel_class is TcpWSGIServer.channel_class is HTTPChannel
    assert HTTPChannel.request is None
    assert HTTPChannel.task_class is WSGITask
    assert HTTPChannel.error_task_class is ErrorTask
    assert HTTPChannel.parser_class is HTTPRequestParser
    server = SimpleNamespace(channel_class=HTTPChannel)
    use_channel(server)
    assert server.channel_class is RejectTlsChannel
    with pytest.raises(AssertionError):
        use_channel(server)
