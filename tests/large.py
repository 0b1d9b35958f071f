"""A stack of 1,000 accounts and 5,000 repositories, put into moto past its API, which would take a minute."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.search_terms import terms_of
from chalicelib.settings import Settings
from chalicelib.storage.image_lists import HEAD, ImageListStore
from chalicelib.storage.search_terms import SearchTermStore
from chalicelib.storage.segment_codec import pack
from chalicelib.storage.tables import Tables
from infra.admin.export_format import Item
from infra.devserver import moto_aws as aws

ACCOUNTS = 1000
REPOSITORIES = 5000
_MADE = datetime(2026, 11, 24, 6, tzinfo=UTC)
_HASH = "$2b$04$" + "x" * 53


def fill(tables: Tables, settings: Settings) -> None:
    """Fills the stack."""
    aws.put(settings.stack, settings.region, ((table, msgspec.to_builtins(item)) for table, item in items(tables)))


def items(tables: Tables) -> Iterator[Item]:
    """Accounts with an address and some with a robot; repositories of 2 images, each fifth private, some shared."""
    images, terms = ImageListStore(tables), SearchTermStore(tables)
    for number in range(ACCOUNTS):
        username, address = f"user{number:04}", f"user{number}@example.com"
        yield (
            "users",
            tables.users(
                username,
                password_hash=_HASH,
                emails={address},
                active=True,
                admin=number == 0,
                created=_MADE,
            ).serialize(),
        )
        yield "emails", tables.emails(address, username=username).serialize()
        if number % 10 == 0:
            robot = tables.robots(username, "builder", token_hash=b"\x00\xff" * 16, role="write", created=_MADE)
            yield "robots", robot.serialize()
    for number in range(REPOSITORIES):
        owner, private, shared = f"user{number % ACCOUNTS:04}", number % 5 == 0, number % 7 == 0
        name, generation = RepositoryName(owner, f"web{number}"), f"{number:016x}"
        about = "Plants and gardens" if number % 10 == 0 else ""
        yield (
            "repositories",
            tables.repositories(
                owner, name.name, generation=generation, description=about, private=private, created=_MADE
            ).serialize(),
        )
        yield (
            "images",
            tables.images(
                str(name), HEAD, generation=generation, private=private, shared=shared, deleted=False
            ).serialize(),
        )
        listed = {f"{number:064x}": "sha256:" + f"{number:064x}", f"id{number}": ""}
        for segment in images.segment_items(name, generation, pack(listed)):
            yield "images", segment.serialize()
        for term in terms.items(name, terms_of(name, about), private=private):
            yield "terms", term.serialize()
        if shared:
            other = f"user{(number + 1) % ACCOUNTS:04}"
            for of, entry in ((f"repository {name}", other), (f"account {other}", str(name))):
                share = tables.collaborators(of, entry, role="write", generation=generation)
                yield "collaborators", share.serialize()
