"""Password hashing with bcrypt, and the cache of verified credentials."""

import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

import bcrypt

from chalicelib.domain.identifiers import MAX_PASSWORD_BYTES
from chalicelib.domain.text import normalize

CACHE_SECONDS = 60
_MAX_CACHED = 10_000
MAX_BCRYPT_COST = 16
_BCRYPT_HASH = re.compile(r"\$2[aby]\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{53}", re.ASCII)
_DIGEST_LENGTH = 31  # characters after the salt in a bcrypt hash


class Passwords:
    """Hashes and verifies passwords.

    After a successful verification, a container caches for one minute that this password matches this stored hash. A
    push makes five Basic requests, so this saves four bcrypt computations. The cache holds an HMAC with a random key,
    never the password. The stored hash is read for each request, so a new password takes effect immediately.

    Args:
        cost: the bcrypt cost; the time doubles with each step.
        clock: returns seconds.
    """

    def __init__(self, cost: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._cost = cost
        self._clock = clock
        self._cache_key = secrets.token_bytes(32)
        self._cache: OrderedDict[bytes, float] = OrderedDict()
        self._lock = Lock()
        # A valid hash that no password has. It is built from a salt, because hashing would delay the first request.
        self._unknown_user_hash = bcrypt.gensalt(cost) + b"." * _DIGEST_LENGTH

    def hash(self, password: str) -> str:
        """Return the hash to store. `identifiers.check_password` must have accepted the password."""
        return bcrypt.hashpw(_encode(password), bcrypt.gensalt(self._cost)).decode("ascii")

    def is_cached(self, password: str, stored_hash: str) -> bool:
        """Return whether this container verified the password against `stored_hash` within the last minute."""
        expiry = self._cache.get(self._cache_entry(_encode(password), stored_hash))
        return expiry is not None and self._clock() < expiry

    def is_possible(self, password: str) -> bool:
        """Return whether a hash can match this password. It costs nothing and reveals nothing about a user."""
        secret = _encode(password)
        return len(secret) <= MAX_PASSWORD_BYTES and b"\0" not in secret

    def verify(self, password: str, stored_hash: str | None) -> bool:
        """Return whether the password matches. None stands for an unknown user and takes the same time.

        A stored hash with a cost above MAX_BCRYPT_COST matches nothing, because one computation could take hours.
        """
        secret = _encode(password)
        if not self.is_possible(password):
            return False
        if stored_hash is None or not is_acceptable_hash(stored_hash):
            bcrypt.checkpw(secret, self._unknown_user_hash)
            return False
        if self.is_cached(password, stored_hash):
            return True
        if not bcrypt.checkpw(secret, stored_hash.encode()):
            return False
        self._add_to_cache(self._cache_entry(secret, stored_hash))
        return True

    def is_outdated(self, stored_hash: str) -> bool:
        """Return whether `stored_hash` was made with a different cost."""
        return not stored_hash.startswith(f"$2b${self._cost:02}$")

    def _cache_entry(self, secret: bytes, stored_hash: str) -> bytes:
        return hmac.digest(self._cache_key, stored_hash.encode() + b"\0" + secret, hashlib.sha256)

    def _add_to_cache(self, entry: bytes) -> None:
        with self._lock:
            self._cache[entry] = self._clock() + CACHE_SECONDS
            self._cache.move_to_end(entry)
            if len(self._cache) > _MAX_CACHED:
                self._cache.popitem(last=False)


def is_acceptable_hash(stored_hash: str) -> bool:
    """Return whether this is a bcrypt hash whose cost is at most MAX_BCRYPT_COST."""
    match = _BCRYPT_HASH.fullmatch(stored_hash)
    return match is not None and 4 <= int(match["cost"]) <= MAX_BCRYPT_COST


def _encode(password: str) -> bytes:
    """Return the bytes of the normal form NFC. A lone surrogate is encoded instead of raising an error."""
    return normalize(password).encode("utf-8", "surrogatepass")
