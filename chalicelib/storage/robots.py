"""The robots of each account."""

from contextlib import suppress
from datetime import datetime

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import RobotRecord
from chalicelib.domain.roles import Robot, Role
from chalicelib.storage.tables import RobotItem, Tables, raises_conflict, translate_dynamodb_errors
from chalicelib.storage.transactions import Conflict


class RobotStore:
    """Every method raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables) -> None:
        self._robots = tables.robots

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
        """Store a robot. Raises Conflict if the account has a robot with this name."""
        robot = record.robot
        item = self._robots(
            username,
            robot.name,
            token_hash=record.token_hash,
            role=robot.role.word,
            repositories=None if robot.repositories is None else set(map(str, robot.repositories)),
            expires=record.expires,
            created=record.created,
        )
        with raises_conflict():
            item.save(condition=self._robots.name.does_not_exist())

    @translate_dynamodb_errors
    def record_use(self, username: str, name: str, time: datetime) -> None:
        """Store the time of the last use, unless the robot has been revoked."""
        robots = self._robots
        with suppress(Conflict), raises_conflict():
            robots(username, name).update([robots.last_used.set(time)], condition=robots.name.exists())

    @translate_dynamodb_errors
    def delete(self, username: str, name: str) -> None:
        """Delete a robot, if it exists."""
        self._robots(username, name).delete()


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
        expires=None if item.expires is None else int(item.expires),
        last_used=item.last_used,
    )
