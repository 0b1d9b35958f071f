"""Message authentication codes (MACs) whose root key, an HMAC_256 key, never leaves KMS.

`DerivedKeySigner` fetches one key per hour from KMS and computes MACs locally. `KmsSigner` calls KMS for every MAC.
docs/development/security.md compares the risks.
"""

import hashlib
import hmac
from threading import Lock
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import Unavailable

HOUR_SECONDS = 3600
MAC_BYTES = 32
_ALGORITHM = "HMAC_SHA_256"
_MAX_DERIVED_KEYS = 32  # values live for at most 24 hours, so at most 25 hours can have valid ones


class Signer(Protocol):
    """Creates and checks MACs. Raises Unavailable if KMS does not answer."""

    def sign(self, hour: int, message: bytes) -> bytes:
        """Return the MAC of `message`, 32 bytes. `hour` is counted from 1970."""

    def verify(self, hour: int, message: bytes, mac: bytes) -> bool:
        """Return whether `sign` created `mac`. The comparison takes constant time."""


class KmsSigner:
    """Calls KMS for every MAC. The key is never in the memory of a container; each call costs money and time."""

    def __init__(self, kms: Any, key: str) -> None:
        self._kms = kms
        self._key = key

    def sign(self, hour: int, message: bytes) -> bytes:
        """Return the MAC of `message`. One GenerateMac call."""
        try:
            response = self._kms.generate_mac(KeyId=self._key, MacAlgorithm=_ALGORITHM, Message=_frame(hour, message))
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("the index cannot reach its signing key; try again in a moment") from error
        mac: bytes = response["Mac"]
        return mac

    def verify(self, hour: int, message: bytes, mac: bytes) -> bool:
        """Return whether `mac` is right. One GenerateMac call: VerifyMac would need one more permission."""
        return hmac.compare_digest(self.sign(hour, message), mac)


class DerivedKeySigner:
    """Derives one key per hour with GenerateMac, and computes HMAC-SHA-256 with it in this process."""

    def __init__(self, root: KmsSigner) -> None:
        self._root = root
        self._keys: dict[int, bytes] = {}
        self._lock = Lock()

    def sign(self, hour: int, message: bytes) -> bytes:
        """Return the MAC of `message`. Calls KMS only for an hour that this process has not used before."""
        key = self._keys.get(hour)
        if key is None:
            key = self._root.sign(hour, b"hourly derived key")
            with self._lock:
                self._keys[hour] = key
                if len(self._keys) > _MAX_DERIVED_KEYS:
                    del self._keys[min(self._keys)]
        return hmac.digest(key, message, hashlib.sha256)

    def verify(self, hour: int, message: bytes, mac: bytes) -> bool:
        """Return whether `mac` is right."""
        return hmac.compare_digest(self.sign(hour, message), mac)


def _frame(hour: int, message: bytes) -> bytes:
    """Return the bytes for KMS. The prefix separates uses: no MAC of a token can equal a derived key."""
    return b"waybill/1/%d/" % hour + message
