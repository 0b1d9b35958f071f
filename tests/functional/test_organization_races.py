"""Simultaneous requests for one organisation, and faults in each of its calls.

A seed chooses which request continues at each call to AWS (tests/linearizability/interleaving.py). So many orders of
the calls are tried. Each result must be explained by one order of the requests.
"""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.conftest import MakeIndex
from tests.index import Index, basic
from tests.linearizability.interleaving import run_interleaved, send
from tests.together import run_together

OPS = "/v1/organizations/ops"


@pytest.fixture
def team(index: Index) -> Index:
    """An index where alice and bobby are the administrators of `ops`, and carol is a member with write."""
    return fill_team(index)


def fill_team(index: Index) -> Index:
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


SEEDS = 15


@pytest.fixture
def make_team(make_index: MakeIndex) -> Callable[[], Index]:
    """Return a function that creates an index like `team`, with its own tables."""

    def make() -> Index:
        return fill_team(make_index())

    return make


@pytest.mark.exhaustive
def test_account_and_organisation_cannot_both_get_a_name(index: Index) -> None:
    index.create_account("alice")
    results = set()
    for seed in range(SEEDS):
        name = f"devteam{seed}"
        form = {"username": name, "password": "sekret123", "email": f"{name}@example.com"}
        register = send("POST", "/v1/users/", body=form)
        organization, account = run_interleaved(
            index, seed, send("PUT", f"/v1/organizations/{name}", "alice"), register
        )
        results.add((organization, account))
        item = index.tables.users.get(name)
        assert bool(item.organization) is (organization == 201)
        assert (item.password_hash is None) is (organization == 201)
        index.reset_counters()
    assert results == {(201, 400), (409, 201)}, "both orders occur"


@pytest.mark.exhaustive
def test_last_two_administrators_cannot_both_leave(make_team: Callable[[], Index]) -> None:
    winners = set()
    for seed in range(SEEDS):
        team = make_team()
        leave = [send("DELETE", f"{OPS}/members/{name}", name) for name in ("alice", "bobby")]
        statuses = run_interleaved(team, seed, *leave)
        winners.add(tuple(statuses))
        assert counts(team) == (2, 1)
    assert winners == {(204, 409), (409, 204)}


@pytest.mark.exhaustive
def test_last_two_administrators_cannot_both_lose_the_role(make_team: Callable[[], Index]) -> None:
    for seed in range(SEEDS):
        team = make_team()
        alice, bobby = (
            send("PUT", f"{OPS}/members/{target}", username, {"access": "read"})
            for username, target in (("alice", "bobby"), ("bobby", "alice"))
        )
        statuses = sorted(run_interleaved(team, seed, alice, bobby))
        assert statuses[0] == 204
        assert statuses[1] in (403, 409)
        assert counts(team) == (3, 1)


@pytest.mark.exhaustive
def test_member_who_is_removed_during_a_push_pushes_before_or_is_denied(make_team: Callable[[], Index]) -> None:
    results = set()
    for seed in range(SEEDS):
        team = make_team()
        team.push("ops/web", basic("alice"), "a")
        removed, new, existing = run_interleaved(
            team,
            seed,
            send("DELETE", f"{OPS}/members/carol", "alice"),
            send("PUT", "/v1/repositories/ops/new", "carol", [{"id": "b"}]),
            send("PUT", "/v1/repositories/ops/web", "carol", [{"id": "b"}]),
        )
        results.add((new, existing))
        assert removed == 204
        assert new in (200, 404)
        assert existing in (200, 403)
        assert team.ids("ops/web", basic("alice")) == (["a", "b"] if existing == 200 else ["a"])
        listed = team.request("GET", "/v1/namespaces/ops/repositories", basic("alice")).json
        assert [entry["name"] for entry in listed] == (["new", "web"] if new == 200 else ["web"])
        for path in ("ops/late", "ops/web"):
            assert team.request("PUT", f"/v1/repositories/{path}", basic("carol"), json=[]).status in (403, 404)
    assert len(results) > 1, "several orders occur"


@pytest.mark.exhaustive
def test_deletion_during_pushes_leaves_nothing(make_team: Callable[[], Index]) -> None:
    results = set()
    for seed in range(SEEDS):
        team = make_team()
        team.push("ops/web", basic("alice"), "a")
        deleted, new, existing = run_interleaved(
            team,
            seed,
            send("DELETE", OPS, "alice"),
            send("PUT", "/v1/repositories/ops/new", "carol", [{"id": "b"}]),
            send("PUT", "/v1/repositories/ops/web", "carol", [{"id": "b"}]),
        )
        results.add((new, existing))
        assert {new, existing} <= {200, 403, 404}
        for _ in range(3):
            if deleted in (202, 503):
                deleted = team.request("DELETE", OPS, basic("alice")).status
        assert deleted == 204
        assert list(team.tables.repositories.scan()) == []
        assert list(team.tables.collaborators.scan()) == []
        assert team.tables.users.get("ops").tombstone
        for username in ("alice", "bobby", "carol"):
            assert team.tables.users.get(username).organizations == 0
    assert len(results) > 1, "several orders occur"


def test_one_of_many_creators_gets_the_name(index: Index) -> None:
    creators = [index.create_account(f"user{number}") for number in range(6)]
    statuses = run_together(6, lambda number: index.request("PUT", OPS, creators[number]).status)
    assert Counter(statuses) == {201: 1, 409: 5}
    (member,) = index.services.stores.organizations.list_members("ops", "", 10)
    assert member[0] == f"user{statuses.index(201)}"


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


@pytest.mark.exhaustive
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
