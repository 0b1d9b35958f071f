"""The search terms as they should be, and where they are not."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from chalicelib.bootstrap import Stores
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository
from chalicelib.domain.search_terms import terms_of
from chalicelib.storage.tables import TermItem
from chalicelib.storage.transactions import Conflict
from infra.admin import scans
from infra.admin.target import Target


@dataclass(frozen=True, slots=True)
class Wrong:
    """Repositories that lack terms or have wrong ones, and terms that should not be."""

    missing: tuple[Repository, ...]
    stray: tuple[TermItem, ...]

    def mends(self, index: Target) -> Iterator[Callable[[], None]]:
        """What puts each of them right, one after the other."""
        stores = index.stores
        for repository in self.missing:
            yield partial(complete, stores, repository)
        for term in self.stray:
            yield partial(remove, stores, term)


def wrong(index: Target) -> Wrong:
    """Compares every term with every repository.

    Terms are read first: those of a repository that appears meanwhile are not taken for strays.
    """
    stores = index.stores
    there = {(term.bucket, term.entry): term for term in stores.tables.terms.scan(consistent_read=True)}
    missing: list[Repository] = []
    for repository in scans.repositories(index):
        for wanted in _wanted(stores, repository):
            found = there.pop((wanted.bucket, wanted.entry), None)
            right = found is not None and (found.rank, found.initial) == (wanted.rank, wanted.initial)
            if not right and repository not in missing[-1:]:
                missing.append(repository)
    return Wrong(tuple(missing), tuple(there.values()))


def complete(stores: Stores, repository: Repository) -> None:
    """Writes the terms of a repository, unless it has changed since it was read: then whoever did has written them."""
    with suppress(Conflict):
        stores.repositories.change(repository, {}, repository, terms_of(repository.name, repository.description))


def remove(stores: Stores, term: TermItem) -> None:
    """Removes a stray, unless a repository has come to want it meanwhile."""
    repository = repository_of(term)
    known = None if repository is None else stores.repositories.get(repository)
    if known is None or all((item.bucket, item.entry) != (term.bucket, term.entry) for item in _wanted(stores, known)):
        stores.tables.terms(term.bucket, term.entry).delete()


def repository_of(term: TermItem) -> RepositoryName | None:
    """The repository that a term finds; None where its entry is no term's."""
    namespace, slash, name = term.entry.rpartition(" ")[2].partition("/")
    return RepositoryName(namespace, name) if slash else None


def _wanted(stores: Stores, repository: Repository) -> list[TermItem]:
    wanted = terms_of(repository.name, repository.description)
    return stores.terms.items(repository.name, wanted, private=repository.private)
