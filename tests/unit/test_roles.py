"""The rules for roles. tests/functional/test_permissions.py tests the same rules with HTTP requests."""

import pytest

from chalicelib.domain.errors import PermissionDenied
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import (
    ANONYMOUS,
    GivenRoles,
    Principal,
    Robot,
    Role,
    TokenScope,
    organization_role_of,
    require_administrator,
    role_of,
)

WEB, OTHER, LIBRARY = RepositoryName("alice", "web"), RepositoryName("alice", "other"), RepositoryName("library", "web")

ALICE, BOB, ROOT = Principal("alice"), Principal("bob"), Principal("root", admin=True)


def robot_of(principal: Principal, role: Role, *repositories: RepositoryName) -> Principal:
    return Principal(principal.username, principal.admin, Robot("ci", role, frozenset(repositories) or None))


NONE, READ, WRITE, ADMIN = Role
PRINCIPALS = {  # the role in the private alice/web if the account has been given no role, and each role
    "anonymous": (ANONYMOUS, NONE, READ, WRITE, ADMIN),
    "owner": (ALICE, ADMIN, ADMIN, ADMIN, ADMIN),
    "stranger": (BOB, NONE, READ, WRITE, ADMIN),
    "administrator": (ROOT, ADMIN, ADMIN, ADMIN, ADMIN),
    "owner's robot with read": (robot_of(ALICE, READ), READ, READ, READ, READ),
    "owner's robot with write": (robot_of(ALICE, WRITE), WRITE, WRITE, WRITE, WRITE),
    "owner's robot for this repository": (robot_of(ALICE, WRITE, OTHER, WEB), WRITE, WRITE, WRITE, WRITE),
    "owner's robot for another repository": (robot_of(ALICE, WRITE, OTHER), NONE, NONE, NONE, NONE),
    "stranger's robot with read": (robot_of(BOB, READ), NONE, READ, READ, READ),
    "stranger's robot with write": (robot_of(BOB, WRITE), NONE, READ, WRITE, WRITE),
    "stranger's robot for another repository": (robot_of(BOB, WRITE, OTHER), NONE, NONE, NONE, NONE),
    "administrator's robot": (robot_of(ROOT, WRITE), NONE, READ, WRITE, WRITE),
}


@pytest.mark.parametrize("name", PRINCIPALS)
def test_roles_in_a_private_repository(name: str) -> None:
    principal, *expected = PRINCIPALS[name]
    assert [role_of(principal, WEB, private=True, given=given) for given in Role] == expected
    assert role_of(principal, WEB, private=True) is expected[0]


@pytest.mark.parametrize("name", PRINCIPALS)
def test_everyone_can_read_a_public_repository(name: str) -> None:
    principal, *private = PRINCIPALS[name]
    public = [role_of(principal, WEB, private=False, given=given) for given in Role]
    assert public == [max(role, READ) for role in private]


@pytest.mark.parametrize(
    ("principal", "role"),
    [
        (ANONYMOUS, READ),
        (BOB, READ),
        (Principal("library"), READ),
        (robot_of(Principal("library"), WRITE), READ),
        (ROOT, ADMIN),
        (robot_of(ROOT, WRITE), WRITE),
        (robot_of(ROOT, READ), READ),
        (robot_of(ROOT, WRITE, WEB), READ),
        (robot_of(ROOT, WRITE, LIBRARY), WRITE),
    ],
)
def test_only_administrators_and_their_robots_can_write_to_the_library(principal: Principal, role: Role) -> None:
    assert role_of(principal, LIBRARY, private=False) is role


def test_given_role_is_the_higher_one_of_collaborator_and_member() -> None:
    given = GivenRoles({(WEB, "1"): ADMIN, (OTHER, "1"): READ}, {"alice": WRITE})
    assert given.find(WEB, "1") is ADMIN
    assert given.find(WEB, "2") is WRITE
    assert given.find(OTHER, "1") is WRITE
    assert given.find(LIBRARY, "1") is NONE


@pytest.mark.parametrize("member", Role)
def test_role_for_an_organisation_itself(member: Role) -> None:
    assert organization_role_of(BOB, member) is member
    assert organization_role_of(ROOT, member) is ADMIN
    assert organization_role_of(robot_of(BOB, WRITE), member) is NONE
    assert organization_role_of(robot_of(ROOT, WRITE), member) is NONE


def test_only_the_account_of_an_administrator_is_one() -> None:
    require_administrator(ROOT, "list accounts")
    for principal in (ANONYMOUS, BOB, robot_of(BOB, WRITE), robot_of(ROOT, WRITE)):
        with pytest.raises(PermissionDenied, match="list accounts"):
            require_administrator(principal, "list accounts")


def test_only_write_tokens_can_write_and_no_token_has_the_role_admin() -> None:
    assert {scope: scope.role for scope in TokenScope} == {
        TokenScope.READ: READ,
        TokenScope.WRITE: WRITE,
        TokenScope.DELETE: READ,
    }


def test_words_of_roles_are_those_of_json_and_tables() -> None:
    assert [role.word for role in Role] == ["none", "read", "write", "admin"]
    assert [Role.parse(role.word) for role in Role] == list(Role)
    with pytest.raises(KeyError):
        Role.parse("owner")
