"""Login with a password or a robot token."""

from contextlib import suppress

from msgspec import structs

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

_WRONG_CREDENTIALS = "wrong username or password"


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
        user = self.log_in_user(username, password, client_ip, allow_deletion_started=allow_deletion_started)
        return Principal(user.username, user.admin)

    def log_in_user(
        self, username: str, password: str, client_ip: str = "", *, allow_deletion_started: bool = False
    ) -> User:
        """Return the account that has this username and password. Robots cannot log in here.

        Raises the errors of `log_in`.
        """
        if not is_username(username) or is_robot_token(password):
            raise NotAuthenticated(_WRONG_CREDENTIALS)
        user = self._verify_password(username, password, self._users.get(username), client_ip)
        if user is None:
            raise NotAuthenticated(_WRONG_CREDENTIALS)
        if not (user.active or user.deletion_started) or (user.deletion_started and not allow_deletion_started):
            raise AccountInactive
        return user

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
            raise NotAuthenticated(_WRONG_CREDENTIALS)
        if not _is_active(owner):
            raise AccountInactive
        return Principal(username, _is_admin(owner), robot)

    def _verify_password(self, username: str, password: str, user: User | None, client_ip: str) -> User | None:
        """Return the account if the password is right. Its hash is the one that is stored now."""
        if user is not None and self._passwords.is_cached(password, user.password_hash):
            annotate(CachedCredentials=1)
            return user
        if not self._passwords.is_possible(password):
            return None
        networks = frozenset[str]() if user is None else user.networks
        attempt = self._throttle.reserve_login(username, client_ip, networks)
        if not self._passwords.verify(password, user.password_hash if user else None):
            self._throttle.record_failure(attempt)
            return None
        self._throttle.record_success(attempt)
        return None if user is None else self._update_user(user, password, attempt.network)

    def _update_user(self, user: User, password: str, network: str) -> User:
        """Store a new network, and replace a hash with a different cost. The next login repeats what fails here.

        Returns the account with the hash that is stored now.
        """
        with suppress(Conflict, Unavailable):
            if network not in user.networks:
                self._users.record_network(user, network)
            if self._passwords.is_outdated(user.password_hash):
                password_hash = self._passwords.hash(password)
                self._users.change(user, password_hash=password_hash)
                return structs.replace(user, password_hash=password_hash)
        return user


def _is_active(owner: User | Organization) -> bool:
    return not owner.deletion_started and (isinstance(owner, Organization) or owner.active)


def _is_admin(owner: User | Organization) -> bool:
    return isinstance(owner, User) and owner.admin
