"""The search terms of repositories. One Query returns matches in the order of the results.

    bucket    `public <rank> <first character of the term>`, `private <namespace> <rank> <first character>`,
              and `public all` or `private <namespace> all` for the full names
    entry     `<term> <0 if official, else 1> <namespace/name>`; the term is empty in the buckets of full names
    initial   `private <rank> <first character>` or `private all`, only for private repositories: the hash key of the
              administrators' index

All terms of one rank with the same beginning are in the same bucket. Private repositories are in buckets of their own,
so that they do not slow down searches by others. An item contains what a search result shows. Lists of a namespace
read the repositories themselves, because a push changes only these.
"""

from collections.abc import Iterator

from msgspec import Struct
from pynamodb.expressions.condition import Condition

from chalicelib.domain.identifiers import LIBRARY, RepositoryName
from chalicelib.domain.models import Repository
from chalicelib.domain.search_terms import Lookup, Term, TermRank, terms_of
from chalicelib.storage.tables import Tables, TermItem, translate_dynamodb_errors

MAX_ITEM_BYTES = 2_400  # keys of 267 and 914 bytes, a description of 1,020 and the rest


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
        last_entry: the key after which the next Query continues, or None after the last match.
    """

    hits: list[SearchHit]
    size: int
    last_entry: str | None


class SearchTermStore:
    """Finds repositories by the beginning of a term. Every method raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables) -> None:
        self._terms = tables.terms

    @translate_dynamodb_errors
    def find(self, space: SearchSpace, lookup: Lookup, limit: int, after: str | None = None) -> HitPage:
        """Return the first `limit` matches of one lookup. One Query.

        The Query is strongly consistent except for ALL_PRIVATE, so a repository that became private is not found.
        """
        suffix, prefix = _suffix(lookup.rank, lookup.prefix), _entry_prefix(lookup)
        bucket, key = f"{space.bucket} {suffix}", "initial" if space.index_name else "bucket"
        start = None
        if after is not None:
            namespace = after.rpartition(" ")[2].partition("/")[0]
            start = {
                "bucket": {"S": f"{private_space(namespace).bucket} {suffix}"},
                key: {"S": bucket},
                "entry": {"S": after},
            }
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
        hits = [_hit_of(item, lookup.rank) for item in items]
        return HitPage(hits, sum(map(_size_of, items)), None if len(items) < limit else items[-1].entry)

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
        hits = [_hit_of(item, TermRank.FULL_NAME) for item in query]
        return [hit for hit in hits if str(hit.name) > after][:limit]

    @translate_dynamodb_errors
    def public_in_namespace(self, namespace: str, after: str, limit: int) -> list[RepositoryName]:
        """Return the first `limit` public repositories of a namespace whose names sort after `after`. One Query.

        Private repositories are not read, so that neither the duration nor a cursor reveals anything about them.
        """
        prefix = _entry(RepositoryName(namespace, ""), "")
        # All characters of names sort between these two.
        condition: Condition = self._terms.entry.between(f"{prefix}{after}!", f"{prefix}~")
        bucket = f"{PUBLIC.bucket} {_suffix(TermRank.FULL_NAME, '')}"
        items = self._terms.query(bucket, condition, limit=limit, page_size=limit, consistent_read=True)
        return [_name_of(item) for item in items]

    def items(self, repository: Repository) -> list[TermItem]:
        """Return the items for a repository's terms, to be written in a transaction."""
        space = private_space(repository.name.namespace) if repository.private else PUBLIC
        return [
            self._terms(
                f"{space.bucket} {_suffix(term.rank, term.text)}",
                _entry(repository.name, term.text),
                rank=term.rank,
                generation=repository.generation,
                description=repository.description,
                initial=f"{ALL_PRIVATE.bucket} {_suffix(term.rank, term.text)}" if repository.private else None,
            )
            for term in [Term(TermRank.FULL_NAME), *terms_of(repository.name, repository.description)]
        ]


def _suffix(rank: TermRank, text: str) -> str:
    return "all" if rank is TermRank.FULL_NAME else f"{rank} {text[:1]}"


def _entry(repository: RepositoryName, text: str) -> str:
    return f"{text} {int(repository.namespace != LIBRARY)} {repository}"


def _entry_prefix(lookup: Lookup) -> str:
    if lookup.rank is not TermRank.FULL_NAME or not lookup.prefix:
        return lookup.prefix
    return _entry(RepositoryName(*lookup.prefix.split("/", 1)), "")


def _name_of(item: TermItem) -> RepositoryName:
    return RepositoryName(*item.entry.rpartition(" ")[2].split("/", 1))


def _hit_of(item: TermItem, rank: TermRank) -> SearchHit:
    return SearchHit(
        _name_of(item),
        item.generation or "",
        item.description or "",
        item.initial is not None,
        Term(rank, item.entry.partition(" ")[0]),
    )


def _size_of(item: TermItem) -> int:
    """Return at least the bytes for which DynamoDB charges."""
    texts: Iterator[str] = iter((item.bucket, item.entry, item.description or "", item.initial or ""))
    return 120 + sum(len(text.encode()) for text in texts)
