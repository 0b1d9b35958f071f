"""The signer: message authentication codes whose root is an HMAC_256 key that never leaves KMS.

Two signers behind one interface. `EpochSigner` asks KMS once an hour for that hour's key and signs on its own;
`KmsSigner` asks KMS for every code. docs/security.md says what each puts at risk.
"""

import hashlib
import hmac
from threading import Lock
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Unavailable

EPOCH_SECONDS = 3600
MAC_BYTES = 32
_ALGORITHM = "HMAC_SHA_256"
_EPOCHS_KEPT = 32  # above the 25 that can hold a live token at the longest lifetime, 24 hours


class Signer(Protocol):
    """Signs for an epoch, an hour counted from 1970. Raises Unavailable when KMS does not answer."""

    def sign(self, epoch: int, message: bytes) -> bytes:
        """The 32 bytes that only this stack's key makes of `message`."""

    def verify(self, epoch: int, message: bytes, mac: bytes) -> bool:
        """Whether `sign` made `mac` of `message` in `epoch`. In constant time."""


class KmsSigner:
    """A KMS call for each code: the key is in no memory but KMS's, each call costs money and some milliseconds."""

    def __init__(self, kms: Any, key: str) -> None:
        self._kms = kms
        self._key = key

    def sign(self, epoch: int, message: bytes) -> bytes:
        """One GenerateMac."""
        try:
            reply = self._kms.generate_mac(KeyId=self._key, MacAlgorithm=_ALGORITHM, Message=_framed(epoch, message))
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("the index cannot reach its signing key right now; try again in a moment") from error
        mac: bytes = reply["Mac"]
        return mac

    def verify(self, epoch: int, message: bytes, mac: bytes) -> bool:
        """One GenerateMac, compared here: VerifyMac would need a second permission and say no more."""
        return hmac.compare_digest(self.sign(epoch, message), mac)


class EpochSigner:
    """One GenerateMac for an epoch's key, then a bare HMAC-SHA-256 in this process (`make bench`)."""

    def __init__(self, root: KmsSigner) -> None:
        self._root = root
        self._keys: dict[int, bytes] = {}
        self._lock = Lock()

    def sign(self, epoch: int, message: bytes) -> bytes:
        """Asks KMS only for an epoch that this process has not seen."""
        key = self._keys.get(epoch)
        if key is None:
            key = self._root.sign(epoch, b"epoch key")
            with self._lock:
                self._keys[epoch] = key
                if len(self._keys) > _EPOCHS_KEPT:
                    del self._keys[min(self._keys)]
        return hmac.digest(key, message, hashlib.sha256)

    def verify(self, epoch: int, message: bytes, mac: bytes) -> bool:
        """Whether `mac` is the code for `message`."""
        return hmac.compare_digest(self.sign(epoch, message), mac)


def _framed(epoch: int, message: bytes) -> bytes:
    """Says what the bytes are for: a code made for an epoch's key can never pass for a token's, nor the reverse."""
    return b"waybill/1/%d/" % epoch + message
