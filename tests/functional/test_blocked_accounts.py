"""Accounts can leave shares, and can block others from sharing with them. Shares need no consent."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from chalicelib.accounts.deletion_steps import MAX_SECONDS
from chalicelib.accounts.service import MAX_BLOCKED
from chalicelib.bootstrap import Services
from chalicelib.domain.roles import Principal
from chalicelib.storage.collaborators import CollaboratorStore
from chalicelib.storage.users import UserStore
from tests.index import Index, basic

ALICE, BOBBY, CAROL = basic("alice"), basic("bobby"), basic("carol")


@pytest.fixture
def shared(make_index: Any) -> Index:
    """An index in which alice shares two private repositories with bobby, and carol one."""
    index: Index = make_index(repository_visibility="private")
    for username in ("alice", "bobby", "carol"):
        index.create_account(username)
    for path in ("alice/web", "alice/api", "carol/db"):
        index.push(path, basic(path.partition("/")[0]), "image")
        assert share(index, path) == 204
    return index


def share(index: Index, path: str, username: str = "bobby", access: str = "read") -> int:
    namespace, _, name = path.partition("/")
    url = f"/v1/namespaces/{namespace}/repositories/{name}/collaborators/{username}"
    return index.request("PUT", url, basic(namespace), json={"access": access}).status


def block(index: Index, blocked: str, auth: str = BOBBY, username: str = "bobby", method: str = "PUT") -> int:
    return index.request(method, f"/v1/users/{username}/blocked/{blocked}", auth).status


def found(index: Index, auth: str = BOBBY) -> list[str]:
    return [result["name"] for result in index.request("GET", "/v1/search?q=", auth).json["results"]]


def shares_of(index: Index, username: str = "bobby") -> tuple[int, int]:
    """Return the counted and the stored number of shares of an account."""
    items = index.tables.collaborators.query(f"account {username}")
    return int(index.tables.users.get(username).shares or 0), len(list(items))


@pytest.mark.exhaustive
def test_blocked_account_can_no_longer_share(shared: Index) -> None:
    assert block(shared, "alice") == 204
    shared.push("alice/new", ALICE, "image")
    assert share(shared, "alice/new") == 403
    assert found(shared) == ["carol/db"]
    assert share(shared, "carol/db", access="write") == 204, "others can"


def test_blocking_leaves_the_shares_of_the_blocked_account(shared: Index) -> None:
    assert found(shared) == ["alice/api", "alice/web", "carol/db"]
    assert shares_of(shared) == (3, 3)
    assert block(shared, "alice") == 204
    assert found(shared) == ["carol/db"]
    assert shares_of(shared) == (1, 1)
    assert shared.request("GET", "/v1/repositories/alice/web/images", BOBBY).status == 404
    path = "/v1/namespaces/alice/repositories/web/collaborators"
    assert shared.request("GET", path, ALICE).json == []


def test_interrupted_block_can_be_repeated(shared: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(CollaboratorStore, "remove", lambda *_: 1 / 0)
        assert block(shared, "alice") == 500
    shared.push("alice/new", ALICE, "image")
    assert share(shared, "alice/new") == 403, "the block is stored first"
    assert block(shared, "alice") == 204
    assert found(shared) == ["carol/db"]


def test_account_can_leave_a_share(shared: Index) -> None:
    path = "/v1/namespaces/alice/repositories/web/collaborators/bobby"
    assert shared.request("DELETE", path, BOBBY).status == 204
    assert found(shared) == ["alice/api", "carol/db"]
    assert shared.request("DELETE", path, BOBBY).status == 404


def test_blocked_accounts_are_listed_and_can_be_unblocked(shared: Index) -> None:
    assert block(shared, "carol") == block(shared, "alice") == block(shared, "alice") == 204
    assert shared.request("GET", "/v1/users/bobby/blocked", BOBBY).json == ["alice", "carol"]
    assert block(shared, "alice", method="DELETE") == 204
    assert block(shared, "alice", method="DELETE") == 404
    assert shared.request("GET", "/v1/users/bobby/blocked", BOBBY).json == ["carol"]
    assert share(shared, "alice/web") == 204
    assert share(shared, "carol/db") == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_only_the_account_itself_can_block(shared: Index, method: str) -> None:
    admin = shared.create_account("admin", admin=True)
    token = shared.request("PUT", "/v1/users/bobby/robots/ci", BOBBY, json={"access": "write"}).json["token"]
    for auth in (ALICE, admin, basic("bobby", token)):
        assert block(shared, "carol", auth, method=method) == 403
    assert shared.request("GET", "/v1/users/bobby/blocked", admin).status == 403
    assert shared.request("GET", "/v1/users/bobby/blocked").status == 401
    assert shared.request("GET", "/v1/users/bobby/blocked", BOBBY).json == []


@pytest.mark.parametrize("blocked", ["bobby", "X", "n"])
def test_impossible_names_cannot_be_blocked(shared: Index, blocked: str) -> None:
    assert block(shared, blocked) == 400


def test_account_that_does_not_exist_can_be_blocked(shared: Index) -> None:
    assert block(shared, "stranger") == 204
    shared.create_account("stranger")
    shared.push("stranger/web", basic("stranger"), "image")
    assert share(shared, "stranger/web") == 403


def test_administrator_cannot_share_for_a_blocked_owner(shared: Index) -> None:
    admin = shared.create_account("admin", admin=True)
    assert block(shared, "alice") == 204
    path = "/v1/namespaces/alice/repositories/web/collaborators/bobby"
    assert shared.request("PUT", path, admin, json={"access": "read"}).status == 403


def test_number_of_blocked_accounts_is_limited_at_the_same_time(shared: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.accounts.service.MAX_BLOCKED", 5)
    barrier = threading.Barrier(12)

    def block_one(number: int) -> int:
        barrier.wait()
        return block(shared, f"user{number}")

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(block_one, range(12)))
    assert (statuses.count(204), statuses.count(400)) == (5, 7)
    assert MAX_BLOCKED == 100


def test_share_that_races_with_a_block_does_not_remain(shared: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner shares between the authorization of the request and its transaction."""
    shared.push("alice/new", ALICE, "image")
    put = CollaboratorStore.put

    def block_and_put(self: CollaboratorStore, *arguments: Any) -> None:
        monkeypatch.setattr(CollaboratorStore, "put", put)
        assert block(shared, "alice") == 204
        put(self, *arguments)

    monkeypatch.setattr(CollaboratorStore, "put", block_and_put)
    assert share(shared, "alice/new") == 403
    assert found(shared) == ["carol/db"]


def test_equal_shares_at_the_same_time_are_counted_once(shared: Index) -> None:
    shared.push("alice/new", ALICE, "image")
    barrier = threading.Barrier(6)

    def share_one(number: int) -> int:
        barrier.wait()
        return share(shared, "alice/new", access=("read", "write")[number % 2])

    with ThreadPoolExecutor(6) as pool:
        statuses = set(pool.map(share_one, range(6)))
    assert statuses <= {204, 503}
    assert 204 in statuses
    assert shares_of(shared) == (4, 4)


def test_account_in_deletion_receives_no_shares(shared: Index) -> None:
    shared.push("alice/new", ALICE, "image")
    UserStore(shared.tables).start_deletion("bobby")
    assert share(shared, "alice/new") == 404
    assert share(shared, "alice/web", access="write") == 404


def test_account_with_many_shares_is_deleted_in_parts(shared: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.accounts.deletion.MAX_LISTED", 2)
    assert shared.request("DELETE", "/v1/users/bobby", BOBBY).status == 202
    assert shares_of(shared) == (1, 1)
    assert shared.request("DELETE", "/v1/users/bobby", BOBBY).status == 204
    assert not list(shared.tables.collaborators.scan())


def test_deletion_stops_after_a_time(shared: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    deletion = Services(shared.settings, shared.aws).deletion
    monkeypatch.setattr(deletion, "_clock", count(0, MAX_SECONDS * 3 // 4).__next__)
    for number in range(3):
        shared.push(f"alice/more{number}", ALICE, "image")
    remaining = []
    while not deletion.delete(Principal("alice"), "alice"):
        remaining.append(len(list(shared.tables.repositories.query("alice"))))
    assert remaining == [3, 1]
    assert shared.users.get("alice") is None
