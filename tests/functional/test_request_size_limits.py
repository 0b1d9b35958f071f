"""Bodies that are small to send and heavy to read: refused before they are, or read in bounds."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from chalicelib.api.http import MAX_BODY_BYTES, MAX_LIST_BYTES
from chalicelib.aws import Clients
from chalicelib.pages.html import MAX_FORM_BYTES
from chalicelib.settings import Settings
from tests.index import Index, Response

pytestmark = pytest.mark.exhaustive

USERS, ALICE, ROBOT = "/v1/users/", "/v1/users/alice", "/v1/users/alice/robots/ci"
WEB, OURS = "/v1/repositories/alice/web", "/v1/namespaces/alice/repositories/web"
FORMS = [("POST", USERS), ("PUT", ALICE), ("PUT", ROBOT), ("PUT", OURS), ("PUT", OURS + "/collaborators/bobby")]
LISTS = [
    ("PUT", WEB),
    ("PUT", WEB + "/images"),
    ("PUT", "/v1/repositories/solo"),
    ("PUT", "/v1/repositories/solo/images"),
]
PAGES = [("POST", "/confirm"), ("POST", "/forgotten"), ("POST", "/reset")]
LIMITED = [
    *((*call, MAX_BODY_BYTES) for call in FORMS),
    *((*call, MAX_LIST_BYTES) for call in LISTS),
    *((*call, MAX_FORM_BYTES) for call in PAGES),
]


@pytest.fixture
def admin(index: Index) -> str:
    """alice, who may do everything here; her repository, the library's, and bobby are there."""
    alice = index.account("alice", admin=True)
    index.account("bobby")
    for path in ("alice/web", "solo"):
        index.push(path, alice)
    return alice


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of all bodies that were given to a parser."""
    sizes: list[int] = []

    def counted(parse: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(body: Any, **how: Any) -> Any:
            sizes.append(len(body))
            return parse(body, **how)

        return wrapper

    monkeypatch.setattr("msgspec.json.decode", counted(msgspec.json.decode))
    monkeypatch.setattr("chalicelib.pages.html.parse_qs", counted(parse_qs))
    return sizes


def weighed(index: Index, *request: Any, **what: Any) -> tuple[Response, int]:
    """The reply, and the bytes that were in use at once, at most, beside those before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        response = index.request(*request, **what)
        return response, tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_every_route_that_reads_a_body_is_here() -> None:
    routes = compose(Settings(), Clients(object(), object()))
    changing = [route.path for route in routes if route.method in ("PUT", "POST") and not route.path.endswith("/auth")]
    assert len(changing) == len(LIMITED)


@pytest.mark.parametrize(("method", "path", "at_most"), LIMITED)
def test_a_body_is_measured_before_it_is_parsed(
    index: Index, admin: str, parsed: list[int], method: str, path: str, at_most: int
) -> None:
    response = index.request(method, path, admin, body=b"[" * (at_most + 1))
    assert (response.status, parsed) == (413, [])
    assert str(at_most).encode() in response.body
    assert index.request(method, path, admin, body=b"[" * at_most).status in (200, 400, 410)
    assert parsed == [at_most]


@pytest.mark.parametrize(("method", "path"), FORMS)
def test_a_form_of_many_small_things_stays_small_in_memory(index: Index, admin: str, method: str, path: str) -> None:
    """One of 6 MB would take 150 MB, from anybody."""
    room = MAX_BODY_BYTES - len(b'{"x":[0]}')
    for piece in (b"[],", b'{"a":0},', b'"a",', b"0.1,", b'"\\u00e4",', b"[" * 50 + b"]" * 50 + b","):
        body = b'{"x":[' + piece * (room // len(piece)) + b"0]}"
        response, used = weighed(index, method, path, admin, body=body)
        assert response.status in (204, 400)
        assert used < 8_000_000


DEEP = [b"[" * 60_000, b'{"a":' * 12_000, b"[" * 30_000 + b"]" * 30_000, b"[{}," * 15_000]


@pytest.mark.parametrize("deep", DEEP, ids=lambda deep: deep[:6].decode())
def test_however_deep_a_body_goes_it_is_a_bad_request(index: Index, admin: str, deep: bytes) -> None:
    """Also in a field that nobody asked for, where it is passed over."""
    for method, path in FORMS + LISTS:
        for body in (deep, b'{"username":' + deep, b'[{"id":"a","x":' + deep, b'{"access":"read","x":' + deep):
            response = index.request(method, path, admin, body=body[:MAX_BODY_BYTES])
            assert response.status == 400
            assert "the request's body cannot be used" in response.json["error"]


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
def test_a_number_that_is_none_or_too_much_is_a_bad_request_wherever_it_stands(
    index: Index, admin: str, number: bytes
) -> None:
    for method, path, field in (
        ("POST", USERS, b"username"),
        ("POST", USERS, b"email"),
        ("PUT", ALICE, b"active"),
        ("PUT", ALICE, b"password"),
        ("PUT", ROBOT, b"expires_in"),
        ("PUT", ROBOT, b"access"),
        ("PUT", OURS, b"private"),
    ):
        body = b'{"access":"read","%b":%b}' % (field, number)
        response = index.request(method, path, admin, body=body.replace(b'"access":"read",', b"", field == b"access"))
        assert (response.status, list(response.json)) == (400, ["error"])
    assert index.request("PUT", WEB, admin, body=b'[{"id":%b}]' % number).status == 400
    for query in ("n", "page"):
        assert index.request("GET", f"/v1/search?{query}={number[:4000].decode()}").status == 400
    assert index.request("GET", ROBOT.removesuffix("/ci"), admin).json == []


def packed(encoding: str, size: int = 64_000_000) -> bytes:
    """`size` zeros, or what begins like them where the standard library has no such encoding."""
    if encoding == "gzip":
        return gzip.compress(bytes(size), 9)
    if encoding == "deflate":
        return zlib.compress(bytes(size), 9)
    if encoding == "zstd":  # a frame, then blocks of three bytes and one that each stand for 131,072 of that one
        block = ((131_072 << 3) | 1 << 1).to_bytes(3, "little") + b"\0"
        return b"\x28\xb5\x2f\xfd\x00\x58" + block * (size // 131_072)
    return b"\x5b\xff\xff\xff" * 10_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "GZIP", "x-unheard-of"])
def test_what_comes_packed_is_not_unpacked_and_is_told_so(index: Index, admin: str, encoding: str) -> None:
    body, headers = packed(encoding.lower()), {"content-encoding": encoding}
    for method, path, at_most in LIMITED:
        response, used = weighed(index, method, path, admin, body=body, headers=headers)
        assert used < 2_000_000, "64 MB lie in there"
        if len(body) > at_most:
            assert response.status == 413
        elif path.startswith("/v1"):
            assert response.status == 400
            assert "the index unpacks no Content-Encoding; send it as it is" in response.json["error"]
        else:
            assert response.status == 400


@pytest.mark.parametrize("encoding", ["gzip", "identity", "", "nonsense"])
def test_a_body_that_was_unpacked_on_its_way_is_taken_whatever_the_header_says(
    index: Index, admin: str, encoding: str
) -> None:
    response = index.request("PUT", WEB, admin, json=[{"id": "b"}], headers={"content-encoding": encoding})
    assert response.status == 200
    response = index.request("PUT", WEB, admin, body=b"nope", headers={"content-encoding": encoding})
    assert ("unpacks" in response.json["error"]) == (encoding in ("gzip", "nonsense"))
