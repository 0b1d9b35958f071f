"""Quotas of accounts and organisations. They are counted in the users table, in the transactions that use them."""

from msgspec import Struct
from pynamodb.attributes import NumberAttribute
from pynamodb.expressions.condition import Condition

from chalicelib.storage.tables import Tables
from chalicelib.storage.transactions import Transaction


class Quotas(Struct, frozen=True):
    """The limits of one account or organisation.

    Attributes:
        repositories: the number of repositories in its namespace.
        robots: the number of robots.
        shares: the number of repositories that others share with it.
        stored_bytes: the stored size of its image lists.
        organizations: the number of organisations of an account.
        members: the number of members of an organisation.
    """

    repositories: int = 1000
    robots: int = 50
    shares: int = 200
    stored_bytes: int = 100_000_000
    organizations: int = 200
    members: int = 1000


class AccountUnavailable(Exception):
    """The account or organisation does not exist, is being deleted, or has reached a quota."""


def is_active(tables: Tables) -> Condition:
    """Return the condition that an account or organisation exists and is not being deleted. A tombstone has no time."""
    condition: Condition = tables.users.created.exists() & tables.users.deletion_started.does_not_exist()
    return condition


def is_active_account(tables: Tables) -> Condition:
    """Return the condition that an account exists and is not being deleted."""
    condition: Condition = tables.users.password_hash.exists() & tables.users.deletion_started.does_not_exist()
    return condition


def use_quota(
    transaction: Transaction,
    tables: Tables,
    username: str,
    attribute: NumberAttribute,
    amount: int,
    maximum: int,
    *,
    also: Condition | None = None,
) -> None:
    """Add `amount` to a counter of an existing account or organisation, if it was below `maximum` before.

    `also` is a further condition on the account. The transaction raises AccountUnavailable if the condition fails.
    """
    condition = is_active(tables) & (attribute.does_not_exist() | (attribute < maximum))
    if also is not None:
        condition &= also
    transaction.update(tables.users(username), [attribute.add(amount)], condition, failure=AccountUnavailable())


def release_quota(
    transaction: Transaction,
    tables: Tables,
    username: str,
    amounts: dict[str, int],
    *,
    also: Condition | None = None,
) -> None:
    """Subtract amounts from counters of an account. `amounts` maps attribute names to amounts.

    `also` is a further condition on the account. The transaction raises AccountUnavailable if the condition fails or
    the account does not exist.
    """
    users = tables.users
    actions = [getattr(users, name).add(-amount) for name, amount in amounts.items() if amount]
    condition = users.created.exists()
    if also is not None:
        condition &= also
    if actions:
        transaction.update(users(username), actions, condition, failure=AccountUnavailable())
