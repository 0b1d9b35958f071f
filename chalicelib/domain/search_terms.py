"""The words by which a repository can be found, and the order of results.

A repository is found by its whole name, and by the beginning of any word of its namespace, its name or its description.
Upper and lower case are equal. Substrings and misspelt words are not found.
"""

import re
from collections.abc import Iterator
from enum import IntEnum

from msgspec import Struct

from chalicelib.domain.identifiers import LIBRARY, RepositoryName

MAX_TERMS = 48  # a change of visibility moves every term, and a DynamoDB transaction holds 100 items
_MAX_NAME_WORDS = 20
_MAX_WORD_LENGTH = 100  # characters of up to 4 bytes, plus 513 for the name: a DynamoDB range key holds 1,024 bytes
_WORD = re.compile(r"[^\W_]+")


class TermRank(IntEnum):
    """Where a term occurs. A lower rank is a better match."""

    WHOLE_NAME = 0
    NAME_WORD = 1
    DESCRIPTION_WORD = 2


class Term(Struct, frozen=True, order=True):
    """A term of one repository."""

    rank: TermRank
    text: str


class SearchQuery(Struct, frozen=True):
    """A parsed query.

    Attributes:
        words: the words that a repository must match, without duplicates. Empty means that everything matches.
        name: the query as the beginning of a whole name, or "" if it cannot be one.
    """

    words: tuple[str, ...]
    name: str

    @property
    def main_word(self) -> str:
        """The longest word. It usually has the fewest matches, so repositories are looked up by it."""
        return max(self.words, key=len)


def parse_query(text: str, max_words: int) -> SearchQuery | None:
    """Return the parsed query, or None if nothing can match it.

    An asterisk is ignored, because every word is the beginning of a match: `web*` equals `web`, and `*` means
    everything.
    """
    name = text.casefold().replace("*", "").strip()
    words = tuple(dict.fromkeys(split_words(name)))[:max_words]
    if not words and name:
        return None
    return SearchQuery(words, name if len(name.split()) == 1 and len(name) <= _MAX_WORD_LENGTH else "")


def split_words(text: str) -> Iterator[str]:
    """Yield the words of `text` in lower case, with at most 100 characters each."""
    return (word[:_MAX_WORD_LENGTH] for word in _WORD.findall(text.casefold()))


def terms_of(repository: RepositoryName, description: str) -> list[Term]:
    """Return the terms that find a repository: at most MAX_TERMS, the best ranks first, each text once."""
    whole_name = repository.name[:_MAX_WORD_LENGTH]
    ranks = {whole_name: TermRank.WHOLE_NAME}
    for word in list(dict.fromkeys(split_words(str(repository))))[:_MAX_NAME_WORDS]:
        if not whole_name.startswith(word):  # the whole name matches whatever this word matches
            ranks.setdefault(word, TermRank.NAME_WORD)
    for word in split_words(description):
        if len(ranks) < MAX_TERMS:
            ranks.setdefault(word, TermRank.DESCRIPTION_WORD)
    return [Term(rank, text) for text, rank in ranks.items()]


def best_term(repository: RepositoryName, description: str, prefix: str) -> Term | None:
    """Return the best term that begins with `prefix`, or None."""
    return min((term for term in terms_of(repository, description) if term.text.startswith(prefix)), default=None)


def result_order(repository: RepositoryName, term: Term) -> tuple[int, str, bool, str]:
    """Return the sort key of a result: rank, term, official repositories first, name."""
    return term.rank, term.text, repository.namespace != LIBRARY, str(repository)
