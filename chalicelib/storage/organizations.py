"""Organisations and their members. A member is stored under both keys in one transaction.

    of                          entry
    organization <name>         <username>
    account <username>          <name>/

The second key is next to the account's shares (collaborators.py), so that one read finds both.
"""

from datetime import datetime

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.domain.models import Organization, User
from chalicelib.domain.roles import Role
from chalicelib.storage.collaborators import MEMBER_SUFFIX, account_key
from chalicelib.storage.quotas import AccountUnavailable, Quotas, is_active, release_quota, use_quota
from chalicelib.storage.tables import Tables, UserItem, raises_conflict, translate_dynamodb_errors
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import user_of

_TRUE = True  # for conditions


class OrganizationUnavailable(Exception):
    """The organisation does not exist, is being deleted, is full, or would lose its last administrator."""


class OrganizationStore:
    """Every method raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables, quotas: Quotas) -> None:
        self._tables = tables
        self._quotas = quotas

    def get(self, name: str) -> Organization | None:
        """Return an organisation. One consistent GetItem."""
        owner = self.get_owner(name)
        return owner if isinstance(owner, Organization) else None

    @translate_dynamodb_errors
    def get_owner(self, namespace: str) -> User | Organization | None:
        """Return the account or the organisation that owns a namespace. One consistent GetItem."""
        try:
            item = self._tables.users.get(namespace, consistent_read=True)
        except self._tables.users.DoesNotExist:
            return None
        return organization_of(item) or user_of(item)

    @translate_dynamodb_errors
    def create(self, name: str, username: str, created: datetime) -> None:
        """Store an organisation with one account as its administrator.

        Raises Conflict if the name is in use or reserved. Raises AccountUnavailable if the account no longer exists, or
        has reached its quota.
        """
        users = self._tables.users
        item = users(name, organization=True, created=created, members=1, administrators=1)
        with self._tables.transaction() as transaction:
            transaction.save(item, condition=users.username.does_not_exist())
            self._use_quota(transaction, username, users.password_hash.exists())
            for key in _keys(name, username):
                transaction.save(self._tables.collaborators(*key, role=Role.ADMIN.word))

    @translate_dynamodb_errors
    def get_role(self, name: str, username: str) -> Role:
        """Return the role of a member, or NONE. One consistent GetItem, so that a removal takes effect at once."""
        try:
            item = self._tables.collaborators.get(*_keys(name, username)[0], consistent_read=True)
        except self._tables.collaborators.DoesNotExist:
            return Role.NONE
        return Role.parse(item.role)

    @translate_dynamodb_errors
    def list_members(self, name: str, after: str, limit: int) -> list[tuple[str, Role]]:
        """Return the first `limit` members whose usernames sort after `after`, by username. One Query."""
        model = self._tables.collaborators
        condition = model.entry > after if after else None
        items = model.query(_keys(name, "")[0][0], condition, limit=limit, page_size=limit, consistent_read=True)
        return [(item.entry, Role.parse(item.role)) for item in items]

    @translate_dynamodb_errors
    def put_member(self, name: str, username: str, role: Role) -> None:
        """Add a member, or change the role of a member.

        Raises Conflict if another request changes the member at the same time, and OrganizationUnavailable. Raises
        AccountUnavailable if the account does not exist, is not active, has blocked the organisation, or has reached
        its quota of organisations.
        """
        users, model = self._tables.users, self._tables.collaborators
        before = self.get_role(name, username)
        is_new = before is Role.NONE
        administrators = (role is Role.ADMIN) - (before is Role.ADMIN)
        with self._tables.transaction() as transaction:
            if is_new:
                accepts = users.blocked.does_not_exist() | ~users.blocked.contains(name)
                self._use_quota(transaction, username, users.password_hash.exists() & (users.active == _TRUE) & accepts)
            self._count(transaction, name, int(is_new), administrators)
            for key in _keys(name, username):
                is_unchanged = model.of.does_not_exist() if is_new else model.role == before.word
                transaction.save(model(*key, role=role.word), is_unchanged)

    @translate_dynamodb_errors
    def remove_member(self, name: str, username: str, *, may_be_last: bool = False) -> None:
        """Remove a member, also during a deletion. Nothing happens if the account is not a member.

        `may_be_last` lets the organisation lose its last administrator. Raises Conflict if another request changes the
        member at the same time, and OrganizationUnavailable.
        """
        role = self.get_role(name, username)
        if role is Role.NONE:
            return

        def remove(*, is_counted: bool) -> None:
            with self._tables.transaction() as transaction:
                self._delete_member(transaction, name, username, role, is_counted=is_counted)
                self._count(transaction, name, -1, -(role is Role.ADMIN), may_be_last=may_be_last)

        try:
            remove(is_counted=True)
        except AccountUnavailable:  # an imported member whose account does not exist
            remove(is_counted=False)

    @translate_dynamodb_errors
    def start_deletion(self, name: str) -> None:
        """Mark an organisation as being deleted. It gets no new members, robots and repositories. Raises Conflict."""
        users = self._tables.users
        with raises_conflict():
            users(name).update([users.deletion_started.set(True)], condition=users.organization.exists())

    @translate_dynamodb_errors
    def delete(self, name: str, username: str | None) -> None:
        """Delete an organisation whose deletion has started, together with its only member, and reserve its name.

        `username` is that member, or None if there is none. Raises Conflict if there are other members.
        """
        users = self._tables.users
        role = Role.NONE if username is None else self.get_role(name, username)
        is_empty = users.organization.exists() & users.deletion_started.exists()
        is_empty &= users.members == int(role is not Role.NONE)
        with self._tables.transaction() as transaction:
            transaction.save(users(name, tombstone=True), condition=is_empty)
            if username is not None and role is not Role.NONE:
                self._delete_member(transaction, name, username, role, is_counted=True)

    def _delete_member(
        self, transaction: Transaction, name: str, username: str, role: Role, *, is_counted: bool
    ) -> None:
        model = self._tables.collaborators
        for key in _keys(name, username):
            transaction.delete(model(*key), model.role == role.word)
        if is_counted:
            release_quota(transaction, self._tables, username, {"organizations": 1})

    def _use_quota(self, transaction: Transaction, username: str, condition: Condition) -> None:
        """Count a membership for the quota of an account."""
        attribute = self._tables.users.organizations
        use_quota(transaction, self._tables, username, attribute, 1, self._quotas.organizations, also=condition)

    def _count(
        self, transaction: Transaction, name: str, members: int, administrators: int, *, may_be_last: bool = False
    ) -> None:
        """Count members and administrators, and require that the organisation may change in this way."""
        users = self._tables.users
        condition = users.organization.exists()
        if members >= 0:
            condition &= is_active(self._tables)
        if members > 0:
            condition &= users.members < self._quotas.members
        if administrators < 0 and not may_be_last:
            condition &= users.administrators > 1
        actions: list[Action] = []
        if members:
            actions.append(users.members.add(members))
        if administrators:
            actions.append(users.administrators.add(administrators))
        failure = OrganizationUnavailable()
        if actions:
            transaction.update(users(name), actions, condition, failure=failure)
        else:
            transaction.check(users, name, condition=condition, failure=failure)


def organization_of(item: UserItem) -> Organization | None:
    """Return the organisation that an item contains, or None for an account and for a tombstone."""
    if not item.organization or item.created is None:
        return None
    return Organization(
        name=item.username,
        members=int(item.members or 0),
        administrators=int(item.administrators or 0),
        deletion_started=bool(item.deletion_started),
        created=item.created,
    )


def _keys(name: str, username: str) -> list[tuple[str, str]]:
    return [(f"organization {name}", username), (account_key(username), name + MEMBER_SUFFIX)]
