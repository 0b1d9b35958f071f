"""The search terms of repositories. A prefix search is one Query.

    bucket    `public <first character of the term>`, or `private <namespace> <first character>`
    entry     `<term> <namespace/name>`
    initial   `private <first character>`, only for private repositories: the hash key of the administrators' index

All terms with the same beginning are in the same bucket. Private repositories are in buckets of their own, so that they
do not slow down searches by others.
"""

from collections.abc import Mapping

from msgspec import Struct

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.search_terms import TermRank
from chalicelib.storage.tables import Tables, TermItem, translate_dynamodb_errors

MAX_MATCHES = 1000  # the most terms that one search reads


class TermMatches(Struct, frozen=True):
    """The repositories that have a term with a given beginning.

    Attributes:
        ranks: the best rank of each repository.
        is_complete: false if more than MAX_MATCHES terms match.
    """

    ranks: dict[RepositoryName, TermRank]
    is_complete: bool = True


class SearchTermStore:
    """Finds repositories by the beginning of a term. Every method raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables) -> None:
        self._terms = tables.terms

    @translate_dynamodb_errors
    def find_public(self, prefix: str) -> TermMatches:
        """Search the public repositories. One Query."""
        return self._find(_public_bucket(prefix), prefix)

    @translate_dynamodb_errors
    def find_private(self, prefix: str, namespace: str) -> TermMatches:
        """Search the private repositories of one namespace. One Query."""
        return self._find(_private_bucket(namespace, prefix), prefix)

    @translate_dynamodb_errors
    def find_all_private(self, prefix: str) -> TermMatches:
        """Search the private repositories of all namespaces. One Query of the index."""
        return self._find(_initial(prefix), prefix, index_name="private")

    def items(
        self, repository: RepositoryName, terms: Mapping[str, TermRank], *, private: bool = False
    ) -> list[TermItem]:
        """Return the items for a repository's terms, to be written in a transaction."""
        return [
            self._terms(
                _private_bucket(repository.namespace, term) if private else _public_bucket(term),
                f"{term} {repository}",
                rank=rank,
                initial=_initial(term) if private else None,
            )
            for term, rank in terms.items()
        ]

    def _find(self, bucket: str, prefix: str, index_name: str | None = None) -> TermMatches:
        ranks: dict[RepositoryName, TermRank] = {}
        count = 0
        for item in self._terms.query(
            bucket,
            self._terms.entry.startswith(prefix or " "),
            index_name=index_name,
            limit=MAX_MATCHES,
            page_size=MAX_MATCHES,
        ):
            count += 1
            name = RepositoryName(*item.entry.rpartition(" ")[2].split("/"))
            ranks[name] = min(ranks.get(name, TermRank.DESCRIPTION), TermRank(int(item.rank)))
        return TermMatches(ranks, count < MAX_MATCHES)


def _public_bucket(term: str) -> str:
    return f"public {term[:1]}"


def _private_bucket(namespace: str, term: str) -> str:
    return f"private {namespace} {term[:1]}"


def _initial(term: str) -> str:
    return f"private {term[:1]}"
