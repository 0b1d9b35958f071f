"""Limits of request bodies: size, memory, nesting, numbers and compression."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from chalicelib.api.http import MAX_BODY_BYTES, MAX_LIST_BYTES
from chalicelib.pages.forms import MAX_FORM_BYTES
from tests.index import Index, Response

pytestmark = pytest.mark.exhaustive

USERS, ALICE, ROBOT = "/v1/users/", "/v1/users/alice", "/v1/users/alice/robots/ci"
WEB, SETTINGS = "/v1/repositories/alice/web", "/v1/namespaces/alice/repositories/web"
OBJECTS = [
    ("POST", USERS),
    ("PUT", ALICE),
    ("PUT", ROBOT),
    ("PUT", SETTINGS),
    ("PUT", SETTINGS + "/collaborators/bobby"),
    ("POST", SETTINGS + "/transfer"),
    ("PUT", "/v1/organizations/ops/members/bobby"),
    ("PUT", "/v1/organizations/ops/robots/ci"),
]
LISTS = [
    ("PUT", WEB),
    ("PUT", WEB + "/images"),
    ("PUT", "/v1/repositories/solo"),
    ("PUT", "/v1/repositories/solo/images"),
]
PAGES = [("POST", "/confirm"), ("POST", "/forgotten"), ("POST", "/reset")]
LIMITED = [
    *((*call, MAX_BODY_BYTES) for call in OBJECTS),
    *((*call, MAX_LIST_BYTES) for call in LISTS),
    *((*call, MAX_FORM_BYTES) for call in PAGES),
]


@pytest.fixture
def admin(index: Index) -> str:
    """The Authorization header of alice, an administrator. The repositories and bobby exist."""
    alice = index.create_account("alice", admin=True)
    index.create_account("bobby")
    for path in ("alice/web", "solo"):
        index.push(path, alice)
    assert index.request("PUT", "/v1/organizations/ops", alice).status == 201
    return alice


@pytest.fixture
def parsed_sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes in bytes of all parsed bodies."""
    sizes: list[int] = []

    def record(parse: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(body: Any, **options: Any) -> Any:
            sizes.append(len(body))
            return parse(body, **options)

        return wrapper

    monkeypatch.setattr("msgspec.json.decode", record(msgspec.json.decode))
    monkeypatch.setattr("chalicelib.pages.forms.parse_qs", record(parse_qs))
    return sizes


def measure_memory(index: Index, *request: Any, **options: Any) -> tuple[Response, int]:
    """Return the response of a request, and the peak of its memory in bytes."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        response = index.request(*request, **options)
        return response, tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_each_route_of_the_v1_api_with_a_body_is_tested(index: Index) -> None:
    routes = index.services.routes
    without_body = ("/auth", "/blocked/{blocked}", "/organizations/{organization}")
    changing = [
        route.path
        for route in routes
        if route.path.startswith("/v1/") and route.method in ("PUT", "POST") and not route.path.endswith(without_body)
    ]
    assert len(changing) == len(OBJECTS + LISTS)


@pytest.mark.parametrize(("method", "path", "max_bytes"), LIMITED)
def test_size_is_checked_before_parsing(
    index: Index, admin: str, parsed_sizes: list[int], method: str, path: str, max_bytes: int
) -> None:
    response = index.request(method, path, admin, body=b"[" * (max_bytes + 1))
    assert (response.status, parsed_sizes) == (413, [])
    assert str(max_bytes).encode() in response.body
    assert index.request(method, path, admin, body=b"[" * max_bytes).status in (200, 400, 410)
    assert parsed_sizes == [max_bytes]


@pytest.mark.parametrize(("method", "path"), OBJECTS)
def test_body_of_many_small_values_needs_little_memory(index: Index, admin: str, method: str, path: str) -> None:
    """A body of 6 MB would need 150 MB."""
    size = MAX_BODY_BYTES - len(b'{"x":[0]}')
    for piece in (b"[],", b'{"a":0},', b'"a",', b"0.1,", b'"\\u00e4",', b"[" * 50 + b"]" * 50 + b","):
        body = b'{"x":[' + piece * (size // len(piece)) + b"0]}"
        response, used = measure_memory(index, method, path, admin, body=body)
        assert response.status in (204, 400)
        assert used < 8_000_000


DEEP = [b"[" * 60_000, b'{"a":' * 12_000, b"[" * 30_000 + b"]" * 30_000, b"[{}," * 15_000]


@pytest.mark.parametrize("deep", DEEP, ids=lambda deep: deep[:6].decode())
def test_deeply_nested_body_is_rejected(index: Index, admin: str, deep: bytes) -> None:
    """Unknown fields are tested too, because the parser skips them."""
    for method, path in OBJECTS + LISTS:
        for body in (deep, b'{"username":' + deep, b'[{"id":"a","x":' + deep, b'{"access":"read","x":' + deep):
            response = index.request(method, path, admin, body=body[:MAX_BODY_BYTES])
            assert response.status == 400
            assert response.json["error"]


NUMBERS = [
    b"9" * 5_000,
    b"-" + b"9" * 60_000,
    b"1" + b"0" * 400,
    b"18446744073709551616",
    b"1e999",
    b"-1e999",
    b"1e-99999",
    b"0." + b"1" * 50_000,
    b"1e" + b"9" * 5_000,
    b"NaN",
    b"-Infinity",
    b"Infinity",
    b"1_000",
    b"0x10",
    b"1e400000000",
]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12].decode())
def test_invalid_number_is_rejected_in_each_field(index: Index, admin: str, number: bytes) -> None:
    for method, path, field in (
        ("POST", USERS, b"username"),
        ("POST", USERS, b"email"),
        ("PUT", ALICE, b"active"),
        ("PUT", ALICE, b"password"),
        ("PUT", ROBOT, b"expires_in"),
        ("PUT", ROBOT, b"access"),
        ("PUT", SETTINGS, b"private"),
    ):
        body = b'{"access":"read","%b":%b}' % (field, number)
        response = index.request(method, path, admin, body=body.replace(b'"access":"read",', b"", field == b"access"))
        assert (response.status, list(response.json)) == (400, ["error"])
    assert index.request("PUT", WEB, admin, body=b'[{"id":%b}]' % number).status == 400
    for query in ("n", "page"):
        assert index.request("GET", f"/v1/search?{query}={number[:4000].decode()}").status == 400
    assert index.request("GET", ROBOT.removesuffix("/ci"), admin).json == []


def compress_zeros(encoding: str, size: int = 64_000_000) -> bytes:
    """Return `size` compressed zeros. The standard library has no brotli; its result only begins like them."""
    if encoding == "gzip":
        return gzip.compress(bytes(size), 9)
    if encoding == "deflate":
        return zlib.compress(bytes(size), 9)
    if encoding == "zstd":  # a frame, then blocks of four bytes that each stand for 131,072 zeros
        block = ((131_072 << 3) | 1 << 1).to_bytes(3, "little") + b"\0"
        return b"\x28\xb5\x2f\xfd\x00\x58" + block * (size // 131_072)
    return b"\x5b\xff\xff\xff" * 10_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "GZIP", "x-unheard-of"])
def test_compressed_body_is_rejected_without_decompression(index: Index, admin: str, encoding: str) -> None:
    body, headers = compress_zeros(encoding.lower()), {"content-encoding": encoding}
    for method, path, max_bytes in LIMITED:
        response, used = measure_memory(index, method, path, admin, body=body, headers=headers)
        assert used < 2_000_000  # bytes, for a decompressed size of 64 MB
        if len(body) > max_bytes:
            assert response.status == 413
        elif path.startswith("/v1"):
            assert response.status == 400
            assert "Content-Encoding" in response.json["error"]
        else:
            assert response.status == 400


@pytest.mark.parametrize("encoding", ["gzip", "identity", "", "nonsense"])
def test_body_that_a_proxy_decompressed_is_accepted(index: Index, admin: str, encoding: str) -> None:
    response = index.request("PUT", WEB, admin, json=[{"id": "b"}], headers={"content-encoding": encoding})
    assert response.status == 200
    response = index.request("PUT", WEB, admin, body=b"nope", headers={"content-encoding": encoding})
    assert ("Content-Encoding" in response.json["error"]) == (encoding in ("gzip", "nonsense"))
