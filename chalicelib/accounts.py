"""Accounts: register, sign in, change, activate."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chalicelib.access import Caller
from chalicelib.errors import (
    AlreadyExists,
    BadRequest,
    Conflict,
    Done,
    Forbidden,
    Gone,
    NotActive,
    NotFound,
    Unauthorized,
    Unavailable,
)
from chalicelib.journal import note
from chalicelib.letters import Letters
from chalicelib.limits import Limits
from chalicelib.names import LIBRARY, check_email, check_password, check_username, is_email, is_username
from chalicelib.passwords import Passwords
from chalicelib.robots import Robots, is_robot_token
from chalicelib.store.tables import ConditionFailed
from chalicelib.store.users import User, UserStore

EMAILS_AT_MOST = 20


class Accounts:
    """What people do with their accounts. Every method raises Unavailable when the store does not answer.

    `activation` says what a new account waits for: `none` for nothing, `email` until its address is confirmed, `admin`
    until an administrator activates it. `open_to_all` says whether anybody may register.
    """

    def __init__(
        self,
        users: UserStore,
        passwords: Passwords,
        robots: Robots,
        letters: Letters,
        limits: Limits,
        *,
        activation: str = "none",
        open_to_all: bool = True,
    ) -> None:
        self._users = users
        self._passwords = passwords
        self._robots = robots
        self._letters = letters
        self._limits = limits
        self._activation = activation
        self._open_to_all = open_to_all

    def register(self, form: Mapping[str, Any], address: str = "") -> None:
        """Creates the account that `form` (username, password, email) asks for; other keys are ignored.

        Raises Unauthorized where registration is closed, so that legacy `docker login`, which posts first, goes on to
        sign in. Then AlreadyExists before it looks at anything else, for the same client's sake; then BadRequest, and
        TooManyRequests for an `address` that has made many.
        """
        if not self._open_to_all:
            raise Unauthorized("registration is closed here; ask an administrator for an account")
        username, password, email = self._wanted(form)
        counts = self._limits.check_registration(address)
        by_mail = self._activation == "email"
        user = User(
            username=username,
            password_hash=self._passwords.hash(password),
            emails=frozenset({email}),
            unconfirmed=frozenset({email}) if by_mail else frozenset(),
            active=self._activation == "none",
            awaiting_confirmation=by_mail,
            created=datetime.now(UTC),
        )
        self._create(user)
        self._limits.registered(counts)
        if by_mail:
            self._letters.ask_to_confirm(user, email)

    def create(self, form: Mapping[str, Any], *, admin: bool = False) -> None:
        """Creates an account that waits for nothing, as only who runs the index may.

        Raises AlreadyExists and BadRequest.
        """
        username, password, email = self._wanted(form)
        hashed, now = self._passwords.hash(password), datetime.now(UTC)
        self._create(User(username=username, password_hash=hashed, emails=frozenset({email}), admin=admin, created=now))

    def sign_in(self, username: str, password: str, address: str = "", *, leaving: bool = False) -> Caller:
        """Who these credentials belong to. Costs one read of the account where they are remembered, one more where not,
        and the same time for an unknown account; for a robot's token two reads, whoever is known, and no bcrypt.

        An account whose removal has begun signs in only where `leaving` says so. Raises Unauthorized; NotActive when
        the password is right and the account is not active; TooManyRequests behind many wrong passwords for this
        account or from this `address`.
        """
        user = self._users.get(username) if is_username(username) else None
        robot = None
        if is_robot_token(password):
            robot = self._robots.check(username, password) if is_username(username) else None
            right = robot is not None
        else:
            right = self._is_right(username, password, user, address)
        if user is None or not right:
            raise Unauthorized("wrong username or password")
        if not (user.active or user.leaving) or (user.leaving and not leaving):
            raise NotActive
        return Caller(user.username, user.admin, robot)

    def _is_right(self, username: str, password: str, user: User | None, address: str) -> bool:
        if user is not None and self._passwords.remembers(password, user.password_hash):
            note(RememberedCredentials=1)
            return True
        if not is_username(username):  # nobody's, and nothing to count under
            return self._passwords.matches(password, None)
        counts = self._limits.check_sign_in(username, address)
        if not self._passwords.matches(password, user.password_hash if user else None):
            self._limits.failed(counts)
            return False
        self._limits.succeeded(username, counts)
        if user is not None and self._passwords.is_outdated(user.password_hash):
            with suppress(ConditionFailed, Unavailable):  # the next sign-in sees to it
                self._users.change(user, password_hash=self._passwords.hash(password))
        return True

    def show(self, caller: Caller, username: str) -> User:
        """An account, for itself and for administrators. Raises Forbidden and NotFound."""
        return self._theirs(caller, username)

    def change(self, caller: Caller, username: str, form: Mapping[str, Any]) -> None:
        """Replaces the password and adds the e-mail address that `form` holds, to the caller's own account; for an
        administrator, sets anybody's `active`.

        Raises Forbidden for somebody else's account, NotFound, BadRequest, and AlreadyExists for an address that
        belongs to another account.
        """
        user = self._theirs(caller, username)
        active = form.get("active") if caller.admin else None
        if active is not None and not isinstance(active, bool):
            raise BadRequest("active is true or false")
        for_its_owner = form.get("password") is not None or form.get("email") is not None
        if caller.username != username and (for_its_owner or active is None):
            raise Forbidden("this is somebody else's account: an administrator sets its active, and nothing else")
        if not for_its_owner and active is None:
            raise BadRequest("give a password, an email, or both")
        password = check_password(_text(form, "password")) if form.get("password") is not None else None
        email = check_email(_text(form, "email")).lower() if form.get("email") is not None else None
        if email is not None and len(user.emails | {email}) > EMAILS_AT_MOST:
            raise BadRequest(f"an account has at most {EMAILS_AT_MOST} email addresses")
        if active is not None:
            self.set_active(username, active)
        if not for_its_owner:
            return
        by_mail = self._activation == "email"
        hashed = None if password is None else self._passwords.hash(password)
        try:
            self._users.change(user, password_hash=hashed, email=email, unconfirmed=by_mail)
        except ConditionFailed:
            if email is not None and self._users.owner_of(email) not in (None, username):
                raise AlreadyExists from None
            raise Conflict("the account was changed by somebody else at this moment; look, and try again") from None
        if email is not None and by_mail and email not in user.emails - user.unconfirmed:
            self._letters.ask_to_confirm(replace(user, emails=user.emails | {email}), email)

    def set_active(self, username: str, active: bool) -> None:
        """Lets an account in, or shuts it out with the next request. Raises NotFound."""
        try:
            self._users.set_active(username, active)
        except ConditionFailed:
            raise NotFound("user not found") from None

    def set_admin(self, username: str, admin: bool) -> None:
        """Makes an administrator, or takes that back, with the next request. Raises NotFound."""
        try:
            self._users.set_admin(username, admin)
        except ConditionFailed:
            raise NotFound("user not found") from None

    def set_password(self, username: str, password: str) -> None:
        """Replaces a password without asking for the old one. Raises NotFound, BadRequest and Conflict."""
        user = self._users.get(username) if is_username(username) else None
        if user is None:
            raise NotFound("user not found")
        try:
            self._users.change(user, password_hash=self._passwords.hash(check_password(password)))
        except ConditionFailed:
            raise Conflict("the account was changed by somebody else at this moment; look, and try again") from None

    @property
    def sends_mail(self) -> bool:
        """Whether the letters below are ever sent."""
        return self._letters.can_be_sent

    def ask_again(self, address: str) -> None:
        """Mails the link that confirms `address` once more, if it waits for that. Says nothing of whether it does."""
        user = self._owner(address)
        if user is not None and address.lower() in user.unconfirmed:
            self._letters.ask_to_confirm(user, address.lower())

    def to_confirm(self, link: str) -> tuple[User, str]:
        """The account and its address that a link is there to confirm. Changes nothing, for mail scanners follow links.
        Raises Gone; Done for an address that is confirmed.
        """
        user, address = self._letters.confirmed(link)
        if address not in user.unconfirmed:
            raise Done("This address is confirmed already.")
        return user, address

    def confirm(self, link: str) -> User:
        """What the button on a confirmation link's page does; gives the account as it is then. Raises as `to_confirm`
        does.
        """
        user, address = self.to_confirm(link)
        try:
            self._users.confirm(user, address)
        except ConditionFailed:
            raise Done("This address has just been confirmed.") from None
        return replace(user, active=user.active or user.awaiting_confirmation)

    def forgot_password(self, address: str) -> None:
        """Mails a link to choose a new password, if `address` is an active account's and not still to be confirmed.
        Says nothing of whether it is.
        """
        user = self._owner(address)
        if user is not None and user.active and not user.leaving and address.lower() not in user.unconfirmed:
            self._letters.offer_reset(user, address.lower())

    def to_reset(self, link: str) -> User:
        """The account whose password a link is there to replace. Changes nothing. Raises Gone."""
        return self._letters.to_reset(link)

    def reset_password(self, link: str, password: str) -> str:
        """Replaces the password of the account that a link is for, once; gives the username.

        Raises Gone for a link that is good no more, and BadRequest for a password that cannot be.
        """
        user = self.to_reset(link)
        hashed = self._passwords.hash(check_password(password))
        self._limits.password_replaced(user.username)  # first: a link works once, so nothing behind it may fail
        try:
            self._users.change(user, password_hash=hashed)
        except ConditionFailed:
            raise Gone("This link was used already, or the password has been changed since.") from None
        return user.username

    def _wanted(self, form: Mapping[str, Any]) -> tuple[str, str, str]:
        """The username, password and address that `form` asks for.

        Raises AlreadyExists before it looks at anything else, then BadRequest.
        """
        username, email = form.get("username"), form.get("email")
        if self._is_taken(username) or self._is_known_address(email):
            raise AlreadyExists
        return (
            check_username(_text(form, "username")),
            check_password(_text(form, "password")),
            check_email(_text(form, "email")).lower(),
        )

    def _create(self, user: User) -> None:
        try:
            self._users.create(user)
        except ConditionFailed:
            raise AlreadyExists from None

    def _theirs(self, caller: Caller, username: str) -> User:
        """The account `username`, if it is the caller's own or the caller is an administrator; never for a robot."""
        if caller.robot is not None:
            raise Forbidden("a robot looks after no account; sign in with the password")
        user = self._users.get(username) if is_username(username) else None
        if user is None:
            raise NotFound("user not found")
        if caller.username != username and not caller.admin:
            raise Forbidden("this is somebody else's account")
        return user

    def _owner(self, address: str) -> User | None:
        username = self._users.owner_of(address.lower()) if is_email(address) else None
        return None if username is None else self._users.get(username)

    def _is_taken(self, username: object) -> bool:
        """`library` belongs to the index. A name that breaks the rules cannot be anybody's, so it costs no look-up."""
        if not isinstance(username, str) or not is_username(username):
            return False
        return username == LIBRARY or self._users.is_taken(username)

    def _is_known_address(self, email: object) -> bool:
        return isinstance(email, str) and is_email(email) and self._users.owner_of(email.lower()) is not None


def _text(form: Mapping[str, Any], field: str) -> str:
    value = form.get(field)
    if value is None:
        raise BadRequest(f"{field} is missing")
    if not isinstance(value, str):
        raise BadRequest(f"{field} is a string")
    return value
