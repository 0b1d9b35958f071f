"""Whole tables, read from end to end: what an operator may ask, and no request ever does."""

from collections.abc import Iterator

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository, User
from chalicelib.domain.roles import Role
from chalicelib.storage.repositories import repository_of
from chalicelib.storage.users import user_of
from infra.admin.target import Target

_PAGE = 100


def users(index: Target) -> Iterator[User]:
    """Every account."""
    return filter(None, map(user_of, index.stores.tables.users.scan(consistent_read=True)))


def repositories(index: Target) -> Iterator[Repository]:
    """Every repository that lives."""
    return map(repository_of, index.stores.tables.repositories.scan(consistent_read=True))


def in_namespace(index: Target, namespace: str) -> Iterator[Repository]:
    """A namespace's repositories, by name."""
    store, after = index.stores.repositories, ""
    while page := store.in_namespace(namespace, after, _PAGE):
        yield from page
        after = page[-1].name.name


def shares(index: Target, username: str) -> dict[RepositoryName, Role]:
    """What others share with an account."""
    stores = index.stores
    found = stores.collaborators.of_account(username)
    active_head = stores.repositories.get_all({name for name, _ in found})
    return {
        name: role
        for (name, generation), role in found.items()
        if name in active_head and active_head[name].generation == generation
    }
