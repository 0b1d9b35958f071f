"""Search: the words of names and descriptions, and matching them.

`docker search` and `podman search` ask this to this day. A repository is found by the beginning of any word of its
namespace, its name or its description, in any case; several words narrow. Everybody finds what is public, and whoever
signs in the private ones that they may read.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from chalicelib.access import Caller, Role, role_of
from chalicelib.errors import BadRequest
from chalicelib.names import LIBRARY, RepositoryName
from chalicelib.store.collaborators import CollaboratorStore
from chalicelib.store.repositories import TERMS_AT_MOST, Repository, RepositoryStore
from chalicelib.store.terms import EVERYTHING, Found, Rank, TermStore

RESULTS_PER_PAGE = 25
RESULTS_PER_PAGE_AT_MOST = 100
QUERY_CHARACTERS_AT_MOST = 255
_QUERY_WORDS_AT_MOST = 8
_NAME_WORDS_AT_MOST = 20
_WORD_CHARACTERS = 100  # of UTF-8's up to 4 bytes, and a repository's 511: DynamoDB takes 1,024 in a range key
_WORD = re.compile(r"[^\W_]+")

Matches = dict[RepositoryName, Rank]
Shares = Mapping[tuple[RepositoryName, str], Role]  # by repository and generation


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

    def __init__(self, terms: TermStore, repositories: RepositoryStore, collaborators: CollaboratorStore) -> None:
        self._terms = terms
        self._repositories = repositories
        self._collaborators = collaborators

    def find(self, caller: Caller, query: str, page: int = 1, size: int = RESULTS_PER_PAGE) -> Page:
        """Page `page` (from 1) of what matches `query` and `caller` may read; an empty query lists everything.

        One Query for each word and one BatchGetItem for the page, however many repositories there are; for an account
        another Query for each word, and one or two calls for what others share with it. A very common word among others
        costs a BatchGetItem for each hundred that they find. Raises BadRequest.
        """
        if len(query) > QUERY_CHARACTERS_AT_MOST:
            raise BadRequest(f"a search has at most {QUERY_CHARACTERS_AT_MOST} characters")
        words = list(dict.fromkeys(_words(query)))[:_QUERY_WORDS_AT_MOST]
        if not words and query.strip():
            return Page((), 0, page, size)
        shares = {} if caller.username is None else self._collaborators.of_account(caller.username)
        found = self._matches(caller, words or [EVERYTHING], shares)
        exact = query.strip().lower()
        ordered = sorted(found, key=lambda name: (exact not in (name.name, str(name)), found[name], name))
        shown = ordered[(page - 1) * size : page * size]
        known = self._repositories.get_all(shown)
        results = tuple(
            Result(name, known[name].description)
            for name in shown
            if name in known and _may_read(caller, known[name], shares)  # terms lag behind for a moment
        )
        return Page(results, len(found), page, size)

    def _matches(self, caller: Caller, words: list[str], shares: Shares) -> Matches:
        """What every word finds; a repository is a match by name only when each word is."""
        matches = self._found_by_all(words, self._terms.find_public)
        if caller.username is None:
            return matches
        if caller.admin and caller.robot is None:
            return matches | self._found_by_all(words, self._terms.find_all_private)
        private = self._found_by_all(words, partial(self._terms.find_private, namespace=caller.username))
        for repository in self._repositories.get_all({name for name, _ in shares}).values():
            if repository.private and _may_read(caller, repository, shares):
                terms = terms_of(repository.name, repository.description)
                private |= _narrowed([_among(terms, word, repository.name) for word in words])
        return matches | {name: rank for name, rank in private.items() if _covers(caller, name)}

    def _found_by_all(self, words: list[str], find: Callable[[str], Found]) -> Matches:
        """What every word finds. A word so common that it was not looked at to the end is looked for in what the others
        find, or else in the first word's matches.
        """
        found = {word: find(word) for word in words}
        bases = [word for word in words if found[word].complete] or words[:1]
        matches = _narrowed([found[word].matches for word in bases])
        others = [word for word in words if word not in bases]
        if not others:
            return matches
        narrowed: Matches = {}
        for name, repository in self._repositories.get_all(matches).items():
            terms = terms_of(name, repository.description)
            narrowed |= _narrowed([{name: matches[name]}, *(_among(terms, word, name) for word in others)])
        return narrowed


def terms_of(repository: RepositoryName, description: str) -> dict[str, Rank]:
    """Every word that finds a repository, and whether it stands in the name or in the description."""
    terms = {EVERYTHING: Rank.NAME}
    for word in list(dict.fromkeys(_words(str(repository))))[:_NAME_WORDS_AT_MOST]:
        terms[word] = Rank.NAME
    for word in _words(description):
        if len(terms) < TERMS_AT_MOST:
            terms.setdefault(word, Rank.DESCRIPTION)
    return terms


def _words(text: str) -> Iterable[str]:
    return (word[:_WORD_CHARACTERS] for word in _WORD.findall(text.casefold()))


def _among(terms: Mapping[str, Rank], prefix: str, repository: RepositoryName) -> Matches:
    """One repository as a match, when one of its terms begins with `prefix`."""
    ranks = [rank for term, rank in terms.items() if term.startswith(prefix)]
    return {repository: min(ranks)} if ranks else {}


def _covers(caller: Caller, repository: RepositoryName) -> bool:
    return caller.robot is None or caller.robot.covers(repository)


def _may_read(caller: Caller, repository: Repository, shares: Shares) -> bool:
    shared = shares.get((repository.name, repository.generation), Role.NONE)
    return role_of(caller, repository.name, private=repository.private, shared=shared) >= Role.READ


def _narrowed(matches: list[Matches]) -> Matches:
    first, *others = matches
    return {
        name: max(rank, *(other[name] for other in others)) if others else rank
        for name, rank in first.items()
        if all(name in other for other in others)
    }
