"""Session cookies of the pages. A session belongs to one account with one password, and is valid for 12 hours.

    1.<hour>.<expiry>.<id>.<username>.<binding>.<mac>

The signed bytes start with "session", so that no access token or email link is accepted as a cookie. The binding
contains the password hash and the time of registration: a new password ends all sessions, and an account that is
registered again does not inherit any.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable

from msgspec import Struct

from chalicelib.domain.models import User
from chalicelib.security.signing import Signer
from chalicelib.security.verification import (
    EXPIRY_PATTERN,
    HOUR_PATTERN,
    MAC_PATTERN,
    Verdict,
    Verifier,
    encode_base64url,
)

SESSION_SECONDS = 12 * 3600  # at most 24 hours, because the signer keeps the keys of that time
_VALUE = re.compile(
    rf"1\.(?P<hour>{HOUR_PATTERN})\.(?P<expiry>{EXPIRY_PATTERN})\.(?P<id>[0-9a-f]{{32}})"
    rf"\.(?P<username>[a-z0-9_]{{4,30}})\.(?P<binding>[0-9a-f]{{32}})\.(?P<mac>{MAC_PATTERN})",
    re.ASCII,
)


class SessionClaims(Struct, frozen=True):
    """The content of a cookie that this index has signed. `repr` omits the form token, because it is a secret.

    Attributes:
        id: 32 hexadecimal digits, new for each login.
        username: the account.
        binding: the result of `bind` for the account at the login.
        expiry: the end of the session, in seconds since 1970.
        form_token: the value that each posted form of this session must contain.
    """

    id: str
    username: str
    binding: str
    expiry: int
    form_token: str

    def __repr__(self) -> str:
        return f"SessionClaims({self.username!r})"


class SessionCookies:
    """Issues and verifies the values of cookies. Methods raise Unavailable if KMS does not answer.

    Args:
        signer: creates and checks the MACs.
        clock: returns seconds since 1970.
    """

    def __init__(self, signer: Signer, clock: Callable[[], float] = time.time) -> None:
        self._verifier = Verifier(signer, clock)

    def issue(self, user: User) -> str:
        """Return the cookie of a new session."""
        session_id, binding = secrets.token_hex(16), bind(user)
        hour, expiry, mac = self._verifier.sign(
            SESSION_SECONDS, lambda hour, expiry: _message(hour, expiry, session_id, user.username, binding)
        )
        return f"1.{hour}.{expiry}.{session_id}.{user.username}.{binding}.{mac}"

    def verify(self, value: str) -> SessionClaims | None:
        """Return the content of a cookie, or None if it has expired or was not issued by this index."""
        match = _VALUE.fullmatch(value)
        if match is None:
            return None
        hour, expiry = int(match["hour"]), int(match["expiry"])
        message = _message(hour, expiry, match["id"], match["username"], match["binding"])
        if self._verifier.verify(SESSION_SECONDS, hour, expiry, message, match["mac"]) is not Verdict.VALID:
            return None
        return SessionClaims(match["id"], match["username"], match["binding"], expiry, _form_token(value))


def bind(user: User) -> str:
    """Return a value that changes with the password and with a new registration of the name."""
    text = "\n".join(("waybill session", user.created.isoformat(), user.password_hash))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _form_token(value: str) -> str:
    """Return the form token of a session. The cookie is secret, so it is the key, and no other secret is needed."""
    return encode_base64url(hmac.digest(value.encode(), b"waybill form token", hashlib.sha256))


def _message(hour: int, expiry: int, session_id: str, username: str, binding: str) -> bytes:
    return "\n".join(("session", "1", str(hour), str(expiry), session_id, username, binding)).encode("ascii")
