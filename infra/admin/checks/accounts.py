"""Accounts, whose an address is, and robots."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from chalicelib.domain.errors import NotFound
from chalicelib.domain.models import User
from chalicelib.storage.tables import Tables
from chalicelib.storage.transactions import Conflict
from infra.admin import scans
from infra.admin.checks.finding import Finding
from infra.admin.command import OPERATOR
from infra.admin.target import Target


def check_accounts(index: Target) -> Iterator[Finding]:
    """Each account by itself, and that somebody is an administrator."""
    administrators = 0
    for user in scans.users(index):
        about = f"user {user.username}"
        administrators += user.admin and user.active and not user.deletion_started
        if user.deletion_started:
            yield Finding(
                about, "its removal was begun and not finished", "remove it", partial(_remove, index, user.username)
            )
        if user.awaiting_confirmation and not user.unconfirmed:
            yield Finding(
                about,
                "it waits for an address to be confirmed, and has none that is not",
                f"users activate {user.username} lets it in",
            )
    if not administrators:
        yield Finding("the index", "nobody is its administrator", "users promote makes an account one")


def check_addresses(index: Target) -> Iterator[Finding]:
    """That every address is one account's, in both tables."""
    tables = index.stores.tables
    holders = {item.address: item.username for item in tables.emails.scan(consistent_read=True)}
    claims: dict[str, list[User]] = defaultdict(list)
    for user in scans.users(index):
        for address in user.emails:
            claims[address].append(user)
        if strange := user.unconfirmed - user.emails:
            yield Finding(
                f"user {user.username}",
                f"it is to confirm {', '.join(sorted(strange))}, which is not its address",
                "ask for that no more",
                partial(_forget_unconfirmed, tables, user.username, strange),
            )
    for address, claimants in claims.items():
        holder, names = holders.get(address), [user.username for user in claimants]
        if holder not in names:
            rightful = min(claimants, key=lambda user: user.created).username
            yield Finding(
                f"user {rightful}",
                f"its address {address} is {'noted as nobody' if holder is None else holder}'s",
                "note it as its own",
                partial(_note, tables, address, rightful, holder),
            )
            holder = rightful
        for name in names:
            if name != holder:
                yield Finding(
                    f"user {name}",
                    f"its address {address} is {holder}'s",
                    "take it off the account",
                    partial(_take_off, tables, address, name),
                )
    for address, holder in holders.items():
        if address not in claims:
            yield Finding(
                f"address {address}",
                f"it is noted as {holder}'s, who does not have it, so that nobody can",
                "free it",
                partial(_free, index, address, holder),
            )


def check_robots(index: Target) -> Iterator[Finding]:
    """That every robot is an account's."""
    robots = list(index.stores.tables.robots.scan(consistent_read=True))
    usernames = {user.username for user in scans.users(index)}
    for robot in robots:
        if robot.username not in usernames:
            yield Finding(
                f"robot {robot.name} of {robot.username}",
                "there is no such account",
                "revoke it",
                partial(_revoke, index, robot.username, robot.name),
            )


def _remove(index: Target, username: str) -> None:
    while not index.services.deletion.delete(OPERATOR, username):
        pass


def _revoke(index: Target, username: str, name: str) -> None:
    with suppress(NotFound):
        index.services.robots.revoke(username, name)


def _forget_unconfirmed(tables: Tables, username: str, strange: frozenset[str]) -> None:
    tables.users(username).update([tables.users.unconfirmed.delete(set(strange))])


def _note(tables: Tables, address: str, username: str, holder: str | None) -> None:
    emails, users = tables.emails, tables.users
    unchanged = emails.address.does_not_exist() if holder is None else emails.username == holder
    with suppress(Conflict), tables.transaction() as write:
        write.check(users, username, condition=users.emails.contains(address))
        write.save(emails(address, username=username), condition=unchanged)


def _take_off(tables: Tables, address: str, username: str) -> None:
    emails, users = tables.emails, tables.users
    with suppress(Conflict), tables.transaction() as write:
        write.check(emails, address, condition=emails.username != username)
        write.update(
            users(username),
            [users.emails.delete({address}), users.unconfirmed.delete({address})],
            condition=users.emails.contains(address),
        )


def _free(index: Target, address: str, holder: str) -> None:
    emails, users = index.stores.tables.emails, index.stores.tables.users
    with suppress(Conflict), index.stores.tables.transaction() as write:
        write.check(users, holder, condition=users.emails.does_not_exist() | ~users.emails.contains(address))
        write.delete(emails(address), condition=emails.username == holder)
