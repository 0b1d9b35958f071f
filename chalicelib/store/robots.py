"""Machines' credentials, under the account that made them."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chalicelib.access import Robot, Role
from chalicelib.names import RepositoryName
from chalicelib.store.tables import ConditionFailed, RobotItem, Tables, conditional, stored


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRobot:
    """A robot as it is kept. `expires` is in seconds since 1970, None where it does not; `token_hash` a SHA-256."""

    robot: Robot
    token_hash: bytes = field(repr=False)
    created: datetime
    expires: int | None = None
    last_used: datetime | None = None

    @property
    def expires_at(self) -> datetime | None:
        """`expires` as a date."""
        return None if self.expires is None else datetime.fromtimestamp(self.expires, UTC)


class RobotStore:
    """Every method raises Unavailable when DynamoDB does not answer."""

    def __init__(self, tables: Tables) -> None:
        self._robots = tables.robots

    @stored
    def get(self, username: str, name: str) -> StoredRobot | None:
        """One consistent GetItem, so that what is revoked is out at once."""
        try:
            return _robot(self._robots.get(username, name, consistent_read=True))
        except self._robots.DoesNotExist:
            return None

    @stored
    def of_account(self, username: str) -> list[StoredRobot]:
        """All of an account's, by name."""
        return [_robot(item) for item in self._robots.query(username, consistent_read=True)]

    @stored
    def create(self, username: str, stored_robot: StoredRobot) -> None:
        """Raises ConditionFailed when the account has a robot of this name."""
        robot = stored_robot.robot
        item = self._robots(
            username,
            robot.name,
            token_hash=stored_robot.token_hash,
            role=robot.role.word,
            repositories=None if robot.repositories is None else set(map(str, robot.repositories)),
            expires=stored_robot.expires,
            created=stored_robot.created,
        )
        with conditional():
            item.save(condition=self._robots.name.does_not_exist())

    @stored
    def note_use(self, username: str, name: str, at: datetime) -> None:
        """Notes a use, and does not bring back what was revoked meanwhile."""
        robots = self._robots
        with suppress(ConditionFailed), conditional():
            robots(username, name).update([robots.last_used.set(at)], condition=robots.name.exists())

    @stored
    def remove(self, username: str, name: str) -> None:
        """Revokes a robot, if there is one of this name."""
        self._robots(username, name).delete()


def _robot(item: RobotItem) -> StoredRobot:
    listed = item.repositories
    return StoredRobot(
        robot=Robot(
            item.name,
            Role.of(item.role),
            None if listed is None else frozenset(RepositoryName(*name.split("/")) for name in listed),
        ),
        token_hash=item.token_hash,
        created=item.created,
        expires=None if item.expires is None else int(item.expires),
        last_used=item.last_used,
    )
