"""Login with a password or a robot token."""

from contextlib import suppress

from chalicelib.accounts.login_throttle import LoginThrottle
from chalicelib.accounts.robots import Robots, is_robot_token
from chalicelib.domain.errors import AccountInactive, NotAuthenticated, Unavailable
from chalicelib.domain.identifiers import is_username
from chalicelib.domain.models import User
from chalicelib.domain.roles import Principal
from chalicelib.request_log import annotate
from chalicelib.security.passwords import Passwords
from chalicelib.storage.transactions import Conflict
from chalicelib.storage.users import UserStore


class Login:
    """Verifies credentials. Raises Unavailable if the storage does not answer."""

    def __init__(self, users: UserStore, passwords: Passwords, robots: Robots, throttle: LoginThrottle) -> None:
        self._users = users
        self._passwords = passwords
        self._robots = robots
        self._throttle = throttle

    def log_in(
        self, username: str, password: str, client_ip: str = "", *, allow_deletion_started: bool = False
    ) -> Principal:
        """Return the principal that these credentials belong to.

        Cached credentials cost one read, others two. An unknown account takes the same time as a wrong password. A
        robot token costs two reads and no bcrypt computation. An account in deletion can log in only with
        `allow_deletion_started`.

        Raises:
            NotAuthenticated: the username or the password is wrong.
            AccountInactive: the password is right, but the account is not active.
            RateLimited: there were too many wrong passwords for this account or from this client IP.
        """
        user = self._users.get(username) if is_username(username) else None
        robot = None
        if is_robot_token(password):
            robot = self._robots.verify(username, password) if is_username(username) else None
            is_right = robot is not None
        else:
            is_right = self._verify_password(username, password, user, client_ip)
        if user is None or not is_right:
            raise NotAuthenticated("wrong username or password")
        if not (user.active or user.deletion_started) or (user.deletion_started and not allow_deletion_started):
            raise AccountInactive
        return Principal(user.username, user.admin, robot)

    def _verify_password(self, username: str, password: str, user: User | None, client_ip: str) -> bool:
        if user is not None and self._passwords.is_cached(password, user.password_hash):
            annotate(CachedCredentials=1)
            return True
        if not is_username(username):  # no account can have this name, so there is no counter for it
            return self._passwords.verify(password, None)
        counters = self._throttle.check_login(username, client_ip)
        if not self._passwords.verify(password, user.password_hash if user else None):
            self._throttle.record_failure(counters)
            return False
        self._throttle.record_success(username, counters)
        if user is not None and self._passwords.is_outdated(user.password_hash):
            with suppress(Conflict, Unavailable):  # the next login tries again
                self._users.change(user, password_hash=self._passwords.hash(password))
        return True
