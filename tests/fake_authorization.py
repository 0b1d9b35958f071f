"""An Authorization over fake stores, which contain alice/web and library/web and record their reads."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.errors import DomainError
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Organization, RepositoryState, User
from chalicelib.domain.roles import GivenRoles, Grant, Principal, Robot, Role
from chalicelib.repositories.authorization import Authorization
from chalicelib.storage.image_lists import StoredImages

WEB, LIBRARY = RepositoryName("alice", "web"), RepositoryName("library", "web")
OTHER, OF_BOB = RepositoryName("alice", "other"), RepositoryName("bob", "web")
ALICE, BOB, ROOT = Principal("alice"), Principal("bob"), Principal("root", admin=True)
GENERATION, EARLIER = "1" * 16, "0" * 16
PUBLIC, PRIVATE = RepositoryState(GENERATION), RepositoryState(GENERATION, private=True)
SHARED = RepositoryState(GENERATION, shared=True)
SHARED_PRIVATE = RepositoryState(GENERATION, private=True, shared=True)
DELETED = RepositoryState(GENERATION, deleted=True)
CREATED = datetime(2026, 1, 1, tzinfo=UTC)


def robot_of(principal: Principal, role: Role, *repositories: RepositoryName) -> Principal:
    """Return a robot of an account, for some repositories or for all."""
    return Principal(principal.username, principal.admin, Robot("ci", role, frozenset(repositories) or None))


class FakeImages:
    """The store of image lists, with one state for both repositories. Others are missing. Records its reads."""

    def __init__(self, *states: RepositoryState | None) -> None:
        self._states = list(states)  # one for each read; the last one stays
        self.reads: list[str] = []

    def get_head(self, repository: RepositoryName) -> RepositoryState | None:
        self.reads.append("head")
        return self._next(repository)

    def read(self, repository: RepositoryName) -> StoredImages:
        self.reads.append("list")
        return StoredImages(self._next(repository))

    def _next(self, repository: RepositoryName) -> RepositoryState | None:
        if repository not in (WEB, LIBRARY):
            return None
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]


class FakeCollaborators:
    """The store of collaborators: bob can have a role in alice/web, and one as a member of the organisation `alice`."""

    def __init__(self, shared: Role, generation: str, member: Role) -> None:
        self._given = GivenRoles({(WEB, generation): shared}, {WEB.namespace: member})
        self.reads = 0

    def get_role(self, username: str, repository: RepositoryName, generation: str) -> Role:
        self.reads += 1
        return self._given.find(repository, generation) if username == "bob" else Role.NONE

    def of_account(self, username: str, namespace: str | None) -> GivenRoles:
        self.reads += 1
        return self._given if username == "bob" and namespace in (None, WEB.namespace) else GivenRoles()


class FakeOrganizations:
    """The store of the owners of namespaces. Counts its reads."""

    def __init__(self, owners: Mapping[str, User | Organization]) -> None:
        self._owners = owners
        self.reads = 0

    def get_owner(self, namespace: str) -> User | Organization | None:
        self.reads += 1
        return self._owners.get(namespace)


class Fixture:
    """An Authorization over fake stores.

    Args:
        states: the state of the repositories at each read; the last one stays.
        shared: the role of bob as a collaborator of alice/web.
        generation: the generation to which that role belongs.
        member: the role of bob as a member of the organisation `alice`.
        owner: the owner of the namespace `alice`.
    """

    def __init__(
        self,
        *states: RepositoryState | None,
        shared: Role = Role.NONE,
        generation: str = GENERATION,
        member: Role = Role.NONE,
        owner: User | Organization | None = None,
    ) -> None:
        self.images, self.collaborators = FakeImages(*states), FakeCollaborators(shared, generation, member)
        self.organizations = FakeOrganizations({} if owner is None else {WEB.namespace: owner})
        images: Any = self.images
        collaborators: Any = self.collaborators
        organizations: Any = self.organizations
        self.authorization = Authorization(images, collaborators, organizations)

    def authorize(
        self, principal: Principal | Grant, required: Role, repository: RepositoryName = WEB
    ) -> RepositoryState:
        return self.authorization.authorize(principal, repository, required).state

    def error(
        self, principal: Principal | Grant, required: Role, repository: RepositoryName = WEB
    ) -> type[DomainError]:
        """Return the class of the error, which has a message."""
        with pytest.raises(DomainError) as raised:
            self.authorize(principal, required, repository)
        assert raised.value.message
        return raised.type
