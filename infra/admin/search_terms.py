"""Comparison of the stored search terms with the repositories, and their repair."""

from contextlib import suppress

from msgspec import Struct

from chalicelib.bootstrap import Stores
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository
from chalicelib.storage.tables import TermItem
from chalicelib.storage.transactions import Conflict
from infra.admin.scans import scan_repositories
from infra.admin.target import Target


class TermErrors(Struct, frozen=True):
    """The result of a comparison.

    Attributes:
        incomplete: repositories whose terms are missing or different.
        stale: terms that belong to no repository.
    """

    incomplete: list[Repository]
    stale: list[TermItem]


def find_term_errors(index: Target) -> TermErrors:
    """Compare all terms with all repositories.

    The terms are read first, so that the terms of a repository that is created meanwhile are not stale.
    """
    stores = index.stores
    terms = {(term.bucket, term.entry): term for term in stores.tables.terms.scan(consistent_read=True)}
    incomplete = []
    for repository in scan_repositories(index):
        pairs = [(item, terms.pop((item.bucket, item.entry), None)) for item in _expected_terms(stores, repository)]
        if any(term is None or _content(term) != _content(item) for item, term in pairs):
            incomplete.append(repository)
    return TermErrors(incomplete, list(terms.values()))


def write_terms(stores: Stores, repository: Repository) -> None:
    """Write the terms of a repository. If it has changed since it was read, that change has written them."""
    with suppress(Conflict):
        stores.repositories.change(repository, repository)


def delete_stale_term(stores: Stores, term: TermItem) -> None:
    """Delete a term, unless it belongs to a repository now."""
    name = repository_of(term)
    repository = None if name is None else stores.repositories.get(name)
    expected = [] if repository is None else _expected_terms(stores, repository)
    if all((item.bucket, item.entry) != (term.bucket, term.entry) for item in expected):
        stores.tables.terms(term.bucket, term.entry).delete()


def repository_of(term: TermItem) -> RepositoryName | None:
    """Return the repository that a term finds, or None if the entry is malformed."""
    namespace, slash, name = term.entry.rpartition(" ")[2].partition("/")
    return RepositoryName(namespace, name) if slash else None


def _content(item: TermItem) -> tuple[object, ...]:
    return int(item.rank), item.initial, item.generation, item.description or ""


def _expected_terms(stores: Stores, repository: Repository) -> list[TermItem]:
    return stores.terms.items(repository)
