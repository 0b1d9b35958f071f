"""Who is admitted to a repository, and what everybody else is told."""

from typing import Any

import pytest

from chalicelib.access import ANONYMOUS, Access, Caller, Role
from chalicelib.errors import Forbidden, NotFound
from chalicelib.names import RepositoryName
from chalicelib.permissions import Permissions
from chalicelib.store.images import Head
from chalicelib.tokens import Grant, InvalidToken

WEB, LIBRARY = RepositoryName("alice", "web"), RepositoryName("library", "web")
ALICE, BOB, ROOT = Caller("alice"), Caller("bob"), Caller("root", admin=True)
LIFE, EARLIER = "1" * 16, "0" * 16
PUBLIC, PRIVATE = Head(LIFE), Head(LIFE, private=True)
SHARED, SHARED_PRIVATE = Head(LIFE, shared=True), Head(LIFE, private=True, shared=True)
DELETED = Head(LIFE, deleted=True)


class Shares:
    """The collaborators' table: what was given to whom in which life of which repository."""

    def __init__(self, given: dict[tuple[str, RepositoryName, str], Role]) -> None:
        self.given = given
        self.looks = 0

    def role(self, username: str, repository: RepositoryName, generation: str) -> Role:
        self.looks += 1
        return self.given.get((username, repository, generation), Role.NONE)


def permissions(role: Role = Role.NONE, generation: str = LIFE) -> tuple[Permissions, Shares]:
    """With `role` shared with bob."""
    shares: Any = Shares({("bob", WEB, generation): role})
    return Permissions(shares), shares


def grant(access: Access, generation: str = LIFE) -> Grant:
    return Grant(WEB, access, generation)


@pytest.mark.parametrize(
    ("caller", "head", "needed"),
    [
        (ANONYMOUS, PUBLIC, Role.READ),
        (BOB, PUBLIC, Role.READ),
        (BOB, SHARED, Role.READ),
        (ALICE, PRIVATE, Role.ADMIN),
        (ROOT, PRIVATE, Role.ADMIN),
        (grant(Access.READ), PRIVATE, Role.READ),
        (grant(Access.WRITE), PRIVATE, Role.READ),
        (grant(Access.WRITE), PRIVATE, Role.WRITE),
        (grant(Access.DELETE), PUBLIC, Role.READ),
        (grant(Access.DELETE), DELETED, Role.READ),
    ],
)
def test_who_may_is_admitted_without_a_look_at_the_shares(caller: Caller | Grant, head: Head, needed: Role) -> None:
    judge, shares = permissions()
    assert judge.admit(caller, WEB, head, needed) is head
    assert shares.looks == 0


@pytest.mark.parametrize(
    ("head", "needed"),
    [(None, Role.READ), (None, Role.ADMIN), (DELETED, Role.READ), (PRIVATE, Role.READ), (SHARED_PRIVATE, Role.WRITE)],
)
def test_what_is_not_there_and_what_is_hidden_are_told_in_the_same_words(head: Head | None, needed: Role) -> None:
    judge, _ = permissions()
    for caller in (ANONYMOUS, BOB):
        with pytest.raises(NotFound) as told:
            judge.admit(caller, WEB, head, needed)
        assert str(told.value) == "repository not found"


@pytest.mark.parametrize("head", [None, DELETED, PRIVATE, SHARED_PRIVATE])
def test_what_is_missing_is_looked_at_as_often_as_what_is_hidden(head: Head | None) -> None:
    judge, shares = permissions()
    with pytest.raises(NotFound):
        judge.admit(BOB, WEB, head, Role.READ)
    assert shares.looks == 1


@pytest.mark.parametrize("caller", [ALICE, ROOT])
def test_nobody_is_admitted_to_what_is_deleted_or_was_never_there(caller: Caller) -> None:
    judge, _ = permissions()
    for head in (None, DELETED):
        with pytest.raises(NotFound, match=r"^repository not found$"):
            judge.admit(caller, WEB, head, Role.READ)


@pytest.mark.parametrize("shared", [Role.READ, Role.WRITE, Role.ADMIN])
@pytest.mark.parametrize("needed", [Role.READ, Role.WRITE, Role.ADMIN])
def test_a_share_admits_as_far_as_it_goes(shared: Role, needed: Role) -> None:
    judge, shares = permissions(shared)
    if shared >= needed:
        assert judge.admit(BOB, WEB, SHARED_PRIVATE, needed) is SHARED_PRIVATE
    else:
        with pytest.raises(Forbidden) as told:
            judge.admit(BOB, WEB, SHARED_PRIVATE, needed)
        assert str(told.value) == f"you may only {shared.word} alice/web; this takes {needed.word}"
    assert shares.looks == 1


def test_a_share_of_the_names_earlier_life_is_worth_nothing() -> None:
    judge, _ = permissions(Role.ADMIN, EARLIER)
    with pytest.raises(NotFound):
        judge.admit(BOB, WEB, SHARED_PRIVATE, Role.READ)


def test_shares_are_looked_up_only_where_they_could_change_the_answer() -> None:
    judge, shares = permissions(Role.WRITE)
    assert judge.role(BOB, WEB, SHARED, Role.READ) is Role.READ
    assert judge.role(ANONYMOUS, WEB, SHARED) is Role.READ
    assert judge.role(BOB, WEB, PUBLIC) is Role.READ
    assert judge.role(ALICE, WEB, SHARED) is Role.ADMIN
    assert shares.looks == 0
    assert judge.role(BOB, WEB, SHARED) is Role.WRITE
    assert judge.role(BOB, WEB, SHARED_PRIVATE, Role.READ) is Role.WRITE
    assert shares.looks == 2


def test_the_library_says_who_changes_it_before_it_is_looked_at() -> None:
    judge, shares = permissions()
    for head in (None, PUBLIC, SHARED):
        with pytest.raises(Forbidden) as told:
            judge.admit(BOB, LIBRARY, head, Role.WRITE)
        assert str(told.value) == "only an administrator may change the library"
    assert shares.looks == 0
    assert judge.admit(BOB, LIBRARY, PUBLIC, Role.READ) is PUBLIC
    assert judge.admit(ROOT, LIBRARY, PUBLIC, Role.WRITE) is PUBLIC
    with pytest.raises(NotFound):
        judge.admit(BOB, LIBRARY, None, Role.READ)


@pytest.mark.parametrize(
    ("access", "needed", "told"),
    [
        (Access.READ, Role.WRITE, "a read token does not write"),
        (Access.DELETE, Role.WRITE, "a delete token does not write"),
        (Access.WRITE, Role.ADMIN, "a write token does not admin"),
    ],
)
def test_a_token_does_what_it_says_and_no_more(access: Access, needed: Role, told: str) -> None:
    judge, _ = permissions()
    for head in (None, PUBLIC, DELETED):
        with pytest.raises(Forbidden) as refused:
            judge.admit(grant(access), WEB, head, needed)
        assert str(refused.value) == told


@pytest.mark.parametrize("access", Access)
@pytest.mark.parametrize("head", [PUBLIC, DELETED])
def test_a_token_dies_with_its_repositorys_life(access: Access, head: Head) -> None:
    judge, _ = permissions()
    with pytest.raises(InvalidToken) as told:
        judge.admit(grant(access, EARLIER), WEB, head, Role.READ)
    assert str(told.value) == "the token is for an earlier repository of this name; ask for a new one"


@pytest.mark.parametrize("access", Access)
def test_only_a_delete_token_sees_what_is_deleted_and_none_what_never_was(access: Access) -> None:
    judge, _ = permissions()
    for head in (None, DELETED):
        if head is DELETED and access is Access.DELETE:
            continue
        with pytest.raises(NotFound) as told:
            judge.admit(grant(access), WEB, head, Role.READ)
        assert str(told.value) == "repository not found"
