"""Recording and listing the tags of current registries."""

import logging

from msgspec import Struct

from chalicelib.domain.errors import InvalidInput, PermissionDenied
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Principal, Role
from chalicelib.domain.tags import Tag, TagAction, TagEvent, is_tag
from chalicelib.repositories.authorization import Authorization
from chalicelib.repositories.conflicts import retry_on_conflict
from chalicelib.repositories.service import Repositories
from chalicelib.storage.repositories import RepositoryStore
from chalicelib.storage.tags import TagStore
from chalicelib.storage.transactions import Conflict

MAX_LISTED_TAGS = 100
_NANOSECONDS = 1_000_000_000
logger = logging.getLogger("waybill")


class TagPage(Struct, frozen=True):
    """A part of the tags of a repository.

    Attributes:
        tags: the tags.
        next_name: the tag after which the next page starts, or "" on the last page.
        total: the number of all tags if it is known.
    """

    tags: list[Tag]
    next_name: str = ""
    total: int | None = None


class Tags:
    """Methods raise Unavailable if the storage does not answer."""

    def __init__(
        self,
        store: TagStore,
        repository_store: RepositoryStore,
        repositories: Repositories,
        authorization: Authorization,
    ) -> None:
        self._store = store
        self._repository_store = repository_store
        self._repositories = repositories
        self._authorization = authorization

    def record(self, event: TagEvent) -> RepositoryName | None:
        """Store what a registry reports. Return the repository, or None if the event had no effect.

        The registry has authorized the push with a token of this index. A push to an unknown repository creates it, if
        its namespace has an owner. An event from before the deletion of an earlier generation is ignored. Two reads,
        and two writes or one transaction of two items.
        """
        namespace, slash, name = event.repository.partition("/")
        try:
            repository = RepositoryName.of(namespace, name if slash else "")
            is_recorded = retry_on_conflict(lambda: self._record(repository, event))
        except (InvalidInput, PermissionDenied) as error:
            logger.warning("a notification about %r was ignored: %s", event.repository[:300], error.message)
            return None
        return repository if is_recorded else None

    def list(self, principal: Principal, repository: RepositoryName, after: str = "") -> TagPage:
        """Return the tags by name, at most MAX_LISTED_TAGS, starting after the tag `after`.

        Raises the errors of `Authorization.authorize`, and InvalidInput.
        """
        check_cursor(after)
        state = self._authorization.authorize(principal, repository, Role.READ).state
        tags = self._store.list_page(repository, state.generation, after, MAX_LISTED_TAGS + 1)
        has_more = len(tags) > MAX_LISTED_TAGS
        return TagPage(tags[:MAX_LISTED_TAGS], tags[MAX_LISTED_TAGS - 1].name if has_more else "")

    def list_newest(self, principal: Principal, repository: RepositoryName, after: str = "") -> TagPage:
        """Return the tags by time of the push, the newest first. The cost grows with the number of tags.

        Raises the errors of `Authorization.authorize`, and InvalidInput.
        """
        check_cursor(after)
        state = self._authorization.authorize(principal, repository, Role.READ).state
        return page_of_newest(self._store.list_all(repository, state.generation), after)

    def _record(self, name: RepositoryName, event: TagEvent) -> bool:
        """Store an event. Return whether it had an effect. Create the repository for a push if necessary."""
        repository, time = self._repository_store.get(name), event.tag.pushed
        if repository is None:
            if event.action is TagAction.DELETE:
                self._store.delete_before_creation(name, event.tag.name, time)
                return False
            if self._repositories.create_for_push(name, time) is None:
                return False
            repository = self._repository_store.get(name)
            if repository is None:
                raise Conflict  # it was deleted immediately
        if time <= repository.previous_deleted * _NANOSECONDS:
            return False
        if event.action is TagAction.DELETE:
            return self._store.delete(repository, event.tag.name, time)
        return self._store.put(repository, event.tag)


def page_of_newest(tags: list[Tag], after: str) -> TagPage:
    """Return the tags after the tag `after`, the newest first."""
    newest = sorted(tags, key=lambda tag: (-tag.pushed, tag.name))
    start = next((index + 1 for index, tag in enumerate(newest) if tag.name == after), 0) if after else 0
    page = newest[start : start + MAX_LISTED_TAGS]
    has_more = len(newest) > start + MAX_LISTED_TAGS
    return TagPage(page, page[-1].name if has_more else "", len(newest))


def check_cursor(after: str) -> None:
    """Raise InvalidInput unless `after` is empty or a tag."""
    if after and not is_tag(after):
        raise InvalidInput("after must be a tag; use the Link header of the previous page")
