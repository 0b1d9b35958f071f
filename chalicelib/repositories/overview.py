"""What the pages show of repositories, with few reads."""

from collections.abc import Sequence

from msgspec import Struct

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Principal
from chalicelib.repositories.authorization import Authorization, find_account_with_given_roles
from chalicelib.repositories.conflicts import retry_on_conflict
from chalicelib.repositories.service import RepositoryView
from chalicelib.repositories.tags import TagPage, check_cursor, page_of_newest
from chalicelib.storage.repositories import RepositoryStore
from chalicelib.storage.tags import TagStore
from chalicelib.storage.transactions import Conflict


class Overview(Struct, frozen=True):
    """What the page of a repository shows.

    Attributes:
        view: the repository and the role of the principal.
        tags: its newest tags.
        long_description: Markdown, or "".
    """

    view: RepositoryView
    tags: TagPage
    long_description: str


class Overviews:
    """Methods raise the errors of `Authorization.authorize`, and Unavailable if the storage does not answer."""

    def __init__(self, repositories: RepositoryStore, tags: TagStore, authorization: Authorization) -> None:
        self._repositories = repositories
        self._tags = tags
        self._authorization = authorization

    def show(self, principal: Principal, repository: RepositoryName, after: str = "") -> Overview:
        """Return a repository with its newest tags after the tag `after`. Raises InvalidInput.

        A BatchGetItem and a Query.
        """
        check_cursor(after)
        view = retry_on_conflict(lambda: self._read(principal, repository))
        tags, text = self._tags.read_all(repository, view.repository.generation)
        return Overview(view, page_of_newest(tags, after), text)

    def list_shared(self, principal: Principal) -> Sequence[RepositoryView]:
        """Return the repositories of others of which an account is a collaborator, by name.

        One Query, and a BatchGetItem for each hundred.
        """
        given = self._authorization.load_roles(principal)
        shares = given.repositories
        existing = self._repositories.get_all(name for name, _ in shares) if shares else {}
        readable = self._authorization.filter_readable(principal, existing.values(), given)
        views = [RepositoryView(found, role) for found, role in readable if (found.name, found.generation) in shares]
        return sorted(views, key=lambda view: view.repository.name)

    def _read(self, principal: Principal, repository: RepositoryName) -> RepositoryView:
        account = find_account_with_given_roles(principal, repository)
        state, existing, given = self._repositories.get_with_state(repository, account)
        authorized = self._authorization.authorize_reader(principal, repository, state, given)
        if existing is None or existing.generation != authorized.state.generation:
            raise Conflict  # the two items were read before and after a change
        return RepositoryView(existing, authorized.role)
