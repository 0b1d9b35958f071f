"""Invalid input: the response is a 4xx with a reason, never a 500, and nothing is stored."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import create_index
from tests.index import Index, basic
from tests.pages import Page

A = "a" * 64
BODIES = [
    b"",
    b"{",
    b"nope",
    b"[{]",
    b"\xff\xfe",
    b'[{"id":"' + A.encode() + b'","Tag":"\xff"}]',
    b"[" * 50_000,
    b"null",
    b"7",
    b'"text"',
    b"{}" * 2,
    b"NaN",
    b"9" * 5000,
    b"\x1f\x8b\x08\x00" + b"\x00" * 20,
]
LIST_BODIES = [
    b'""',
    b"{}",
    b'{"id":"a"}',
    b"[1]",
    b"[null]",
    b"[[]]",
    b'["a"]',
    b"[{}]",
    b'[{"id":null}]',
    b'[{"id":5}]',
    b'[{"id":""}]',
    b'[{"id":"A"}]',
    b'[{"id":"a\\u0000"}]',
    b'[{"id":"\\ud800"}]',
    b'[{"id":"a","checksum":7}]',
    b'[{"id":"a","checksum":"\\"x"}]',
    b'[{"id":"a","checksum":"a\\r\\nb"}]',
    json.dumps([{"id": "a" * 65}]).encode(),
    json.dumps([{"id": "a", "checksum": "x" * 1000}]).encode(),
    json.dumps([{"id": "a", "checksum": "b"}, {"id": "a", "checksum": "c"}]).encode(),
    b'[{"id":"good"},{"id":"BAD"}]',
]


ALICE = basic("alice")


@pytest.fixture(scope="module")
def index(module_aws: None) -> Index:
    """One index for all tests of this module. alice is an administrator, and alice/web is an empty repository.

    Most tests write nothing. The others use repositories of their own.
    """
    index = create_index()
    index.create_account("alice", admin=True)
    index.push("alice/web", ALICE)
    return index


@pytest.fixture(autouse=True)
def no_login_delays(index: Index) -> Iterator[None]:
    """Delete the counters of failed logins after each test."""
    yield
    for counter in list(index.tables.counters.scan()):
        counter.delete()


@pytest.mark.parametrize("body", BODIES + LIST_BODIES)
@pytest.mark.parametrize("path", ["alice/new", "alice/web/images"])
def test_invalid_list_is_rejected_and_not_stored(index: Index, body: bytes, path: str) -> None:
    response = index.request("PUT", f"/v1/repositories/{path}", ALICE, body=body)
    assert response.status == 400
    assert response.json["error"]
    assert index.request("GET", "/v1/repositories/alice/new/images").status == 404
    assert index.ids("alice/web") == []


@pytest.mark.parametrize("body", [*BODIES, b"[]", b'[{"username":"alice"}]', b'{"username":1}'])
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/users/"), ("PUT", "/v1/users/alice/")])
def test_invalid_account_is_rejected(index: Index, method: str, path: str, body: bytes) -> None:
    response = index.request(method, path, ALICE, body=body)
    assert response.status == 400
    assert response.json["error"]


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/octet-stream", "APPLICATION/JSON", "x"])
@pytest.mark.parametrize("accept", [None, "text/html", "application/json", "nonsense"])
def test_content_type_and_accept_are_ignored(index: Index, content_type: str | None, accept: str | None) -> None:
    pairs = (("content-type", content_type), ("accept", accept))
    headers = {name: value for name, value in pairs if value is not None}
    path = "/v1/repositories/alice/headers"
    assert index.request("PUT", path, ALICE, json=[{"id": A}], headers=headers).status == 200
    assert index.request("GET", f"{path}/images", headers=headers).status == 200
    assert index.request("GET", "/v1/_ping", headers=headers).status == 200


def test_repeated_id_is_one_image(index: Index) -> None:
    body = [{"id": "a", "checksum": None}, {"id": "a", "checksum": "b"}, {"id": "a", "checksum": "b"}, {"id": "a"}]
    assert index.request("PUT", "/v1/repositories/alice/repeated", ALICE, json=body).status == 200
    assert index.request("GET", "/v1/repositories/alice/repeated/images").json == [{"id": "a", "checksum": "b"}]


def test_body_larger_than_the_limit_of_lambda_is_rejected(index: Index) -> None:
    assert index.request("PUT", "/v1/repositories/alice/new", ALICE, body=b" " * 6_000_001).status == 413


@pytest.mark.parametrize(
    "path",
    [
        "alice/Web",
        "alice/-web",
        "alice/web%2fx",
        "alice/%00",
        "alice/%ff",
        "alice/" + "w" * 256,
        "alice/" + "w" * 100_000,
        "a/web",
        "ALICE/web",
        "al.ice/web",
        "%2e%2e/web",
        "alice/..",
        "Solo",
        "..",
        "alice/layer",
        "layer",
        "images",
        "auth",
    ],
)
def test_invalid_name_is_rejected(index: Index, path: str) -> None:
    stored = {item.repository for item in index.tables.images.scan()}
    for method, tail in (
        ("PUT", ""),
        ("DELETE", ""),
        ("PUT", "/images"),
        ("GET", "/images"),
        ("GET", "/layer/a/access"),
    ):
        response = index.request(method, f"/v1/repositories/{path}{tail}", ALICE, json=[])
        assert response.status in (400, 404)
        assert response.json["error"]
    assert {item.repository for item in index.tables.images.scan()} == stored


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "//"),
        ("GET", "//example.com/"),
        ("GET", "/r"),
        ("GET", "/r/alice/web/x"),
        ("GET", "/v1"),
        ("GET", "/v1/nothing"),
        ("GET", "/v1/users//"),
        ("GET", "//v1/users"),
        ("GET", "/v1/repositories/"),
        ("GET", "/v1/repositories/a/b/c"),
        ("GET", "/v1/repositories/alice/web/images/x"),
        ("GET", "http://[/v1/users"),
        ("GET", "*"),
    ],
)
@pytest.mark.parametrize("auth", [None, "Token \xfc"])
def test_unknown_path_is_404_in_json(index: Index, method: str, path: str, auth: str | None) -> None:
    response = index.request(method, path, auth)
    assert response.status == 404
    assert response.json["error"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/confirm", "GET, HEAD, POST"),
        ("POST", "/", "GET, HEAD"),
        ("POST", "/v1/repositories/alice/web", "DELETE, PUT"),
        ("PATCH", "/v1/users", "GET, HEAD, POST"),
        ("OPTIONS", "/v1/users", "GET, HEAD, POST"),
        ("BREW", "/v1/_ping", "GET, HEAD"),
    ],
)
@pytest.mark.parametrize("auth", [None, "Token \xfc"])
def test_unknown_method_is_405_in_json(index: Index, method: str, path: str, allowed: str, auth: str | None) -> None:
    response = index.request(method, path, auth)
    assert (response.status, response.headers["allow"]) == (405, allowed)
    assert response.json["error"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v2/alice/web/manifests/v1"), ("POST", "/v2/alice/web/blobs/uploads/")]
)
@pytest.mark.parametrize("auth", [None, "Token \xfc"])
def test_unknown_path_below_v2_is_404_in_text(index: Index, method: str, path: str, auth: str | None) -> None:
    """Docker 1.10.3 repeats a request five times after a JSON body without `errors`."""
    response = index.request(method, path, auth)
    assert (response.status, response.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert response.body == b"404 page not found"


PATHS = st.lists(
    st.sampled_from(
        ["v1", "v2", "users", "repositories", "alice", "web", "images", "auth", "layer", "access", "_ping", ""]
    )
    | st.sampled_from(["r", "confirm", "reset"])
    | st.text(max_size=8),
    max_size=7,
).map(lambda parts: "/" + "/".join(parts))
AUTHS = st.none() | st.text(max_size=60) | st.binary(max_size=40).map(lambda raw: "Basic " + raw.decode("latin-1"))


@pytest.mark.exhaustive
@settings(max_examples=300)
@given(
    st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    PATHS,
    AUTHS,
    st.binary(max_size=60) | st.text().map(str.encode) | st.sampled_from([b"[]", b"{}", b'[{"id":"a"}]']),
    st.dictionaries(st.sampled_from(["content-type", "accept", "x-docker-token"]), st.text(max_size=20)),
)
def test_random_request_is_never_500(
    index: Index, method: str, path: str, auth: str | None, body: bytes, headers: dict[str, str]
) -> None:
    response = index.request(method, path, auth, body=body, headers=headers)
    assert response.status < 500
    if response.headers["content-type"].startswith("text/html"):
        Page(response)
    elif response.status >= 400 and not response.headers["content-type"].startswith("text/plain"):
        assert response.json


def test_name_longer_than_a_dynamodb_key_is_not_read(index: Index) -> None:
    """DynamoDB rejects such a key, but moto accepts it."""
    long = "x" * 3000
    assert index.request("GET", f"/v1/users/{long}", ALICE).status == 404
    assert index.request("DELETE", f"/v1/users/alice/robots/{long}", ALICE).status == 400
    assert index.request("GET", "/v1/users", basic("alice", f"wbr_{long}_0")).status == 401
    assert index.request("GET", f"/v1/namespaces/alice/repositories?after={long}", ALICE).status == 400
    collaborators = "/v1/namespaces/alice/repositories/web/collaborators"
    assert index.request("PUT", f"{collaborators}/{long}", ALICE, json={"access": "read"}).status == 404
    index.calls.clear()
    assert index.request("DELETE", f"{collaborators}/{long}", ALICE).status == 404
    assert len(index.calls) == 2  # the account and the head of the repository
