"""Decisions about moving a repository to another name."""

import pytest

from chalicelib.domain.errors import NotFound, PermissionDenied
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Principal, Role
from tests.fake_authorization import (
    ALICE,
    BOB,
    DELETED,
    LIBRARY,
    OF_BOB,
    OTHER,
    PRIVATE,
    PUBLIC,
    ROOT,
    SHARED_PRIVATE,
    WEB,
    Fixture,
    robot_of,
)


@pytest.mark.parametrize(
    ("principal", "target", "shared", "member"),
    [
        (ALICE, OTHER, Role.NONE, Role.NONE),
        (ROOT, OF_BOB, Role.NONE, Role.NONE),
        (BOB, OF_BOB, Role.ADMIN, Role.NONE),
        (BOB, OF_BOB, Role.NONE, Role.ADMIN),
        (BOB, OTHER, Role.NONE, Role.ADMIN),
    ],
)
def test_administrator_of_both_namespaces_can_transfer(
    principal: Principal, target: RepositoryName, shared: Role, member: Role
) -> None:
    fixture = Fixture(SHARED_PRIVATE, shared=shared, member=member)
    authorized = fixture.authorization.authorize_transfer(principal, WEB, target)
    assert (authorized.state, authorized.role) == (SHARED_PRIVATE, Role.ADMIN)
    assert fixture.images.reads == ["head"]  # of the source only


@pytest.mark.parametrize(
    ("principal", "source", "target", "named"),
    [
        (ALICE, WEB, OF_BOB, "bob"),
        (ALICE, WEB, RepositoryName("nobody", "web"), "nobody"),
        (BOB, WEB, OTHER, "alice"),  # a collaborator with the role ADMIN
        (BOB, WEB, RepositoryName("carol", "web"), "carol"),
        (ALICE, LIBRARY, WEB, "library"),
        (ALICE, WEB, LIBRARY, "library"),
    ],
)
def test_transfer_to_or_from_the_namespace_of_another_is_denied(
    principal: Principal, source: RepositoryName, target: RepositoryName, named: str
) -> None:
    fixture = Fixture(SHARED_PRIVATE, shared=Role.ADMIN)
    with pytest.raises(PermissionDenied, match=rf"\b{named}\b"):
        fixture.authorization.authorize_transfer(principal, source, target)


@pytest.mark.parametrize("shared", [Role.READ, Role.WRITE])
def test_collaborator_without_the_role_admin_cannot_transfer(shared: Role) -> None:
    with pytest.raises(PermissionDenied, match=f"{WEB}.*{shared.word}.*admin"):
        Fixture(SHARED_PRIVATE, shared=shared).authorization.authorize_transfer(BOB, WEB, OF_BOB)


def test_hidden_repository_cannot_be_transferred() -> None:
    for fixture in (Fixture(None), Fixture(DELETED), Fixture(PRIVATE)):
        with pytest.raises(NotFound):
            fixture.authorization.authorize_transfer(BOB, WEB, OF_BOB)


@pytest.mark.parametrize("principal", [ALICE, BOB, ROOT])
def test_robot_cannot_transfer(principal: Principal) -> None:
    fixture = Fixture(PUBLIC)
    with pytest.raises(PermissionDenied, match="robot"):
        fixture.authorization.authorize_transfer(robot_of(principal, Role.WRITE), WEB, OTHER)
    assert fixture.images.reads == []
