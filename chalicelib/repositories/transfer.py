"""Transfer of a repository to another name.

The tags stay in the registry under the old name, so the new repository has none until the next push.
"""

from contextlib import suppress

from chalicelib.domain.errors import InvalidInput, NotFound, PermissionDenied, RequestConflict
from chalicelib.domain.identifiers import LIBRARY, RepositoryName
from chalicelib.domain.models import Repository
from chalicelib.domain.roles import Principal
from chalicelib.repositories.authorization import Authorization
from chalicelib.repositories.collaborators import Collaborators
from chalicelib.repositories.conflicts import MAX_ATTEMPTS
from chalicelib.repositories.image_list_cache import ImageListCache
from chalicelib.repositories.image_lists import ImageLists
from chalicelib.repositories.service import Repositories
from chalicelib.request_log import may_take_effect
from chalicelib.storage.collaborators import CollaboratorStore
from chalicelib.storage.image_lists import ImageListStore
from chalicelib.storage.organizations import OrganizationStore
from chalicelib.storage.quotas import AccountUnavailable
from chalicelib.storage.repositories import RepositoryStore
from chalicelib.storage.transactions import Conflict

_OPERATOR = Principal(admin=True)  # the steps after the authorization of the principal


class Transfers:
    """Moves repositories. Methods raise Unavailable if the storage does not answer."""

    def __init__(
        self,
        repositories: Repositories,
        lists: ImageLists,
        collaborators: Collaborators,
        authorization: Authorization,
        cache: ImageListCache,
        repository_store: RepositoryStore,
        image_store: ImageListStore,
        collaborator_store: CollaboratorStore,
        organization_store: OrganizationStore,
    ) -> None:
        self._repositories = repositories
        self._lists = lists
        self._collaborators = collaborators
        self._authorization = authorization
        self._cache = cache
        self._repository_store = repository_store
        self._image_store = image_store
        self._collaborator_store = collaborator_store
        self._organization_store = organization_store

    def transfer(self, principal: Principal, source: RepositoryName, target: RepositoryName) -> None:
        """Move the repository `source` to the name `target`. Raises the errors of `check`.

        The steps are: create the target with the whole image list and the visibility of the source; copy the
        descriptions and the shares; delete the source; copy the images that were pushed to the source before its
        deletion. An interruption before the deletion loses nothing, and a repeated transfer continues. Until then, both
        owners need the quota. The copy is repeated if the source has changed since it was copied.
        """
        self.check(principal, source, target)
        with self._cache.invalidates(source), self._cache.invalidates(target):
            for _ in range(MAX_ATTEMPTS):
                if self._try_move(source, target):
                    return
        raise RequestConflict(f"other requests are changing {source} at the moment; try again in a moment")

    def check(self, principal: Principal, source: RepositoryName, target: RepositoryName) -> tuple[int, bool]:
        """Return the number of images, and whether an interrupted transfer has already created the target.

        Raises the errors of `Authorization.authorize_transfer`, InvalidInput, and RequestConflict if another repository
        has the name `target`.
        """
        self._authorization.authorize_transfer(principal, source, target)
        if source == target:
            raise InvalidInput("the old name and the new name are equal")
        repository = self._get(source)
        if target.namespace == LIBRARY and repository.private:
            raise InvalidInput(f"repositories in library are public, but {source} is private; make it public first")
        if target.namespace != LIBRARY and self._organization_store.get_owner(target.namespace) is None:
            raise InvalidInput(f"the namespace {target.namespace} belongs to no account and no organisation")
        images = self._image_store.read(source).merged()
        stored = self._image_store.read(target)
        is_resumed = stored.active_head is not None
        if is_resumed and not self._is_interrupted(repository, target, stored.merged(), images):
            raise RequestConflict(f"a repository {target} exists already; choose another name, or delete it first")
        return len(images), is_resumed

    def _try_move(self, source: RepositoryName, target: RepositoryName) -> bool:
        """Copy the source, and delete it. Return False if it has changed since it was copied."""
        repository = self._get(source)
        self._copy_images(repository, target)
        self._repositories.change(
            _OPERATOR,
            target,
            description=repository.description,
            long_description=self._repositories.read_long_description(repository),
            private=repository.private,
        )
        self._copy_collaborators(source, target)
        stored = self._image_store.read(source)
        try:
            with may_take_effect():
                self._repository_store.delete(repository, stored, confirmed=True)
        except Conflict:
            return False
        self._collaborator_store.remove_repository(source, repository.generation)
        self._copy_last_images(repository, target)
        return True

    def _get(self, repository: RepositoryName) -> Repository:
        return self._repositories.show(_OPERATOR, repository).repository

    def _copy_images(self, repository: Repository, target: RepositoryName) -> None:
        images = self._image_store.read(repository.name).merged()
        stored = self._image_store.read(target)
        if stored.active_head is not None:
            self._lists.update(_OPERATOR, target, images)
            return
        try:
            with may_take_effect(Conflict, AccountUnavailable):
                self._repository_store.create(
                    target, stored, images, private=repository.private, created=repository.created
                )
        except AccountUnavailable:
            raise RequestConflict(
                f"{target.namespace} is being deleted, or has reached a quota; delete some of its repositories first"
            ) from None
        except Conflict:
            raise RequestConflict(f"another request has just created {target}; check it and try again") from None

    def _copy_collaborators(self, source: RepositoryName, target: RepositoryName) -> None:
        """Make the collaborators of the target equal to those of the source, except for the new owner.

        An account that has blocked the new owner, or has reached its quota of shares, is left out.
        """
        if target.namespace == LIBRARY:
            return  # repositories in library have no collaborators
        roles = self._collaborators.list(_OPERATOR, source)
        roles.pop(target.namespace, None)
        for username in self._collaborators.list(_OPERATOR, target):
            if username not in roles:
                self._collaborators.remove(_OPERATOR, target, username)
        for username, role in roles.items():
            with suppress(NotFound, PermissionDenied):  # the account was deleted meanwhile, or does not accept it
                self._collaborators.add(_OPERATOR, target, username, role)

    def _copy_last_images(self, repository: Repository, target: RepositoryName) -> None:
        """Copy images that were pushed to the source after it was read. The deleted list still contains them."""
        deleted = self._image_store.read(repository.name)
        if deleted.head is not None and deleted.head.generation == repository.generation:
            self._lists.update(_OPERATOR, target, deleted.merged())

    def _is_interrupted(
        self, repository: Repository, target: RepositoryName, new: dict[str, str], old: dict[str, str]
    ) -> bool:
        """Return whether the target contains nothing but data of the source, and is not private if the source is not.

        A transfer keeps the time of creation, so no other repository has it. `new` and `old` are the image lists of the
        target and of the source.
        """
        existing = self._repository_store.get(target)
        return (
            existing is not None
            and existing.created == repository.created
            and existing.private <= repository.private
            and existing.description in ("", repository.description)
            and all(image in old and checksum in ("", old[image]) for image, checksum in new.items())
        )
