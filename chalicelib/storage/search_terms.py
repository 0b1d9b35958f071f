"""The search terms of repositories. One Query returns matches in the order of the results.

    bucket    `public <rank> <first character of the term>`, `private <namespace> <rank> <first character>`,
              and `public all` or `private <namespace> all` for the list of everything
    entry     `<term> <0 if official, else 1> <namespace/name>`
    initial   `private <rank> <first character>` or `private all`, only for private repositories: the hash key of the
              administrators' index

All terms of one rank with the same beginning are in the same bucket. Private repositories are in buckets of their own,
so that they do not slow down searches by others. An item contains what a result shows, so no other table is read.
"""

from collections.abc import Iterator

from msgspec import Struct

from chalicelib.domain.identifiers import LIBRARY, RepositoryName
from chalicelib.domain.search_terms import Term, TermRank, terms_of
from chalicelib.storage.tables import Tables, TermItem, translate_dynamodb_errors

MAX_ITEM_BYTES = 2_200  # a key of 1,024 bytes, a description of 1,020 and the rest


class SearchHit(Struct, frozen=True):
    """A repository that has a term with a given beginning."""

    name: RepositoryName
    generation: str
    description: str
    private: bool
    term: Term


class SearchSpace(Struct, frozen=True):
    """A set of repositories that is searched: the public ones, those of one namespace, or all private ones."""

    bucket: str
    index_name: str | None = None


PUBLIC = SearchSpace("public")
ALL_PRIVATE = SearchSpace("private", "private")


def private_space(namespace: str) -> SearchSpace:
    """Return the private repositories of one namespace."""
    return SearchSpace(f"private {namespace}")


class HitPage(Struct, frozen=True):
    """The result of one Query.

    Attributes:
        hits: the matches, in the order of the results.
        size: the bytes that were read.
        last_entry: the key after which the next Query continues, or None if there are no more matches.
    """

    hits: list[SearchHit]
    size: int
    last_entry: str | None


class SearchTermStore:
    """Finds repositories by the beginning of a term. Every method raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables) -> None:
        self._terms = tables.terms

    @translate_dynamodb_errors
    def find(self, space: SearchSpace, rank: TermRank, prefix: str, limit: int, after: str | None = None) -> HitPage:
        """Return the first `limit` matches of one rank. An empty prefix lists everything. One Query.

        The Query is strongly consistent except for ALL_PRIVATE, so a repository that became private is not found.
        """
        bucket = f"{space.bucket} {_suffix(rank, prefix)}"
        key = "initial" if space.index_name else "bucket"
        start = None if after is None else {"bucket": {"S": ""}, key: {"S": bucket}, "entry": {"S": after}}
        if start is not None and space.index_name:
            start["bucket"] = {"S": _bucket_of_entry(after or "", rank, prefix)}
        query = self._terms.query(
            bucket,
            self._terms.entry.startswith(prefix) if prefix else None,
            index_name=space.index_name,
            limit=limit,
            page_size=limit,
            last_evaluated_key=start,
            consistent_read=space.index_name is None,
        )
        items = list(query)
        hits = [_hit_of(item, rank) for item in items]
        is_last = len(items) < limit
        return HitPage(hits, sum(map(_size_of, items)), None if is_last else items[-1].entry)

    @translate_dynamodb_errors
    def find_all(self, space: SearchSpace, after: str, limit: int, *, is_official: bool) -> list[SearchHit]:
        """Return up to `limit` repositories whose names sort after `after`, by name. One Query."""
        bucket, prefix = f"{space.bucket} all", f" {int(not is_official)} "
        query = self._terms.query(
            bucket,
            self._terms.entry.between(f"{prefix}{after}", f"{prefix}~"),  # no name contains a tilde
            index_name=space.index_name,
            limit=limit + 1,
            page_size=limit + 1,
            consistent_read=space.index_name is None,
        )
        hits = [_hit_of(item, TermRank.WHOLE_NAME) for item in query]
        return [hit for hit in hits if str(hit.name) > after][:limit]

    def items(
        self, repository: RepositoryName, description: str, generation: str, *, private: bool = False
    ) -> list[TermItem]:
        """Return the items for a repository's terms, to be written in a transaction."""
        space = private_space(repository.namespace) if private else PUBLIC
        everything = Term(TermRank.WHOLE_NAME, "")
        return [
            self._terms(
                f"{space.bucket} {_suffix(term.rank, term.text)}",
                _entry(repository, term.text),
                rank=term.rank,
                generation=generation,
                description=description,
                initial=f"{ALL_PRIVATE.bucket} {_suffix(term.rank, term.text)}" if private else None,
            )
            for term in [everything, *terms_of(repository, description)]
        ]


def _suffix(rank: TermRank, text: str) -> str:
    return f"{rank} {text[:1]}" if text else "all"


def _entry(repository: RepositoryName, text: str) -> str:
    return f"{text} {int(repository.namespace != LIBRARY)} {repository}"


def _bucket_of_entry(entry: str, rank: TermRank, prefix: str) -> str:
    """Return the bucket of a private repository's item, which the index's start key contains too."""
    namespace = entry.rpartition(" ")[2].partition("/")[0]
    return f"{private_space(namespace).bucket} {_suffix(rank, prefix)}"


def _hit_of(item: TermItem, rank: TermRank) -> SearchHit:
    text, _, name = item.entry.split(" ")
    return SearchHit(
        RepositoryName(*name.split("/", 1)),
        item.generation or "",
        item.description or "",
        item.initial is not None,
        Term(rank, text),
    )


def _size_of(item: TermItem) -> int:
    """Return roughly the bytes for which DynamoDB charges."""
    texts: Iterator[str] = iter((item.bucket, item.entry, item.description or "", item.initial or ""))
    return 80 + sum(len(text.encode()) for text in texts)
