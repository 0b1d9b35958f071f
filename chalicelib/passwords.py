"""bcrypt, and the memory of checked credentials."""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

import bcrypt

from chalicelib.names import PASSWORD_BYTES

REMEMBERED_SECONDS = 60
_REMEMBERED_AT_MOST = 10_000
_DIGEST_CHARACTERS = 31  # behind bcrypt's salt


class Passwords:
    """Hashes and checks passwords.

    A container remembers for a minute that a password matched a *stored hash*, as an HMAC under a key of its own
    making: docker's five Basic requests in a push cost one bcrypt. The caller still reads the stored hash each time,
    so a new password makes what was remembered worthless at once.
    """

    def __init__(self, cost: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._cost = cost
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._remembered: OrderedDict[bytes, float] = OrderedDict()
        self._lock = Lock()
        # Well-formed, and no password's: made of a salt without any hashing, or the first unknown user would cost two.
        self._nobody = bcrypt.gensalt(cost) + b"." * _DIGEST_CHARACTERS

    def hash(self, password: str) -> str:
        """The hash to store. The password has been checked (`names.check_password`)."""
        return bcrypt.hashpw(password.encode(), bcrypt.gensalt(self._cost)).decode("ascii")

    def remembers(self, password: str, stored: str) -> bool:
        """Whether `password` made the hash `stored` when this container last looked, within the minute."""
        until = self._remembered.get(self._mark(password.encode("utf-8", "surrogatepass"), stored))
        return until is not None and self._clock() < until

    def matches(self, password: str, stored: str | None) -> bool:
        """Whether `password` made the hash `stored`; None stands for an unknown user and costs the same time."""
        secret = password.encode("utf-8", "surrogatepass")
        if len(secret) > PASSWORD_BYTES or b"\0" in secret:
            return (
                False  # nobody's: `hash` never saw one. Decided by the password alone, so it tells nothing of the user
            )
        if stored is None:
            bcrypt.checkpw(secret, self._nobody)
            return False
        if self.remembers(password, stored):
            return True
        if not bcrypt.checkpw(secret, stored.encode()):
            return False
        self._remember(self._mark(secret, stored))
        return True

    def is_outdated(self, stored: str) -> bool:
        """Whether `stored` was made at another cost than hashes are now."""
        return not stored.startswith(f"$2b${self._cost:02}$")

    def _mark(self, secret: bytes, stored: str) -> bytes:
        return hmac.digest(self._key, stored.encode() + b"\0" + secret, hashlib.sha256)

    def _remember(self, mark: bytes) -> None:
        with self._lock:
            self._remembered[mark] = self._clock() + REMEMBERED_SECONDS
            self._remembered.move_to_end(mark)
            if len(self._remembered) > _REMEMBERED_AT_MOST:
                self._remembered.popitem(last=False)
