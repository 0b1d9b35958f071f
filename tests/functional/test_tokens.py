"""Access tokens: the requests that each scope allows."""

import pytest

from tests.conftest import MakeIndex
from tests.index import Index

A, B = "a" * 64, "b" * 64
BASE = "/v1/repositories/alice/web"


@pytest.fixture
def alice(index: Index) -> str:
    return index.create_account("alice")


@pytest.fixture
def write(index: Index, alice: str) -> str:
    return f"Token {index.push('alice/web', alice, A)}"


@pytest.fixture
def read(index: Index, write: str) -> str:
    return f"Token {index.request('GET', BASE + '/images', token=True).token}"


def test_read_token_can_only_read(index: Index, read: str) -> None:
    assert index.request("GET", BASE + "/images", read).json == [{"id": A}]
    assert index.request("GET", f"{BASE}/layer/{A}/access", read).json == {"access": True}
    assert index.request("PUT", BASE + "/auth", read).status == 200
    assert index.request("PUT", BASE + "/images", read, json=[{"id": B}]).status == 403
    assert index.request("PUT", BASE, read, json=[]).status == 401
    assert index.request("DELETE", BASE, read).status == 401
    assert index.request("GET", "/v1/users/", read).status == 401
    assert index.ids("alice/web") == [A]


def test_write_token_can_read_and_write_its_list(index: Index, write: str) -> None:
    assert index.request("GET", BASE + "/images", write).json == [{"id": A}]
    response = index.request("PUT", BASE + "/images", write, json=[{"id": B, "checksum": "sha256:" + A}])
    assert (response.status, response.body) == (204, b"")
    assert index.request("GET", f"{BASE}/layer/{B}/access", write).json == {"access": True}
    assert index.request("PUT", BASE, write, json=[]).status == 401
    assert index.request("DELETE", BASE, write).status == 401


@pytest.mark.exhaustive
def test_write_token_reads_its_own_push(index: Index, write: str) -> None:
    assert index.request("GET", BASE + "/images", write).json == [{"id": A}]
    response = index.request("GET", f"{BASE}/layer/{B}/access", write)
    assert (response.status, response.json) == (404, {"access": False})


def test_delete_token_can_neither_read_layers_nor_write(index: Index, alice: str, write: str) -> None:
    delete = f"Token {index.request('DELETE', BASE, alice, token=True).token}"
    assert index.request("GET", f"{BASE}/layer/{A}/access", delete).status == 403
    assert index.request("PUT", BASE + "/images", delete, json=[]).status == 403


def test_token_is_valid_for_its_repository_only(index: Index, alice: str, write: str) -> None:
    index.push("alice/other", alice, B)
    for name in ("alice/other", "alice/missing", "web"):
        path = f"/v1/repositories/{name}"
        assert index.request("GET", path + "/images", write).status == 401
        assert index.request("PUT", path + "/images", write, json=[]).status == 401
        assert index.request("GET", f"{path}/layer/{B}/access", write).status == 401
        assert index.request("PUT", path + "/auth", write).status == 403


def test_invalid_token_is_401_and_at_auth_403(index: Index, read: str) -> None:
    for token in (
        "Token",
        "Token ",
        "Token x",
        read[:-1],
        read + "x",
        read.replace("read", "write"),
        read.replace(",", ", "),
    ):
        response = index.request("GET", BASE + "/images", token)
        assert response.status == 401  # also for a public repository
        assert response.json["error"]
        assert index.request("PUT", BASE + "/auth", token).status == 403


def test_auth_without_a_token_is_403(index: Index, alice: str, write: str) -> None:
    for auth in (None, alice, "Basic Og==", "Basic !"):
        response = index.request("PUT", BASE + "/auth", auth)
        assert response.status == 403
        assert response.json["error"]


@pytest.mark.parametrize("spelling", ["token {}", "TOKEN {}", "Token Token {}", "Token {},extra=1"])
def test_spelling_of_known_clients_is_accepted(index: Index, read: str, spelling: str) -> None:
    assert index.request("GET", BASE + "/images", spelling.format(read.removeprefix("Token "))).status == 200


def test_token_in_a_request_is_returned_unchanged(index: Index, write: str, read: str) -> None:
    for method, auth in (("GET", read), ("GET", write), ("PUT", write)):
        response = index.request(method, BASE + "/images", auth, json=[], token=True)
        assert f"Token {response.token}" == auth
        assert response.headers["www-authenticate"] == auth


def test_token_is_valid_in_another_container(index: Index, read: str) -> None:
    assert index.restart().request("GET", BASE + "/images", read).status == 200
    assert index.restart(signer="kms").request("GET", BASE + "/images", read).status == 401


def test_kms_signer_calls_kms_for_each_request(make_index: MakeIndex) -> None:
    index = make_index(signer="kms")
    token = f"Token {index.push('alice/web', index.create_account('alice'), A)}"
    index.calls.clear()
    assert index.request("GET", BASE + "/images", token).status == 200
    assert index.calls == ["kms.GenerateMac", "dynamodb.Query"]


def test_single_use_token_is_accepted_once(make_index: MakeIndex) -> None:
    index = make_index(token_single_use=True)
    token = f"Token {index.push('alice/web', index.create_account('alice'), A)}"
    assert index.request("GET", BASE + "/images", token).status == 200
    for container in (index, index.restart()):
        response = container.request("GET", BASE + "/images", token)
        assert response.status == 401
        assert response.json["error"]
    counters = index.tables.counters
    (used,) = counters.scan(counters.subject.startswith("used token "))
    assert used.expires
