"""What bad input gets: a clear 4xx with the reason, never a 500, and nothing written."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize("body", BODIES + LIST_BODIES)
@pytest.mark.parametrize("tail", ["", "/images"])
def test_a_list_that_is_none(index: Index, body: bytes, tail: str) -> None:
    alice = index.account("alice")
    if tail:
        index.push("alice/web", alice)
    response = index.request("PUT", f"/v1/repositories/alice/web{tail}", alice, body=body)
    assert response.status == 400
    assert response.json["error"]
    response = index.request("GET", "/v1/repositories/alice/web/images")
    assert response.status == 404 if not tail else response.json == []


@pytest.mark.parametrize("body", [*BODIES, b"[]", b'[{"username":"alice"}]', b'{"username":1}'])
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/users/"), ("PUT", "/v1/users/alice/")])
def test_a_form_that_is_none(index: Index, method: str, path: str, body: bytes) -> None:
    alice = index.account("alice")
    response = index.request(method, path, alice, body=body)
    assert response.status == 400
    assert response.json["error"]


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/octet-stream", "APPLICATION/JSON", "x"])
@pytest.mark.parametrize("accept", [None, "text/html", "application/json", "nonsense"])
def test_neither_content_type_nor_accept_decides_anything(
    index: Index, content_type: str | None, accept: str | None
) -> None:
    alice = index.account("alice")
    headers = {k: v for k, v in (("content-type", content_type), ("accept", accept)) if v is not None}
    assert index.request("PUT", "/v1/repositories/alice/web/", alice, json=[{"id": A}], headers=headers).status == 200
    assert index.request("GET", "/v1/repositories/alice/web/images", headers=headers).status == 200
    assert index.request("GET", "/v1/_ping", headers=headers).status == 200


def test_the_same_id_twice_is_one_image_unless_the_checksums_differ(index: Index) -> None:
    alice = index.account("alice")
    body = [{"id": "a", "checksum": None}, {"id": "a", "checksum": "b"}, {"id": "a", "checksum": "b"}, {"id": "a"}]
    assert index.request("PUT", "/v1/repositories/alice/web", alice, json=body).status == 200
    assert index.request("GET", "/v1/repositories/alice/web/images").json == [{"id": "a", "checksum": "b"}]


def test_a_body_above_what_lambda_takes(index: Index) -> None:
    response = index.request("PUT", "/v1/repositories/alice/web", index.account("alice"), body=b" " * 6_000_001)
    assert response.status == 413


@pytest.mark.parametrize(
    "path",
    [
        "alice/Web",
        "alice/-web",
        "alice/w%65b",
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
def test_a_name_that_is_none(index: Index, path: str) -> None:
    admin = index.account("alice", admin=True)
    for method, tail in (
        ("PUT", ""),
        ("DELETE", ""),
        ("PUT", "/images"),
        ("GET", "/images"),
        ("GET", "/layer/a/access"),
    ):
        response = index.request(method, f"/v1/repositories/{path}{tail}", admin, json=[])
        assert response.status in (400, 404)
        assert response.json["error"]
    assert not list(index.tables.images.scan())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("GET", "//"),
        ("GET", "//example.com/"),
        ("GET", "/r"),
        ("GET", "/r/alice"),
        ("GET", "/r/alice/web/x"),
        ("DELETE", "/confirm"),
        ("GET", "/v1"),
        ("GET", "/v1/nothing"),
        ("GET", "/v1/users//"),
        ("GET", "//v1/users"),
        ("GET", "/v1/repositories/"),
        ("GET", "/v1/repositories/a/b/c"),
        ("GET", "/v1/repositories/alice/web/images/x"),
        ("POST", "/v1/repositories/alice/web"),
        ("PATCH", "/v1/users"),
        ("OPTIONS", "/v1/users"),
        ("BREW", "/v1/_ping"),
        ("GET", "/v2/alice/web/manifests/v1"),
        ("POST", "/v2/alice/web/blobs/uploads/"),
        ("GET", "http://[/v1/users"),
        ("GET", "*"),
    ],
)
@pytest.mark.parametrize("auth", [None, "Token \xfc"])
def test_unknown_paths_and_methods_are_404_as_json(index: Index, method: str, path: str, auth: str | None) -> None:
    response = index.request(method, path, auth)
    assert response.status == 404
    assert response.json["error"]


PATHS = st.lists(
    st.sampled_from(
        ["v1", "v2", "users", "repositories", "alice", "web", "images", "auth", "layer", "access", "_ping", ""]
    )
    | st.sampled_from(["r", "confirm", "reset"])
    | st.text(max_size=8),
    max_size=7,
).map(lambda services: "/" + "/".join(services))
AUTHS = st.none() | st.text(max_size=60) | st.binary(max_size=40).map(lambda raw: "Basic " + raw.decode("latin-1"))


@settings(max_examples=300)
@given(
    st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    PATHS,
    AUTHS,
    st.binary(max_size=60) | st.text().map(str.encode) | st.sampled_from([b"[]", b"{}", b'[{"id":"a"}]']),
    st.dictionaries(st.sampled_from(["content-type", "accept", "x-docker-token"]), st.text(max_size=20)),
)
def test_nothing_at_all_gets_a_500(
    index: Index, method: str, path: str, auth: str | None, body: bytes, headers: dict[str, str]
) -> None:
    response = index.request(method, path, auth, body=body, headers=headers)
    assert response.status < 500
    if response.headers["content-type"].startswith("text/html"):
        Page(response)
    elif response.status >= 400:
        assert response.json


def test_what_is_longer_than_a_key_can_be_is_nobodys(index: Index) -> None:
    alice, long = index.account("alice"), "x" * 3000
    index.push("alice/web", alice)
    assert index.request("GET", f"/v1/users/{long}", alice).status == 404
    assert index.request("DELETE", f"/v1/users/alice/robots/{long}", alice).status == 400
    assert index.request("GET", "/v1/users", basic("alice", f"wbr_{long}_0")).status == 401
    assert index.request("GET", f"/v1/namespaces/alice/repositories?after={long}", alice).status == 400
    people = "/v1/namespaces/alice/repositories/web/collaborators"
    assert index.request("PUT", f"{people}/{long}", alice, json={"access": "read"}).status == 404
    index.calls.clear()
    assert index.request("DELETE", f"{people}/{long}", alice).status == 404
    assert len(index.calls) == 2, "the account and the repository's head: moto would not refuse a key as DynamoDB does"
