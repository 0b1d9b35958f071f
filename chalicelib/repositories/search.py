"""Search by the beginnings of words. `docker search` and `podman search` use it.

Several words narrow the result. Everyone finds public repositories; an account also finds the private repositories that
it can read. The cost is bounded: one search reads at most MAX_READ_BYTES in each space that it searches. A repository
whose name equals the query, with or without its namespace, always comes first, so the bound never hides it.
"""

from collections.abc import Iterator
from heapq import merge

from msgspec import Struct

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.identifiers import LIBRARY, RepositoryName
from chalicelib.domain.roles import GivenRoles, Principal
from chalicelib.domain.search_terms import SearchQuery, parse_query, result_order
from chalicelib.repositories.authorization import Authorization
from chalicelib.storage.repositories import RepositoryStore
from chalicelib.storage.search_terms import (
    ALL_PRIVATE,
    MAX_ITEM_BYTES,
    PUBLIC,
    SearchHit,
    SearchSpace,
    SearchTermStore,
    private_space,
)

RESULTS_PER_PAGE = 25
MAX_RESULTS_PER_PAGE = 100
MAX_QUERY_LENGTH = 255
MAX_READ_BYTES = 100_000  # 25 read units, strongly consistent
MAX_CALLS = 4  # Queries in one space
MAX_ORGANIZATIONS = 25  # whose private repositories are searched, by name; beyond that only by the full name
_MAX_QUERY_WORDS = 8
Match = tuple[int, SearchHit]  # a repository, and the index of the lookup that found it


class SearchResult(Struct, frozen=True):
    """One repository that matches."""

    repository: RepositoryName
    description: str
    private: bool = False

    @property
    def is_official(self) -> bool:
        """Whether the repository is in `library`."""
        return self.repository.namespace == LIBRARY


class SearchPage(Struct, frozen=True):
    """One page of results.

    Attributes:
        results: the repositories, best match first.
        total: the number of matches that were counted. If `has_more`, there can be more.
        number: the page, from 1.
        size: the number of results per page.
        has_more: whether there is a next page.
    """

    results: tuple[SearchResult, ...]
    total: int
    number: int
    size: int
    has_more: bool = False

    @property
    def last(self) -> int:
        """The number of pages that are known."""
        return -(-self.total // self.size)


class Search:
    """Finds repositories. Raises Unavailable if the storage does not answer."""

    def __init__(self, terms: SearchTermStore, repositories: RepositoryStore, authorization: Authorization) -> None:
        self._terms = terms
        self._repositories = repositories
        self._authorization = authorization

    def find(self, principal: Principal, query: str, page: int = 1, size: int = RESULTS_PER_PAGE) -> SearchPage:
        """Return a page of the repositories that match `query` and that `principal` can read.

        An empty query matches everything. Anonymous clients cost at most MAX_CALLS Queries. An account costs as many
        again, and as many for each of its organisations up to MAX_ORGANIZATIONS. It also costs one Query, and a
        BatchGetItem for each hundred repositories that are shared with it. Raises InvalidInput.
        """
        if len(query) > MAX_QUERY_LENGTH:
            raise InvalidInput(f"a search query can have at most {MAX_QUERY_LENGTH} characters")
        parsed = parse_query(query, _MAX_QUERY_WORDS)
        if parsed is None:
            return SearchPage((), 0, page, size)
        needed = page * size + 1
        given = self._authorization.load_roles(principal)
        sources = [self._search_space(space, parsed) for space in _spaces_of(principal, given, query)]
        sources.append(self._search_shared(parsed, principal, given))
        hits: dict[RepositoryName, SearchHit] = {}
        for _, hit in merge(*sources, key=_order):
            if hit.name not in hits and self._authorization.filter_readable(principal, [hit], given):
                hits[hit.name] = hit
                if len(hits) == needed:
                    break
        shown = list(hits.values())[(page - 1) * size : page * size]
        results = tuple(SearchResult(hit.name, hit.description, hit.private) for hit in shown)
        return SearchPage(results, len(hits), page, size, len(hits) > page * size)

    def _search_space(self, space: SearchSpace, query: SearchQuery) -> Iterator[Match]:
        """Yield the matches in one space, in the order of the results, until the bounds are reached.

        The bounds do not depend on the page, so that all pages are parts of one list.
        """
        budget, calls = MAX_READ_BYTES, 0
        for index, lookup in enumerate(query.lookups()):
            after: str | None = None
            while calls < MAX_CALLS and budget >= MAX_ITEM_BYTES:
                page = self._terms.find(space, lookup, budget // MAX_ITEM_BYTES, after)
                budget, calls, after = budget - page.size, calls + 1, page.last_entry
                for hit in page.hits:
                    if query.find_in(hit.name, hit.description) == (index, hit.term):  # else another term is better
                        yield index, hit
                if after is None:
                    break

    def _search_shared(self, query: SearchQuery, principal: Principal, given: GivenRoles) -> Iterator[Match]:
        """Yield the matches among the private repositories that are shared with an account."""
        names = {name for name, _ in given.repositories}
        repositories = self._repositories.get_all(names).values() if names else ()
        matches = []
        for repository, _ in self._authorization.filter_readable(principal, repositories, given):
            found = query.find_in(repository.name, repository.description)
            if repository.private and found is not None:
                index, term = found
                hit = SearchHit(repository.name, repository.generation, repository.description, True, term)
                matches.append((index, hit))
        return iter(sorted(matches, key=_order))


def _order(match: Match) -> tuple[int, str, bool, str]:
    index, hit = match
    return result_order(hit.name, index, hit.term)


def _spaces_of(principal: Principal, given: GivenRoles, query: str) -> list[SearchSpace]:
    """Return where a principal's results can be. `filter_readable` decides about each result.

    The organisation that the query names is searched first.
    """
    if principal.admin and principal.robot is None:
        return [PUBLIC, ALL_PRIVATE]
    if principal.username is None:
        return [PUBLIC]
    named = query.strip().lower().partition("/")[0]
    organizations = sorted(given.organizations, key=lambda name: (name != named, name))[:MAX_ORGANIZATIONS]
    return [PUBLIC, *map(private_space, [principal.username, *organizations])]
