"""Simultaneous requests for one organisation, and faults in each of its calls."""

from collections import Counter

import pytest

from tests.index import Index, basic
from tests.together import run_together

OPS = "/v1/organizations/ops"


@pytest.fixture
def team(index: Index) -> Index:
    """An index where alice and bobby are the administrators of `ops`, and carol is a member with write."""
    for name in ("alice", "bobby", "carol"):
        index.create_account(name)
    assert index.request("PUT", OPS, basic("alice")).status == 201
    for name, access in (("bobby", "admin"), ("carol", "write")):
        assert index.request("PUT", f"{OPS}/members/{name}", basic("alice"), json={"access": access}).status == 204
    return index


def counts(index: Index) -> tuple[int, int]:
    """Return the stored numbers of members and administrators, after a comparison with the members."""
    organization = index.services.stores.organizations.get("ops")
    assert organization is not None
    members = index.services.stores.organizations.list_members("ops", "", 100)
    assert organization.members == len(members)
    assert organization.administrators == sum(role.word == "admin" for _, role in members)
    for username, _ in members:
        joined = index.services.organizations.of_account(username)
        assert index.tables.users.get(username).organizations == len(joined)
    return organization.members, organization.administrators


@pytest.mark.parametrize("attempt", range(5))
def test_account_and_organisation_cannot_both_get_a_name(index: Index, attempt: int) -> None:
    alice = index.create_account("alice")
    form = {"username": "devteam", "password": "sekret123", "email": "d@example.com"}

    def act(number: int) -> int:
        if number:
            return index.request("POST", "/v1/users/", json=form).status
        return index.request("PUT", "/v1/organizations/devteam", alice).status

    organization, account = run_together(2, act)
    assert (organization, account) in ((201, 400), (409, 201))
    item = index.tables.users.get("devteam")
    assert bool(item.organization) is (organization == 201)
    assert (item.password_hash is None) is (organization == 201)


def test_one_of_many_creators_gets_the_name(index: Index) -> None:
    creators = [index.create_account(f"user{number}") for number in range(6)]
    statuses = run_together(6, lambda number: index.request("PUT", OPS, creators[number]).status)
    assert Counter(statuses) == {201: 1, 409: 5}
    (member,) = index.services.stores.organizations.list_members("ops", "", 10)
    assert member[0] == f"user{statuses.index(201)}"


@pytest.mark.parametrize("attempt", range(5))
def test_last_two_administrators_cannot_both_leave(team: Index, attempt: int) -> None:
    names = ("alice", "bobby")
    statuses = run_together(
        2, lambda number: team.request("DELETE", f"{OPS}/members/{names[number]}", basic(names[number])).status
    )
    assert sorted(statuses) == [204, 409]
    assert counts(team) == (2, 1)


def test_last_two_administrators_cannot_both_lose_the_role(team: Index) -> None:
    names = ("alice", "bobby")
    statuses = run_together(
        2,
        lambda number: (
            team.request(
                "PUT", f"{OPS}/members/{names[1 - number]}", basic(names[number]), json={"access": "read"}
            ).status
        ),
    )
    assert sorted(statuses)[0] == 204
    assert sorted(statuses)[1] in (403, 409)
    assert counts(team) == (3, 1)


def test_removal_during_pushes_ends_the_rights(team: Index) -> None:
    def act(number: int) -> int:
        if number == 0:
            return team.request("DELETE", f"{OPS}/members/carol", basic("alice")).status
        path = f"/v1/repositories/ops/web{number}"
        return team.request("PUT", path, basic("carol"), json=[{"id": "a"}]).status

    removed, *pushed = run_together(6, act)
    assert removed == 204
    assert set(pushed) <= {200, 404}
    assert team.request("PUT", "/v1/repositories/ops/late", basic("carol"), json=[]).status == 404
    listed = team.request("GET", "/v1/namespaces/ops/repositories", basic("alice")).json
    assert len(listed) == pushed.count(200), "each acknowledged push has created its repository"


def test_deletion_during_pushes_leaves_nothing(team: Index) -> None:
    def act(number: int) -> int:
        if number == 0:
            return team.request("DELETE", OPS, basic("alice")).status
        path = f"/v1/repositories/ops/web{number}"
        return team.request("PUT", path, basic("carol"), json=[{"id": "a"}]).status

    deleted, *pushed = run_together(6, act)
    assert set(pushed) <= {200, 403, 404}
    while deleted != 204:
        assert deleted in (202, 503)
        deleted = team.request("DELETE", OPS, basic("alice")).status
    assert list(team.tables.repositories.scan()) == []
    assert list(team.tables.collaborators.scan()) == []
    assert team.tables.users.get("ops").tombstone


def test_many_members_are_counted(team: Index) -> None:
    for number in range(8):
        team.create_account(f"user{number}")
    statuses = run_together(
        8,
        lambda number: (
            team.request("PUT", f"{OPS}/members/user{number}", basic("alice"), json={"access": "admin"}).status
        ),
    )
    for number, status in enumerate(statuses):
        if status == 503:  # too many conflicts; nothing was acknowledged
            statuses[number] = team.request(
                "PUT", f"{OPS}/members/user{number}", basic("alice"), json={"access": "admin"}
            ).status
    assert set(statuses) == {204}
    assert counts(team) == (11, 10)


REQUESTS = (
    ("PUT", "/v1/organizations/other", None),
    ("PUT", f"{OPS}/members/bobby", {"access": "read"}),
    ("DELETE", f"{OPS}/members/carol", None),
    ("PUT", f"{OPS}/robots/ci", {"access": "write"}),
    ("DELETE", OPS, None),
)


@pytest.mark.parametrize("operation", ["GetItem", "BatchGetItem", "Query", "UpdateItem", "TransactWriteItems"])
@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_fault_in_each_call_is_not_acknowledged_and_can_be_repeated(
    team: Index, operation: str, method: str, path: str, body: object
) -> None:
    team.push("ops/web", basic("alice"), "a")
    with team.failing_calls(operation):
        status = team.request(method, path, basic("alice"), json=body).status
    if status == 503:
        assert team.request("GET", OPS, basic("alice")).status == 200, "an administrator can repeat the request"
        status = team.request(method, path, basic("alice"), json=body).status
    assert status in (201, 204)
    if path != OPS or method != "DELETE":
        counts(team)
        assert team.ids("ops/web", basic("alice")) == ["a"]
