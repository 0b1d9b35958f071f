"""Login with a password or a robot token."""

from contextlib import suppress

from chalicelib.accounts.login_throttle import LoginThrottle
from chalicelib.accounts.robots import Robots, is_robot_token
from chalicelib.domain.errors import AccountInactive, NotAuthenticated, Unavailable
from chalicelib.domain.identifiers import is_namespace, is_username
from chalicelib.domain.models import Organization, User
from chalicelib.domain.roles import Principal
from chalicelib.request_log import annotate
from chalicelib.security.passwords import Passwords
from chalicelib.storage.organizations import OrganizationStore
from chalicelib.storage.transactions import Conflict
from chalicelib.storage.users import UserStore


class Login:
    """Verifies credentials. Raises Unavailable if the storage does not answer."""

    def __init__(
        self,
        users: UserStore,
        organizations: OrganizationStore,
        passwords: Passwords,
        robots: Robots,
        throttle: LoginThrottle,
    ) -> None:
        self._users = users
        self._organizations = organizations
        self._passwords = passwords
        self._robots = robots
        self._throttle = throttle

    def log_in(
        self, username: str, password: str, client_ip: str = "", *, allow_deletion_started: bool = False
    ) -> Principal:
        """Return the principal that these credentials belong to.

        Cached credentials cost one read. Others also cost a write before the bcrypt computation and one after it. An
        unknown account takes the same time as a wrong password. A robot token costs two reads and no bcrypt
        computation. A name that no account can have is rejected at once. An account in deletion can log in only with
        `allow_deletion_started`.

        Raises:
            NotAuthenticated: the username or the password is wrong.
            AccountInactive: the password is right, but the account is not active.
            RateLimited: there were too many wrong passwords for this account or from this network.
        """
        if is_robot_token(password):
            return self._log_in_robot(username, password)
        if not is_username(username):
            raise NotAuthenticated("wrong username or password")
        user = self._users.get(username)
        if not self._verify_password(username, password, user, client_ip) or user is None:
            raise NotAuthenticated("wrong username or password")
        if not (user.active or user.deletion_started) or (user.deletion_started and not allow_deletion_started):
            raise AccountInactive
        return Principal(user.username, user.admin)

    def find_subject(self, subject: str) -> Principal | None:
        """Return the principal of a bearer token's subject: `alice`, or `alice+ci` for a robot.

        Returns None if the account or the robot is no longer valid. One read, or two for a robot.
        """
        username, plus, name = subject.partition("+")
        owner = self._organizations.get_owner(username)
        if owner is None or not _is_active(owner):
            return None
        if not plus:
            return Principal(username, owner.admin) if isinstance(owner, User) else None
        robot = self._robots.find_valid(owner, name)
        return None if robot is None else Principal(username, _is_admin(owner), robot)

    def _log_in_robot(self, username: str, token: str) -> Principal:
        """Return the principal of a robot of an account or organisation. Two reads."""
        owner = self._organizations.get_owner(username) if is_namespace(username) else None
        robot = self._robots.verify(username, token, None if owner is None else owner.created)
        if owner is None or robot is None:
            raise NotAuthenticated("wrong username or password")
        if not _is_active(owner):
            raise AccountInactive
        return Principal(username, _is_admin(owner), robot)

    def _verify_password(self, username: str, password: str, user: User | None, client_ip: str) -> bool:
        if user is not None and self._passwords.is_cached(password, user.password_hash):
            annotate(CachedCredentials=1)
            return True
        if not self._passwords.is_possible(password):
            return False
        networks = frozenset[str]() if user is None else user.networks
        attempt = self._throttle.reserve_login(username, client_ip, networks)
        if not self._passwords.verify(password, user.password_hash if user else None):
            self._throttle.record_failure(attempt)
            return False
        self._throttle.record_success(attempt)
        if user is not None:
            self._update_user(user, password, attempt.network)
        return True

    def _update_user(self, user: User, password: str, network: str) -> None:
        """Store a new network, and replace a hash with a different cost. The next login repeats what fails here."""
        with suppress(Conflict, Unavailable):
            if network not in user.networks:
                self._users.record_network(user, network)
            if self._passwords.is_outdated(user.password_hash):
                self._users.change(user, password_hash=self._passwords.hash(password))


def _is_active(owner: User | Organization) -> bool:
    return not owner.deletion_started and (isinstance(owner, Organization) or owner.active)


def _is_admin(owner: User | Organization) -> bool:
    return isinstance(owner, User) and owner.admin
