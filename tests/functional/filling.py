"""Writes repositories for searches without transactions."""

from collections.abc import Container, Iterable, Mapping
from datetime import UTC, datetime

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository
from tests.index import Index


def fill(
    index: Index, repositories: Iterable[str], descriptions: Mapping[str, str] = {}, private: Container[str] = ()
) -> None:
    """Write repositories without transactions, because moto's transactions are slow."""
    tables = index.tables
    with tables.repositories.batch_write() as items, tables.terms.batch_write() as terms:
        for name in repositories:
            repository = Repository(
                name=RepositoryName(*name.split("/")),
                generation="0" * 16,
                description=descriptions.get(name, ""),
                private=name in private,
                created=datetime.now(UTC),
            )
            items.save(
                tables.repositories(
                    repository.name.namespace,
                    repository.name.name,
                    generation=repository.generation,
                    description=repository.description,
                    private=repository.private,
                    created=repository.created,
                )
            )
            for term in index.services.stores.terms.items(repository):
                terms.save(term)
