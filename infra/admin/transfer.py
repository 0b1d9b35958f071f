"""Transfer of a repository to another name."""

from contextlib import suppress

from chalicelib.domain.errors import InvalidInput, NotFound, RequestConflict
from chalicelib.domain.identifiers import LIBRARY, RepositoryName
from chalicelib.domain.models import Repository
from chalicelib.repositories.conflicts import MAX_ATTEMPTS
from chalicelib.storage.quotas import AccountUnavailable
from chalicelib.storage.transactions import Conflict
from infra.admin.command import OPERATOR
from infra.admin.target import Target


class Transfer:
    """Moves the repository `source` to the name `target`. Call `check`, then `run`. Both raise DomainErrors.

    The steps are: create the target with the whole image list and the visibility of the source; copy the description
    and the shares; delete the source; copy the images that were pushed to the source before its deletion. An
    interruption between two steps loses nothing, and a repeated transfer continues.
    """

    def __init__(self, index: Target, source: RepositoryName, target: RepositoryName) -> None:
        self.source = source
        self.target = target
        self._services = index.services
        self._stores = index.stores

    def check(self) -> tuple[int, bool]:
        """Return the number of images, and whether an interrupted transfer has already created the target.

        Raises an error if the transfer is not possible.
        """
        if self.source == self.target:
            raise InvalidInput("the old name and the new name are equal")
        repository = self._get_source()
        if self.target.namespace == LIBRARY and repository.private:
            raise InvalidInput(
                f"repositories in library are public, but {self.source} is private; make it public first"
            )
        if self.target.namespace != LIBRARY:
            owner = self._stores.organizations.get_owner(self.target.namespace)
            if owner is None:
                raise InvalidInput(f"the namespace {self.target.namespace} belongs to no account and no organisation")
        images = self._stores.images.read(self.source).merged()
        stored = self._stores.images.read(self.target)
        is_resumed = stored.active_head is not None
        if is_resumed and not self._is_interrupted_transfer(repository, stored.merged(), images):
            raise RequestConflict(f"a repository {self.target} exists already; choose another name, or delete it first")
        return len(images), is_resumed

    def run(self) -> None:
        """Move the repository. Repeat the copy if the source has changed since it was copied."""
        for _ in range(MAX_ATTEMPTS):
            repository = self._get_source()
            self._copy_images(repository)
            self._services.repositories.change(
                OPERATOR,
                self.target,
                description=repository.description,
                long_description=self._services.repositories.read_long_description(repository),
                private=repository.private,
            )
            self._copy_collaborators()
            stored = self._stores.images.read(self.source)
            try:
                self._stores.repositories.delete(repository, stored, confirmed=True)
            except Conflict:
                continue
            self._stores.collaborators.remove_repository(self.source, repository.generation)
            self._copy_last_images(repository)
            return
        raise RequestConflict(f"other requests are changing {self.source} at the moment; run the command again")

    def _get_source(self) -> Repository:
        return self._services.repositories.show(OPERATOR, self.source).repository

    def _copy_images(self, repository: Repository) -> None:
        images = self._stores.images.read(self.source).merged()
        stored = self._stores.images.read(self.target)
        if stored.active_head is not None:
            self._services.lists.update(OPERATOR, self.target, images)
            return
        owner = self.target.namespace
        try:
            self._stores.repositories.create(
                self.target,
                stored,
                images,
                private=repository.private,
                created=repository.created,
            )
        except AccountUnavailable:
            raise RequestConflict(
                f"the namespace {owner} belongs to nobody, or its owner has reached a quota; check the owner"
            ) from None
        except Conflict:
            raise RequestConflict(f"another request has just created {self.target}; check it and try again") from None

    def _copy_collaborators(self) -> None:
        """Make the collaborators of the target equal to those of the source, except for the new owner."""
        if self.target.namespace == LIBRARY:
            return  # repositories in library have no collaborators
        roles = self._services.collaborators.list(OPERATOR, self.source)
        roles.pop(self.target.namespace, None)
        for username in self._services.collaborators.list(OPERATOR, self.target):
            if username not in roles:
                self._services.collaborators.remove(OPERATOR, self.target, username)
        for username, role in roles.items():
            with suppress(NotFound):  # the account was deleted meanwhile
                self._services.collaborators.add(OPERATOR, self.target, username, role)

    def _copy_last_images(self, repository: Repository) -> None:
        """Copy images that were pushed to the source after it was read. The deleted list still contains them."""
        deleted = self._stores.images.read(self.source)
        if deleted.head is not None and deleted.head.generation == repository.generation:
            self._services.lists.update(OPERATOR, self.target, deleted.merged())

    def _is_interrupted_transfer(self, repository: Repository, new: dict[str, str], old: dict[str, str]) -> bool:
        """Return whether the target contains nothing but data of the source, and is not private if the source is not.

        `new` and `old` are the image lists of the target and of the source.
        """
        target = self._stores.repositories.get(self.target)
        return (
            target is not None
            and target.private <= repository.private
            and target.description in ("", repository.description)
            and all(image in old and checksum in ("", old[image]) for image, checksum in new.items())
        )
