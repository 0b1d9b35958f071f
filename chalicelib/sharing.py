"""Sharing: who beside its owner may read, write or administer a repository."""

from chalicelib.access import Caller, Role
from chalicelib.errors import BadRequest, NotFound
from chalicelib.names import LIBRARY, RepositoryName, is_username
from chalicelib.permissions import Permissions
from chalicelib.store.collaborators import CollaboratorStore
from chalicelib.store.images import Head, ImageStore
from chalicelib.store.tables import ConditionFailed

COLLABORATORS_AT_MOST = 100


class Sharing:
    """For whoever administers a repository. Methods raise what `Permissions.admit` does, and Unavailable."""

    def __init__(self, collaborators: CollaboratorStore, images: ImageStore, permissions: Permissions) -> None:
        self._collaborators = collaborators
        self._images = images
        self._permissions = permissions

    def collaborators(self, caller: Caller, repository: RepositoryName) -> dict[str, Role]:
        """Everybody who shares in it."""
        return self._collaborators.of_repository(repository, self._head(caller, repository).generation)

    def share(self, caller: Caller, repository: RepositoryName, username: str, role: Role) -> None:
        """Gives an account a role, or another one. Raises BadRequest, and NotFound for no such account."""
        generation = self._head(caller, repository).generation
        if repository.namespace == LIBRARY:
            raise BadRequest("the library is shared with nobody: administrators alone change it")
        if username == repository.namespace:
            raise BadRequest("this is the owner, who may do everything")
        there = self._collaborators.of_repository(repository, generation)
        if username not in there and len(there) >= COLLABORATORS_AT_MOST:
            raise BadRequest(f"a repository has at most {COLLABORATORS_AT_MOST} collaborators")
        try:
            if not is_username(username):
                raise ConditionFailed
            self._collaborators.put(repository, generation, username, role)
        except ConditionFailed:
            raise NotFound(f"there is no account {username!r} to share with") from None

    def unshare(self, caller: Caller, repository: RepositoryName, username: str) -> None:
        """Takes an account off the list; its next sign-in to the repository fails. Raises NotFound.

        An account may take itself off.
        """
        needed = Role.READ if caller.username == username and caller.robot is None else Role.ADMIN
        generation = self._head(caller, repository, needed).generation
        if not is_username(username) or self._collaborators.role(username, repository, generation) is Role.NONE:
            raise NotFound(f"{username!r} is no collaborator")
        self._collaborators.remove(repository, generation, username)

    def _head(self, caller: Caller, repository: RepositoryName, needed: Role = Role.ADMIN) -> Head:
        return self._permissions.admit(caller, repository, self._images.head(repository), needed)
