"""Accounts and whose an e-mail address is: two tables, written in one transaction."""

from dataclasses import dataclass, field
from datetime import datetime

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.store.tables import ConditionFailed, Tables, UserItem, conditional, stored


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. Addresses are lower-cased.

    Attributes:
        unconfirmed: those of its addresses that nobody has confirmed yet, where that is asked for.
        awaiting_confirmation: inactive only until one of its addresses is confirmed.
        leaving: its removal has begun.
    """

    username: str
    password_hash: str = field(repr=False)
    emails: frozenset[str] = frozenset()
    unconfirmed: frozenset[str] = frozenset()
    active: bool = True
    awaiting_confirmation: bool = False
    admin: bool = False
    leaving: bool = False
    created: datetime


class UserStore:
    """Every method raises Unavailable when DynamoDB does not answer."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @stored
    def get(self, username: str) -> User | None:
        """One strongly consistent GetItem, so that a new password or a deactivation takes effect at once."""
        item = self._item(username)
        return None if item is None else user_of(item)

    @stored
    def is_taken(self, username: str) -> bool:
        """Whether an account has this name, or had it and it is kept from others."""
        return self._item(username) is not None

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
                    unconfirmed=set(user.unconfirmed) or None,
                    active=user.active,
                    awaiting_confirmation=user.awaiting_confirmation or None,
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
    def change(
        self, user: User, *, password_hash: str | None = None, email: str | None = None, unconfirmed: bool = False
    ) -> None:
        """Replaces the password, adds the address (not yet confirmed where that is asked for), or both in one.

        Raises ConditionFailed when the address is another account's, or the account is gone or somebody else's by now.
        """
        users, emails = self._tables.users, self._tables.emails
        actions: list[Action] = []
        if password_hash is not None:
            actions.append(users.password_hash.set(password_hash))
        if email is not None:
            actions.append(users.emails.add({email}))
            if unconfirmed and email not in user.emails:
                actions.append(users.unconfirmed.add({email}))
        with self._tables.transaction() as write:
            write.update(users(user.username), actions, condition=users.password_hash == user.password_hash)
            if email is not None:
                write.save(
                    emails(email, username=user.username),
                    condition=emails.address.does_not_exist() | (emails.username == user.username),
                )

    @stored
    def confirm(self, user: User, address: str) -> None:
        """Notes that `address` is its owner's, and activates an account that waited for that. Raises ConditionFailed
        when the address is not waiting (any more).
        """
        users = self._tables.users
        actions: list[Action] = [users.unconfirmed.delete({address})]
        if user.awaiting_confirmation:
            actions += [users.active.set(True), users.awaiting_confirmation.remove()]
        self._update(
            user.username,
            actions,
            (users.created == user.created)
            & users.unconfirmed.contains(address)
            & (
                users.awaiting_confirmation.exists()
                if user.awaiting_confirmation
                else users.awaiting_confirmation.does_not_exist()
            ),
        )

    @stored
    def set_active(self, username: str, active: bool) -> None:
        """Lets in or shuts out; either way nothing is waited for any more. Raises ConditionFailed for no account."""
        users = self._tables.users
        self._update(
            username, [users.active.set(active), users.awaiting_confirmation.remove()], users.password_hash.exists()
        )

    @stored
    def set_admin(self, username: str, admin: bool) -> None:
        """Makes an administrator, or takes that back. Raises ConditionFailed for no account."""
        users = self._tables.users
        self._update(username, [users.admin.set(admin)], users.password_hash.exists())

    @stored
    def note_mail(self, username: str, now: float, gap: int) -> bool:
        """Notes that a mail goes to the account. False when the last one is less than `gap` seconds old."""
        users = self._tables.users
        due = users.mailed.does_not_exist() | (users.mailed < int(now) - gap)
        try:
            self._update(username, [users.mailed.set(int(now))], users.password_hash.exists() & due)
        except ConditionFailed:
            return False
        return True

    @stored
    def begin_removal(self, username: str) -> None:
        """Shuts the account: from here on it signs in to nothing but its own removal. Raises ConditionFailed."""
        users = self._tables.users
        self._update(username, [users.leaving.set(True)], users.password_hash.exists())

    @stored
    def remove(self, user: User, *, keep_name: bool) -> None:
        """Ends a shut account and frees its addresses; its name too, unless it is to be kept from others.

        Raises ConditionFailed when it has changed since it was read.
        """
        users, emails = self._tables.users, self._tables.emails
        as_read = users.leaving.exists() & (users.created == user.created)
        as_read &= (users.emails == set(user.emails)) if user.emails else users.emails.does_not_exist()
        with self._tables.transaction() as write:
            if keep_name:
                write.save(users(user.username, gone=True), condition=as_read)
            else:
                write.delete(users(user.username), condition=as_read)
            for address in sorted(user.emails):
                write.delete(emails(address))

    def _item(self, username: str) -> UserItem | None:
        try:
            return self._tables.users.get(username, consistent_read=True)
        except self._tables.users.DoesNotExist:
            return None

    def _update(self, username: str, actions: list[Action], condition: Condition) -> None:
        with conditional():
            self._tables.users(username).update(actions, condition=condition)


def user_of(item: UserItem) -> User | None:
    """The account that an item is; None for a name that is only kept from others."""
    if item.gone or item.password_hash is None or item.created is None:
        return None
    return User(
        username=item.username,
        password_hash=item.password_hash,
        emails=frozenset(item.emails or ()),
        unconfirmed=frozenset(item.unconfirmed or ()),
        active=item.active,
        awaiting_confirmation=bool(item.awaiting_confirmation),
        admin=item.admin,
        leaving=bool(item.leaving),
        created=item.created,
    )
