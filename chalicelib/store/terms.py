"""The words that find repositories: prefix search as one Query.

bucket   `public <first character of the term>`, or `private <namespace> <first character>`, so that every term with a
         given beginning lies in one bucket, and nobody's private repositories in anybody else's way
entry    `<term> <namespace/name>`
initial  `private <first character>` on private repositories' terms: the hash of the index that administrators search
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from chalicelib.names import RepositoryName
from chalicelib.store.tables import Tables, TermItem, stored

EVERYTHING = ""  # the term that every repository has
MATCHES_AT_MOST = 1000  # what one search looks at, however common the word


class Rank(IntEnum):
    """Where a term stands. Names are better matches."""

    NAME = 0
    DESCRIPTION = 1


@dataclass(frozen=True, slots=True)
class Found:
    """The repositories that have a term with some beginning; not `complete` where there are more than were read."""

    matches: dict[RepositoryName, Rank]
    complete: bool = True


class TermStore:
    """Finds repositories that have a term with a given beginning, at most MATCHES_AT_MOST of their terms.

    Every method raises Unavailable when DynamoDB does not answer.
    """

    def __init__(self, tables: Tables) -> None:
        self._terms = tables.terms

    @stored
    def find_public(self, prefix: str) -> Found:
        """Among the public ones. One Query."""
        return self._find(_public(prefix), prefix)

    @stored
    def find_private(self, prefix: str, namespace: str) -> Found:
        """Among one namespace's private ones. One Query."""
        return self._find(_private(namespace, prefix), prefix)

    @stored
    def find_all_private(self, prefix: str) -> Found:
        """Among everybody's private ones. One Query of the index."""
        return self._find(_initial(prefix), prefix, index_name="private")

    def items(self, repository: RepositoryName, terms: Mapping[str, Rank], *, private: bool = False) -> list[TermItem]:
        """The items that a repository's terms are, for a transaction to put or to delete."""
        return [
            self._terms(
                _private(repository.namespace, term) if private else _public(term),
                f"{term} {repository}",
                rank=rank,
                initial=_initial(term) if private else None,
            )
            for term, rank in terms.items()
        ]

    def _find(self, bucket: str, prefix: str, index_name: str | None = None) -> Found:
        matches: dict[RepositoryName, Rank] = {}
        read = 0
        for item in self._terms.query(
            bucket,
            self._terms.entry.startswith(prefix or " "),
            index_name=index_name,
            limit=MATCHES_AT_MOST,
            page_size=MATCHES_AT_MOST,
        ):
            read += 1
            name = RepositoryName(*item.entry.rpartition(" ")[2].split("/"))
            matches[name] = min(matches.get(name, Rank.DESCRIPTION), Rank(int(item.rank)))
        return Found(matches, read < MATCHES_AT_MOST)


def _public(term: str) -> str:
    return f"public {term[:1]}"


def _private(namespace: str, term: str) -> str:
    return f"private {namespace} {term[:1]}"


def _initial(term: str) -> str:
    return f"private {term[:1]}"
