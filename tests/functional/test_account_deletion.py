"""The deletion of an account removes all its data, and a later account with its name gets none of it."""

from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.index import Index, basic

ALICE = {"username": "alice", "password": "battery staple", "email": "alice@example.com"}


def create_data(index: Index) -> str:
    """Create alice with repositories, a robot and two addresses. alice and bobby are collaborators of each other."""
    alice, bobby = index.create_account("alice"), index.create_account("bobby")
    for name in ("web", "api"):
        index.push(f"alice/{name}", alice, "a")
    index.push("bobby/lib", bobby, "a")
    for path, auth, name in (("alice/repositories/web", alice, "bobby"), ("bobby/repositories/lib", bobby, "alice")):
        path = f"/v1/namespaces/{path}/collaborators/{name}"
        assert index.request("PUT", path, auth, json={"access": "write"}).status == 204
    assert index.request("PUT", "/v1/users/alice/robots/ci", alice, json={"access": "read"}).status == 201
    assert index.request("PUT", "/v1/users/alice", alice, json={"email": "second@example.com"}).status == 204
    return alice


def find_remains(index: Index) -> list[str]:
    """Return all items that name alice, except the heads of deleted repositories and the reserved username."""
    tables = index.tables
    models = (tables.users, tables.emails, tables.robots, tables.repositories, tables.terms, tables.collaborators)
    items = [str(item.to_dynamodb_dict()) for model in models for item in model.scan()]
    return [item for item in items if "alice" in item and "tombstone" not in item]


@pytest.mark.exhaustive
def test_deletion_removes_all_data(index: Index) -> None:
    alice = create_data(index)
    robot = index.request("PUT", "/v1/users/alice/robots/more", alice, json={"access": "write"}).json["token"]
    assert index.request("DELETE", "/v1/users/alice/", alice).status == 204
    assert find_remains(index) == []
    for auth in (alice, basic("alice", robot)):
        assert index.request("GET", "/v1/users/", auth).status == 401
    assert index.request("GET", "/v1/repositories/alice/web/images").status == 404
    assert index.request("GET", "/v1/search?q=alice").json["num_results"] == 0
    assert index.ids("bobby/lib", basic("bobby")) == ["a"]
    assert index.request("GET", "/v1/namespaces/bobby/repositories/lib/collaborators", basic("bobby")).json == []
    other = ALICE | {"username": "other"}
    assert index.request("POST", "/v1/users/", json=other).status == 201  # the email addresses are free


@pytest.mark.exhaustive
def test_username_is_reserved(index: Index) -> None:
    index.request("DELETE", "/v1/users/alice", create_data(index))
    response = index.request("POST", "/v1/users/", json=ALICE)
    assert response.body == b'"Username or email already exists"'
    assert index.request("GET", "/v1/users/", basic("alice", "battery staple")).status == 401
    response = index.request("GET", "/v1/users/alice", index.create_account("admin", admin=True))
    assert response.status == 404


def test_username_that_is_not_reserved_gets_an_empty_account(make_index: Any) -> None:
    index = make_index(reserve_deleted_names=False)
    alice = create_data(index)
    index.request("PUT", "/v1/namespaces/alice/repositories/web", alice, json={"private": True})
    read = f"Token {index.request('GET', '/v1/repositories/alice/web/images', alice, token=True).token}"
    index.request("DELETE", "/v1/users/alice", alice)
    assert index.request("POST", "/v1/users/", json=ALICE).status == 201
    new = basic("alice", "battery staple")
    assert index.request("GET", "/v1/namespaces/alice/repositories", new).json == []
    assert index.request("GET", "/v1/users/alice/robots", new).json == []
    assert index.request("GET", "/v1/repositories/bobby/lib/images", read).status == 401
    assert (
        index.request("PUT", "/v1/repositories/bobby/lib", new, json=[]).status == 403
    )  # the role as a collaborator is gone
    response = index.request("DELETE", "/v1/repositories/alice/web", new, token=True)
    assert "x-docker-token" not in response.headers  # no access to the earlier list
    index.push("alice/web", new, "b")
    assert index.request("GET", "/v1/repositories/alice/web/images", read).status == 401


def test_only_the_owner_and_administrators_can_delete_an_account(index: Index) -> None:
    create_data(index)
    assert index.request("DELETE", "/v1/users/alice").status == 401
    assert index.request("DELETE", "/v1/users/alice", basic("bobby")).status == 403
    assert index.request("DELETE", "/v1/users/nobody", basic("bobby")).status == 404
    assert index.request("GET", "/v1/users/", basic("alice")).status == 200
    assert index.request("DELETE", "/v1/users/alice", index.create_account("admin", admin=True)).status == 204
    assert find_remains(index) == []


@pytest.mark.exhaustive
def test_deletion_of_many_repositories_needs_several_requests(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("accounts.deletion", "repositories.service"):
        monkeypatch.setattr(f"chalicelib.{module}.MAX_LISTED", 10)
    alice = index.create_account("alice")
    with index.tables.repositories.batch_write() as items, index.tables.images.batch_write() as heads:
        created = index.users.get("alice").created  # type: ignore[union-attr]
        for n in range(15):
            items.save(index.tables.repositories("alice", f"web{n}", generation="0" * 16, created=created))
            heads.save(index.tables.images(f"alice/web{n}", "head", generation="0" * 16, deleted=False))
    response = index.request("DELETE", "/v1/users/alice", alice)
    assert (response.status, response.body) == (202, b'""')  # not complete
    response = index.request("PUT", "/v1/repositories/alice/new", alice, json=[])
    assert (response.status, response.body) == (403, b'"Account is not Active"')
    assert index.request("DELETE", "/v1/users/alice", alice).status == 204
    assert find_remains(index) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("interrupted_after", range(14))
def test_interrupted_deletion_is_completed_by_the_next_request(index: Index, interrupted_after: int) -> None:
    alice = create_data(index)
    calls = 0

    def fail(**_: object) -> None:
        nonlocal calls
        calls += 1
        if calls > interrupted_after:
            raise ReadTimeoutError(endpoint_url="DynamoDB")

    events = index.aws.dynamodb.meta.events
    events.register("before-send.dynamodb.*", fail, unique_id="break")
    response = index.request("DELETE", "/v1/users/alice", alice)
    events.unregister("before-send.dynamodb.*", fail, unique_id="break")
    assert response.status == 503
    assert index.request("POST", "/v1/users/", json=ALICE).status == 400  # the name is still reserved
    assert index.request("DELETE", "/v1/users/alice", alice).status == 204
    # Collaborators of the deleted generation have no effect.
    harmless = "'of': {'S': 'repository alice/", "'entry': {'S': 'alice/"
    assert [item for item in find_remains(index) if not any(mark in item for mark in harmless)] == []
    assert index.request("GET", "/v1/search?q=alice", basic("bobby")).json["num_results"] == 0


def test_account_in_deletion_can_neither_create_nor_be_a_collaborator(index: Index) -> None:
    alice = create_data(index)
    index.users.start_deletion("alice")
    response = index.request(
        "PUT", "/v1/namespaces/bobby/repositories/lib/collaborators/alice", basic("bobby"), json={"access": "read"}
    )
    assert response.status == 404
    for method, path in (("GET", "/v1/users/"), ("PUT", "/v1/repositories/alice/new"), ("GET", "/v1/users/alice")):
        assert index.request(method, path, alice, json=[]).status == 403
