"""Repositories: create, delete."""

from chalicelib.access import Caller, may_change
from chalicelib.errors import Forbidden, NotFound, Unavailable
from chalicelib.images import ImageLists
from chalicelib.names import RepositoryName
from chalicelib.search import terms_of
from chalicelib.store.images import ImageStore
from chalicelib.store.repositories import RepositoryStore
from chalicelib.store.tables import ConditionFailed

RACE_ATTEMPTS = 5  # losing this often means that the repository is created and deleted in a loop


class Repositories:
    """A repository's life. Every method raises Unavailable when the store does not answer."""

    def __init__(self, store: RepositoryStore, images: ImageStore, lists: ImageLists) -> None:
        self._store = store
        self._images = images
        self._lists = lists

    def push(self, caller: Caller, repository: RepositoryName, images: dict[str, str]) -> str:
        """Creates `repository` with these images, or merges them into its list. Gives its generation.

        At most two calls to the store, and one when nothing is new. Raises Forbidden and TooLarge.
        """
        self._check(caller, repository)
        for _ in range(RACE_ATTEMPTS):
            stored = self._images.read(repository)
            if stored.living is not None:
                self._lists.merge(repository, stored, images)
                return stored.living.generation
            try:
                return self._store.create(repository, stored, images, terms_of(repository, ""))
            except ConditionFailed:
                continue  # created by somebody else meanwhile: merge into theirs
        raise Unavailable("the repository is being changed by others right now; try again in a moment")

    def delete(self, caller: Caller, repository: RepositoryName) -> str | None:
        """Hides `repository` from everyone and gives the generation for a delete token.

        A repeat gives it again, until a registry has shown such a token: then None, for the deletion is complete.
        Raises Forbidden and NotFound.
        """
        self._check(caller, repository)
        for _ in range(RACE_ATTEMPTS):
            stored = self._images.read(repository)
            if stored.head is None:
                raise NotFound("repository not found")
            if stored.head.deleted:
                return None if stored.head.confirmed else stored.head.generation
            try:
                description = self._store.description(repository) or ""
                self._store.delete(repository, stored, terms_of(repository, description))
            except ConditionFailed:
                continue  # a push has changed the list meanwhile
            return stored.head.generation
        raise Unavailable("the repository is being changed by others right now; try again in a moment")

    @staticmethod
    def _check(caller: Caller, repository: RepositoryName) -> None:
        if not may_change(caller, repository.namespace):
            raise Forbidden(f"you may not change {repository}")
