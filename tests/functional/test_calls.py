"""What each request asks of AWS once a container is warm: what an index costs, and how it stays quick."""

import pytest

from tests.index import Index

A, B = "a" * 64, "b" * 64
BASE = "/v1/repositories/alice/web"
GET, BATCH_GET, QUERY = "dynamodb.GetItem", "dynamodb.BatchGetItem", "dynamodb.Query"
PUT, TRANSACT = "dynamodb.PutItem", "dynamodb.TransactWriteItems"


@pytest.fixture
def warm(index: Index) -> Index:
    """Signed in once, with a repository and an epoch's key."""
    index.alice = index.account("alice")  # type: ignore[attr-defined]
    index.write = f"Token {index.push('alice/web', index.alice, A)}"  # type: ignore[attr-defined]
    index.calls.clear()
    return index


@pytest.mark.parametrize(
    ("method", "path", "who", "body", "status", "calls"),
    [
        ("GET", BASE + "/images", "write", None, 200, [QUERY]),
        ("GET", BASE + "/images", "nobody", None, 200, [GET, QUERY]),
        ("GET", BASE + "/images", "alice", None, 200, [GET, QUERY]),
        ("GET", f"{BASE}/layer/{A}/access", "write", None, 200, [QUERY]),
        ("PUT", BASE + "/auth", "write", None, 200, [GET]),
        ("GET", "/v1/users/", "alice", None, 200, [GET]),
        ("PUT", BASE, "alice", [{"id": B}], 200, [GET, QUERY, PUT]),
        ("PUT", "/v1/repositories/alice/new", "alice", [{"id": B}], 200, [GET, QUERY, TRANSACT]),
        ("PUT", BASE, "alice", [{"id": A}], 200, [GET, QUERY]),
        ("PUT", BASE + "/images", "alice", [], 204, [GET, QUERY]),
        ("PUT", BASE + "/images", "write", [{"id": A}], 204, [QUERY]),
        ("PUT", BASE + "/images", "write", [{"id": B}], 204, [QUERY, PUT]),
        ("DELETE", BASE, "alice", None, 202, [GET, QUERY, BATCH_GET, TRANSACT]),
        ("GET", "/v1/_ping", "alice", None, 200, []),
        ("GET", "/v2/", "nobody", None, 401, []),
        ("GET", BASE + "/images", "forged", None, 401, []),
    ],
)
def test_calls_per_request(
    warm: Index, method: str, path: str, who: str, body: object, status: int, calls: list[str]
) -> None:
    auth = {
        "nobody": None,
        "alice": vars(warm)["alice"],
        "write": vars(warm)["write"],
        "forged": vars(warm)["write"].replace("write", "delete"),
    }[who]
    assert warm.request(method, path, auth, json=body, token=True).status == status
    assert warm.calls == calls


def test_a_cold_container_asks_kms_once_for_its_first_token(warm: Index) -> None:
    cold = warm.restarted()
    assert cold.request("GET", BASE + "/images", vars(warm)["write"]).status == 200
    assert cold.calls == ["kms.GenerateMac", QUERY]
    assert cold.request("GET", BASE + "/images", vars(warm)["write"]).status == 200
    assert cold.calls == ["kms.GenerateMac", QUERY, QUERY]


def test_a_read_token_is_answered_from_memory_where_lists_are_remembered(warm: Index) -> None:
    read = f"Token {warm.request('GET', BASE + '/images', token=True).token}"
    for memory, calls in ((3600, ["kms.GenerateMac", QUERY]), (0, ["kms.GenerateMac", QUERY, QUERY])):
        index = warm.restarted(image_list_cache_seconds=memory)
        index.calls.clear()
        first, second = (index.request("GET", BASE + "/images", read).body for _ in range(2))
        assert first == second
        assert index.calls == calls


def test_a_push_that_compacts_is_still_three_calls(warm: Index) -> None:
    for n in range(16):
        warm.push("alice/web", vars(warm)["alice"], f"image{n}")
    warm.calls.clear()
    warm.push("alice/web", vars(warm)["alice"], "one0more")
    assert warm.calls == [GET, QUERY, TRANSACT]
    assert len(list(warm.tables.images.query("alice/web"))) == 2
    assert warm.ids("alice/web") == [A, *(f"image{n}" for n in range(16)), "one0more"]
