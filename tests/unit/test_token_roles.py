"""The role that a bearer token for a registry gives, and the reads that it needs."""

import pytest

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Organization, RepositoryState, User
from chalicelib.domain.roles import ANONYMOUS, Principal, Role
from tests.fake_authorization import (
    ALICE,
    BOB,
    CREATED,
    DELETED,
    EARLIER,
    LIBRARY,
    OTHER,
    PRIVATE,
    PUBLIC,
    ROOT,
    SHARED_PRIVATE,
    WEB,
    Fixture,
    robot_of,
)

NONE, READ, WRITE, ADMIN = Role
STATES = [None, DELETED, PRIVATE, PUBLIC]
ACCOUNT = User(username="alice", password_hash="", created=CREATED)
ORGANIZATION = Organization(name="alice", members=2, administrators=1, created=CREATED)
ENDING = Organization(name="alice", members=2, administrators=1, deletion_started=True, created=CREATED)


def find(
    fixture: Fixture, principal: Principal, required: Role = WRITE, repository: RepositoryName = WEB
) -> tuple[Role, list[str]]:
    """Return the role, and the stores that are read for it."""
    role = fixture.authorization.find_token_role(principal, repository, required)
    given, owners = ["given"] * fixture.collaborators.reads, ["owner"] * fixture.organizations.reads
    return role, fixture.images.reads + given + owners


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("owner", [ACCOUNT, ORGANIZATION, None])
@pytest.mark.parametrize(
    ("principal", "role"),
    [
        (ALICE, ADMIN),
        (robot_of(ALICE, WRITE), WRITE),
        (robot_of(ALICE, READ), READ),
        (robot_of(ALICE, WRITE, OTHER, WEB), WRITE),
    ],
)
def test_owner_and_its_robots_need_no_read(
    principal: Principal, role: Role, owner: User | Organization | None, state: RepositoryState | None
) -> None:
    assert find(Fixture(state, owner=owner), principal) == (role, [])


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("owner", [ACCOUNT, ORGANIZATION, ENDING])
def test_administrator_reads_only_the_owner(owner: User | Organization, state: RepositoryState | None) -> None:
    assert find(Fixture(state, owner=owner), ROOT) == (ADMIN, ["owner"])


@pytest.mark.parametrize("state", STATES)
def test_administrator_has_no_role_in_a_namespace_without_an_owner(state: RepositoryState | None) -> None:
    assert find(Fixture(state), ROOT) == (NONE, ["owner"])


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    ("principal", "role"), [(ROOT, ADMIN), (robot_of(ROOT, WRITE), WRITE), (robot_of(ROOT, READ), READ)]
)
def test_administrator_and_its_robots_need_no_read_for_the_library(
    principal: Principal, role: Role, state: RepositoryState | None
) -> None:
    assert find(Fixture(state), principal, repository=LIBRARY) == (role, [])


@pytest.mark.parametrize("principal", [ANONYMOUS, BOB, robot_of(BOB, WRITE), Principal("library")])
@pytest.mark.parametrize(("state", "role"), [(None, NONE), (DELETED, NONE), (PUBLIC, READ)])
def test_everyone_else_can_read_an_existing_repository_of_the_library(
    principal: Principal, state: RepositoryState | None, role: Role
) -> None:
    assert find(Fixture(state), principal, repository=LIBRARY) == (role, ["head"])


@pytest.mark.parametrize("required", [READ, WRITE, ADMIN])
@pytest.mark.parametrize("principal", [ANONYMOUS, robot_of(ALICE, WRITE, OTHER), robot_of(BOB, WRITE, OTHER)])
@pytest.mark.parametrize(("state", "role"), [(None, NONE), (DELETED, NONE), (PRIVATE, NONE), (PUBLIC, READ)])
def test_anonymous_client_and_robot_for_another_repository_read_only_the_head(
    principal: Principal, state: RepositoryState | None, role: Role, required: Role
) -> None:
    fixture = Fixture(state, shared=ADMIN, member=ADMIN, owner=ORGANIZATION)
    assert find(fixture, principal, required) == (role, ["head"])


@pytest.mark.parametrize("required", [READ, WRITE, ADMIN])
@pytest.mark.parametrize("state", [None, DELETED, PRIVATE])
@pytest.mark.parametrize("principal", [BOB, robot_of(BOB, READ), robot_of(BOB, WRITE), robot_of(ROOT, WRITE)])
def test_missing_and_hidden_repositories_give_nothing_after_the_same_reads(
    principal: Principal, state: RepositoryState | None, required: Role
) -> None:
    assert find(Fixture(state, owner=ACCOUNT), principal, required) == (NONE, ["head", "given"])


@pytest.mark.parametrize("principal", [BOB, robot_of(BOB, READ)])
def test_given_role_is_read_for_a_public_repository_only_if_it_is_needed(principal: Principal) -> None:
    assert find(Fixture(PUBLIC), principal, READ) == (READ, ["head"])
    assert find(Fixture(PUBLIC), principal, WRITE) == (READ, ["head", "given"])


@pytest.mark.parametrize("required", [READ, WRITE, ADMIN])
@pytest.mark.parametrize("shared", [READ, WRITE, ADMIN])
def test_collaborator_has_the_role_that_was_given(shared: Role, required: Role) -> None:
    fixture = Fixture(SHARED_PRIVATE, shared=shared, owner=ACCOUNT)
    assert find(fixture, BOB, required) == (shared, ["head", "given"])


@pytest.mark.parametrize("role", [READ, WRITE])
def test_robot_limits_the_role_of_a_collaborator(role: Role) -> None:
    fixture = Fixture(SHARED_PRIVATE, shared=ADMIN, owner=ACCOUNT)
    assert find(fixture, robot_of(BOB, role)) == (role, ["head", "given"])


@pytest.mark.parametrize("state", [None, DELETED])
def test_role_of_a_collaborator_ends_with_the_repository(state: RepositoryState | None) -> None:
    assert find(Fixture(state, shared=ADMIN, owner=ACCOUNT), BOB) == (NONE, ["head", "given"])
    earlier = Fixture(PRIVATE, shared=ADMIN, generation=EARLIER, owner=ACCOUNT)
    assert find(earlier, BOB) == (NONE, ["head", "given"])


@pytest.mark.parametrize("member", [READ, WRITE, ADMIN])
@pytest.mark.parametrize("owner", [ORGANIZATION, ENDING])
def test_member_has_its_role_in_an_existing_repository(owner: Organization, member: Role) -> None:
    assert find(Fixture(PRIVATE, member=member, owner=owner), BOB) == (member, ["head", "given"])


@pytest.mark.parametrize("state", [None, DELETED])
@pytest.mark.parametrize("member", [WRITE, ADMIN])
@pytest.mark.parametrize(("owner", "has_role"), [(ORGANIZATION, True), (ENDING, False), (None, False)])
def test_member_can_create_a_repository_until_the_organisation_is_deleted(
    owner: Organization | None, has_role: bool, member: Role, state: RepositoryState | None
) -> None:
    expected = member if has_role else NONE
    assert find(Fixture(state, member=member, owner=owner), BOB) == (expected, ["head", "given", "owner"])


@pytest.mark.parametrize("state", [None, DELETED])
def test_member_with_read_needs_no_read_of_the_organisation(state: RepositoryState | None) -> None:
    assert find(Fixture(state, member=READ, owner=ORGANIZATION), BOB) == (READ, ["head", "given"])
