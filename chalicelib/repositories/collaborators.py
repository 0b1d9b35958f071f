"""Sharing a repository with other accounts."""

from chalicelib.domain.errors import DomainError, InvalidInput, NotFound, PermissionDenied
from chalicelib.domain.identifiers import LIBRARY, RepositoryName, is_username
from chalicelib.domain.models import RepositoryState
from chalicelib.domain.roles import Principal, Role
from chalicelib.repositories.authorization import Authorization
from chalicelib.repositories.conflicts import retry_on_conflict
from chalicelib.request_log import may_take_effect
from chalicelib.storage.collaborators import CollaboratorStore
from chalicelib.storage.quotas import AccountUnavailable
from chalicelib.storage.transactions import Conflict
from chalicelib.storage.users import UserStore

MAX_COLLABORATORS = 100


class Collaborators:
    """Methods raise the errors of `Authorization.authorize`, and Unavailable if the storage does not answer."""

    def __init__(
        self, store: CollaboratorStore, users: UserStore, authorization: Authorization, max_shares: int
    ) -> None:
        self._store = store
        self._users = users
        self._max_shares = max_shares
        self._authorization = authorization

    def list(self, principal: Principal, repository: RepositoryName) -> dict[str, Role]:
        """Return the collaborators of a repository."""
        return self._store.of_repository(repository, self._authorize(principal, repository).generation)

    def add(self, principal: Principal, repository: RepositoryName, username: str, role: Role) -> None:
        """Give an account a role, or change its role.

        Raises InvalidInput for an account that cannot be a collaborator, and NotFound for a missing account.
        """

        def attempt() -> None:
            generation = self._authorize(principal, repository).generation
            if repository.namespace == LIBRARY:
                raise InvalidInput("repositories in library have no collaborators; only administrators can change them")
            if username == repository.namespace:
                raise InvalidInput(f"{username} owns this repository and has all rights")
            if not is_username(username):
                raise NotFound(f"there is no account {username!r}; an organisation cannot be a collaborator")
            existing = self._store.of_repository(repository, generation)
            if username not in existing and len(existing) >= MAX_COLLABORATORS:
                raise InvalidInput(f"a repository can have at most {MAX_COLLABORATORS} collaborators; remove one first")
            with may_take_effect(Conflict, AccountUnavailable):
                self._store.put(repository, generation, username, role)

        try:
            retry_on_conflict(attempt)
        except AccountUnavailable:
            raise self._explain(repository, username) from None

    def _explain(self, repository: RepositoryName, username: str) -> DomainError:
        """Return the reason why an account cannot become a collaborator."""
        user = self._users.get(username)
        if user is None or user.deletion_started:
            return NotFound(f"there is no account {username!r}")
        if repository.namespace in user.blocked:
            return PermissionDenied(f"{username} does not accept shares from {repository.namespace}")
        return PermissionDenied(f"too many repositories are shared with {username}; the quota is {self._max_shares}")

    def remove(self, principal: Principal, repository: RepositoryName, username: str) -> None:
        """Remove a collaborator. The next request of the account is denied. Accounts can remove themselves.

        Raises NotFound if the account is not a collaborator.
        """
        is_self = principal.username == username and principal.robot is None
        generation = self._authorize(principal, repository, Role.READ if is_self else Role.ADMIN).generation
        with may_take_effect():
            was_collaborator = is_username(username) and self._store.remove(repository, generation, username)
        if not was_collaborator:
            raise NotFound(f"{username!r} is not a collaborator of {repository}")

    def _authorize(
        self, principal: Principal, repository: RepositoryName, required: Role = Role.ADMIN
    ) -> RepositoryState:
        return self._authorization.authorize(principal, repository, required).state
