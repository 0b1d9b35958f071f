"""Search: the words of names and descriptions, and matching them.

`docker search` and `podman search` ask this to this day. A repository is found by the beginning of any word of its
namespace, its name or its description, in any case; several words narrow.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.errors import BadRequest
from chalicelib.names import LIBRARY, RepositoryName
from chalicelib.store.repositories import RepositoryStore
from chalicelib.store.terms import EVERYTHING, Rank, TermStore

RESULTS_PER_PAGE = 25
RESULTS_PER_PAGE_AT_MOST = 100
QUERY_CHARACTERS_AT_MOST = 255
_QUERY_WORDS_AT_MOST = 8
_NAME_WORDS_AT_MOST = 20
_DESCRIPTION_WORDS_AT_MOST = 50  # with the name's words, what one transaction can write
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Result:
    """One repository that was found."""

    repository: RepositoryName
    description: str

    @property
    def official(self) -> bool:
        """Whether it is the library's."""
        return self.repository.namespace == LIBRARY


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the results. `total` counts all of them, up to what a search looks at (`store.terms.MATCHES_AT_MOST`)."""

    results: tuple[Result, ...]
    total: int
    number: int
    size: int


class Search:
    """Finds repositories. Raises Unavailable when the store does not answer."""

    def __init__(self, terms: TermStore, repositories: RepositoryStore) -> None:
        self._terms = terms
        self._repositories = repositories

    def find(self, query: str, page: int = 1, size: int = RESULTS_PER_PAGE) -> Page:
        """Page `page` (from 1) of what matches `query`; an empty query lists everything.

        One Query for each word and one BatchGetItem for the page, however many repositories there are.
        Raises BadRequest.
        """
        if len(query) > QUERY_CHARACTERS_AT_MOST:
            raise BadRequest(f"a search has at most {QUERY_CHARACTERS_AT_MOST} characters")
        words = list(dict.fromkeys(_words(query)))[:_QUERY_WORDS_AT_MOST]
        if not words and query.strip():
            return Page((), 0, page, size)
        found = _narrowed([self._terms.find(word) for word in words or [EVERYTHING]])
        exact = query.strip().lower()
        ordered = sorted(found, key=lambda name: (exact not in (name.name, str(name)), found[name], name))
        shown = ordered[(page - 1) * size : page * size]
        descriptions = self._repositories.descriptions(shown)
        results = tuple(Result(name, descriptions[name]) for name in shown if name in descriptions)
        return Page(results, len(found), page, size)


def terms_of(repository: RepositoryName, description: str) -> dict[str, Rank]:
    """Every word that finds a repository, and whether it stands in the name or in the description."""
    terms = {EVERYTHING: Rank.NAME}
    for word in list(dict.fromkeys(_words(str(repository))))[:_NAME_WORDS_AT_MOST]:
        terms[word] = Rank.NAME
    for word in list(dict.fromkeys(_words(description)))[:_DESCRIPTION_WORDS_AT_MOST]:
        terms.setdefault(word, Rank.DESCRIPTION)
    return terms


def _words(text: str) -> Iterable[str]:
    return _WORD.findall(text.casefold())


def _narrowed(matches: list[dict[RepositoryName, Rank]]) -> dict[RepositoryName, Rank]:
    """What every word found; a repository is a match by name only when each word is."""
    first, *others = matches
    return {
        name: max(rank, *(other[name] for other in others)) if others else rank
        for name, rank in first.items()
        if all(name in other for other in others)
    }
