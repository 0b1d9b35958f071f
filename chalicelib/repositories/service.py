"""Creating, describing, listing and deleting repositories."""

from collections.abc import Sequence

from msgspec import Struct, structs

from chalicelib.domain.errors import InvalidInput, NotFound, PermissionDenied, RequestConflict
from chalicelib.domain.identifiers import LIBRARY, RepositoryName, check_description, check_long_description
from chalicelib.domain.models import Repository, RepositoryState
from chalicelib.domain.roles import GivenRoles, Principal, Role, role_of
from chalicelib.repositories.authorization import Authorization, Authorized
from chalicelib.repositories.conflicts import retry_on_conflict
from chalicelib.repositories.image_list_cache import ImageListCache
from chalicelib.repositories.image_lists import ImageLists, check_size
from chalicelib.request_log import may_take_effect
from chalicelib.storage.collaborators import CollaboratorStore
from chalicelib.storage.image_lists import ImageListStore, StoredImages
from chalicelib.storage.organizations import OrganizationStore
from chalicelib.storage.quotas import AccountUnavailable
from chalicelib.storage.repositories import RepositoryStore, deletion_time
from chalicelib.storage.tags import TagStore
from chalicelib.storage.transactions import Conflict

MAX_LISTED = 100


class RepositoryView(Struct, frozen=True):
    """A repository, and the role of the principal who asked for it."""

    repository: Repository
    role: Role


class RepositoryPage(Struct, frozen=True):
    """A part of a listing.

    Attributes:
        views: the repositories, by name.
        next_name: the name after which the next page starts, or "" on the last page.
    """

    views: list[RepositoryView]
    next_name: str = ""


class Repositories:
    """The operations on whole repositories.

    Methods raise the errors of `Authorization.authorize`, and Unavailable if the storage does not answer.
    """

    def __init__(
        self,
        store: RepositoryStore,
        organizations: OrganizationStore,
        images: ImageListStore,
        lists: ImageLists,
        cache: ImageListCache,
        collaborators: CollaboratorStore,
        tags: TagStore,
        authorization: Authorization,
        *,
        creates_private: bool,
    ) -> None:
        self._store = store
        self._organizations = organizations
        self._images = images
        self._lists = lists
        self._cache = cache
        self._collaborators = collaborators
        self._tags = tags
        self._authorization = authorization
        self._creates_private = creates_private

    def push(self, principal: Principal, repository: RepositoryName, images: dict[str, str]) -> str:
        """Create `repository` with these images, or merge them into its list. Return the generation.

        One read and at most one write. Raises TooLarge. A principal who may not create the repository gets the same
        answer for a missing and for a private one.
        """

        def attempt() -> str:
            target = self._authorization.authorize_even_if_missing(principal, repository, Role.WRITE)
            if isinstance(target, Authorized):
                self._lists.merge(repository, target.stored, images)
                return target.state.generation
            check_size(images)
            with self._cache.invalidates(repository):  # another container may have deleted the previous generation
                return self._create(repository, target, images)

        return retry_on_conflict(attempt)

    def delete(self, principal: Principal, repository: RepositoryName, *, confirmed: bool = False) -> str | None:
        """Hide `repository` from everyone. Return the generation for a delete token.

        A repeated call returns the generation again. It returns None after a registry has presented a delete token,
        because the deletion is then complete. `confirmed` completes the deletion immediately.
        """

        def attempt() -> str | None:
            target = self._authorization.authorize_even_if_missing(principal, repository, Role.ADMIN)
            if not isinstance(target, Authorized):
                if target.head is None:
                    raise NotFound("repository not found")
                self._remove_collaborators(repository, target.head)
                self._store.expire(repository)
                return None if target.head.confirmed else target.head.generation
            existing = self._get(repository, target.state)
            with self._cache.invalidates(repository), may_take_effect(Conflict):
                self._store.delete(existing, target.stored, confirmed=confirmed)
            self._remove_collaborators(repository, target.state)
            return target.state.generation

        return retry_on_conflict(attempt)

    def show(self, principal: Principal, repository: RepositoryName) -> RepositoryView:
        """Return a repository and the principal's role."""

        def attempt() -> RepositoryView:
            authorized = self._authorization.authorize(principal, repository, Role.READ)
            existing = self._get(repository, authorized.state)
            return RepositoryView(existing, self._authorization.find_role(principal, repository, authorized.state))

        return retry_on_conflict(attempt)

    def create(self, principal: Principal, repository: RepositoryName, *, private: bool) -> None:
        """Create a repository without images. Raises RequestConflict if it exists, and InvalidInput."""
        _require_visibility(repository, private=private)

        def attempt() -> None:
            target = self._authorization.authorize_even_if_missing(principal, repository, Role.WRITE)
            if isinstance(target, Authorized):
                raise RequestConflict(f"a repository {repository} exists already; choose another name")
            with self._cache.invalidates(repository):
                self._create(repository, target, {}, private=private)

        retry_on_conflict(attempt)

    def list(self, principal: Principal, namespace: str, after: str = "") -> RepositoryPage:
        """Return the repositories of a namespace that `principal` can read, by name.

        At most MAX_LISTED, starting after the name `after`. A page can be short before the last page, but private
        repositories that the principal cannot read are neither read nor counted. `library` has no private ones. One
        Query; for accounts without a right of their own one more, and one BatchGetItem.
        """
        given = self._authorization.load_roles(principal, namespace)
        member = given.organizations.get(namespace, Role.NONE)
        names: Sequence[RepositoryName]
        role = role_of(principal, RepositoryName(namespace, ""), private=namespace != LIBRARY, given=member)
        if role >= Role.READ:
            found = self._store.in_namespace(namespace, after, MAX_LISTED + 1)
            names = [repository.name for repository in found]
            shown = found[:MAX_LISTED]
        else:
            names = self._find_visible(principal, namespace, after, given)
            existing = self._store.get_all(names[:MAX_LISTED])
            shown = [existing[name] for name in names[:MAX_LISTED] if name in existing]
        readable = self._authorization.filter_readable(principal, shown, given)
        views = [RepositoryView(repository, role) for repository, role in readable]
        return RepositoryPage(views, names[MAX_LISTED - 1].name if len(names) > MAX_LISTED else "")

    def _find_visible(
        self, principal: Principal, namespace: str, after: str, given: GivenRoles
    ) -> Sequence[RepositoryName]:
        """Return up to one more than MAX_LISTED names of public and shared repositories, sorted."""
        names = {name for name, _ in given.repositories}
        if principal.robot is not None and principal.robot.repositories is not None:
            names |= {name for name in principal.robot.repositories if name.namespace == namespace}
        limit = MAX_LISTED + 1
        public = self._store.public_in_namespace(namespace, after, limit)
        return sorted({*public, *(name for name in names if name.name > after)})[:limit]

    def change(
        self,
        principal: Principal,
        repository: RepositoryName,
        *,
        description: str | None = None,
        private: bool | None = None,
        long_description: str | None = None,
    ) -> None:
        """Replace the description, the visibility, the long description, or several of them. Raises InvalidInput."""
        if description is None and private is None and long_description is None:
            raise InvalidInput("the body must contain description, long_description or private")
        _require_visibility(repository, private=bool(private))
        text = None if description is None else check_description(description)
        long_text = None if long_description is None else check_long_description(long_description)

        def attempt() -> None:
            state = self._authorization.authorize(principal, repository, Role.ADMIN).state
            existing = self._get(repository, state)
            changed = structs.replace(
                existing,
                description=existing.description if text is None else text,
                private=existing.private if private is None else private,
            )
            if changed != existing:
                with may_take_effect(Conflict):
                    self._store.change(existing, changed)
            if long_text is not None:
                with may_take_effect(Conflict):
                    self._tags.put_long_description(repository, state.generation, long_text)

        retry_on_conflict(attempt)

    def read_long_description(self, repository: Repository) -> str:
        """Return the long description of a repository that `show` has returned. One read."""
        return self._tags.get_long_description(repository.name, repository.generation)

    def create_for_push(self, repository: RepositoryName, time: int) -> str | None:
        """Create a repository that a registry has received. Return its generation.

        `time` is the time of the push in nanoseconds since 1970. A push before the deletion of the last generation is
        late: None is returned. A name whose last generation was private starts private. Raises PermissionDenied if the
        namespace has no owner, and Conflict.
        """
        stored = self._images.read(repository)
        if stored.active_head is not None:
            return stored.active_head.generation
        if stored.head is not None and time <= deletion_time(stored) * 1_000_000_000:
            return None
        was_private = stored.head is not None and stored.head.private
        with self._cache.invalidates(repository):
            return self._create(repository, stored, {}, was_private=was_private)

    def _create(
        self,
        repository: RepositoryName,
        stored: StoredImages,
        images: dict[str, str],
        *,
        was_private: bool = False,
        private: bool | None = None,
    ) -> str:
        """Create a repository. Raises PermissionDenied if the namespace has no owner, or a quota is reached."""
        is_private = (self._creates_private or was_private) and repository.namespace != LIBRARY
        if private is not None:
            is_private = private
        try:
            with may_take_effect(Conflict, AccountUnavailable):
                return self._store.create(repository, stored, images, private=is_private)
        except AccountUnavailable:
            owner = self._organizations.get_owner(repository.namespace)
            if owner is None or owner.deletion_started:
                raise PermissionDenied(
                    f"the namespace {repository.namespace} belongs to no account and no organisation; create one first"
                ) from None
            raise PermissionDenied(
                f"{repository.namespace} has reached its quota of repositories or stored image lists; delete some first"
            ) from None

    def _remove_collaborators(self, repository: RepositoryName, state: RepositoryState) -> None:
        """Remove the collaborators of a deleted repository.

        This follows the deletion, because a role must not end for a deletion that fails. Items that remain after an
        interruption have no effect, and a repeated deletion removes them.
        """
        if state.shared:
            self._collaborators.remove_repository(repository, state.generation)

    def _get(self, repository: RepositoryName, state: RepositoryState) -> Repository:
        """Return the repository of the generation for which the principal was authorized.

        Raises NotFound if it was deleted since, and Conflict if it was created again.
        """
        existing = self._store.get(repository)
        if existing is None:
            raise NotFound("repository not found")
        if existing.generation != state.generation:
            raise Conflict
        return existing


def _require_visibility(repository: RepositoryName, *, private: bool) -> None:
    if private and repository.namespace == LIBRARY:
        raise InvalidInput("repositories in library are public and cannot become private")
