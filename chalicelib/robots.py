"""Robots: credentials that an account makes for its machines, used as the password of its Basic header."""

import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chalicelib.access import Robot, Role
from chalicelib.errors import BadRequest, Conflict, NotFound, Unavailable
from chalicelib.names import ROBOT_TOKEN_PREFIX, RepositoryName, check_robot, is_robot
from chalicelib.store.robots import RobotStore, StoredRobot
from chalicelib.store.tables import ConditionFailed

ROBOTS_AT_MOST = 50
REPOSITORIES_AT_MOST = 100
LIFETIME_AT_MOST = 10 * 366 * 86400  # ten years, in seconds
USE_NOTED_EVERY = timedelta(minutes=10)  # a write each time would double what a request costs
logger = logging.getLogger("waybill")


@dataclass(frozen=True, slots=True)
class NewRobot:
    """A robot with its token, which is shown this once and kept nowhere."""

    stored: StoredRobot
    token: str = field(repr=False)


class Robots:
    """Makes, lists, revokes and checks them. Every method raises Unavailable when the store does not answer."""

    def __init__(self, store: RobotStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def create(
        self,
        username: str,
        name: str,
        role: Role,
        repositories: Iterable[RepositoryName] | None = None,
        lifetime: int | None = None,
    ) -> NewRobot:
        """A robot for `repositories` (None: all), good for `lifetime` seconds (None: until it is revoked).

        Raises BadRequest, and Conflict when the account has a robot of this name.
        """
        check_robot(name)
        listed = None if repositories is None else frozenset(repositories)
        if listed is not None and not 0 < len(listed) <= REPOSITORIES_AT_MOST:
            raise BadRequest(f"a robot is for 1 to {REPOSITORIES_AT_MOST} listed repositories, or for all")
        if lifetime is not None and not 0 < lifetime <= LIFETIME_AT_MOST:
            raise BadRequest("a robot expires in a number of seconds from 1 to ten years, or never")
        if len(self._store.of_account(username)) >= ROBOTS_AT_MOST:
            raise BadRequest(f"an account has at most {ROBOTS_AT_MOST} robots; revoke one first")
        token = f"{ROBOT_TOKEN_PREFIX}{name}_{secrets.token_hex(32)}"
        now = self._clock()
        stored = StoredRobot(
            robot=Robot(name, role, listed),
            token_hash=_hash(token),
            created=datetime.fromtimestamp(int(now), UTC),
            expires=None if lifetime is None else int(now) + lifetime,
        )
        try:
            self._store.create(username, stored)
        except ConditionFailed:
            raise Conflict(f"there is a robot {name!r} already; revoke it first, or choose another name") from None
        return NewRobot(stored, token)

    def of_account(self, username: str) -> list[StoredRobot]:
        """All of an account's."""
        return self._store.of_account(username)

    def revoke(self, username: str, name: str) -> None:
        """From the next request on its token is worth nothing. Raises BadRequest and NotFound."""
        if self._store.get(username, check_robot(name)) is None:
            raise NotFound(f"there is no robot {name!r}")
        self._store.remove(username, name)

    def forget_account(self, username: str) -> None:
        """Revokes all of an account's."""
        for stored in self._store.of_account(username):
            self._store.remove(username, stored.robot.name)

    def check(self, username: str, token: str) -> Robot | None:
        """The robot that this is the token of; None for a wrong, revoked or expired one. One read, and no bcrypt."""
        name = token.removeprefix(ROBOT_TOKEN_PREFIX).rpartition("_")[0]
        stored = self._store.get(username, name) if is_robot(name) else None
        if stored is None or not hmac.compare_digest(stored.token_hash, _hash(token)):
            return None
        now = self._clock()
        if stored.expires is not None and stored.expires <= now:
            return None
        self._note_use(username, stored, datetime.fromtimestamp(int(now), UTC))
        return stored.robot

    def _note_use(self, username: str, stored: StoredRobot, now: datetime) -> None:
        if stored.last_used is not None and now - stored.last_used < USE_NOTED_EVERY:
            return
        try:
            self._store.note_use(username, stored.robot.name, now)
        except Unavailable as error:  # a note missed is no reason to keep a machine out
            logger.error("the use of a robot of %s could not be noted: %r", username, error.__cause__)


def is_robot_token(password: str) -> bool:
    """Whether this is a robot's token and no password: none can begin like this (`names.check_password`)."""
    return password.startswith(ROBOT_TOKEN_PREFIX)


def _hash(token: str) -> bytes:
    """SHA-256 is right here and wrong for passwords: a token has 256 random bits, so there is nothing to guess and
    nothing for bcrypt's slowness to protect; a password is chosen by a person and can be guessed by the billion.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
