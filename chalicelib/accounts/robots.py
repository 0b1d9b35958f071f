"""Robots: credentials for machines, of an account or an organisation. Their token is the password of a Basic header."""

import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from chalicelib.domain.errors import InvalidInput, NotFound, PermissionDenied, RequestConflict, Unavailable
from chalicelib.domain.identifiers import ROBOT_TOKEN_PREFIX, RepositoryName, check_robot, is_robot
from chalicelib.domain.models import Organization, RobotRecord, User
from chalicelib.domain.roles import Robot, Role
from chalicelib.request_log import may_take_effect
from chalicelib.storage.quotas import AccountUnavailable
from chalicelib.storage.robots import RobotStore
from chalicelib.storage.transactions import Conflict

MAX_ROBOT_REPOSITORIES = 100
MAX_ROBOT_LIFETIME = 10 * 366 * 86400  # seconds
USE_RECORDED_EVERY = timedelta(minutes=10)  # a write for each use would double the cost of a request
logger = logging.getLogger("waybill")


class NewRobot(Struct, frozen=True):
    """A new robot and its token. The token is shown once and is not stored, and `repr` omits it."""

    record: RobotRecord
    token: str

    def __repr__(self) -> str:
        return f"NewRobot({self.record!r})"


class Robots:
    """Creates, lists, verifies and revokes robots. Methods raise Unavailable if the storage does not answer."""

    def __init__(self, store: RobotStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def create(
        self,
        owner: User | Organization,
        name: str,
        role: Role,
        repositories: Iterable[RepositoryName] | None = None,
        lifetime: int | None = None,
    ) -> NewRobot:
        """Create a robot.

        Args:
            owner: the account or the organisation.
            name: 1 to 40 characters of [a-z0-9-].
            role: READ or WRITE.
            repositories: the repositories that it may use; None means all.
            lifetime: the validity in seconds; None means until it is revoked.

        Raises InvalidInput, RequestConflict if the owner has a robot with this name, and PermissionDenied if the owner
        has reached its quota or is being deleted.
        """
        check_robot(name)
        names = None if repositories is None else frozenset(repositories)
        if names is not None and not 0 < len(names) <= MAX_ROBOT_REPOSITORIES:
            raise InvalidInput(f"repositories must list 1 to {MAX_ROBOT_REPOSITORIES} names; leave it out for all")
        if lifetime is not None and not 0 < lifetime <= MAX_ROBOT_LIFETIME:
            raise InvalidInput(
                f"expires_in must be a number of seconds from 1 to {MAX_ROBOT_LIFETIME}; leave it out for no expiry"
            )
        token = f"{ROBOT_TOKEN_PREFIX}{name}_{secrets.token_hex(32)}"
        now = self._clock()
        record = RobotRecord(
            robot=Robot(name, role, names),
            token_hash=_hash(token),
            created=datetime.fromtimestamp(int(now), UTC),
            account_created=owner.created,
            expires=None if lifetime is None else int(now) + lifetime,
        )
        try:
            with may_take_effect(Conflict, AccountUnavailable):
                self._store.create(owner.namespace, record)
        except AccountUnavailable:
            raise PermissionDenied(
                f"{owner.namespace} has reached its quota of robots, or is being deleted; revoke a robot first"
            ) from None
        except Conflict:
            raise RequestConflict(f"a robot {name!r} exists already; revoke it first or choose another name") from None
        return NewRobot(record, token)

    def of_account(self, username: str) -> list[RobotRecord]:
        """Return all robots of an account."""
        return self._store.of_account(username)

    def revoke(self, username: str, name: str) -> None:
        """Revoke a robot. Its next request is rejected. Raises InvalidInput and NotFound."""
        if self._store.get(username, check_robot(name)) is None:
            raise NotFound(f"there is no robot {name!r}")
        with may_take_effect():
            self._store.delete(username, name)

    def revoke_all(self, username: str) -> None:
        """Revoke all robots of an account."""
        for record in self._store.of_account(username):
            self._store.delete(username, record.robot.name)

    def verify(self, username: str, token: str, account_created: datetime | None) -> Robot | None:
        """Return the robot that has this token, or None if the token is wrong, revoked or expired. One read.

        `account_created` is the registration time of the account. A robot of a deleted account with the same name is
        not valid.
        """
        name = token.removeprefix(ROBOT_TOKEN_PREFIX).rpartition("_")[0]
        record = self._store.get(username, name) if is_robot(name) else None
        if record is None or not hmac.compare_digest(record.token_hash, _hash(token)):
            return None
        now = self._clock()
        if record.account_created != account_created or (record.expires is not None and record.expires <= now):
            return None
        self._record_use(username, record, datetime.fromtimestamp(int(now), UTC))
        return record.robot

    def find_valid(self, owner: User | Organization, name: str) -> Robot | None:
        """Return a robot of an account or organisation, or None if it is revoked or expired. One read."""
        record = self._store.get(owner.namespace, name)
        if record is None or record.account_created != owner.created:
            return None
        return None if record.expires is not None and record.expires <= self._clock() else record.robot

    def _record_use(self, username: str, record: RobotRecord, now: datetime) -> None:
        if record.last_used is not None and now - record.last_used < USE_RECORDED_EVERY:
            return
        try:
            self._store.record_use(username, record.robot.name, now)
        except Unavailable as error:  # the machine can work without this record
            logger.error("the use of a robot of %s could not be recorded: %r", username, error.__cause__)


def is_robot_token(password: str) -> bool:
    """Return whether this is a robot token. `identifiers.check_password` rejects passwords with this beginning."""
    return password.startswith(ROBOT_TOKEN_PREFIX)


def _hash(token: str) -> bytes:
    """Return the SHA-256 of a token.

    SHA-256 is sufficient here, because a token has 256 random bits and cannot be guessed. A password needs bcrypt,
    because people choose it.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
