"""Repositories: create, describe, hide, list, delete."""

from dataclasses import dataclass, replace

from chalicelib.access import Caller, Role, may_create, role_of
from chalicelib.errors import BadRequest, NotFound
from chalicelib.images import ImageLists, undisturbed
from chalicelib.names import LIBRARY, RepositoryName, check_description
from chalicelib.permissions import Permissions
from chalicelib.search import terms_of
from chalicelib.store.collaborators import CollaboratorStore
from chalicelib.store.images import Head, ImageStore
from chalicelib.store.repositories import Repository, RepositoryStore
from chalicelib.store.tables import ConditionFailed

LISTED_AT_MOST = 100


@dataclass(frozen=True, slots=True)
class Shown:
    """A repository, and what the one who asked may do with it."""

    repository: Repository
    role: Role


class Repositories:
    """A repository's life. Every method raises Unavailable when the store does not answer.

    `private` says whether a repository that a push creates is; the library's never are.
    """

    def __init__(
        self,
        store: RepositoryStore,
        images: ImageStore,
        lists: ImageLists,
        collaborators: CollaboratorStore,
        permissions: Permissions,
        *,
        private: bool,
    ) -> None:
        self._store = store
        self._images = images
        self._lists = lists
        self._collaborators = collaborators
        self._permissions = permissions
        self._private = private

    def push(self, caller: Caller, repository: RepositoryName, images: dict[str, str]) -> str:
        """Creates `repository` with these images, or merges them into its list. Gives its generation.

        At most two calls to the store, and one when nothing is new. Raises what `Permissions.admit` does, and TooLarge:
        whoever may not create it is told of a missing repository what a private one says.
        """

        def attempt() -> str:
            if not may_create(caller, repository):
                stored, head = self._lists.admitted(caller, repository, Role.WRITE)
                self._lists.merge(repository, stored, images)
                return head.generation
            stored = self._images.read(repository)
            if stored.living is not None:
                head = self._permissions.admit(caller, repository, stored.living, Role.WRITE)
                self._lists.merge(repository, stored, images)
                return head.generation
            generation = self._store.create(
                repository,
                stored,
                images,
                terms_of(repository, ""),
                private=self._private and repository.namespace != LIBRARY,
                owner=caller.username if caller.username == repository.namespace else None,
            )
            self._lists.forget(repository)  # its life before may have ended elsewhere
            return generation

        return undisturbed(attempt)

    def delete(self, caller: Caller, repository: RepositoryName, *, final: bool = False) -> str | None:
        """Hides `repository` from everyone and gives the generation for a delete token.

        A repeat gives it again, until a registry has shown such a token: then None, for the deletion is complete. So it
        is at once when it is `final`.
        Raises what `Permissions.admit` does; a repeat is for whoever may create the repository.
        """

        def attempt() -> str | None:
            if role_of(caller, repository, private=True) < Role.ADMIN:
                stored, head = self._lists.admitted(caller, repository, Role.ADMIN)
            else:
                stored = self._images.read(repository)
                if stored.head is not None and stored.head.deleted:
                    self._forget_shares(repository, stored.head)
                    return None if stored.head.confirmed else stored.head.generation
                head = self._permissions.admit(caller, repository, stored.head, Role.ADMIN)
            known = self._known(repository, head)
            self._store.delete(known, stored, terms_of(repository, known.description), confirmed=final)
            self._lists.forget(repository)
            self._forget_shares(repository, head)
            return head.generation

        return undisturbed(attempt)

    def show(self, caller: Caller, repository: RepositoryName) -> Shown:
        """What is known of a repository. Raises NotFound."""

        def attempt() -> Shown:
            head = self._permissions.admit(caller, repository, self._images.head(repository), Role.READ)
            return Shown(self._known(repository, head), self._permissions.role(caller, repository, head))

        return undisturbed(attempt)

    def list(self, caller: Caller, namespace: str, after: str = "") -> list[Shown]:
        """The first LISTED_AT_MOST of a namespace's repositories behind the name `after` that `caller` may read."""
        shares = {} if caller.username is None else self._collaborators.of_account(caller.username, namespace)
        shown: list[Shown] = []
        while len(shown) < LISTED_AT_MOST:
            page = self._store.in_namespace(namespace, after, LISTED_AT_MOST)
            for repository in page:
                shared = shares.get((repository.name, repository.generation), Role.NONE)
                role = role_of(caller, repository.name, private=repository.private, shared=shared)
                if role >= Role.READ:
                    shown.append(Shown(repository, role))
            if len(page) < LISTED_AT_MOST:
                break
            after = page[-1].name.name
        return shown[:LISTED_AT_MOST]

    def change(
        self, caller: Caller, repository: RepositoryName, *, description: str | None = None, private: bool | None = None
    ) -> None:
        """Replaces the description, the visibility, or both. Raises what `Permissions.admit` does, and BadRequest."""
        if description is None and private is None:
            raise BadRequest("give a description, private, or both")
        if private and repository.namespace == LIBRARY:
            raise BadRequest("the library's repositories are public")
        text = None if description is None else check_description(description)

        def attempt() -> None:
            head = self._permissions.admit(caller, repository, self._images.head(repository), Role.ADMIN)
            known = self._known(repository, head)
            changed = replace(
                known,
                description=known.description if text is None else text,
                private=known.private if private is None else private,
            )
            if changed != known:
                self._store.change(
                    known, terms_of(repository, known.description), changed, terms_of(repository, changed.description)
                )

        undisturbed(attempt)

    def _forget_shares(self, repository: RepositoryName, head: Head) -> None:
        """Behind the deletion, not before it: a share must not end for a deletion that fails. What a break between the
        two leaves is worth nothing, and a repeat removes it.
        """
        if head.shared:
            self._collaborators.forget_repository(repository, head.generation)

    def _known(self, repository: RepositoryName, head: Head) -> Repository:
        """The repository in the life that `head` was read of: who was admitted to that one was not to another.

        Raises NotFound when it has been deleted since, and ConditionFailed when it has been created anew.
        """
        known = self._store.get(repository)
        if known is None:
            raise NotFound("repository not found")
        if known.generation != head.generation:
            raise ConditionFailed
        return known
