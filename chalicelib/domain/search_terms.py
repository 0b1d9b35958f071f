"""The words by which a repository can be found.

A repository is found by the beginning of any word of its namespace, its name or its description. Upper and lower case
are equal.
"""

import re
from collections.abc import Iterator, Mapping
from enum import IntEnum

from chalicelib.domain.identifiers import RepositoryName

ALL_REPOSITORIES = ""  # a term that every repository has
MAX_TERMS = 48  # a change of visibility moves every term, and a DynamoDB transaction holds 100 items
_MAX_NAME_WORDS = 20
_MAX_WORD_LENGTH = 100  # characters of up to 4 bytes, plus 511 for the name: a DynamoDB range key holds 1,024 bytes
_WORD = re.compile(r"[^\W_]+")


class TermRank(IntEnum):
    """Where a word occurs. A lower rank is a better match."""

    NAME = 0
    DESCRIPTION = 1


def split_words(text: str) -> Iterator[str]:
    """Yield the words of `text` in lower case, with at most 100 characters each."""
    return (word[:_MAX_WORD_LENGTH] for word in _WORD.findall(text.casefold()))


def terms_of(repository: RepositoryName, description: str) -> dict[str, TermRank]:
    """Return the words that find a repository, at most MAX_TERMS. The first is ALL_REPOSITORIES."""
    terms = {ALL_REPOSITORIES: TermRank.NAME}
    for word in list(dict.fromkeys(split_words(str(repository))))[:_MAX_NAME_WORDS]:
        terms[word] = TermRank.NAME
    for word in split_words(description):
        if len(terms) < MAX_TERMS:
            terms.setdefault(word, TermRank.DESCRIPTION)
    return terms


def best_rank(terms: Mapping[str, TermRank], prefix: str) -> TermRank | None:
    """Return the best rank among the terms that begin with `prefix`, or None if no term does."""
    return min((rank for term, rank in terms.items() if term.startswith(prefix)), default=None)
