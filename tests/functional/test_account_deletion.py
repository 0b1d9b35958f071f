"""An account leaves: what is its goes, and nothing of it falls to whoever comes after."""

from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.repositories.service import MAX_LISTED
from tests.index import Index, basic

ALICE = {"username": "alice", "password": "battery staple", "email": "alice@example.com"}


def furnished(index: Index) -> str:
    """alice with repositories, a share on both sides, a robot and a second address."""
    alice, bobby = index.account("alice"), index.account("bobby")
    for name in ("web", "api"):
        index.push(f"alice/{name}", alice, "a")
    index.push("bobby/lib", bobby, "a")
    for path, auth, name in (("alice/repositories/web", alice, "bobby"), ("bobby/repositories/lib", bobby, "alice")):
        path = f"/v1/namespaces/{path}/collaborators/{name}"
        assert index.request("PUT", path, auth, json={"access": "write"}).status == 204
    assert index.request("PUT", "/v1/users/alice/robots/ci", alice, json={"access": "read"}).status == 201
    assert index.request("PUT", "/v1/users/alice", alice, json={"email": "second@example.com"}).status == 204
    return alice


def left_of_alice(index: Index) -> list[str]:
    """Everything in every table that names her, but for the heads of her deleted repositories and her kept name."""
    tables = index.tables
    models = (tables.users, tables.emails, tables.robots, tables.repositories, tables.terms, tables.collaborators)
    items = [str(item.to_dynamodb_dict()) for model in models for item in model.scan()]
    return [item for item in items if "alice" in item and "gone" not in item]


def test_everything_of_it_goes(index: Index) -> None:
    alice = furnished(index)
    robot = index.request("PUT", "/v1/users/alice/robots/more", alice, json={"access": "write"}).json["token"]
    assert index.request("DELETE", "/v1/users/alice/", alice).status == 204
    assert left_of_alice(index) == []
    for auth in (alice, basic("alice", robot)):
        assert index.request("GET", "/v1/users/", auth).status == 401
    assert index.request("GET", "/v1/repositories/alice/web/images").status == 404
    assert index.request("GET", "/v1/search?q=alice").json["num_results"] == 0
    assert index.ids("bobby/lib", basic("bobby")) == ["a"]
    assert index.request("GET", "/v1/namespaces/bobby/repositories/lib/collaborators", basic("bobby")).json == []
    other = ALICE | {"username": "other"}
    assert index.request("POST", "/v1/users/", json=other).status == 201, "the addresses are free"


def test_the_name_is_kept_from_others(index: Index) -> None:
    index.request("DELETE", "/v1/users/alice", furnished(index))
    response = index.request("POST", "/v1/users/", json=ALICE)
    assert response.body == b'"Username or email already exists"'
    assert index.request("GET", "/v1/users/", basic("alice", "battery staple")).status == 401
    response = index.request("GET", "/v1/users/alice", index.account("admin", admin=True))
    assert response.status == 404


def test_a_name_that_is_not_kept_comes_back_empty(make_index: Any) -> None:
    index = make_index(reserve_deleted_names=False)
    alice = furnished(index)
    index.request("PUT", "/v1/namespaces/alice/repositories/web", alice, json={"private": True})
    read = f"Token {index.request('GET', '/v1/repositories/alice/web/images', alice, token=True).token}"
    index.request("DELETE", "/v1/users/alice", alice)
    assert index.request("POST", "/v1/users/", json=ALICE).status == 201
    new = basic("alice", "battery staple")
    assert index.request("GET", "/v1/namespaces/alice/repositories", new).json == []
    assert index.request("GET", "/v1/users/alice/robots", new).json == []
    assert index.request("GET", "/v1/repositories/bobby/lib/images", read).status == 401
    assert index.request("PUT", "/v1/repositories/bobby/lib", new, json=[]).status == 403, "no share comes back"
    response = index.request("DELETE", "/v1/repositories/alice/web", new, token=True)
    assert "x-docker-token" not in response.headers, "nor a look at what the list was"
    index.push("alice/web", new, "b")
    assert index.request("GET", "/v1/repositories/alice/web/images", read).status == 401


def test_whose_account_can_be_removed(index: Index) -> None:
    furnished(index)
    assert index.request("DELETE", "/v1/users/alice").status == 401
    assert index.request("DELETE", "/v1/users/alice", basic("bobby")).status == 403
    assert index.request("DELETE", "/v1/users/nobody", basic("bobby")).status == 404
    assert index.request("GET", "/v1/users/", basic("alice")).status == 200
    assert index.request("DELETE", "/v1/users/alice", index.account("admin", admin=True)).status == 204
    assert left_of_alice(index) == []


def test_more_repositories_than_one_request_gets_through(index: Index) -> None:
    alice = index.account("alice")
    with index.tables.repositories.batch_write() as items, index.tables.images.batch_write() as heads:
        created = index.users.get("alice").created  # type: ignore[union-attr]
        for n in range(MAX_LISTED + 20):
            items.save(index.tables.repositories("alice", f"web{n}", generation="0" * 16, created=created))
            heads.save(index.tables.images(f"alice/web{n}", "head", generation="0" * 16, deleted=False))
    response = index.request("DELETE", "/v1/users/alice", alice)
    assert (response.status, response.body) == (202, b'""'), "there is more to do"
    response = index.request("PUT", "/v1/repositories/alice/new", alice, json=[])
    assert (response.status, response.body) == (403, b'"Account is not Active"'), "it is shut meanwhile"
    assert index.request("DELETE", "/v1/users/alice", alice).status == 204
    assert left_of_alice(index) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("broken_at", range(14))
def test_a_removal_that_breaks_off_is_taken_up_again(index: Index, broken_at: int) -> None:
    alice = furnished(index)
    calls = 0

    def fail(**_: object) -> None:
        nonlocal calls
        calls += 1
        if calls > broken_at:
            raise ReadTimeoutError(endpoint_url="the store")

    events = index.aws.dynamodb.meta.events
    events.register("before-send.dynamodb.*", fail, unique_id="break")
    response = index.request("DELETE", "/v1/users/alice", alice)
    events.unregister("before-send.dynamodb.*", fail, unique_id="break")
    assert response.status == 503
    assert index.request("POST", "/v1/users/", json=ALICE).status == 400, "the name is not free before all is gone"
    assert index.request("DELETE", "/v1/users/alice", alice).status == 204
    dead = "'of': {'S': 'repository alice/", "'entry': {'S': 'alice/"  # shares in what is gone, worth nothing
    assert [item for item in left_of_alice(index) if not any(mark in item for mark in dead)] == []
    assert index.request("GET", "/v1/search?q=alice", basic("bobby")).json["num_results"] == 0


def test_who_is_leaving_creates_and_shares_nothing_more(index: Index) -> None:
    alice = furnished(index)
    index.users.start_deletion("alice")
    response = index.request(
        "PUT", "/v1/namespaces/bobby/repositories/lib/collaborators/alice", basic("bobby"), json={"access": "read"}
    )
    assert response.status == 404
    for method, path in (("GET", "/v1/users/"), ("PUT", "/v1/repositories/alice/new"), ("GET", "/v1/users/alice")):
        assert index.request(method, path, alice, json=[]).status == 403
