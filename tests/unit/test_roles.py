"""Who may do what, without an index around it: tests/functional/test_permissions.py has the same on the wire."""

import pytest

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import ANONYMOUS, Principal, Robot, Role, TokenScope, can_create, role_of

WEB, OTHER, LIBRARY = RepositoryName("alice", "web"), RepositoryName("alice", "other"), RepositoryName("library", "web")

ALICE, BOB, ROOT = Principal("alice"), Principal("bob"), Principal("root", admin=True)


def robot_of(principal: Principal, role: Role, *repositories: RepositoryName) -> Principal:
    return Principal(principal.username, principal.admin, Robot("ci", role, frozenset(repositories) or None))


NONE, READ, WRITE, ADMIN = Role
CALLERS = {  # who: what of alice/web when it is private, and when it is shared with them to read, write, administer
    "nobody": (ANONYMOUS, NONE, READ, WRITE, ADMIN),
    "the owner": (ALICE, ADMIN, ADMIN, ADMIN, ADMIN),
    "a stranger": (BOB, NONE, READ, WRITE, ADMIN),
    "an administrator": (ROOT, ADMIN, ADMIN, ADMIN, ADMIN),
    "the owner's robot that reads": (robot_of(ALICE, READ), READ, READ, READ, READ),
    "the owner's robot that writes": (robot_of(ALICE, WRITE), WRITE, WRITE, WRITE, WRITE),
    "the owner's robot for this one": (robot_of(ALICE, WRITE, OTHER, WEB), WRITE, WRITE, WRITE, WRITE),
    "the owner's robot for another": (robot_of(ALICE, WRITE, OTHER), NONE, NONE, NONE, NONE),
    "a stranger's robot that reads": (robot_of(BOB, READ), NONE, READ, READ, READ),
    "a stranger's robot that writes": (robot_of(BOB, WRITE), NONE, READ, WRITE, WRITE),
    "a stranger's robot for another": (robot_of(BOB, WRITE, OTHER), NONE, NONE, NONE, NONE),
    "an administrator's robot": (robot_of(ROOT, WRITE), NONE, READ, WRITE, WRITE),
}


@pytest.mark.parametrize("who", CALLERS)
def test_what_everybody_may_do_with_a_private_repository(who: str) -> None:
    principal, *expected = CALLERS[who]
    assert [role_of(principal, WEB, private=True, shared=shared) for shared in Role] == expected
    assert role_of(principal, WEB, private=True) is expected[0], "nothing is shared that nobody shared"


@pytest.mark.parametrize("who", CALLERS)
def test_everybody_may_read_a_public_repository_and_do_what_they_may_besides(who: str) -> None:
    principal, *expected = CALLERS[who]
    public = [role_of(principal, WEB, private=False, shared=shared) for shared in Role]
    assert public == [max(role, READ) for role in expected]


@pytest.mark.parametrize(
    ("caller", "role"),
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
def test_the_library_is_the_administrators_and_their_robots_and_nobodys_by_name(
    principal: Principal, role: Role
) -> None:
    assert role_of(principal, LIBRARY, private=False) is role


def test_repositories_are_begun_by_owners_administrators_and_robots_that_write() -> None:
    may = {who for who, (principal, *_) in CALLERS.items() if can_create(principal, WEB)}
    assert may == {
        "the owner",
        "an administrator",
        "the owner's robot that writes",
        "the owner's robot for this one",
    }
    assert can_create(robot_of(ROOT, WRITE), LIBRARY)
    assert not can_create(BOB, LIBRARY)


def test_a_write_token_alone_writes_and_none_administers() -> None:
    assert {access: access.role for access in TokenScope} == {
        TokenScope.READ: READ,
        TokenScope.WRITE: WRITE,
        TokenScope.DELETE: READ,
    }


def test_roles_are_spelt_as_json_and_tables_have_them() -> None:
    assert [role.word for role in Role] == ["none", "read", "write", "admin"]
    assert [Role.parse(role.word) for role in Role] == list(Role)
    with pytest.raises(KeyError):
        Role.parse("owner")
