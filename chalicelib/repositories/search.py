"""Search by the beginnings of words. `docker search` and `podman search` use it.

Several words narrow the result. Everyone finds public repositories; an account also finds the private repositories that
it can read.
"""

from collections.abc import Callable
from functools import partial

from msgspec import Struct

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.identifiers import LIBRARY, RepositoryName
from chalicelib.domain.roles import Principal
from chalicelib.domain.search_terms import ALL_REPOSITORIES, TermRank, best_rank, split_words, terms_of
from chalicelib.repositories.authorization import Authorization, Shares
from chalicelib.storage.repositories import RepositoryStore
from chalicelib.storage.search_terms import SearchTermStore, TermMatches

RESULTS_PER_PAGE = 25
MAX_RESULTS_PER_PAGE = 100
MAX_QUERY_LENGTH = 255
_MAX_QUERY_WORDS = 8

Matches = dict[RepositoryName, TermRank]


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
        total: the number of all matches, at most `storage.search_terms.MAX_MATCHES`.
        number: the page, from 1.
        size: the number of results per page.
    """

    results: tuple[SearchResult, ...]
    total: int
    number: int
    size: int

    @property
    def last(self) -> int:
        """The number of pages."""
        return -(-self.total // self.size)


class Search:
    """Finds repositories. Raises Unavailable if the storage does not answer."""

    def __init__(self, terms: SearchTermStore, repositories: RepositoryStore, authorization: Authorization) -> None:
        self._terms = terms
        self._repositories = repositories
        self._authorization = authorization

    def find(self, principal: Principal, query: str, page: int = 1, size: int = RESULTS_PER_PAGE) -> SearchPage:
        """Return a page of the repositories that match `query` and that `principal` can read.

        An empty query matches everything. The cost is one Query for each word and one BatchGetItem for the page. An
        account costs another Query for each word, and one or two calls for the repositories that are shared with it. A
        word with more than MAX_MATCHES matches costs a BatchGetItem for each hundred matches of the other words.
        Raises InvalidInput.
        """
        if len(query) > MAX_QUERY_LENGTH:
            raise InvalidInput(f"a search query can have at most {MAX_QUERY_LENGTH} characters")
        words = list(dict.fromkeys(split_words(query)))[:_MAX_QUERY_WORDS]
        if not words and query.strip():
            return SearchPage((), 0, page, size)
        shares = self._authorization.load_shares(principal)
        matches = self._find_matches(principal, words or [ALL_REPOSITORIES], shares)
        exact = query.strip().lower()
        ordered = sorted(matches, key=lambda name: (exact not in (name.name, str(name)), matches[name], name))
        names = ordered[(page - 1) * size : page * size]
        existing = self._repositories.get_all(names)
        # The terms can be older than the repositories, so visibility is checked again.
        readable = {
            repository.name: repository
            for repository, _ in self._authorization.filter_readable(principal, existing.values(), shares)
        }
        results = tuple(SearchResult(name, readable[name].description) for name in names if name in readable)
        return SearchPage(results, len(matches), page, size)

    def _find_matches(self, principal: Principal, words: list[str], shares: Shares) -> Matches:
        """Return the repositories that match every word. The rank is that of the worst word."""
        matches = self._match_all(words, self._terms.find_public)
        if principal.username is None:
            return matches
        if principal.admin and principal.robot is None:
            return matches | self._match_all(words, self._terms.find_all_private)
        private = self._match_all(words, partial(self._terms.find_private, namespace=principal.username))
        shared = self._repositories.get_all({name for name, _ in shares}).values()
        for repository, _ in self._authorization.filter_readable(principal, shared, shares):
            if repository.private:
                terms = terms_of(repository.name, repository.description)
                private |= _intersect([_match(terms, word, repository.name) for word in words])
        return matches | {
            name: rank for name, rank in private.items() if principal.robot is None or principal.robot.covers(name)
        }

    def _match_all(self, words: list[str], find: Callable[[str], TermMatches]) -> Matches:
        """Return the repositories that match every word.

        A word with too many matches is compared with the terms of the repositories that the other words found.
        """
        found = {word: find(word) for word in words}
        complete = [word for word in words if found[word].is_complete] or words[:1]
        matches = _intersect([found[word].ranks for word in complete])
        others = [word for word in words if word not in complete]
        if not others:
            return matches
        narrowed: Matches = {}
        for name, repository in self._repositories.get_all(matches).items():
            terms = terms_of(name, repository.description)
            narrowed |= _intersect([{name: matches[name]}, *(_match(terms, word, name) for word in others)])
        return narrowed


def _match(terms: dict[str, TermRank], prefix: str, repository: RepositoryName) -> Matches:
    """Return the repository with its rank if one of its terms begins with `prefix`."""
    rank = best_rank(terms, prefix)
    return {} if rank is None else {repository: rank}


def _intersect(matches: list[Matches]) -> Matches:
    """Return the repositories that are in all `matches`, with the worst rank of each."""
    first, *others = matches
    return {
        name: max(rank, *(other[name] for other in others)) if others else rank
        for name, rank in first.items()
        if all(name in other for other in others)
    }
