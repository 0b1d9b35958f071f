"""Sessions of the pages: login with a password, verification of the cookie, and logout."""

import hmac

from msgspec import Struct

from chalicelib.accounts.login import Login
from chalicelib.domain.errors import InvalidInput, NotAuthenticated
from chalicelib.domain.models import User
from chalicelib.domain.roles import Principal
from chalicelib.security.sessions import SESSION_SECONDS, SessionClaims, SessionCookies, bind
from chalicelib.storage.sessions import SessionStore

__all__ = ["SESSION_SECONDS", "Session", "Sessions"]


class Session(Struct, frozen=True):
    """A valid session.

    Attributes:
        user: the account, as it is now.
        claims: the content of the cookie.
    """

    user: User
    claims: SessionClaims

    @property
    def principal(self) -> Principal:
        """The account as a principal."""
        return Principal(self.user.username, self.user.admin)

    def is_form_token(self, text: str) -> bool:
        """Return whether this is the form token of the session."""
        return hmac.compare_digest(self.claims.form_token.encode(), text.encode("utf-8", "surrogatepass"))


class Sessions:
    """Methods raise Unavailable if the storage or KMS does not answer."""

    def __init__(self, login: Login, cookies: SessionCookies, store: SessionStore) -> None:
        self._login = login
        self._cookies = cookies
        self._store = store

    def start(self, username: str, password: str, client_ip: str) -> str:
        """Return the cookie of a new session. Raises the errors of `Login.log_in_user`."""
        return self._cookies.issue(self._login.log_in_user(username, password, client_ip, allow_deletion_started=True))

    def require_password(self, session: Session, password: str, client_ip: str) -> None:
        """Check the password again before a change that outlives the session.

        Raises InvalidInput for a wrong password, and the other errors of `Login.log_in_user`.
        """
        try:
            self._login.log_in_user(session.user.username, password, client_ip, allow_deletion_started=True)
        except NotAuthenticated:
            raise InvalidInput("the current password is wrong") from None

    def find(self, cookie: str) -> Session | None:
        """Return the session of a cookie, or None if it is not valid. One read.

        The session of an account in deletion is valid, because its owner must be able to finish the deletion. Pages
        check `user.deletion_started`.
        """
        claims = self._cookies.verify(cookie)
        user = None if claims is None else self._store.find_user(claims.username, claims.id)
        if claims is None or user is None or not hmac.compare_digest(bind(user), claims.binding):
            return None
        return Session(user, claims) if user.active or user.deletion_started else None

    def end(self, session: Session) -> None:
        """End a session. Its cookie is no longer valid. One write."""
        self._store.end(session.claims.id, session.claims.expiry)
