"""Calls to AWS and units of DynamoDB for organisations, and their bounds for large ones."""

import pytest

from bench.aws_cost.meter import measure_usage
from tests.index import Index, basic

GET, BATCH_GET, QUERY = "dynamodb.GetItem", "dynamodb.BatchGetItem", "dynamodb.Query"
PUT, TRANSACT, UPDATE = "dynamodb.PutItem", "dynamodb.TransactWriteItems", "dynamodb.UpdateItem"
OPS, WEB = "/v1/organizations/ops", "/v1/repositories/ops/web"
IMAGES = WEB + "/images"


@pytest.fixture
def team(index: Index) -> Index:
    """An index where `ops` has the private repository `web`, an administrator, a member with write and a robot."""
    for name in ("alice", "bobby", "carol"):
        auth = index.create_account(name)
        assert index.request("GET", "/v1/users/", auth).status == 200  # caches the login
    assert index.request("PUT", OPS, basic("alice")).status == 201
    assert index.request("PUT", f"{OPS}/members/bobby", basic("alice"), json={"access": "write"}).status == 204
    index.push("ops/web", basic("alice"), "a")
    change = "/v1/namespaces/ops/repositories/web"
    assert index.request("PUT", change, basic("alice"), json={"private": True}).status == 204
    return index


OPERATIONS = (
    # operation, body, principal, status, calls, read units, write units
    ("GET", IMAGES, None, "bobby", 200, [GET, GET, BATCH_GET, QUERY], 5, 0),
    ("GET", IMAGES, None, "carol", 404, [GET, GET, BATCH_GET], 4, 0),
    ("GET", IMAGES, None, "robot", 200, [GET, GET, QUERY], 3, 0),
    ("GET", IMAGES, None, "token", 200, [QUERY], 1, 0),
    ("PUT", WEB, [{"id": "a"}], "bobby", 200, [GET, GET, BATCH_GET, QUERY], 5, 0),
    ("PUT", "/v1/repositories/ops/new", [{"id": "a"}], "bobby", 200, [GET, GET, BATCH_GET, QUERY, TRANSACT], 5, 14),
    ("GET", "/v1/namespaces/ops/repositories", None, "bobby", 200, [GET, QUERY, QUERY], 3, 0),
    ("GET", "/v1/organizations", None, "bobby", 200, [GET, QUERY], 2, 0),
    ("GET", OPS, None, "bobby", 200, [GET, GET, GET], 3, 0),
    ("GET", f"{OPS}/members", None, "bobby", 200, [GET, GET, GET, QUERY], 4, 0),
    ("PUT", f"{OPS}/members/carol", {"access": "read"}, "alice", 204, [GET, GET, GET, GET, TRANSACT], 4, 8),
    ("PUT", f"{OPS}/members/bobby", {"access": "read"}, "alice", 204, [GET, GET, GET, GET, TRANSACT], 4, 6),
    ("DELETE", f"{OPS}/members/bobby", None, "alice", 204, [GET, GET, GET, GET, GET, TRANSACT], 5, 8),
    ("PUT", f"{OPS}/robots/new", {"access": "read"}, "alice", 201, [GET, GET, GET, TRANSACT], 3, 4),
    ("PUT", "/v1/organizations/other", None, "carol", 201, [GET, UPDATE, QUERY, TRANSACT], 2, 9),
)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("method", "path", "body", "principal", "status", "calls", "reads", "writes"),
    OPERATIONS,
    ids=[f"{method} {path} by {principal}" for method, path, _, principal, *_ in OPERATIONS],
)
def test_operation_makes_the_documented_calls(
    team: Index,
    method: str,
    path: str,
    body: object,
    principal: str,
    status: int,
    calls: list[str],
    reads: int,
    writes: int,
) -> None:
    robot = team.request("PUT", f"{OPS}/robots/ci", basic("alice"), json={"access": "write"}).json["token"]
    assert team.request("GET", IMAGES, basic("ops", robot)).status == 200  # records the use of the robot
    token = team.request("GET", IMAGES, basic("alice"), token=True).token
    auth = {"robot": basic("ops", robot), "token": f"Token {token}"}.get(principal, basic(principal))
    team.calls.clear()
    with measure_usage(team.aws) as usage:
        assert team.request(method, path, auth, json=body).status == status
    assert (team.calls, usage.reads, usage.writes) == (calls, reads, writes)


@pytest.mark.exhaustive
def test_account_in_200_organisations_has_bounded_requests(team: Index) -> None:
    organizations = team.services.stores.organizations
    created = team.user("alice").created
    for number in range(199):
        organizations.create(f"team{number:03}", "bobby", created)
    bobby = basic("bobby")
    for path, calls, units in (
        (IMAGES, 4, 5),
        ("/v1/organizations", 2, 10),
        ("/v1/namespaces/ops/repositories", 3, 3),
        (
            "/v1/search?q=web",
            1 + 1 + 4 * 27,
            120,
        ),  # the account, the public ones, its own and those of 25 organisations
    ):
        team.calls.clear()
        with measure_usage(team.aws) as usage:
            response = team.request("GET", path, bobby)
        assert response.status == 200
        assert len(team.calls) <= calls, path
        assert usage.reads <= units, path
    found = team.request("GET", "/v1/search?q=ops/web", bobby).json["results"]
    assert [result["name"] for result in found] == ["ops/web"], (
        "the organisation that the query names is searched first"
    )


@pytest.mark.exhaustive
def test_organisation_with_1000_members_has_bounded_requests(team: Index) -> None:
    users, rows, created = team.tables.users, team.tables.collaborators, team.user("alice").created
    names = [f"user{number:03}" for number in range(998)]
    with users.batch_write() as items, rows.batch_write() as roles:  # transactions would take minutes in moto
        for name in names:
            items.save(users(name, password_hash="x", active=True, created=created, organizations=1))
            roles.save(rows("organization ops", name, role="read"))
            roles.save(rows(f"account {name}", "ops/", role="read"))
    users("ops").update([users.members.add(998)])
    with measure_usage(team.aws) as usage:
        assert len(team.request("GET", f"{OPS}/members", basic("alice")).json) == 100
    assert usage.reads <= 8
    team.create_account("onemore")
    path = f"{OPS}/members/onemore"
    assert team.request("PUT", path, basic("alice"), json={"access": "read"}).status == 409, "1,000 is the quota"


def test_deletion_of_many_members_takes_several_requests(team: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.accounts.organization_deletion.MAX_LISTED", 2)
    for number in range(3):
        team.create_account(f"user{number}")
        path = f"{OPS}/members/user{number}"
        assert team.request("PUT", path, basic("alice"), json={"access": "read"}).status == 204
    statuses = [team.request("DELETE", OPS, basic("alice")).status for _ in range(3)]
    assert statuses == [202, 202, 204]
    assert list(team.tables.collaborators.scan()) == []
