"""Search by the beginnings of words. `docker search` and `podman search` use it.

Several words narrow the result. Everyone finds public repositories; an account also finds the private repositories that
it can read. The cost is bounded: one search reads at most MAX_READ_BYTES in each space that it searches. A repository
whose whole name equals the query always comes first, so the bound never hides it.
"""

from collections.abc import Iterable, Iterator
from heapq import merge

from msgspec import Struct

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.identifiers import LIBRARY, RepositoryName
from chalicelib.domain.roles import Principal
from chalicelib.domain.search_terms import SearchQuery, Term, TermRank, best_term, parse_query, result_order
from chalicelib.repositories.authorization import Authorization, Shares
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
_MAX_QUERY_WORDS = 8
_SPARE_ITEMS = 10  # read in addition, because some are found by a better term too


class SearchResult(Struct, frozen=True):
    """One repository that matches."""

    repository: RepositoryName
    description: str

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
        again, and one Query and a BatchGetItem for each hundred repositories that are shared with it. Raises
        InvalidInput.
        """
        if len(query) > MAX_QUERY_LENGTH:
            raise InvalidInput(f"a search query can have at most {MAX_QUERY_LENGTH} characters")
        parsed = parse_query(query, _MAX_QUERY_WORDS)
        if parsed is None:
            return SearchPage((), 0, page, size)
        needed = page * size + 1
        shares = self._authorization.load_shares(principal)
        sources = [self._search_space(space, parsed, needed) for space in _spaces_of(principal)]
        sources.append(self._search_shared(parsed, principal, shares))
        hits: dict[RepositoryName, SearchHit] = {}
        for hit in merge(*sources, key=lambda found: result_order(found.name, found.term)):
            hits.setdefault(hit.name, hit)
            if len(hits) == needed:
                break
        readable = [hit for hit, _ in self._authorization.filter_readable(principal, hits.values(), shares)]
        shown = readable[(page - 1) * size : page * size]
        results = tuple(SearchResult(hit.name, hit.description) for hit in shown)
        return SearchPage(results, len(readable), page, size, len(readable) > page * size)

    def _search_space(self, space: SearchSpace, query: SearchQuery, needed: int) -> Iterator[SearchHit]:
        """Yield the matches in one space, in the order of the results, until the bounds are reached."""
        budget, calls = MAX_READ_BYTES, 0
        for rank, prefix in _lookups(query):
            after: str | None = None
            while calls < MAX_CALLS and budget >= MAX_ITEM_BYTES:
                limit = min(needed + _SPARE_ITEMS, budget // MAX_ITEM_BYTES)
                page = self._terms.find(space, rank, prefix, limit, after)
                budget, calls, after = budget - page.size, calls + 1, page.last_entry
                yield from (hit for hit in page.hits if _best_lookup(hit.name, hit.description, query) == hit.term)
                if after is None:
                    break

    def _search_shared(self, query: SearchQuery, principal: Principal, shares: Shares) -> Iterator[SearchHit]:
        """Yield the matches among the private repositories that are shared with an account."""
        repositories = self._repositories.get_all({name for name, _ in shares}).values() if shares else ()
        hits = []
        for repository, _ in self._authorization.filter_readable(principal, repositories, shares):
            term = _best_lookup(repository.name, repository.description, query)
            if repository.private and term is not None:
                hits.append(SearchHit(repository.name, repository.generation, repository.description, True, term))
        return iter(sorted(hits, key=lambda hit: result_order(hit.name, hit.term)))


def _spaces_of(principal: Principal) -> list[SearchSpace]:
    """Return where a principal's results can be. `filter_readable` decides about each result."""
    if principal.username is None:
        return [PUBLIC, ALL_PRIVATE] if principal.admin else [PUBLIC]
    if principal.admin and principal.robot is None:
        return [PUBLIC, ALL_PRIVATE]
    return [PUBLIC, private_space(principal.username)]


def _lookups(query: SearchQuery) -> Iterable[tuple[TermRank, str]]:
    """Return the ranks and term beginnings by which matches are looked up, best first."""
    if not query.words:
        return [(TermRank.WHOLE_NAME, "")]
    names = dict.fromkeys((query.name or query.main_word, query.main_word))
    return [
        *((TermRank.WHOLE_NAME, name) for name in names),
        (TermRank.NAME_WORD, query.main_word),
        (TermRank.DESCRIPTION_WORD, query.main_word),
    ]


def _best_lookup(repository: RepositoryName, description: str, query: SearchQuery) -> Term | None:
    """Return the term by which a repository is found, or None if it does not match the query.

    A repository can have several items that match. Only the one of this term counts.
    """
    if not query.words:
        return Term(TermRank.WHOLE_NAME, "")
    if any(best_term(repository, description, word) is None for word in query.words):
        return None
    if query.name and repository.name.startswith(query.name):
        return Term(TermRank.WHOLE_NAME, repository.name[:100])
    return best_term(repository, description, query.main_word)
