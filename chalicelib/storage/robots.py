"""The robots of each account."""

from contextlib import suppress
from datetime import datetime

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import RobotRecord
from chalicelib.domain.roles import Robot, Role
from chalicelib.storage.quotas import AccountUnavailable, Quotas, release_quota, use_quota
from chalicelib.storage.tables import RobotItem, Tables, raises_conflict, translate_dynamodb_errors
from chalicelib.storage.transactions import Conflict


class RobotStore:
    """Every method raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables, quotas: Quotas) -> None:
        self._tables = tables
        self._robots = tables.robots
        self._quotas = quotas

    @translate_dynamodb_errors
    def get(self, username: str, name: str) -> RobotRecord | None:
        """Return a robot. One consistent GetItem, so that a revocation takes effect at once."""
        try:
            return _record_of(self._robots.get(username, name, consistent_read=True))
        except self._robots.DoesNotExist:
            return None

    @translate_dynamodb_errors
    def of_account(self, username: str) -> list[RobotRecord]:
        """Return all robots of an account, sorted by name."""
        return [_record_of(item) for item in self._robots.query(username, consistent_read=True)]

    @translate_dynamodb_errors
    def create(self, username: str, record: RobotRecord) -> None:
        """Store a robot of the account that was registered at `record.account_created`.

        Raises Conflict if the account has a robot with this name. Raises AccountUnavailable if the account no longer
        exists, is in deletion, or has reached its quota.
        """
        robot, users = record.robot, self._tables.users
        item = self._robots(
            username,
            robot.name,
            token_hash=record.token_hash,
            role=robot.role.word,
            repositories=None if robot.repositories is None else set(map(str, robot.repositories)),
            expires=record.expires,
            created=record.created,
            account_created=record.account_created,
        )
        with self._tables.transaction() as transaction:
            transaction.save(item, self._robots.name.does_not_exist())
            use_quota(
                transaction,
                self._tables,
                username,
                users.robots,
                1,
                self._quotas.robots,
                also=users.created == record.account_created,
            )

    @translate_dynamodb_errors
    def record_use(self, username: str, name: str, time: datetime) -> None:
        """Store the time of the last use, unless the robot has been revoked."""
        robots = self._robots
        with suppress(Conflict), raises_conflict():
            robots(username, name).update([robots.last_used.set(time)], condition=robots.name.exists())

    @translate_dynamodb_errors
    def delete(self, username: str, name: str) -> None:
        """Delete a robot, if it exists. It is counted for the quota only if it belongs to the present account."""
        record = self.get(username, name)
        if record is None:
            return
        item, is_same = self._robots(username, name), self._robots.token_hash == record.token_hash
        with suppress(Conflict):  # another request has deleted the robot
            try:
                if record.account_created is None:
                    raise AccountUnavailable
                is_owner = self._tables.users.created == record.account_created
                with self._tables.transaction() as transaction:
                    transaction.delete(item, is_same)
                    release_quota(transaction, self._tables, username, {"robots": 1}, also=is_owner)
            except AccountUnavailable:
                with raises_conflict():
                    item.delete(condition=is_same)


def _record_of(item: RobotItem) -> RobotRecord:
    names = item.repositories
    return RobotRecord(
        robot=Robot(
            item.name,
            Role.parse(item.role),
            None if names is None else frozenset(RepositoryName(*name.split("/")) for name in names),
        ),
        token_hash=item.token_hash,
        created=item.created,
        account_created=item.account_created,
        expires=None if item.expires is None else int(item.expires),
        last_used=item.last_used,
    )
