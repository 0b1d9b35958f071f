"""Events of an HTTP API become events that Chalice understands, and long responses are compressed."""

import base64
import gzip
from typing import Any

import pytest

from chalicelib.api.http import Route
from chalicelib.api.messages import Request, Response
from chalicelib.chalice_adapter import HttpApiChalice, create_chalice_app
from chalicelib.http_api import COMPRESSED_FROM_BYTES, RouteTable, compress_response
from chalicelib.request_log import RequestLog
from tests.lambda_events import REQUEST_ID, create_event_1, create_event_2, decode_response

FORMATS = pytest.mark.parametrize("create_event", [create_event_1, create_event_2], ids=["1.0", "2.0"])
received: list[Request] = []


def answer(request: Request) -> Response:
    received.append(request)
    return Response(200, "x" * int(request.query.get("size", "1")))


ROUTES = [
    Route("GET", "/", answer),
    Route("GET", "/v1/users", answer),
    Route("PUT", "/v1/users/{username}", answer),
    Route("PUT", "/v1/repositories/{namespace}/images", answer),
    Route("PUT", "/v1/repositories/{namespace}/{repository}", answer),
]


@pytest.fixture
def app() -> HttpApiChalice:
    received.clear()
    return create_chalice_app(ROUTES, RequestLog(lambda _: None, "test"), app_class=HttpApiChalice)


@pytest.mark.parametrize(
    ("method", "path", "route", "parameters"),
    [
        ("GET", "/", "/", {}),
        ("HEAD", "/v1/users", "/v1/users", {}),
        ("GET", "/v1/users/", "/v1/users", {}),
        ("PUT", "/v1/users/alice", "/v1/users/{username}", {"username": "alice"}),
        ("PUT", "/v1/repositories/web/images/", "/v1/repositories/{namespace}/images", {"namespace": "web"}),
    ],
)
def test_endpoint_of_a_path_is_found(method: str, path: str, route: str, parameters: dict[str, str]) -> None:
    match = RouteTable(ROUTES).find(method, path)
    assert match is not None
    assert (match.path, match.parameters) == (route, parameters)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "//"),
        ("GET", "//v1/users"),
        ("GET", "/v1/users//"),
        ("POST", "/v1/users"),
        ("PUT", "/v1/users/"),
        ("GET", "*"),
    ],
)
def test_unknown_path_or_method_has_no_endpoint(method: str, path: str) -> None:
    assert RouteTable(ROUTES).find(method, path) is None


@FORMATS
def test_request_has_everything_that_the_client_sent(app: HttpApiChalice, create_event: Any) -> None:
    event = create_event("PUT", "/v1/users/a%20b?scope=a&scope=b", {"x-a": "1"}, b"\x00\xff", "198.51.100.7")
    assert decode_response(app(event, None)).status == 200
    [request] = received
    assert (request.method, request.id, request.client_ip) == ("PUT", REQUEST_ID, "198.51.100.7")
    assert (request.parameters, request.body, request.headers["x-a"]) == ({"username": "a b"}, b"\x00\xff", "1")
    assert request.repeated_query == {"scope": ["a", "b"]}


@FORMATS
def test_text_body_is_not_encoded(app: HttpApiChalice, create_event: Any) -> None:
    event = create_event("PUT", "/v1/users/alice", {"content-type": "application/json"}, '"ä"'.encode())
    assert not event["isBase64Encoded"]
    app(event, None)
    assert received[0].body == '"ä"'.encode()


@FORMATS
def test_unknown_path_is_404_in_json(app: HttpApiChalice, create_event: Any) -> None:
    response = decode_response(app(create_event("GET", "/nothing", {}), None))
    assert response.status == 404
    assert response.headers["Content-Type"] == "application/json"
    assert b'"error"' in response.body


@FORMATS
@pytest.mark.parametrize(
    ("size", "accepted", "is_compressed"),
    [
        (COMPRESSED_FROM_BYTES, "gzip, deflate", True),
        (COMPRESSED_FROM_BYTES - 1, "gzip", False),
        (COMPRESSED_FROM_BYTES, "identity", False),
    ],
)
def test_only_long_responses_are_compressed_for_clients_that_accept_it(
    app: HttpApiChalice, create_event: Any, size: int, accepted: str, is_compressed: bool
) -> None:
    response = decode_response(app(create_event("GET", f"/?size={size}", {"accept-encoding": accepted}), None))
    assert ("Content-Encoding" in response.headers) is is_compressed
    body = gzip.decompress(response.body) if is_compressed else response.body
    assert body == b"x" * size


def test_compressed_response_is_the_same_each_time() -> None:
    response = {"body": "a" * COMPRESSED_FROM_BYTES, "headers": {}}
    first, second = (compress_response(response, {"Accept-Encoding": "gzip"}) for _ in range(2))
    assert first == second
    assert gzip.decompress(base64.b64decode(first["body"])) == b"a" * COMPRESSED_FROM_BYTES
