"""Decisions about repositories, their errors, and the reads that they need."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.errors import DomainError, InvalidToken, NotFound, PermissionDenied
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository, RepositoryState
from chalicelib.domain.roles import ANONYMOUS, GivenRoles, Grant, Principal, Role, TokenScope
from chalicelib.repositories.authorization import Authorization, Authorized
from chalicelib.storage.image_lists import StoredImages

WEB, LIBRARY = RepositoryName("alice", "web"), RepositoryName("library", "web")
ALICE, BOB, ROOT = Principal("alice"), Principal("bob"), Principal("root", admin=True)
GENERATION, EARLIER = "1" * 16, "0" * 16
PUBLIC, PRIVATE = RepositoryState(GENERATION), RepositoryState(GENERATION, private=True)
SHARED = RepositoryState(GENERATION, shared=True)
SHARED_PRIVATE = RepositoryState(GENERATION, private=True, shared=True)
DELETED = RepositoryState(GENERATION, deleted=True)


class FakeImages:
    """The store of image lists, with one state for all repositories. Records its reads."""

    def __init__(self, *states: RepositoryState | None) -> None:
        self._states = list(states)  # one for each read; the last one stays
        self.reads: list[str] = []

    def get_head(self, repository: RepositoryName) -> RepositoryState | None:
        self.reads.append("head")
        return self._next()

    def read(self, repository: RepositoryName) -> StoredImages:
        self.reads.append("list")
        return StoredImages(self._next())

    def _next(self) -> RepositoryState | None:
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]


class FakeCollaborators:
    """The store of collaborators: bob has one role in alice/web."""

    def __init__(self, role: Role, generation: str) -> None:
        self._roles = {("bob", WEB, generation): role}
        self.reads = 0

    def get_role(self, username: str, repository: RepositoryName, generation: str) -> Role:
        self.reads += 1
        return self._roles.get((username, repository, generation), Role.NONE)

    def of_account(self, username: str, namespace: str | None) -> GivenRoles:
        self.reads += 1
        return GivenRoles(
            {(name, generation): role for (user, name, generation), role in self._roles.items() if user == username}
        )


class FakeOrganizations:
    """Owners exist for all namespaces except `nobody`."""

    def get_owner(self, namespace: str) -> object | None:
        return None if namespace == "nobody" else object()


class Fixture:
    """An Authorization over fake stores."""

    def __init__(self, *states: RepositoryState | None, shared: Role = Role.NONE, generation: str = GENERATION) -> None:
        self.images, self.collaborators = FakeImages(*states), FakeCollaborators(shared, generation)
        images: Any = self.images
        collaborators: Any = self.collaborators
        organizations: Any = FakeOrganizations()
        self.authorization = Authorization(images, collaborators, organizations)

    def authorize(
        self, principal: Principal | Grant, required: Role, repository: RepositoryName = WEB
    ) -> RepositoryState:
        return self.authorization.authorize(principal, repository, required).state

    def error(
        self, principal: Principal | Grant, required: Role, repository: RepositoryName = WEB
    ) -> type[DomainError]:
        with pytest.raises(DomainError) as raised:
            self.authorize(principal, required, repository)
        return raised.type


def grant(scope: TokenScope, generation: str = GENERATION) -> Grant:
    return Grant(WEB, scope, generation)


@pytest.mark.parametrize(
    ("principal", "state", "required"),
    [
        (ANONYMOUS, PUBLIC, Role.READ),
        (BOB, PUBLIC, Role.READ),
        (BOB, SHARED, Role.READ),
        (ALICE, PRIVATE, Role.ADMIN),
        (ROOT, PRIVATE, Role.ADMIN),
        (grant(TokenScope.READ), PRIVATE, Role.READ),
        (grant(TokenScope.WRITE), PRIVATE, Role.READ),
        (grant(TokenScope.WRITE), PRIVATE, Role.WRITE),
        (grant(TokenScope.DELETE), PUBLIC, Role.READ),
        (grant(TokenScope.DELETE), DELETED, Role.READ),
    ],
)
def test_sufficient_role_is_authorized_without_reading_collaborators(
    principal: Principal | Grant, state: RepositoryState, required: Role
) -> None:
    fixture = Fixture(state)
    assert fixture.authorize(principal, required) is state
    assert fixture.collaborators.reads == 0


@pytest.mark.parametrize("principal", [ANONYMOUS, BOB])
@pytest.mark.parametrize(
    ("state", "required"),
    [(None, Role.READ), (None, Role.ADMIN), (DELETED, Role.READ), (PRIVATE, Role.READ), (SHARED_PRIVATE, Role.WRITE)],
)
def test_missing_and_hidden_repositories_raise_the_same_error(
    principal: Principal, state: RepositoryState | None, required: Role
) -> None:
    messages = set()
    for fixture in (Fixture(state), Fixture(None)):
        with pytest.raises(NotFound) as raised:
            fixture.authorize(principal, required)
        messages.add(raised.value.message)
    assert len(messages) == 1


@pytest.mark.parametrize("state", [None, DELETED, PRIVATE, SHARED_PRIVATE])
def test_missing_and_hidden_repositories_need_the_same_reads(state: RepositoryState | None) -> None:
    fixture = Fixture(state)
    assert fixture.error(BOB, Role.READ) is NotFound
    assert (fixture.images.reads, fixture.collaborators.reads) == (["head"], 1)


@pytest.mark.parametrize("state", [None, DELETED, PRIVATE, SHARED_PRIVATE])
@pytest.mark.parametrize("required", [Role.READ, Role.WRITE])
def test_denied_principal_does_not_cause_a_read_of_the_list(state: RepositoryState | None, required: Role) -> None:
    fixture = Fixture(state)
    for principal in (ANONYMOUS, BOB):
        with pytest.raises(NotFound):
            fixture.authorization.authorize_list(principal, WEB, required)
    assert fixture.images.reads == ["head", "head"]


@pytest.mark.parametrize("principal", [ALICE, ROOT, grant(TokenScope.WRITE)])
def test_owner_and_token_read_the_list_at_once(principal: Principal | Grant) -> None:
    fixture = Fixture(PRIVATE)
    authorized = fixture.authorization.authorize_list(principal, WEB, Role.WRITE)
    assert authorized.stored.head is authorized.state is PRIVATE
    assert fixture.images.reads == ["list"]


def test_collaborator_reads_the_head_before_the_list() -> None:
    fixture = Fixture(SHARED_PRIVATE, shared=Role.WRITE)
    authorized = fixture.authorization.authorize_list(BOB, WEB, Role.WRITE)
    assert (authorized.state, authorized.role) == (SHARED_PRIVATE, Role.WRITE)
    assert fixture.images.reads == ["head", "list"]


def test_state_that_changes_between_the_reads_is_decided_again() -> None:
    fixture = Fixture(PUBLIC, PRIVATE)
    with pytest.raises(NotFound):
        fixture.authorization.authorize_list(BOB, WEB, Role.READ)
    assert fixture.images.reads == ["head", "list"]


@pytest.mark.parametrize("principal", [ALICE, ROOT])
@pytest.mark.parametrize("state", [None, DELETED])
def test_owner_and_administrator_cannot_use_a_missing_repository(
    principal: Principal, state: RepositoryState | None
) -> None:
    assert Fixture(state).error(principal, Role.READ) is NotFound


@pytest.mark.parametrize("state", [None, DELETED])
@pytest.mark.parametrize("principal", [ALICE, ROOT])
def test_missing_repository_is_returned_to_principals_who_can_create_it(
    principal: Principal, state: RepositoryState | None
) -> None:
    found = Fixture(state).authorization.authorize_even_if_missing(principal, WEB, Role.WRITE)
    assert found == StoredImages(state)


@pytest.mark.parametrize("state", [None, DELETED, PRIVATE])
def test_missing_repository_is_not_returned_to_others(state: RepositoryState | None) -> None:
    for principal in (ANONYMOUS, BOB):
        with pytest.raises(NotFound):
            Fixture(state).authorization.authorize_even_if_missing(principal, WEB, Role.WRITE)


@pytest.mark.parametrize("principal", [ALICE, ROOT])
def test_existing_repository_is_authorized_even_if_it_could_be_created(principal: Principal) -> None:
    authorized = Fixture(PRIVATE).authorization.authorize_even_if_missing(principal, WEB, Role.WRITE)
    assert isinstance(authorized, Authorized)
    assert (authorized.state, authorized.role) == (PRIVATE, Role.ADMIN)


@pytest.mark.parametrize("shared", [Role.READ, Role.WRITE, Role.ADMIN])
@pytest.mark.parametrize("required", [Role.READ, Role.WRITE, Role.ADMIN])
def test_collaborator_has_the_role_that_was_given(shared: Role, required: Role) -> None:
    fixture = Fixture(SHARED_PRIVATE, shared=shared)
    if shared >= required:
        assert fixture.authorize(BOB, required) is SHARED_PRIVATE
    else:
        with pytest.raises(PermissionDenied, match=f"{shared.word}.*{required.word}"):
            fixture.authorize(BOB, required)
    assert fixture.collaborators.reads == 1


def test_role_in_an_earlier_generation_does_not_apply() -> None:
    assert Fixture(SHARED_PRIVATE, shared=Role.ADMIN, generation=EARLIER).error(BOB, Role.READ) is NotFound


def test_given_roles_are_read_only_if_they_can_change_the_role() -> None:
    fixture = Fixture(None, shared=Role.WRITE)
    find_role = fixture.authorization.find_role
    assert find_role(BOB, WEB, SHARED, Role.READ) is Role.READ
    assert find_role(ANONYMOUS, WEB, SHARED) is Role.READ
    assert find_role(BOB, LIBRARY, PUBLIC) is Role.READ
    assert find_role(ALICE, WEB, SHARED) is Role.ADMIN
    assert fixture.collaborators.reads == 0
    assert find_role(BOB, WEB, PUBLIC) is Role.WRITE
    assert find_role(BOB, WEB, SHARED_PRIVATE, Role.READ) is Role.WRITE
    assert fixture.collaborators.reads == 2


class FakeMembers(FakeCollaborators):
    """The store of collaborators: bob is a member of the organisation `alice`."""

    def get_role(self, username: str, repository: RepositoryName, generation: str) -> Role:
        self.reads += 1
        return Role.WRITE if (username, repository.namespace) == ("bob", "alice") else Role.NONE


@pytest.mark.parametrize("state", [None, DELETED])
def test_missing_repository_is_returned_to_a_member_who_can_create_it(state: RepositoryState | None) -> None:
    fixture = Fixture(state)
    members: Any = FakeMembers(Role.NONE, GENERATION)
    fixture.authorization._collaborators = members
    assert fixture.authorization.authorize_even_if_missing(BOB, WEB, Role.WRITE) == StoredImages(state)
    assert (fixture.images.reads, members.reads) == (["head", "list"], 1)
    with pytest.raises(NotFound):
        fixture.authorization.authorize_even_if_missing(BOB, WEB, Role.ADMIN)


def test_repository_that_is_created_between_the_reads_is_authorized_for_a_member() -> None:
    fixture = Fixture(None, PRIVATE)
    members: Any = FakeMembers(Role.NONE, GENERATION)
    fixture.authorization._collaborators = members
    found = fixture.authorization.authorize_even_if_missing(BOB, WEB, Role.WRITE)
    assert isinstance(found, Authorized)
    assert (found.state, found.role) == (PRIVATE, Role.WRITE)


@pytest.mark.parametrize("state", [None, PUBLIC, SHARED])
def test_only_administrators_can_change_the_library(state: RepositoryState | None) -> None:
    fixture = Fixture(state)
    assert fixture.error(BOB, Role.WRITE, LIBRARY) is PermissionDenied
    assert fixture.collaborators.reads == 0


def test_everyone_can_read_the_library() -> None:
    assert Fixture(PUBLIC).authorize(BOB, Role.READ, LIBRARY) is PUBLIC
    assert Fixture(PUBLIC).authorize(ROOT, Role.WRITE, LIBRARY) is PUBLIC
    assert Fixture(None).error(BOB, Role.READ, LIBRARY) is NotFound


@pytest.mark.parametrize(
    ("scope", "required"),
    [(TokenScope.READ, Role.WRITE), (TokenScope.DELETE, Role.WRITE), (TokenScope.WRITE, Role.ADMIN)],
)
@pytest.mark.parametrize("state", [None, PUBLIC, DELETED])
def test_token_without_the_scope_is_denied(scope: TokenScope, required: Role, state: RepositoryState | None) -> None:
    with pytest.raises(PermissionDenied, match=f"{scope}.*{required.word}"):
        Fixture(state).authorize(grant(scope), required)


@pytest.mark.parametrize("scope", TokenScope)
@pytest.mark.parametrize("state", [PUBLIC, DELETED])
def test_token_of_an_earlier_generation_is_invalid(scope: TokenScope, state: RepositoryState) -> None:
    assert Fixture(state).error(grant(scope, EARLIER), Role.READ) is InvalidToken


@pytest.mark.parametrize("scope", TokenScope)
@pytest.mark.parametrize("state", [None, DELETED])
def test_only_a_delete_token_is_valid_for_a_deleted_repository(
    scope: TokenScope, state: RepositoryState | None
) -> None:
    if state is DELETED and scope is TokenScope.DELETE:
        assert Fixture(state).authorize(grant(scope), Role.READ) is DELETED
    else:
        assert Fixture(state).error(grant(scope), Role.READ) is NotFound


def repository(name: str, *, private: bool, generation: str = GENERATION) -> Repository:
    return Repository(
        name=RepositoryName("alice", name),
        generation=generation,
        private=private,
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_listing_contains_readable_repositories_with_their_roles() -> None:
    web, api, docs = repository("web", private=True), repository("api", private=True), repository("docs", private=False)
    authorization = Fixture(None, shared=Role.WRITE).authorization
    for principal, expected in (
        (ANONYMOUS, [(docs, Role.READ)]),
        (BOB, [(web, Role.WRITE), (docs, Role.READ)]),
        (ALICE, [(web, Role.ADMIN), (api, Role.ADMIN), (docs, Role.ADMIN)]),
    ):
        given = authorization.load_roles(principal)
        assert authorization.filter_readable(principal, [web, api, docs], given) == expected


def test_listing_ignores_roles_in_an_earlier_generation() -> None:
    authorization = Fixture(None, shared=Role.WRITE, generation=EARLIER).authorization
    given = authorization.load_roles(BOB)
    assert authorization.filter_readable(BOB, [repository("web", private=True)], given) == []


def test_anonymous_listing_does_not_read_collaborators() -> None:
    fixture = Fixture(None)
    assert fixture.authorization.load_roles(ANONYMOUS) == GivenRoles()
    assert fixture.collaborators.reads == 0
