"""Many repositories for tests, stored without a transaction for each, which moto makes slow."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository
from chalicelib.storage.search_terms import SearchTermStore
from tests.index import Index

GENERATION = "0" * 16


def store_repositories(
    index: Index, names: Iterable[str], descriptions: Mapping[str, str] = {}, *, private: bool = False
) -> None:
    """Store the items and the search terms of repositories. They have no image lists and are not counted for quotas."""
    store = SearchTermStore(index.tables)
    with index.tables.repositories.batch_write() as items, index.tables.terms.batch_write() as terms:
        for name in names:
            repository = Repository(
                name=RepositoryName.parse(name),
                generation=GENERATION,
                description=descriptions.get(name, ""),
                private=private,
                created=datetime(2026, 1, 1, tzinfo=UTC),
            )
            items.save(
                index.tables.repositories(
                    repository.name.namespace,
                    repository.name.name,
                    generation=GENERATION,
                    description=repository.description,
                    private=private,
                    created=repository.created,
                )
            )
            for term in store.items(repository):
                terms.save(term)


def remove_repositories(index: Index) -> None:
    """Remove the items and the search terms of all repositories."""
    for table in (index.tables.repositories, index.tables.terms):
        items = list(table.scan())
        with table.batch_write() as batch:
            for item in items:
                batch.delete(item)
