"""Accounts: register, sign in, change."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from chalicelib.access import Caller
from chalicelib.errors import AlreadyExists, BadRequest, Forbidden, NotActive, NotFound, Unauthorized
from chalicelib.names import LIBRARY, check_email, check_password, check_username, is_email, is_username
from chalicelib.passwords import Passwords
from chalicelib.store.tables import ConditionFailed
from chalicelib.store.users import User, UserStore

EMAILS_AT_MOST = 20


class Accounts:
    """What people do with their accounts. Every method raises Unavailable when the store does not answer."""

    def __init__(self, users: UserStore, passwords: Passwords) -> None:
        self._users = users
        self._passwords = passwords

    def register(self, form: Mapping[str, Any]) -> None:
        """Creates the account that `form` (username, password, email) asks for; other keys are ignored.

        Raises AlreadyExists before it looks at anything else, because legacy `docker login` posts first and goes on to
        sign in only on that answer; then BadRequest.
        """
        username, email = form.get("username"), form.get("email")
        if self._is_taken(username) or self._is_known_address(email):
            raise AlreadyExists
        username = check_username(_text(form, "username"))
        password = check_password(_text(form, "password"))
        email = check_email(_text(form, "email")).lower()
        user = User(
            username=username,
            password_hash=self._passwords.hash(password),
            emails=frozenset({email}),
            created=datetime.now(UTC),
        )
        try:
            self._users.create(user)
        except ConditionFailed:
            raise AlreadyExists from None

    def sign_in(self, username: str, password: str) -> Caller:
        """Who these credentials belong to. Costs one read of the account, and the same time for an unknown one.

        Raises Unauthorized, or NotActive when the password is right and the account is not active.
        """
        user = self._users.get(username) if is_username(username) else None
        if not self._passwords.matches(password, user.password_hash if user else None) or user is None:
            raise Unauthorized("wrong username or password")
        if not user.active:
            raise NotActive
        return Caller(user.username, user.admin)

    def change(self, caller: Caller, username: str, form: Mapping[str, Any]) -> None:
        """Replaces the password and adds the e-mail address that `form` holds, to the caller's own account.

        Raises Forbidden for somebody else's account, NotFound, BadRequest, and AlreadyExists for an address that
        belongs to another account.
        """
        if caller.username != username:
            if not is_username(username) or self._users.get(username) is None:
                raise NotFound("user not found")
            raise Forbidden("this is somebody else's account")
        if form.get("password") is None and form.get("email") is None:
            raise BadRequest("give a password, an email, or both")
        password = check_password(_text(form, "password")) if form.get("password") is not None else None
        email = check_email(_text(form, "email")).lower() if form.get("email") is not None else None
        if email is not None:
            self._check_room(username, email)
        try:
            self._users.change(
                username,
                password_hash=None if password is None else self._passwords.hash(password),
                email=email,
            )
        except ConditionFailed:
            raise AlreadyExists from None

    def _check_room(self, username: str, email: str) -> None:
        user = self._users.get(username)
        if user is None:
            raise NotFound("user not found")
        if len(user.emails | {email}) > EMAILS_AT_MOST:
            raise BadRequest(f"an account has at most {EMAILS_AT_MOST} email addresses")

    def _is_taken(self, username: object) -> bool:
        """`library` belongs to the index. A name that breaks the rules cannot be anybody's, so it costs no look-up."""
        if not isinstance(username, str) or not is_username(username):
            return False
        return username == LIBRARY or self._users.get(username) is not None

    def _is_known_address(self, email: object) -> bool:
        return isinstance(email, str) and is_email(email) and self._users.owner_of(email.lower()) is not None


def _text(form: Mapping[str, Any], field: str) -> str:
    value = form.get(field)
    if value is None:
        raise BadRequest(f"{field} is missing")
    if not isinstance(value, str):
        raise BadRequest(f"{field} is a string")
    return value
