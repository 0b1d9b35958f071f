"""Organisations: creation, members, their rights, and deletion."""

from typing import Any

import pytest

from chalicelib.domain.roles import Role
from tests.index import Index, Response, basic
from tests.registries import create_registry_index, get_token

OPS = "/v1/organizations/ops"
ALICE, BOBBY, CAROL = basic("alice"), basic("bobby"), basic("carol")


@pytest.fixture
def team(index: Index) -> Index:
    """An index where alice is the administrator of `ops`. bobby, carol and the administrator `root` have accounts."""
    for name in ("alice", "bobby", "carol"):
        index.create_account(name)
    index.create_account("rooty", admin=True)
    assert index.request("PUT", OPS, ALICE).status == 201
    return index


def add(index: Index, username: str, access: str, by: str = ALICE) -> Response:
    return index.request("PUT", f"{OPS}/members/{username}", by, json={"access": access})


def remove(index: Index, username: str, by: str = ALICE) -> Response:
    return index.request("DELETE", f"{OPS}/members/{username}", by)


def members(index: Index) -> dict[str, str]:
    response = index.request("GET", f"{OPS}/members", basic("rooty"))
    assert response.status == 200
    return {entry["username"]: entry["access"] for entry in response.json}


def push(index: Index, auth: str, repository: str = "ops/web") -> int:
    return index.request("PUT", f"/v1/repositories/{repository}", auth, json=[{"id": "a"}]).status


def images(index: Index, auth: str | None, repository: str = "ops/web") -> int:
    return index.request("GET", f"/v1/repositories/{repository}/images", auth).status


def make_private(index: Index, repository: str = "web") -> None:
    path = f"/v1/namespaces/ops/repositories/{repository}"
    assert index.request("PUT", path, ALICE, json={"private": True}).status == 204


def test_creator_is_the_administrator(team: Index) -> None:
    shown = team.request("GET", OPS, ALICE)
    assert shown.status == 200
    assert shown.json.pop("created").endswith(("Z", "+00:00"))
    assert {name: shown.json[name] for name in ("name", "members", "access")} == {
        "name": "ops",
        "members": 1,
        "access": "admin",
    }
    assert team.request("GET", "/v1/organizations", ALICE).json == [{"name": "ops", "access": "admin"}]
    assert team.request("GET", "/v1/organizations", BOBBY).json == []


@pytest.mark.parametrize("name", ["ab", "my-team", "x" * 255, "0_-"])
def test_valid_names(team: Index, name: str) -> None:
    assert team.request("PUT", f"/v1/organizations/{name}", ALICE).status == 201
    assert push(team, ALICE, f"{name}/web") == 200


@pytest.mark.parametrize("name", ["a", "x" * 256, "Ops", "a.b", "a%20b", "library", "images", "auth", "layer"])
def test_invalid_and_reserved_names_are_rejected(team: Index, name: str) -> None:
    assert team.request("PUT", f"/v1/organizations/{name}", ALICE).status == 400
    assert team.tables.users.count(name) == 0


@pytest.mark.parametrize("name", ["ops", "bobby"])
def test_name_that_is_in_use_is_rejected(team: Index, name: str) -> None:
    response = team.request("PUT", f"/v1/organizations/{name}", CAROL)
    assert response.status == 409
    assert team.request("GET", "/v1/organizations", CAROL).json == []


def test_name_in_which_repositories_exist_is_rejected(team: Index) -> None:
    team.tables.repositories("lost", "web", created=team.users.get("alice").created).save()  # type: ignore[union-attr]
    assert team.request("PUT", "/v1/organizations/lost", ALICE).status == 409


def test_account_cannot_have_the_name_of_an_organisation(team: Index) -> None:
    assert team.request("PUT", "/v1/organizations/dev-team", ALICE).status == 201
    assert team.request("PUT", "/v1/organizations/devteam", ALICE).status == 201
    form = {"username": "devteam", "password": "sekret123", "email": "d@example.com"}
    response = team.request("POST", "/v1/users/", json=form)
    assert (response.status, response.json) == (400, "Username or email already exists")


def test_only_administrators_can_create_if_the_setting_says_so(make_index: Any) -> None:
    index = make_index(organization_creation="administrators")
    alice, root = index.create_account("alice"), index.create_account("rooty", admin=True)
    assert index.request("PUT", OPS, alice).status == 403
    assert index.request("PUT", OPS, root).status == 201


def test_number_of_new_organisations_in_an_hour_is_limited(team: Index) -> None:
    statuses = [team.request("PUT", f"/v1/organizations/team{number}", ALICE).status for number in range(20)]
    assert statuses == [201] * 19 + [429]


def test_number_of_organisations_of_an_account_is_limited(make_index: Any) -> None:
    index = make_index(max_organizations=2)
    alice, bobby = index.create_account("alice"), index.create_account("bobby")
    assert [index.request("PUT", f"/v1/organizations/team{number}", alice).status for number in range(3)] == [
        201,
        201,
        403,
    ]
    assert index.tables.users.count("team2") == 0
    assert index.request("PUT", "/v1/organizations/other", bobby).status == 201
    path = "/v1/organizations/other/members/alice"
    assert index.request("PUT", path, bobby, json={"access": "read"}).status == 403


def test_number_of_members_is_limited(make_index: Any) -> None:
    index = make_index(max_members=2)
    for name in ("alice", "bobby", "carol"):
        index.create_account(name)
    index.create_account("rooty", admin=True)
    assert index.request("PUT", OPS, ALICE).status == 201
    assert add(index, "bobby", "read").status == 204
    assert add(index, "carol", "read").status == 409
    assert add(index, "bobby", "write").status == 204
    assert remove(index, "bobby").status == 204
    assert add(index, "carol", "read").status == 204
    assert members(index) == {"alice": "admin", "carol": "read"}


@pytest.mark.parametrize(
    ("access", "can_pull", "can_push", "can_delete"),
    [("read", True, False, False), ("write", True, True, False), ("admin", True, True, True)],
)
def test_rights_of_a_member(team: Index, access: str, can_pull: bool, can_push: bool, can_delete: bool) -> None:
    assert push(team, ALICE) == 200
    make_private(team)
    assert images(team, BOBBY) == 404
    assert add(team, "bobby", access).status == 204
    assert images(team, BOBBY) == (200 if can_pull else 404)
    assert push(team, BOBBY) == (200 if can_push else 403)
    assert push(team, BOBBY, "ops/new") == (200 if can_push else 404)
    listed = team.request("GET", "/v1/namespaces/ops/repositories", BOBBY).json
    assert [(entry["name"], entry["access"]) for entry in listed if entry["name"] == "web"] == [("web", access)]
    found = team.request("GET", "/v1/search?q=web", BOBBY).json["results"]
    assert [result["name"] for result in found] == ["ops/web"]
    assert team.request("DELETE", "/v1/repositories/ops/web", BOBBY).status == (202 if can_delete else 403)


def test_role_of_a_member_can_change(team: Index) -> None:
    assert add(team, "bobby", "read").status == 204
    assert add(team, "bobby", "admin").status == 204
    assert add(team, "alice", "read", by=BOBBY).status == 204
    assert members(team) == {"alice": "read", "bobby": "admin"}
    assert add(team, "carol", "read", by=ALICE).status == 403


def test_removed_member_has_no_rights(team: Index) -> None:
    push(team, ALICE)
    make_private(team)
    add(team, "bobby", "write")
    assert images(team, BOBBY) == 200
    assert remove(team, "bobby").status == 204
    assert (images(team, BOBBY), push(team, BOBBY), push(team, BOBBY, "ops/new")) == (404, 404, 404)
    assert team.request("GET", OPS, BOBBY).status == 403
    assert remove(team, "bobby").status == 404


def test_member_can_leave(team: Index) -> None:
    add(team, "bobby", "read")
    assert remove(team, "carol", by=BOBBY).status == 403
    assert remove(team, "bobby", by=BOBBY).status == 204
    assert members(team) == {"alice": "admin"}


def test_last_administrator_cannot_leave_or_lose_the_role(team: Index) -> None:
    add(team, "bobby", "write")
    assert remove(team, "alice").status == 409
    assert add(team, "alice", "read").status == 409
    assert members(team) == {"alice": "admin", "bobby": "write"}
    add(team, "bobby", "admin")
    assert remove(team, "alice").status == 204
    assert members(team) == {"bobby": "admin"}


@pytest.mark.parametrize(("username", "status"), [("nobody", 404), ("inactive", 404), ("ops", 404), ("x", 404)])
def test_account_that_cannot_be_a_member(team: Index, username: str, status: int) -> None:
    team.create_account("inactive")
    assert team.request("PUT", "/v1/users/inactive", basic("rooty"), json={"active": False}).status == 204
    assert add(team, username, "read").status == status
    assert members(team) == {"alice": "admin"}


@pytest.mark.parametrize("access", ["owner", "", "Read", None, 1])
def test_unknown_access_is_rejected(team: Index, access: object) -> None:
    response = team.request("PUT", f"{OPS}/members/bobby", ALICE, json={"access": access})
    assert response.status == 400
    assert members(team) == {"alice": "admin"}


def test_account_can_block_an_organisation(team: Index) -> None:
    add(team, "bobby", "read")
    assert team.request("PUT", "/v1/users/bobby/blocked/ops", BOBBY).status == 204
    assert members(team) == {"alice": "admin"}
    assert add(team, "bobby", "read").status == 403
    assert team.request("DELETE", "/v1/users/bobby/blocked/ops", BOBBY).status == 204
    assert add(team, "bobby", "read").status == 204


def test_stranger_cannot_force_an_account_to_administer_an_organisation(team: Index) -> None:
    """alice makes bobby an administrator without his consent, and leaves."""
    assert add(team, "bobby", "admin").status == 204
    assert remove(team, "alice").status == 204
    assert remove(team, "bobby", by=BOBBY).status == 409
    assert team.request("PUT", "/v1/users/bobby/blocked/ops", BOBBY).status == 204
    assert members(team) == {}
    assert team.request("DELETE", "/v1/users/bobby", BOBBY).status == 204
    assert add(team, "carol", "admin", by=basic("rooty")).status == 204, "an administrator of the index can help"


def test_member_can_leave_an_organisation_in_deletion(team: Index) -> None:
    for username in ("bobby", "carol"):
        assert add(team, username, "read").status == 204
    team.services.stores.organizations.start_deletion("ops")
    assert remove(team, "bobby", by=BOBBY).status == 204
    assert team.request("DELETE", "/v1/users/carol", CAROL).status == 204
    assert team.request("DELETE", OPS, ALICE).status == 204


def test_impossible_names_are_rejected_without_a_read(team: Index) -> None:
    team.calls.clear()
    assert team.request("GET", f"/v1/organizations/{'x' * 3000}", ALICE).status == 404
    assert team.calls.count("dynamodb.GetItem") <= 1, "only the login"
    assert team.request("GET", f"{OPS}/members?after={'x' * 1500}", ALICE).status == 400


def test_token_for_an_organisation_in_deletion_does_not_allow_a_new_repository(make_index: Any) -> None:
    index = create_registry_index(make_index)
    for name in ("alice", "bobby"):
        index.create_account(name)
    assert index.request("PUT", OPS, ALICE).status == 201
    assert add(index, "bobby", "write").status == 204
    scope = "repository:ops/new:pull,push"
    assert get_token(index, scope, auth=BOBBY).json["scope"] == scope
    index.services.stores.organizations.start_deletion("ops")
    assert get_token(index.restart(), scope, auth=BOBBY).json["scope"] == ""


def test_organisation_is_not_a_person(team: Index) -> None:
    push(team, ALICE)
    assert team.request("GET", "/v1/users/", basic("ops")).status == 401
    assert team.request("GET", "/v1/users/ops", basic("rooty")).status == 404
    assert team.request("PUT", "/v1/users/ops", basic("rooty"), json={"active": True}).status == 404
    assert team.request("DELETE", "/v1/users/ops", basic("rooty")).status == 404
    collaborators = "/v1/namespaces/ops/repositories/web/collaborators"
    assert team.request("PUT", f"{collaborators}/ops", ALICE, json={"access": "read"}).status == 400
    team.request("PUT", "/v1/organizations/other", ALICE)
    assert team.request("PUT", f"{collaborators}/other", ALICE, json={"access": "read"}).status == 404


def test_administrator_of_the_index_has_all_rights(team: Index) -> None:
    root = basic("rooty")
    assert team.request("GET", OPS, root).json["access"] == "admin"
    assert add(team, "bobby", "admin", by=root).status == 204
    assert push(team, root) == 200
    assert team.request("DELETE", OPS, root).status == 204


def test_strangers_and_robots_cannot_manage_an_organisation(team: Index) -> None:
    robot = team.request("PUT", "/v1/users/alice/robots/ci", ALICE, json={"access": "write"}).json["token"]
    for auth, status in ((BOBBY, 403), (basic("alice", robot), 403), (None, 401)):
        for method, path in (("GET", OPS), ("GET", f"{OPS}/members"), ("GET", f"{OPS}/robots"), ("DELETE", OPS)):
            assert team.request(method, path, auth).status == status, (path, auth)
        assert team.request("PUT", f"{OPS}/members/bobby", auth, json={"access": "admin"}).status == status
    assert team.request("PUT", "/v1/organizations/other", basic("alice", robot)).status == 403
    assert team.request("GET", "/v1/organizations/missing", ALICE).status == 404


def create_robot(index: Index, access: str = "write", **form: object) -> str:
    response = index.request("PUT", f"{OPS}/robots/ci", ALICE, json={"access": access, **form})
    assert response.status == 201, response.body
    return basic("ops", response.json["token"])


def test_robot_of_an_organisation_pushes_and_remains_when_its_creator_leaves(team: Index) -> None:
    robot = create_robot(team)
    assert push(team, robot) == 200
    make_private(team)
    add(team, "bobby", "admin")
    remove(team, "alice", by=BOBBY)
    assert (images(team, robot), push(team, robot)) == (200, 200)
    assert team.request("GET", "/v1/users/", robot).status == 200
    assert team.request("DELETE", "/v1/repositories/ops/web", robot).status == 403
    listed = team.request("GET", f"{OPS}/robots", BOBBY).json
    assert [(entry["name"], entry["access"]) for entry in listed] == [("ci", "write")]
    assert team.request("DELETE", f"{OPS}/robots/ci", BOBBY).status == 204
    assert images(team, robot) == 401


def test_robot_of_an_organisation_is_limited_to_its_repositories(team: Index) -> None:
    robot = create_robot(team, repositories=["ops/web"])
    assert push(team, robot) == 200
    assert push(team, robot, "ops/other") == 404
    assert push(team, robot, "alice/web") == 404


def test_only_administrators_manage_the_robots(team: Index) -> None:
    create_robot(team)
    add(team, "bobby", "write")
    assert team.request("GET", f"{OPS}/robots", BOBBY).status == 403
    assert team.request("PUT", f"{OPS}/robots/new", BOBBY, json={"access": "read"}).status == 403
    assert team.request("DELETE", f"{OPS}/robots/ci", BOBBY).status == 403


def test_robot_of_a_member_loses_the_rights_with_the_member(team: Index) -> None:
    push(team, ALICE)
    make_private(team)
    add(team, "bobby", "write")
    token = team.request("PUT", "/v1/users/bobby/robots/ci", BOBBY, json={"access": "read"}).json["token"]
    robot = basic("bobby", token)
    assert (images(team, robot), push(team, robot)) == (200, 403)
    remove(team, "bobby")
    assert images(team, robot) == 404


def test_deletion_removes_everything_and_reserves_the_name(team: Index) -> None:
    robot = create_robot(team)
    push(team, ALICE)
    add(team, "bobby", "write")
    assert team.request("DELETE", OPS, BOBBY).status == 403
    assert team.request("DELETE", OPS, ALICE).status == 204
    assert (images(team, ALICE), images(team, robot)) == (404, 401)
    assert team.request("GET", OPS, ALICE).status == 404
    assert team.request("GET", "/v1/organizations", BOBBY).json == []
    assert team.request("PUT", OPS, CAROL).status == 409
    assert list(team.tables.robots.scan()) == []
    assert list(team.tables.collaborators.scan()) == []
    for username in ("alice", "bobby"):
        assert team.tables.users.get(username).organizations == 0


def test_organisation_in_deletion_gets_nothing_new(team: Index) -> None:
    push(team, ALICE)
    robot = create_robot(team)
    team.services.stores.organizations.start_deletion("ops")
    assert add(team, "bobby", "read").status == 409
    assert team.request("PUT", f"{OPS}/robots/new", ALICE, json={"access": "read"}).status == 403
    assert push(team, ALICE, "ops/new") == 403
    assert images(team, robot) == 403
    assert team.request("DELETE", OPS, ALICE).status == 204


def test_account_deletion_leaves_organisations(team: Index) -> None:
    add(team, "bobby", "admin")
    add(team, "carol", "read")
    assert team.request("DELETE", "/v1/users/carol", CAROL).status == 204
    assert team.request("DELETE", "/v1/users/bobby", basic("rooty")).status == 204
    assert members(team) == {"alice": "admin"}
    assert team.request("GET", OPS, ALICE).json["members"] == 1


def test_last_administrator_cannot_delete_the_account(team: Index) -> None:
    add(team, "bobby", "write")
    team.request("PUT", "/v1/organizations/second", ALICE)
    for auth in (ALICE, basic("rooty")):
        assert team.request("DELETE", "/v1/users/alice", auth).status == 409
    assert members(team) == {"alice": "admin", "bobby": "write"}
    assert push(team, ALICE) == 200
    for name in ("ops", "second"):
        assert team.request("DELETE", f"/v1/organizations/{name}", ALICE).status == 204
    assert team.request("DELETE", "/v1/users/alice", ALICE).status == 204


@pytest.mark.exhaustive
def test_lists_of_members_and_organisations_have_pages(team: Index) -> None:
    organizations, users = team.services.stores.organizations, team.tables.users
    created = users.get("alice").created
    with users.batch_write() as items:
        for number in range(120):
            items.save(users(f"user{number:03}", password_hash="x", active=True, created=created))
    for number in range(120):
        organizations.put_member("ops", f"user{number:03}", Role.READ)
        organizations.create(f"team{number:03}", "bobby", created)
    for path, auth, total in ((f"{OPS}/members", ALICE, 121), ("/v1/organizations", BOBBY, 120)):
        first = team.request("GET", path, auth)
        assert len(first.json) == 100
        second = team.request("GET", first.headers["link"].split(">")[0][1:], auth)
        assert len(second.json) == total - 100
        assert "link" not in second.headers
