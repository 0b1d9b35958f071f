"""The AWS calls of each request in a warm container. They determine cost and latency."""

import pytest
from msgspec import Struct

from tests.index import Index
from tests.web_session import WebSession

A, B = "a" * 64, "b" * 64
BASE = "/v1/repositories/alice/web"
GET, BATCH_GET, QUERY = "dynamodb.GetItem", "dynamodb.BatchGetItem", "dynamodb.Query"
PUT, UPDATE, TRANSACT = "dynamodb.PutItem", "dynamodb.UpdateItem", "dynamodb.TransactWriteItems"


class Warm(Struct):
    """An index with a cached login, a repository and a derived key.

    Attributes:
        index: the index.
        alice: the Authorization header of the owner.
        write: the Authorization header with a write token.
    """

    index: Index
    alice: str
    write: str


@pytest.fixture
def warm(index: Index) -> Warm:
    alice = index.create_account("alice")
    write = f"Token {index.push('alice/web', alice, A)}"
    index.calls.clear()
    return Warm(index, alice, write)


@pytest.mark.parametrize(
    ("method", "path", "credentials", "body", "status", "calls"),
    [
        ("GET", BASE + "/images", "write", None, 200, [QUERY]),
        ("GET", BASE + "/images", "none", None, 200, [GET, QUERY]),
        ("GET", BASE + "/images", "alice", None, 200, [GET, QUERY]),
        ("GET", f"{BASE}/layer/{A}/access", "write", None, 200, [GET, QUERY]),
        ("PUT", BASE + "/auth", "write", None, 200, [GET]),
        ("GET", "/v1/users/", "alice", None, 200, [GET]),
        ("PUT", BASE, "alice", [{"id": B}], 200, [GET, QUERY, PUT, GET]),
        ("PUT", "/v1/repositories/alice/new", "alice", [{"id": B}], 200, [GET, QUERY, TRANSACT]),
        ("PUT", BASE, "alice", [{"id": A}], 200, [GET, QUERY]),
        ("PUT", BASE + "/images", "alice", [], 204, [GET, QUERY]),
        ("PUT", BASE + "/images", "write", [{"id": A}], 204, [QUERY]),
        ("PUT", BASE + "/images", "write", [{"id": B}], 204, [QUERY, PUT, GET]),
        ("DELETE", BASE, "alice", None, 202, [GET, QUERY, BATCH_GET, TRANSACT, QUERY, UPDATE]),
        ("GET", "/v1/_ping", "alice", None, 200, []),
        ("GET", "/v2/", "none", None, 401, []),
        ("GET", BASE + "/images", "forged", None, 401, []),
    ],
)
def test_request_makes_the_documented_calls(
    warm: Warm, method: str, path: str, credentials: str, body: object, status: int, calls: list[str]
) -> None:
    auth = {
        "none": None,
        "alice": warm.alice,
        "write": warm.write,
        "forged": warm.write.replace("write", "delete"),
    }[credentials]
    assert warm.index.request(method, path, auth, json=body, token=True).status == status
    assert warm.index.calls == calls


@pytest.mark.parametrize(
    ("username", "path", "calls"),
    [
        ("", "/", [QUERY]),
        ("", "/?q=web", [QUERY] * 3),
        ("", "/r/alice/web", [BATCH_GET, QUERY]),
        ("", "/r/alice/web/images", [GET, QUERY]),
        ("", "/r/alice", [QUERY, BATCH_GET]),  # the names, and the repositories with the time of their last push
        ("", "/login", []),
        ("", "/account", []),
        ("alice", "/", [BATCH_GET, QUERY]),
        ("alice", "/account", [BATCH_GET, QUERY]),
        ("alice", "/account/shared", [BATCH_GET, QUERY]),
        ("bobby", "/account/shared", [BATCH_GET, QUERY, BATCH_GET]),
        ("alice", "/account/organizations", [BATCH_GET, QUERY]),
        ("alice", "/organizations/ops", [BATCH_GET, GET, GET, QUERY]),
        ("alice", "/organizations/ops/robots", [BATCH_GET, GET, GET, QUERY]),
        ("alice", "/organizations/ops/settings", [BATCH_GET, GET, GET]),
        ("alice", "/account/new", [BATCH_GET, QUERY]),
        ("alice", "/account/robots", [BATCH_GET, QUERY]),
        ("alice", "/account/settings", [BATCH_GET]),
        ("alice", "/r/alice/web", [BATCH_GET, BATCH_GET, QUERY]),
        ("alice", "/r/alice/web/images", [BATCH_GET, QUERY]),
        ("bobby", "/r/alice/web", [BATCH_GET, BATCH_GET, QUERY]),
    ],
)
def test_page_makes_the_documented_calls(warm: Warm, username: str, path: str, calls: list[str]) -> None:
    index = warm.index
    index.create_account("bobby")
    assert index.request("PUT", "/v1/organizations/ops", warm.alice).status == 201
    collaborator = "/v1/namespaces/alice/repositories/web/collaborators/bobby"
    assert index.request("PUT", collaborator, warm.alice, json={"access": "read"}).status == 204
    session = WebSession.logged_in(index, username) if username else WebSession(index)
    index.calls.clear()
    assert session.send("GET", path).status in (200, 303)
    assert index.calls == calls


def test_new_container_calls_kms_once(warm: Warm) -> None:
    cold = warm.index.restart()
    assert cold.request("GET", BASE + "/images", warm.write).status == 200
    assert cold.calls == ["kms.GenerateMac", QUERY]
    assert cold.request("GET", BASE + "/images", warm.write).status == 200
    assert cold.calls == ["kms.GenerateMac", QUERY, QUERY]


def test_list_for_a_read_token_is_cached_if_the_setting_allows_it(warm: Warm) -> None:
    read = f"Token {warm.index.request('GET', BASE + '/images', token=True).token}"
    for seconds, calls in ((3600, ["kms.GenerateMac", QUERY]), (0, ["kms.GenerateMac", QUERY, QUERY])):
        index = warm.index.restart(image_list_cache_seconds=seconds)
        index.calls.clear()
        first, second = (index.request("GET", BASE + "/images", read).body for _ in range(2))
        assert first == second
        assert index.calls == calls


def test_push_that_compacts_makes_three_calls(warm: Warm) -> None:
    for n in range(16):
        warm.index.push("alice/web", warm.alice, f"image{n}")
    warm.index.calls.clear()
    warm.index.push("alice/web", warm.alice, "one0more")
    assert warm.index.calls == [GET, QUERY, TRANSACT]
    assert len(list(warm.index.tables.images.query("alice/web"))) == 2
    assert warm.index.ids("alice/web") == [A, *(f"image{n}" for n in range(16)), "one0more"]
