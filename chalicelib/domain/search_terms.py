"""The words by which a repository can be found, and the order of results.

A repository is found by the beginning of its name, with or without the namespace, and by the beginning of any word of
its namespace, its name or its description. Upper and lower case are equal. Substrings and misspelt words are not found.
"""

import re
from collections.abc import Iterator
from enum import IntEnum

from msgspec import Struct

from chalicelib.domain.identifiers import LIBRARY, RepositoryName
from chalicelib.domain.text import fold_case

MAX_TERMS = 48  # a change of visibility moves every term, and a DynamoDB transaction holds 100 items
_MAX_NAME_WORDS = 20
_MAX_WORD_LENGTH = 100  # characters of up to 4 bytes, plus 513 for the name: a DynamoDB range key holds 1,024 bytes
_WORD = re.compile(r"[^\W_]+")


class TermRank(IntEnum):
    """Where a term occurs. A lower rank is a better match."""

    FULL_NAME = 0  # the namespace and the name
    NAME = 1
    NAME_WORD = 2  # a word of the namespace or the name
    DESCRIPTION_WORD = 3


class Term(Struct, frozen=True, order=True):
    """A term of one repository. The term of FULL_NAME has an empty text, because its key contains the name."""

    rank: TermRank
    text: str = ""


class Lookup(Struct, frozen=True):
    """One way to find repositories: by the beginning of their terms of one rank."""

    rank: TermRank
    prefix: str

    def find_in(self, repository: RepositoryName, terms: list[Term]) -> Term | None:
        """Return the first term by which this finds a repository, or None. `terms` are those of the repository."""
        if self.rank is TermRank.FULL_NAME:
            return Term(self.rank) if str(repository).startswith(self.prefix) else None
        return min((t for t in terms if t.rank is self.rank and t.text.startswith(self.prefix)), default=None)


class SearchQuery(Struct, frozen=True):
    """A parsed query.

    Attributes:
        words: the words that a repository must match, without duplicates. Empty means that everything matches.
        name: the query as the beginning of a name, or "" if it cannot be one.
    """

    words: tuple[str, ...]
    name: str

    def lookups(self) -> list[Lookup]:
        """Return the ways to find the matches, best first.

        First comes the query as it was typed, so that an exact name is always first. Then follows the longest word,
        which usually has the fewest matches.
        """
        if not self.words:
            return [Lookup(TermRank.FULL_NAME, "")]
        main_word = max(self.words, key=len)
        lookups = [Lookup(rank, main_word) for rank in TermRank if rank is not TermRank.FULL_NAME]
        typed = Lookup(TermRank.FULL_NAME if "/" in self.name else TermRank.NAME, self.name)
        return lookups if typed in lookups or not self.name else [typed, *lookups]

    def find_in(self, repository: RepositoryName, description: str) -> tuple[int, Term] | None:
        """Return the first of `lookups()` that finds a repository, by its index, and the term. None without a match."""
        terms = terms_of(repository, description)
        has_all_words = all(any(term.text.startswith(word) for term in terms) for word in self.words)
        for index, lookup in enumerate(self.lookups()):
            term = lookup.find_in(repository, terms) if has_all_words or lookup.prefix == self.name else None
            if term is not None:
                return index, term
        return None


def parse_query(text: str, max_words: int) -> SearchQuery | None:
    """Return the parsed query, or None if nothing can match it.

    An asterisk is ignored, because every word is the beginning of a match: `web*` equals `web`, and `*` means
    everything.
    """
    name = fold_case(text).replace("*", "").strip()
    words = tuple(dict.fromkeys(split_words(name)))[:max_words]
    if not words and name:
        return None
    return SearchQuery(words, name if len(name.split()) == 1 else "")


def split_words(text: str) -> Iterator[str]:
    """Yield the words of `text` in lower case, with at most 100 characters each."""
    return (word[:_MAX_WORD_LENGTH] for word in _WORD.findall(fold_case(text)))


def terms_of(repository: RepositoryName, description: str) -> list[Term]:
    """Return the terms that find a repository: at most MAX_TERMS, the best ranks first, each text once."""
    ranks = {repository.name: TermRank.NAME}
    for word in list(dict.fromkeys(split_words(str(repository))))[:_MAX_NAME_WORDS]:
        if not repository.name.startswith(word):  # the name matches whatever this word matches
            ranks.setdefault(word, TermRank.NAME_WORD)
    for word in split_words(description):
        if len(ranks) < MAX_TERMS:
            ranks.setdefault(word, TermRank.DESCRIPTION_WORD)
    return [Term(rank, text) for text, rank in ranks.items()]


def result_order(repository: RepositoryName, lookup: int, term: Term) -> tuple[int, str, bool, str]:
    """Return the sort key of a result: the lookup, the term, official repositories first, the name."""
    return lookup, term.text, repository.namespace != LIBRARY, str(repository)
