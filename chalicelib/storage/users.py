"""Accounts and their email addresses: two tables, written in one transaction."""

import time

from pynamodb.expressions.condition import Condition, size
from pynamodb.expressions.update import Action

from chalicelib.domain.models import User
from chalicelib.storage.tables import Tables, UserItem, raises_conflict, translate_dynamodb_errors
from chalicelib.storage.transactions import Transaction

MAX_NETWORKS = 10
UNCONFIRMED_CLAIM_SECONDS = 7 * 86400


class UserStore:
    """Every method raises Unavailable if DynamoDB does not answer. Email addresses are in lower case."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @translate_dynamodb_errors
    def get(self, username: str) -> User | None:
        """Return an account. One consistent GetItem, so that a new password or a deactivation takes effect at once."""
        item = self._get_item(username)
        return None if item is None else user_of(item)

    @translate_dynamodb_errors
    def list_page(self, after: str, limit: int) -> tuple[list[User], str]:
        """Return up to `limit` accounts in the order of the table, and the name after which the next page starts.

        One Scan. The name is "" on the last page.
        """
        start = {"username": {"S": after}} if after else None
        result = self._tables.users.scan(limit=limit, page_size=limit, last_evaluated_key=start, consistent_read=True)
        users = [user for user in map(user_of, result) if user is not None]
        last = result.last_evaluated_key
        return users, "" if last is None else str(last["username"]["S"])

    @translate_dynamodb_errors
    def is_taken(self, username: str) -> bool:
        """Return whether an account has this name, or a deleted account reserves it."""
        return self._get_item(username) is not None

    @translate_dynamodb_errors
    def get_email_owner(self, email: str, *, confirmed: bool = False) -> str | None:
        """Return the account that has this address. `confirmed` ignores a claim that needs confirmation."""
        try:
            item = self._tables.emails.get(email, consistent_read=True)
        except self._tables.emails.DoesNotExist:
            return None
        return None if confirmed and item.unconfirmed else item.username

    @translate_dynamodb_errors
    def create(self, user: User) -> None:
        """Store an account and its addresses. Raises Conflict if the name or an address is taken."""
        with self._tables.transaction() as transaction:
            transaction.save(
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
            for email in sorted(user.emails):
                self._claim_email(transaction, email, user.username, is_confirmed=email not in user.unconfirmed)

    @translate_dynamodb_errors
    def change(
        self,
        user: User,
        *,
        password_hash: str | None = None,
        email: str | None = None,
        unconfirmed: bool = False,
        active: bool | None = None,
    ) -> None:
        """Replace the password, add an address and set `active` in one transaction.

        `unconfirmed` means that a new address needs confirmation. Raises Conflict if the address belongs to another
        account, or if the account has changed or no longer exists. A new address requires that the addresses have not
        changed, because their number is limited.
        """
        users = self._tables.users
        is_unchanged = users.password_hash == user.password_hash
        actions: list[Action] = []
        if active is not None:
            actions += [users.active.set(active), users.awaiting_confirmation.remove()]
        if password_hash is not None:
            actions.append(users.password_hash.set(password_hash))
        if email is not None:
            actions.append(users.emails.add({email}))
            if unconfirmed and email not in user.emails:
                actions.append(users.unconfirmed.add({email}))
            if email not in user.emails:
                is_unchanged &= self._has_emails(user)
        with self._tables.transaction() as transaction:
            transaction.update(users(user.username), actions, condition=is_unchanged)
            if email is not None:
                is_confirmed = not unconfirmed or email in user.emails - user.unconfirmed
                self._claim_email(transaction, email, user.username, is_confirmed=is_confirmed)

    @translate_dynamodb_errors
    def remove_email(self, user: User, email: str) -> None:
        """Remove an address from an account, and release it. Raises Conflict if the account has changed."""
        users, emails = self._tables.users, self._tables.emails
        is_owner = self.get_email_owner(email) == user.username
        is_unchanged = (users.password_hash == user.password_hash) & self._has_emails(user)
        actions: list[Action] = [users.emails.delete({email}), users.unconfirmed.delete({email})]
        with self._tables.transaction() as transaction:
            transaction.update(users(user.username), actions, is_unchanged)
            if is_owner:
                transaction.delete(emails(email), condition=emails.username == user.username)

    @translate_dynamodb_errors
    def confirm(self, user: User, email: str) -> None:
        """Mark an address as confirmed, claim it, and activate an account that was waiting for it.

        Raises Conflict if the address does not need confirmation, or if another account has confirmed it.
        """
        users = self._tables.users
        actions: list[Action] = [users.unconfirmed.delete({email})]
        if user.awaiting_confirmation:
            actions += [users.active.set(True), users.awaiting_confirmation.remove()]
        is_waiting = (users.created == user.created) & users.unconfirmed.contains(email)
        is_waiting &= (
            users.awaiting_confirmation.exists()
            if user.awaiting_confirmation
            else users.awaiting_confirmation.does_not_exist()
        )
        with self._tables.transaction() as transaction:
            transaction.update(users(user.username), actions, is_waiting)
            self._claim_email(transaction, email, user.username, is_confirmed=True)

    @translate_dynamodb_errors
    def set_active(self, username: str, active: bool) -> None:
        """Activate or deactivate an account. It stops waiting for a confirmation. Raises Conflict if it is missing."""
        users = self._tables.users
        self._update(
            username, [users.active.set(active), users.awaiting_confirmation.remove()], users.password_hash.exists()
        )

    @translate_dynamodb_errors
    def set_admin(self, username: str, admin: bool) -> None:
        """Make an account an administrator, or revoke that. Raises Conflict if it is missing."""
        users = self._tables.users
        self._update(username, [users.admin.set(admin)], users.password_hash.exists())

    @translate_dynamodb_errors
    def record_network(self, user: User, network: str) -> None:
        """Store a network from which the owner has logged in. The last MAX_NETWORKS are kept, in no order."""
        users = self._tables.users
        networks = {network, *sorted(user.networks)[-MAX_NETWORKS + 1 :]}
        self._update(user.username, [users.networks.set(networks)], users.created == user.created)

    @translate_dynamodb_errors
    def block(self, username: str, blocked: str, maximum: int) -> None:
        """Block an account from sharing with this one.

        Raises Conflict if the account is missing, or if it would block more than `maximum` others.
        """
        users = self._tables.users
        count = size(users.blocked)  # type: ignore[no-untyped-call]
        has_room = users.blocked.does_not_exist() | users.blocked.contains(blocked) | (count < maximum)
        self._update(username, [users.blocked.add({blocked})], users.password_hash.exists() & has_room)

    @translate_dynamodb_errors
    def unblock(self, username: str, blocked: str) -> None:
        """Allow an account to share with this one again. Raises Conflict if the account is missing."""
        users = self._tables.users
        self._update(username, [users.blocked.delete({blocked})], users.password_hash.exists())

    @translate_dynamodb_errors
    def start_deletion(self, username: str) -> None:
        """Mark an account as being deleted. It can then only finish its deletion.

        Raises Conflict if it is missing, or if it is still a member of an organisation.
        """
        users = self._tables.users
        is_outside = users.organizations.does_not_exist() | (users.organizations == 0)
        self._update(username, [users.deletion_started.set(True)], users.password_hash.exists() & is_outside)

    @translate_dynamodb_errors
    def delete(self, user: User, *, reserve_name: bool) -> None:
        """Delete an account whose deletion has started, and release its addresses.

        `reserve_name` leaves a tombstone, so that nobody can register the name. Raises Conflict if the account has
        changed since it was read.
        """
        users, emails = self._tables.users, self._tables.emails
        is_unchanged = users.deletion_started.exists() & (users.created == user.created) & self._has_emails(user)
        owned = [email for email in sorted(user.emails) if self.get_email_owner(email) == user.username]
        with self._tables.transaction() as transaction:
            if reserve_name:
                transaction.save(users(user.username, tombstone=True), condition=is_unchanged)
            else:
                transaction.delete(users(user.username), condition=is_unchanged)
            for email in owned:
                transaction.delete(emails(email), condition=emails.username == user.username)

    def _claim_email(self, transaction: Transaction, email: str, username: str, *, is_confirmed: bool) -> None:
        """Give an address to an account, unless another account has confirmed it.

        A claim that needs confirmation does not replace a confirmed claim of the same account, and expires.
        """
        emails = self._tables.emails
        is_free = emails.address.does_not_exist() | emails.unconfirmed.exists()
        if is_confirmed:
            transaction.save(emails(email, username=username), condition=is_free | (emails.username == username))
            return
        expires = int(time.time()) + UNCONFIRMED_CLAIM_SECONDS
        transaction.save(emails(email, username=username, unconfirmed=True, expires=expires), condition=is_free)

    def _has_emails(self, user: User) -> Condition:
        """Return the condition that an account still has the addresses of `user`."""
        emails = self._tables.users.emails
        condition: Condition = (emails == set(user.emails)) if user.emails else emails.does_not_exist()
        return condition

    def _get_item(self, username: str) -> UserItem | None:
        try:
            return self._tables.users.get(username, consistent_read=True)
        except self._tables.users.DoesNotExist:
            return None

    def _update(self, username: str, actions: list[Action], condition: Condition) -> None:
        with raises_conflict():
            self._tables.users(username).update(actions, condition=condition)


def user_of(item: UserItem) -> User | None:
    """Return the account that an item contains, or None for a tombstone."""
    if item.tombstone or item.password_hash is None or item.created is None:
        return None
    return User(
        username=item.username,
        password_hash=item.password_hash,
        emails=frozenset(item.emails or ()),
        networks=frozenset(item.networks or ()),
        blocked=frozenset(item.blocked or ()),
        unconfirmed=frozenset(item.unconfirmed or ()),
        active=item.active,
        awaiting_confirmation=bool(item.awaiting_confirmation),
        admin=item.admin,
        deletion_started=bool(item.deletion_started),
        created=item.created,
    )
