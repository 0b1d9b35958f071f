"""Decides whether a principal may use a repository. `Authorization.authorize` is the only place that does.

`domain/roles.py` contains the rules. This module reads what the rules need, in an order that reveals nothing.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from msgspec import Struct

from chalicelib.domain.errors import InvalidToken, NotFound, PermissionDenied
from chalicelib.domain.identifiers import LIBRARY, RepositoryName
from chalicelib.domain.models import RepositoryState
from chalicelib.domain.roles import GivenRoles, Grant, Principal, Role, TokenScope, role_of
from chalicelib.storage.collaborators import CollaboratorStore
from chalicelib.storage.image_lists import ImageListStore, StoredImages
from chalicelib.storage.organizations import OrganizationStore


class HasVisibility(Protocol):
    """A repository, or a search result for one."""

    @property
    def name(self) -> RepositoryName:
        """The full name."""

    @property
    def generation(self) -> str:
        """The generation."""

    @property
    def private(self) -> bool:
        """The visibility."""


R = TypeVar("R", bound=HasVisibility)
_MISSING = RepositoryState("", private=True)  # a missing repository is treated like a private one


class Authorized(Struct, frozen=True):
    """The result of a successful authorization.

    Attributes:
        state: the state of the repository.
        role: the role of the principal.
        stored: the image list, if it was requested.
    """

    state: RepositoryState
    role: Role
    stored: StoredImages = StoredImages()


class Authorization:
    """Methods raise Unavailable if the storage does not answer."""

    def __init__(
        self, images: ImageListStore, collaborators: CollaboratorStore, organizations: OrganizationStore
    ) -> None:
        self._images = images
        self._collaborators = collaborators
        self._organizations = organizations

    def authorize(self, principal: Principal | Grant, repository: RepositoryName, required: Role) -> Authorized:
        """Return the state of an existing repository for which `principal` has the role `required`.

        One GetItem. For an account without a right of its own also a BatchGetItem of two items: its roles as a
        collaborator of the repository and as a member of the organisation.

        Raises:
            NotFound: the repository does not exist, or it is private and the principal cannot read it.
            PermissionDenied: the principal can read the repository, but lacks the required role.
            InvalidToken: the token belongs to an earlier generation of the repository.
        """
        return self._decide(principal, repository, self._images.get_head(repository), required)

    def authorize_reader(
        self, principal: Principal, repository: RepositoryName, state: RepositoryState | None, given: Role
    ) -> Authorized:
        """Do the same as `authorize` for READ, for a state and a given role that have been read already.

        The role is exact. `given` belongs to the account of `find_account_with_given_roles`.
        """
        active = _active(state)
        role = role_of(principal, repository, private=(active or _MISSING).private, given=given)
        return _check_role(repository, active, role, Role.READ)

    def authorize_list(self, principal: Principal | Grant, repository: RepositoryName, required: Role) -> Authorized:
        """Do the same as `authorize`, and also read the image list.

        One Query, if the principal has the role independently of the state. Otherwise the head is read first, with one
        more GetItem. Reading the list first would make a denial slower for a longer list, and so reveal that a private
        repository exists.
        """
        if self._has_own_right(principal, repository, required):
            stored = self._images.read(repository)
            authorized = self._decide(principal, repository, stored.head, required)
            return Authorized(authorized.state, authorized.role, stored)
        return self._read_list(principal, repository, required, self.authorize(principal, repository, required))

    def authorize_even_if_missing(
        self, principal: Principal, repository: RepositoryName, required: Role
    ) -> Authorized | StoredImages:
        """Do the same as `authorize_list`, but accept a missing repository from principals who may create it.

        The result is then what is stored: nothing, or the deleted repository.
        """
        if role_of(principal, repository, private=True) >= required:
            stored = self._images.read(repository)
            if stored.active_head is None:
                return stored
            authorized = self._decide(principal, repository, stored.head, required)
            return Authorized(authorized.state, authorized.role, stored)
        _check_library(principal, repository, required)
        active = _active(self._images.get_head(repository))
        role = self.find_role(principal, repository, active or _MISSING, required)
        if active is None and role >= required:  # a member of the organisation
            stored = self._images.read(repository)
            return stored if stored.active_head is None else Authorized(stored.active_head, role, stored)
        return self._read_list(principal, repository, required, _check_role(repository, active, role, required))

    def find_token_role(self, principal: Principal, repository: RepositoryName, required: Role) -> Role:
        """Return the role that a bearer token for a registry gives, exactly only below `required`.

        A principal who may create the repository has the role. No read for the owner and its robots; else one GetItem,
        and a BatchGetItem for an account whose role is not sufficient otherwise. A missing repository costs
        the same as a private one. An administrator gets nothing for a namespace without an owner: the next owner of
        that name would own the content in the registry.
        """
        role = role_of(principal, repository, private=True)
        is_owned = repository.namespace in (principal.username, LIBRARY)
        if role >= Role.WRITE and not is_owned and self._organizations.get_owner(repository.namespace) is None:
            return Role.NONE
        if role >= Role.WRITE or (role is Role.READ and principal.robot is not None):
            return role
        active = _active(self._images.get_head(repository))
        role = self.find_role(principal, repository, active or _MISSING, required)
        if active is None and role >= Role.WRITE:  # a member; nothing is created in an organisation in deletion
            owner = self._organizations.get_owner(repository.namespace)
            return Role.NONE if owner is None or owner.deletion_started else role
        return role

    def authorize_transfer(self, principal: Principal, source: RepositoryName, target: RepositoryName) -> Authorized:
        """Return the state of `source`, if `principal` may move it to the name `target`.

        The principal needs the role ADMIN for the source, and in the namespace of the target. The second decision does
        not depend on the target, so that it does not reveal a private one. Robots cannot transfer. Raises the errors
        of `authorize`.
        """
        if principal.robot is not None:
            raise PermissionDenied("robots cannot transfer repositories; log in with the password of an account")
        authorized = self.authorize(principal, source, Role.ADMIN)
        if self.find_role(principal, target, _MISSING) < Role.ADMIN:
            raise PermissionDenied(
                f"only the owner and the administrators of {target.namespace} can move a repository to it"
            )
        return authorized

    def filter_readable(
        self, principal: Principal, repositories: Iterable[R], given: GivenRoles
    ) -> list[tuple[R, Role]]:
        """Return the repositories that `principal` can read, with its roles. `given` comes from `load_roles`."""
        readable = []
        for repository in repositories:
            role = role_of(
                principal,
                repository.name,
                private=repository.private,
                given=given.find(repository.name, repository.generation),
            )
            if role >= Role.READ:
                readable.append((repository, role))
        return readable

    def load_roles(self, principal: Principal, namespace: str | None = None) -> GivenRoles:
        """Return the roles of an account as a collaborator and as a member, in one namespace or in all.

        One Query. None for anonymous clients, for the owner of the namespace, and for `library`.
        """
        if principal.username is None or namespace in (principal.username, LIBRARY):
            return GivenRoles()
        return self._collaborators.of_account(principal.username, namespace)

    def _read_list(
        self, principal: Principal | Grant, repository: RepositoryName, required: Role, authorized: Authorized
    ) -> Authorized:
        """Read the list after the authorization with the head alone. Authorize again if the head has changed."""
        stored = self._images.read(repository)
        if authorized.state != stored.head:
            authorized = self._decide(principal, repository, stored.head, required)
        return Authorized(authorized.state, authorized.role, stored)

    def _decide(
        self,
        principal: Principal | Grant,
        repository: RepositoryName,
        state: RepositoryState | None,
        required: Role,
    ) -> Authorized:
        if isinstance(principal, Grant):
            return _decide_for_token(principal, state, required)
        _check_library(principal, repository, required)
        active = _active(state)
        role = self.find_role(principal, repository, active or _MISSING, required)
        return _check_role(repository, active, role, required)

    def find_role(
        self,
        principal: Principal,
        repository: RepositoryName,
        state: RepositoryState,
        required: Role = Role.ADMIN,
    ) -> Role:
        """Return the role of `principal`, exactly only below `required`.

        The given roles are read only if they could change the result. They are read for missing repositories as for
        private ones: otherwise the number of reads would distinguish the two.
        """
        role = role_of(principal, repository, private=state.private)
        if role >= required:
            return role
        account = find_account_with_given_roles(principal, repository)
        if account is None:
            return role
        given = self._collaborators.get_role(account, repository, state.generation)
        return role_of(principal, repository, private=state.private, given=given)

    def _has_own_right(self, principal: Principal | Grant, repository: RepositoryName, required: Role) -> bool:
        """Return whether the state of the repository cannot cause a denial that must be fast."""
        return (
            isinstance(principal, Grant)
            or repository.namespace == LIBRARY
            or role_of(principal, repository, private=True) >= required
        )


def find_account_with_given_roles(principal: Principal, repository: RepositoryName) -> str | None:
    """Return the account of `principal`, if its role can depend on a role that others have given to it."""
    if principal.username is None or repository.namespace in (principal.username, LIBRARY):
        return None
    if principal.robot is not None and not principal.robot.covers(repository):
        return None
    return None if role_of(principal, repository, private=True) >= Role.ADMIN else principal.username


def _active(state: RepositoryState | None) -> RepositoryState | None:
    return None if state is None or state.deleted else state


def _check_library(principal: Principal, repository: RepositoryName, required: Role) -> None:
    """Deny a change in `library`. Everyone can read it, so this denial reveals nothing and needs no look-up."""
    if repository.namespace == LIBRARY and role_of(principal, repository, private=False) < required:
        raise PermissionDenied("only administrators can change repositories in library")


def _check_role(repository: RepositoryName, active: RepositoryState | None, role: Role, required: Role) -> Authorized:
    """Return the authorization for a role. Raises NotFound and PermissionDenied."""
    if active is None or role is Role.NONE:
        raise NotFound("repository not found")
    if role < required:
        raise PermissionDenied(f"your role for {repository} is {role.word}; this request needs {required.word}")
    return Authorized(active, role)


def _decide_for_token(grant: Grant, state: RepositoryState | None, required: Role) -> Authorized:
    """Apply the rules for access tokens. A delete token is also valid for the deleted repository."""
    if grant.scope.role < required:
        raise PermissionDenied(f"a {grant.scope} token does not allow {required.word}")
    if state is None:
        raise NotFound("repository not found")
    if grant.generation != state.generation:
        raise InvalidToken("the token belongs to an earlier repository with this name; request a new token")
    if state.deleted and grant.scope is not TokenScope.DELETE:
        raise NotFound("repository not found")
    return Authorized(state, grant.scope.role)
