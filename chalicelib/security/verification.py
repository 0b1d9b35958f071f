"""Expiry, time window and MAC of signed values. Access tokens and email links use the same routine."""

import base64
import binascii
from collections.abc import Callable
from enum import Enum, auto

from chalicelib.security.signing import HOUR_SECONDS, MAC_BYTES, Signer

MAX_CLOCK_SKEW_SECONDS = 60  # the largest difference between the clocks of two containers
MAC_PATTERN = r"[A-Za-z0-9_-]{43}"
HOUR_PATTERN = r"0|[1-9][0-9]{0,9}"
EXPIRY_PATTERN = r"0|[1-9][0-9]{0,11}"


class Verdict(Enum):
    """The result of a verification."""

    VALID = auto()
    EXPIRED = auto()
    FORGED = auto()


class Verifier:
    """Signs values and verifies them.

    A value is signed in an hour, counted from 1970. The signer derives the key from that hour, so the value carries it.

    Args:
        signer: creates and checks the MACs.
        clock: returns seconds since 1970.
    """

    def __init__(self, signer: Signer, clock: Callable[[], float]) -> None:
        self._signer = signer
        self._clock = clock

    def sign(self, lifetime: int, message: Callable[[int, int], bytes]) -> tuple[int, int, str]:
        """Sign a value that is valid for `lifetime` seconds.

        `message` returns the signed bytes for an hour and an expiry. Returns the hour, the expiry in seconds since 1970
        and the MAC in base64url without padding. Raises Unavailable if KMS does not answer.
        """
        now = int(self._clock())
        hour, expiry = now // HOUR_SECONDS, now + lifetime
        return hour, expiry, encode_base64url(self._signer.sign(hour, message(hour, expiry)))

    def verify(self, lifetime: int, hour: int, expiry: int, message: bytes, mac: str) -> Verdict:
        """Verify a value whose kind is valid for `lifetime` seconds. Raises Unavailable if KMS does not answer.

        Only hours in which an unexpired value can have been signed reach the signer. A forger therefore cannot cause
        KMS calls for other hours.
        """
        now = self._clock()
        if expiry <= now:
            return Verdict.EXPIRED
        if not expiry - lifetime - HOUR_SECONDS < hour * HOUR_SECONDS <= now + MAX_CLOCK_SKEW_SECONDS:
            return Verdict.FORGED
        raw = _decode_mac(mac)
        if raw is None or not self._signer.verify(hour, message, raw):
            return Verdict.FORGED
        return Verdict.VALID


def encode_base64url(raw: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode_mac(text: str) -> bytes | None:
    """Return the MAC, or None unless `text` is its canonical encoding.

    The last character of the encoding has two unused bits. A decoder ignores them, so a changed character could pass.
    """
    try:
        raw = base64.urlsafe_b64decode(text + "=")
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == MAC_BYTES and encode_base64url(raw) == text else None
