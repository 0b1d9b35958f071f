"""Accounts and whose an e-mail address is: two tables, written in one transaction."""

from dataclasses import dataclass, field
from datetime import datetime

from pynamodb.expressions.update import Action

from chalicelib.store.tables import ConditionFailed, Tables, stored


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. Addresses are lower-cased."""

    username: str
    password_hash: str = field(repr=False)
    emails: frozenset[str] = frozenset()
    active: bool = True
    admin: bool = False
    created: datetime


class UserStore:
    """Every method raises Unavailable when DynamoDB does not answer."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @stored
    def get(self, username: str) -> User | None:
        """One strongly consistent GetItem, so that a new password or a deactivation takes effect at once."""
        try:
            item = self._tables.users.get(username, consistent_read=True)
        except self._tables.users.DoesNotExist:
            return None
        return User(
            username=item.username,
            password_hash=item.password_hash,
            emails=frozenset(item.emails or ()),
            active=item.active,
            admin=item.admin,
            created=item.created,
        )

    @stored
    def owner_of(self, address: str) -> str | None:
        """The account that has this (lower-cased) e-mail address."""
        try:
            return self._tables.emails.get(address, consistent_read=True).username
        except self._tables.emails.DoesNotExist:
            return None

    @stored
    def create(self, user: User) -> None:
        """Writes the account and takes its addresses, all or nothing. Raises ConditionFailed when one is taken."""
        with self._tables.transaction() as write:
            write.save(
                self._tables.users(
                    user.username,
                    password_hash=user.password_hash,
                    emails=set(user.emails) or None,
                    active=user.active,
                    admin=user.admin,
                    created=user.created,
                ),
                condition=self._tables.users.username.does_not_exist(),
            )
            for address in sorted(user.emails):
                write.save(
                    self._tables.emails(address, username=user.username),
                    condition=self._tables.emails.address.does_not_exist(),
                )

    @stored
    def change(self, username: str, *, password_hash: str | None = None, email: str | None = None) -> None:
        """Replaces the password, adds the address, or both in one transaction.

        Raises ConditionFailed when the address is another account's or the account is gone.
        """
        users, emails = self._tables.users, self._tables.emails
        actions: list[Action] = []
        if password_hash is not None:
            actions.append(users.password_hash.set(password_hash))
        if email is not None:
            actions.append(users.emails.add({email}))
        with self._tables.transaction() as write:
            write.update(users(username), actions, condition=users.username.exists())
            if email is not None:
                write.save(
                    emails(email, username=username),
                    condition=emails.address.does_not_exist() | (emails.username == username),
                )


__all__ = ["ConditionFailed", "User", "UserStore"]
