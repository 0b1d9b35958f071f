"""Decisions about repositories, their errors, and the reads that they need."""

import pytest

from chalicelib.domain.errors import InvalidToken, NotFound, PermissionDenied
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository, RepositoryState
from chalicelib.domain.roles import ANONYMOUS, GivenRoles, Grant, Principal, Role, TokenScope
from chalicelib.repositories.authorization import Authorized, find_account_with_given_roles
from chalicelib.storage.image_lists import StoredImages
from tests.fake_authorization import (
    ALICE,
    BOB,
    CREATED,
    DELETED,
    EARLIER,
    GENERATION,
    LIBRARY,
    OF_BOB,
    OTHER,
    PRIVATE,
    PUBLIC,
    ROOT,
    SHARED,
    SHARED_PRIVATE,
    WEB,
    Fixture,
    robot_of,
)


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


@pytest.mark.parametrize(
    ("principal", "role"),
    [(BOB, Role.READ), (ALICE, Role.ADMIN), (ROOT, Role.ADMIN), (robot_of(ALICE, Role.WRITE), Role.WRITE)]
    + [(grant(scope), scope.role) for scope in TokenScope],
)
def test_authorization_returns_the_role(principal: Principal | Grant, role: Role) -> None:
    for authorized in (
        Fixture(PUBLIC).authorization.authorize(principal, WEB, Role.READ),
        Fixture(PUBLIC).authorization.authorize_list(principal, WEB, Role.READ),
    ):
        assert (authorized.state, authorized.role) == (PUBLIC, role)


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


@pytest.mark.parametrize(
    ("principal", "required"),
    [
        (ALICE, Role.WRITE),
        (ALICE, Role.ADMIN),
        (ROOT, Role.ADMIN),
        (robot_of(ALICE, Role.WRITE), Role.WRITE),
        (grant(TokenScope.WRITE), Role.WRITE),
    ],
)
def test_owner_and_token_read_the_list_at_once(principal: Principal | Grant, required: Role) -> None:
    fixture = Fixture(PRIVATE)
    authorized = fixture.authorization.authorize_list(principal, WEB, required)
    assert authorized.stored.head is authorized.state is PRIVATE
    assert fixture.images.reads == ["list"]


def test_collaborator_reads_the_head_before_the_list() -> None:
    fixture = Fixture(SHARED_PRIVATE, shared=Role.WRITE)
    authorized = fixture.authorization.authorize_list(BOB, WEB, Role.WRITE)
    assert (authorized.state, authorized.role) == (SHARED_PRIVATE, Role.WRITE)
    assert authorized.stored.head is SHARED_PRIVATE
    assert fixture.images.reads == ["head", "list"]
    assert fixture.collaborators.reads == 1


def test_collaborator_reads_the_head_before_the_list_that_may_be_missing() -> None:
    fixture = Fixture(SHARED_PRIVATE, shared=Role.WRITE)
    found = fixture.authorization.authorize_even_if_missing(BOB, WEB, Role.WRITE)
    assert isinstance(found, Authorized)
    assert (found.state, found.role, found.stored.head) == (SHARED_PRIVATE, Role.WRITE, SHARED_PRIVATE)
    assert fixture.images.reads == ["head", "list"]


def test_state_that_changes_between_the_reads_is_decided_again() -> None:
    fixture = Fixture(PUBLIC, PRIVATE)
    with pytest.raises(NotFound):
        fixture.authorization.authorize_list(BOB, WEB, Role.READ)
    assert fixture.images.reads == ["head", "list"]


def test_collaborator_is_authorized_for_the_state_that_is_read_last() -> None:
    fixtures = [Fixture(SHARED_PRIVATE, SHARED, shared=Role.WRITE) for _ in range(2)]
    for authorized in (
        fixtures[0].authorization.authorize_list(BOB, WEB, Role.WRITE),
        fixtures[1].authorization.authorize_even_if_missing(BOB, WEB, Role.WRITE),
    ):
        assert isinstance(authorized, Authorized)
        assert (authorized.state, authorized.role, authorized.stored.head) == (SHARED, Role.WRITE, SHARED)
    assert [fixture.images.reads for fixture in fixtures] == [["head", "list"]] * 2


@pytest.mark.parametrize("principal", [ALICE, ROOT])
@pytest.mark.parametrize("state", [None, DELETED])
def test_owner_and_administrator_cannot_use_a_missing_repository(
    principal: Principal, state: RepositoryState | None
) -> None:
    assert Fixture(state).error(principal, Role.READ) is NotFound


@pytest.mark.parametrize("required", [Role.WRITE, Role.ADMIN])
@pytest.mark.parametrize("state", [None, DELETED])
@pytest.mark.parametrize("principal", [ALICE, ROOT])
def test_missing_repository_is_returned_to_principals_who_can_create_it(
    principal: Principal, state: RepositoryState | None, required: Role
) -> None:
    fixture = Fixture(state)
    assert fixture.authorization.authorize_even_if_missing(principal, WEB, required) == StoredImages(state)
    assert fixture.images.reads == ["list"]


@pytest.mark.parametrize("required", [Role.READ, Role.WRITE])
@pytest.mark.parametrize("state", [None, DELETED, PRIVATE])
def test_missing_repository_is_not_returned_to_others(state: RepositoryState | None, required: Role) -> None:
    for principal in (ANONYMOUS, BOB):
        fixture = Fixture(state)
        with pytest.raises(NotFound):
            fixture.authorization.authorize_even_if_missing(principal, WEB, required)
        assert fixture.images.reads == ["head"]


def test_reader_of_a_public_repository_that_may_be_missing_needs_no_given_role() -> None:
    fixture = Fixture(PUBLIC)
    found = fixture.authorization.authorize_even_if_missing(BOB, WEB, Role.READ)
    assert isinstance(found, Authorized)
    assert (found.state, found.role, found.stored.head) == (PUBLIC, Role.READ, PUBLIC)
    assert (fixture.images.reads, fixture.collaborators.reads) == (["head", "list"], 0)


@pytest.mark.parametrize("principal", [ALICE, ROOT])
def test_existing_repository_is_authorized_even_if_it_could_be_created(principal: Principal) -> None:
    authorized = Fixture(PRIVATE).authorization.authorize_even_if_missing(principal, WEB, Role.WRITE)
    assert isinstance(authorized, Authorized)
    assert (authorized.state, authorized.role, authorized.stored.head) == (PRIVATE, Role.ADMIN, PRIVATE)


@pytest.mark.parametrize("shared", [Role.READ, Role.WRITE, Role.ADMIN])
@pytest.mark.parametrize("required", [Role.READ, Role.WRITE, Role.ADMIN])
def test_collaborator_has_the_role_that_was_given(shared: Role, required: Role) -> None:
    fixture = Fixture(SHARED_PRIVATE, shared=shared)
    if shared >= required:
        assert fixture.authorize(BOB, required) is SHARED_PRIVATE
    else:
        with pytest.raises(PermissionDenied, match=f"{WEB}.*{shared.word}.*{required.word}"):
            fixture.authorize(BOB, required)
    assert fixture.collaborators.reads == 1


def test_denial_names_the_repository_that_may_be_missing() -> None:
    fixture = Fixture(SHARED_PRIVATE, shared=Role.READ)
    with pytest.raises(PermissionDenied, match=f"{WEB}.*read.*write"):
        fixture.authorization.authorize_even_if_missing(BOB, WEB, Role.WRITE)
    assert fixture.images.reads == ["head"]


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


@pytest.mark.parametrize("state", [None, DELETED])
def test_missing_repository_is_returned_to_a_member_who_can_create_it(state: RepositoryState | None) -> None:
    fixture = Fixture(state, member=Role.WRITE)
    assert fixture.authorization.authorize_even_if_missing(BOB, WEB, Role.WRITE) == StoredImages(state)
    assert (fixture.images.reads, fixture.collaborators.reads) == (["head", "list"], 1)
    with pytest.raises(NotFound):
        fixture.authorization.authorize_even_if_missing(BOB, WEB, Role.ADMIN)


def test_repository_that_is_created_between_the_reads_is_authorized_for_a_member() -> None:
    found = Fixture(None, PRIVATE, member=Role.WRITE).authorization.authorize_even_if_missing(BOB, WEB, Role.WRITE)
    assert isinstance(found, Authorized)
    assert (found.state, found.role, found.stored.head) == (PRIVATE, Role.WRITE, PRIVATE)


@pytest.mark.parametrize("state", [None, PUBLIC, SHARED])
def test_only_administrators_can_change_the_library(state: RepositoryState | None) -> None:
    fixture = Fixture(state)
    assert fixture.error(BOB, Role.WRITE, LIBRARY) is PermissionDenied
    assert fixture.collaborators.reads == 0
    with pytest.raises(PermissionDenied):
        fixture.authorization.authorize_even_if_missing(BOB, LIBRARY, Role.WRITE)
    assert fixture.images.reads == ["head"]  # of the first request


def test_everyone_can_read_a_repository_of_the_library_that_may_be_missing() -> None:
    found = Fixture(PUBLIC).authorization.authorize_even_if_missing(BOB, LIBRARY, Role.READ)
    assert isinstance(found, Authorized)
    assert (found.state, found.role) == (PUBLIC, Role.READ)


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
        created=CREATED,
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


def test_roles_in_one_namespace_are_read_only_if_others_can_give_them() -> None:
    fixture = Fixture(None, shared=Role.WRITE)
    load_roles = fixture.authorization.load_roles
    for principal, namespace in ((ANONYMOUS, "alice"), (ALICE, "alice"), (BOB, "bob"), (BOB, "library")):
        assert load_roles(principal, namespace) == GivenRoles()
    assert fixture.collaborators.reads == 0
    assert load_roles(BOB, "alice").find(WEB, GENERATION) is Role.WRITE
    assert load_roles(BOB, "carol") == GivenRoles()
    assert fixture.collaborators.reads == 2


@pytest.mark.parametrize(
    ("principal", "repository", "account"),
    [
        (ANONYMOUS, WEB, None),
        (ALICE, WEB, None),
        (BOB, WEB, "bob"),
        (BOB, OF_BOB, None),
        (BOB, LIBRARY, None),
        (ROOT, WEB, None),
        (robot_of(ALICE, Role.WRITE), WEB, None),
        (robot_of(ROOT, Role.WRITE), WEB, "root"),
        (robot_of(BOB, Role.READ), WEB, "bob"),
        (robot_of(BOB, Role.WRITE, OTHER, WEB), WEB, "bob"),
        (robot_of(BOB, Role.WRITE, OTHER), WEB, None),
    ],
)
def test_others_can_give_roles_to_accounts_that_do_not_own_the_namespace(
    principal: Principal, repository: RepositoryName, account: str | None
) -> None:
    assert find_account_with_given_roles(principal, repository) == account


@pytest.mark.parametrize(
    ("principal", "state", "given", "role"),
    [
        (ANONYMOUS, PUBLIC, Role.NONE, Role.READ),
        (BOB, PUBLIC, Role.NONE, Role.READ),
        (BOB, PUBLIC, Role.WRITE, Role.WRITE),
        (BOB, PRIVATE, Role.READ, Role.READ),
        (BOB, PRIVATE, Role.ADMIN, Role.ADMIN),
        (robot_of(BOB, Role.READ), PRIVATE, Role.ADMIN, Role.READ),
        (ALICE, PRIVATE, Role.NONE, Role.ADMIN),
        (ROOT, PRIVATE, Role.NONE, Role.ADMIN),
    ],
)
def test_reader_is_authorized_with_the_state_and_the_role_that_were_read(
    principal: Principal, state: RepositoryState, given: Role, role: Role
) -> None:
    fixture = Fixture(None)
    authorized = fixture.authorization.authorize_reader(principal, WEB, state, given)
    assert (authorized.state, authorized.role) == (state, role)
    assert (fixture.images.reads, fixture.collaborators.reads) == ([], 0)


@pytest.mark.parametrize(
    ("principal", "state", "given"),
    [(principal, state, Role.ADMIN) for principal in (ALICE, BOB, ROOT) for state in (None, DELETED)]
    + [(principal, PRIVATE, Role.NONE) for principal in (ANONYMOUS, BOB, robot_of(BOB, Role.WRITE))],
)
def test_missing_and_hidden_repositories_are_not_found_by_a_reader(
    principal: Principal, state: RepositoryState | None, given: Role
) -> None:
    with pytest.raises(NotFound):
        Fixture(PUBLIC).authorization.authorize_reader(principal, WEB, state, given)
