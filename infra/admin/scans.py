"""Reads of whole tables. Only administration commands may do this, and no request."""

from collections.abc import Iterator

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Organization, Repository, User
from chalicelib.domain.roles import Role
from infra.admin.target import Target

_PAGE_SIZE = 100


def scan_users(index: Target) -> Iterator[User]:
    """Yield all accounts."""
    from chalicelib.storage.users import user_of

    return filter(None, map(user_of, index.stores.tables.users.scan(consistent_read=True)))


def scan_organizations(index: Target) -> Iterator[Organization]:
    """Yield all organisations."""
    from chalicelib.storage.organizations import organization_of

    return filter(None, map(organization_of, index.stores.tables.users.scan(consistent_read=True)))


def scan_repositories(index: Target) -> Iterator[Repository]:
    """Yield all repositories that exist."""
    from chalicelib.storage.repositories import repository_of

    return map(repository_of, index.stores.tables.repositories.scan(consistent_read=True))


def list_namespace(index: Target, namespace: str) -> Iterator[Repository]:
    """Yield the repositories of a namespace, sorted by name."""
    after = ""
    while page := index.stores.repositories.in_namespace(namespace, after, _PAGE_SIZE):
        yield from page
        after = page[-1].name.name


def list_shares(index: Target, username: str) -> dict[RepositoryName, Role]:
    """Return the roles of an account in repositories of others."""
    shares = index.stores.collaborators.of_account(username).repositories
    repositories = index.stores.repositories.get_all({name for name, _ in shares})
    return {
        name: role
        for (name, generation), role in shares.items()
        if name in repositories and repositories[name].generation == generation
    }
