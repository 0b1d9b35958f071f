"""The words that find repositories: prefix search as one Query.

bucket   the term's first character, so that every term with a given beginning lies in one bucket
entry    `<term> <namespace/name>`
"""

from collections.abc import Iterable
from enum import IntEnum

from chalicelib.names import RepositoryName
from chalicelib.store.tables import Tables, TermItem, stored

EVERYTHING = ""  # the term that every repository has
MATCHES_AT_MOST = 1000  # what one search looks at, however common the word


class Rank(IntEnum):
    """Where a term stands. Names are better matches."""

    NAME = 0
    DESCRIPTION = 1


class TermStore:
    """Every method raises Unavailable when DynamoDB does not answer."""

    def __init__(self, tables: Tables) -> None:
        self._terms = tables.terms

    @stored
    def find(self, prefix: str) -> dict[RepositoryName, Rank]:
        """The repositories that have a term with this beginning, at most MATCHES_AT_MOST of their terms."""
        found: dict[RepositoryName, Rank] = {}
        begins = prefix or " "
        for item in self._terms.query(
            _bucket(prefix), self._terms.entry.startswith(begins), limit=MATCHES_AT_MOST, page_size=MATCHES_AT_MOST
        ):
            name = RepositoryName(*item.entry.rpartition(" ")[2].split("/"))
            found[name] = min(found.get(name, Rank.DESCRIPTION), Rank(int(item.rank)))
        return found

    def items(self, repository: RepositoryName, terms: dict[str, Rank]) -> Iterable[TermItem]:
        """The items that a repository's terms are, for a transaction to put or to delete."""
        return [self._terms(_bucket(term), f"{term} {repository}", rank=rank) for term, rank in terms.items()]


def _bucket(term: str) -> str:
    return f"public {term[:1]}"
