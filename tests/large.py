"""The data of a large index: accounts with repositories, robots and collaborators."""

from collections.abc import Iterator
from datetime import UTC, datetime

from chalicelib.aws import Clients
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository
from chalicelib.settings import Settings
from chalicelib.storage.image_lists import HEAD, ImageListStore
from chalicelib.storage.search_terms import SearchTermStore
from chalicelib.storage.segment_codec import pack
from chalicelib.storage.tables import Tables
from infra.admin.export_format import Item
from infra.devserver.moto_aws import put_items

ACCOUNTS = 1000
REPOSITORIES = 1000
_CREATED = datetime(2026, 11, 24, 6, tzinfo=UTC)
_HASH = "$2b$04$" + "x" * 53


def fill(
    clients: Clients, settings: Settings, tables: Tables, accounts: int = ACCOUNTS, repositories: int = REPOSITORIES
) -> None:
    """Write the items to the tables of an index on moto."""
    put_items(clients, settings, items(tables, accounts, repositories))


def items(tables: Tables, accounts: int = ACCOUNTS, repositories: int = REPOSITORIES) -> Iterator[Item]:
    """Yield the items.

    Each account has an email address, and each tenth has a robot and an organisation. Each repository has 2 images.
    Each fifth is private, and each seventh has a collaborator.
    """
    for number in range(accounts):
        yield from _account_items(tables, number)
    for number in range(0, accounts, 10):
        yield from _organization_items(tables, number)
    for number in range(repositories):
        yield from _repository_items(tables, number, accounts)


def _account_items(tables: Tables, number: int) -> Iterator[Item]:
    username, email = f"user{number:04}", f"user{number}@example.com"
    user = tables.users(username, password_hash=_HASH, emails={email}, active=True, admin=number == 0, created=_CREATED)
    yield "users", user.serialize()
    yield "emails", tables.emails(email, username=username).serialize()
    if number % 10 == 0:
        robot = tables.robots(
            username,
            "builder",
            token_hash=b"\x00\xff" * 16,
            role="write",
            created=_CREATED,
            account_created=_CREATED,
        )
        yield "robots", robot.serialize()


def _organization_items(tables: Tables, number: int) -> Iterator[Item]:
    name, username = f"team-{number:04}", f"user{number:04}"
    organization = tables.users(name, organization=True, created=_CREATED, members=1, administrators=1)
    yield "users", organization.serialize()
    for of, entry in ((f"organization {name}", username), (f"account {username}", f"{name}/")):
        yield "collaborators", tables.collaborators(of, entry, role="admin").serialize()


def _repository_items(tables: Tables, number: int, accounts: int) -> Iterator[Item]:
    owner, private, shared = f"user{number % accounts:04}", number % 5 == 0, number % 7 == 0
    name, generation = RepositoryName(owner, f"web{number}"), f"{number:016x}"
    description = "Plants and gardens" if number % 10 == 0 else ""
    repository = tables.repositories(
        owner, name.name, generation=generation, description=description, private=private, created=_CREATED
    )
    yield "repositories", repository.serialize()
    head = tables.images(str(name), HEAD, generation=generation, private=private, shared=shared, deleted=False)
    yield "images", head.serialize()
    images = {f"{number:064x}": "sha256:" + f"{number:064x}", f"id{number}": ""}
    for segment in ImageListStore(tables).segment_items(name, generation, pack(images)):
        yield "images", segment.serialize()
    stored = Repository(name=name, generation=generation, description=description, private=private, created=_CREATED)
    for term in SearchTermStore(tables).items(stored):
        yield "terms", term.serialize()
    if shared:
        username = f"user{(number + 1) % accounts:04}"
        for of, entry in ((f"repository {name}", username), (f"account {username}", str(name))):
            collaborator = tables.collaborators(of, entry, role="write", generation=generation)
            yield "collaborators", collaborator.serialize()
