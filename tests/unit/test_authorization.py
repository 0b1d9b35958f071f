"""Who is admitted to a repository, and what everybody else is told."""

from typing import Any

import pytest

from chalicelib.domain.errors import InvalidToken, NotFound, PermissionDenied
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import RepositoryState
from chalicelib.domain.roles import ANONYMOUS, Grant, Principal, Role, TokenScope
from chalicelib.repositories.authorization import Authorizer

WEB, LIBRARY = RepositoryName("alice", "web"), RepositoryName("library", "web")
ALICE, BOB, ROOT = Principal("alice"), Principal("bob"), Principal("root", admin=True)
LIFE, EARLIER = "1" * 16, "0" * 16
PUBLIC, PRIVATE = RepositoryState(LIFE), RepositoryState(LIFE, private=True)
SHARED, SHARED_PRIVATE = RepositoryState(LIFE, shared=True), RepositoryState(LIFE, private=True, shared=True)
DELETED = RepositoryState(LIFE, deleted=True)


class Shares:
    """The collaborators' table: what was given to whom in which life of which repository."""

    def __init__(self, given: dict[tuple[str, RepositoryName, str], Role]) -> None:
        self.given = given
        self.looks = 0

    def role(self, username: str, repository: RepositoryName, generation: str) -> Role:
        self.looks += 1
        return self.given.get((username, repository, generation), Role.NONE)


def authorizer(role: Role = Role.NONE, generation: str = LIFE) -> tuple[Authorizer, Shares]:
    """With `role` shared with bob."""
    shares: Any = Shares({("bob", WEB, generation): role})
    return Authorizer(shares), shares


def grant(access: TokenScope, generation: str = LIFE) -> Grant:
    return Grant(WEB, access, generation)


@pytest.mark.parametrize(
    ("caller", "head", "needed"),
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
def test_who_may_is_admitted_without_a_look_at_the_shares(
    principal: Principal | Grant, head: RepositoryState, required: Role
) -> None:
    judge, shares = authorizer()
    assert judge.authorize(principal, WEB, head, required) is head
    assert shares.looks == 0


@pytest.mark.parametrize(
    ("head", "needed"),
    [(None, Role.READ), (None, Role.ADMIN), (DELETED, Role.READ), (PRIVATE, Role.READ), (SHARED_PRIVATE, Role.WRITE)],
)
def test_what_is_not_there_and_what_is_hidden_are_told_in_the_same_words(
    head: RepositoryState | None, required: Role
) -> None:
    judge, _ = authorizer()
    for principal in (ANONYMOUS, BOB):
        with pytest.raises(NotFound) as told:
            judge.authorize(principal, WEB, head, required)
        assert str(told.value) == "repository not found"


@pytest.mark.parametrize("head", [None, DELETED, PRIVATE, SHARED_PRIVATE])
def test_what_is_missing_is_looked_at_as_often_as_what_is_hidden(head: RepositoryState | None) -> None:
    judge, shares = authorizer()
    with pytest.raises(NotFound):
        judge.authorize(BOB, WEB, head, Role.READ)
    assert shares.looks == 1


@pytest.mark.parametrize("caller", [ALICE, ROOT])
def test_nobody_is_admitted_to_what_is_deleted_or_was_never_there(principal: Principal) -> None:
    judge, _ = authorizer()
    for head in (None, DELETED):
        with pytest.raises(NotFound, match=r"^repository not found$"):
            judge.authorize(principal, WEB, head, Role.READ)


@pytest.mark.parametrize("shared", [Role.READ, Role.WRITE, Role.ADMIN])
@pytest.mark.parametrize("needed", [Role.READ, Role.WRITE, Role.ADMIN])
def test_a_share_admits_as_far_as_it_goes(shared: Role, required: Role) -> None:
    judge, shares = authorizer(shared)
    if shared >= required:
        assert judge.authorize(BOB, WEB, SHARED_PRIVATE, required) is SHARED_PRIVATE
    else:
        with pytest.raises(PermissionDenied) as told:
            judge.authorize(BOB, WEB, SHARED_PRIVATE, required)
        assert str(told.value) == f"you may only {shared.word} alice/web; this takes {required.word}"
    assert shares.looks == 1


def test_a_share_of_the_names_earlier_life_is_worth_nothing() -> None:
    judge, _ = authorizer(Role.ADMIN, EARLIER)
    with pytest.raises(NotFound):
        judge.authorize(BOB, WEB, SHARED_PRIVATE, Role.READ)


def test_shares_are_looked_up_only_where_they_could_change_the_answer() -> None:
    judge, shares = authorizer(Role.WRITE)
    assert judge.role(BOB, WEB, SHARED, Role.READ) is Role.READ
    assert judge.role(ANONYMOUS, WEB, SHARED) is Role.READ
    assert judge.role(BOB, WEB, PUBLIC) is Role.READ
    assert judge.role(ALICE, WEB, SHARED) is Role.ADMIN
    assert shares.looks == 0
    assert judge.role(BOB, WEB, SHARED) is Role.WRITE
    assert judge.role(BOB, WEB, SHARED_PRIVATE, Role.READ) is Role.WRITE
    assert shares.looks == 2


def test_the_library_says_who_changes_it_before_it_is_looked_at() -> None:
    judge, shares = authorizer()
    for head in (None, PUBLIC, SHARED):
        with pytest.raises(PermissionDenied) as told:
            judge.authorize(BOB, LIBRARY, head, Role.WRITE)
        assert str(told.value) == "only an administrator may change the library"
    assert shares.looks == 0
    assert judge.authorize(BOB, LIBRARY, PUBLIC, Role.READ) is PUBLIC
    assert judge.authorize(ROOT, LIBRARY, PUBLIC, Role.WRITE) is PUBLIC
    with pytest.raises(NotFound):
        judge.authorize(BOB, LIBRARY, None, Role.READ)


@pytest.mark.parametrize(
    ("access", "needed", "told"),
    [
        (TokenScope.READ, Role.WRITE, "a read token does not write"),
        (TokenScope.DELETE, Role.WRITE, "a delete token does not write"),
        (TokenScope.WRITE, Role.ADMIN, "a write token does not admin"),
    ],
)
def test_a_token_does_what_it_says_and_no_more(access: TokenScope, required: Role, told: str) -> None:
    judge, _ = authorizer()
    for head in (None, PUBLIC, DELETED):
        with pytest.raises(PermissionDenied) as refused:
            judge.authorize(grant(access), WEB, head, required)
        assert str(refused.value) == told


@pytest.mark.parametrize("access", TokenScope)
@pytest.mark.parametrize("head", [PUBLIC, DELETED])
def test_a_token_dies_with_its_repositorys_life(access: TokenScope, head: RepositoryState) -> None:
    judge, _ = authorizer()
    with pytest.raises(InvalidToken) as told:
        judge.authorize(grant(access, EARLIER), WEB, head, Role.READ)
    assert str(told.value) == "the token is for an earlier repository of this name; ask for a new one"


@pytest.mark.parametrize("access", TokenScope)
def test_only_a_delete_token_sees_what_is_deleted_and_none_what_never_was(access: TokenScope) -> None:
    judge, _ = authorizer()
    for head in (None, DELETED):
        if head is DELETED and access is TokenScope.DELETE:
            continue
        with pytest.raises(NotFound) as told:
            judge.authorize(grant(access), WEB, head, Role.READ)
        assert str(told.value) == "repository not found"
