"""Decides whether a principal may use a repository. `Authorization.authorize` is the only place that does.

`domain/roles.py` contains the rules. This module reads what the rules need, in an order that reveals nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from msgspec import Struct

from chalicelib.domain.errors import InvalidToken, NotFound, PermissionDenied
from chalicelib.domain.identifiers import LIBRARY, RepositoryName, is_username
from chalicelib.domain.models import RepositoryState
from chalicelib.domain.roles import Grant, Principal, Role, TokenScope, role_of
from chalicelib.storage.collaborators import CollaboratorStore
from chalicelib.storage.image_lists import ImageListStore, StoredImages
from chalicelib.storage.users import UserStore

Shares = Mapping[tuple[RepositoryName, str], Role]  # the roles of one account, by repository and generation


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

    def __init__(self, images: ImageListStore, collaborators: CollaboratorStore, users: UserStore) -> None:
        self._users = users
        self._images = images
        self._collaborators = collaborators

    def authorize(self, principal: Principal | Grant, repository: RepositoryName, required: Role) -> Authorized:
        """Return the state of an existing repository for which `principal` has the role `required`.

        One GetItem, and one more for an account that might be a collaborator.

        Raises:
            NotFound: the repository does not exist, or it is private and the principal cannot read it.
            PermissionDenied: the principal can read the repository, but lacks the required role.
            InvalidToken: the token belongs to an earlier generation of the repository.
        """
        return self._decide(principal, repository, self._images.get_head(repository), required)

    def authorize_reader(
        self, principal: Principal, repository: RepositoryName, state: RepositoryState | None
    ) -> Authorized:
        """Do the same as `authorize` for READ, for a state that has been read already. The role is exact.

        At most one more GetItem, for an account that might be a collaborator.
        """
        active = None if state is None or state.deleted else state
        role = self.find_role(principal, repository, active or _MISSING)
        if active is None or role is Role.NONE:
            raise NotFound("repository not found")
        return Authorized(active, role)

    def authorize_list(self, principal: Principal | Grant, repository: RepositoryName, required: Role) -> Authorized:
        """Do the same as `authorize`, and also read the image list.

        One Query, if the principal has the role independently of the state. Otherwise the head is read first, with one
        more GetItem. Reading the list first would make a denial slower for a longer list, and so reveal that a private
        repository exists.
        """
        if not self._has_own_right(principal, repository, required):
            authorized = self.authorize(principal, repository, required)
            stored = self._images.read(repository)
            if authorized.state == stored.head:
                return Authorized(authorized.state, authorized.role, stored)
        else:
            stored = self._images.read(repository)
        authorized = self._decide(principal, repository, stored.head, required)
        return Authorized(authorized.state, authorized.role, stored)

    def authorize_even_if_missing(
        self, principal: Principal, repository: RepositoryName, required: Role
    ) -> Authorized | StoredImages:
        """Do the same as `authorize_list`, but accept a missing repository from principals who may create it.

        The result is then what is stored: nothing, or the deleted repository.
        """
        if role_of(principal, repository, private=True) < required:
            return self.authorize_list(principal, repository, required)
        stored = self._images.read(repository)
        if stored.active_head is None:
            return stored
        authorized = self._decide(principal, repository, stored.head, required)
        return Authorized(authorized.state, authorized.role, stored)

    def find_token_role(self, principal: Principal, repository: RepositoryName) -> Role:
        """Return the role that a bearer token for a registry gives. A principal who may create the repository has it.

        No read for the owner and its robots; else one GetItem, and one more for accounts. A missing repository costs
        the same as a private one. An administrator gets nothing for a namespace without an account: the next owner of
        that name would own the content in the registry.
        """
        role = role_of(principal, repository, private=True)
        is_owned = repository.namespace in (principal.username, LIBRARY)
        if role >= Role.WRITE and not is_owned and not self._has_account(repository.namespace):
            return Role.NONE
        if role >= Role.WRITE or (role is Role.READ and principal.robot is not None):
            return role
        state = self._images.get_head(repository)
        active = None if state is None or state.deleted else state
        return self.find_role(principal, repository, active or _MISSING)

    def filter_readable(self, principal: Principal, repositories: Iterable[R], shares: Shares) -> list[tuple[R, Role]]:
        """Return the repositories that `principal` can read, with its roles. `shares` comes from `load_shares`."""
        readable = []
        for repository in repositories:
            shared = shares.get((repository.name, repository.generation), Role.NONE)
            role = role_of(principal, repository.name, private=repository.private, shared=shared)
            if role >= Role.READ:
                readable.append((repository, role))
        return readable

    def load_shares(self, principal: Principal, namespace: str | None = None) -> Shares:
        """Return the roles of an account as a collaborator, in one namespace or in all. One Query, or none."""
        return {} if principal.username is None else self._collaborators.of_account(principal.username, namespace)

    def _has_account(self, namespace: str) -> bool:
        return is_username(namespace) and self._users.get(namespace) is not None

    def _decide(
        self,
        principal: Principal | Grant,
        repository: RepositoryName,
        state: RepositoryState | None,
        required: Role,
    ) -> Authorized:
        if isinstance(principal, Grant):
            return _decide_for_token(principal, state, required)
        if repository.namespace == LIBRARY and role_of(principal, repository, private=False) < required:
            # Everyone can read `library`, so this denial reveals nothing and needs no look-up.
            raise PermissionDenied("only administrators can change repositories in library")
        active = None if state is None or state.deleted else state
        role = self.find_role(principal, repository, active or _MISSING, required)
        if active is None or role is Role.NONE:
            raise NotFound("repository not found")
        if role < required:
            raise PermissionDenied(f"your role for {repository} is {role.word}; this request needs {required.word}")
        return Authorized(active, role)

    def find_role(
        self,
        principal: Principal,
        repository: RepositoryName,
        state: RepositoryState,
        required: Role = Role.ADMIN,
    ) -> Role:
        """Return the role of `principal`, exactly only below `required`.

        The collaborators are read only if they could change the result. They are also read for private and missing
        repositories without collaborators: otherwise the number of reads would distinguish the two.
        """
        role = role_of(principal, repository, private=state.private)
        if role >= required or principal.username is None or not (state.shared or state.private):
            return role
        shared = self._collaborators.get_role(principal.username, repository, state.generation)
        return role_of(principal, repository, private=state.private, shared=shared)

    def _has_own_right(self, principal: Principal | Grant, repository: RepositoryName, required: Role) -> bool:
        """Return whether the state of the repository cannot cause a denial that must be fast."""
        return (
            isinstance(principal, Grant)
            or repository.namespace == LIBRARY
            or role_of(principal, repository, private=True) >= required
        )


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
