"""Signed links that mails carry: each is for one purpose, for one subject, and for a limited time.

    <purpose>.<epoch>.<expiry>.<subject>.<mac>

Signed by the signer of access tokens, over bytes that begin otherwise: neither passes for the other. Nothing is stored
for a link. That it works once is the subject's doing, which names a state that using the link ends.
"""

import base64
import re
import time
from collections.abc import Callable
from enum import StrEnum

from chalicelib.errors import Gone
from chalicelib.signing import EPOCH_SECONDS, Signer

_LINK = re.compile(
    r"(?P<purpose>[a-z]{1,10})\.(?P<epoch>0|[1-9][0-9]{0,9})\.(?P<expiry>0|[1-9][0-9]{0,11})"
    r"\.(?P<subject>[A-Za-z0-9_-]{1,1000})\.(?P<mac>[A-Za-z0-9_-]{43})",
    re.ASCII,
)


class Purpose(StrEnum):
    """What a link does when its button is pressed."""

    CONFIRM = "confirm"
    RESET = "reset"

    @property
    def lifetime(self) -> int:
        """Seconds that a link is good: at most the 24 hours whose epochs the signer keeps at hand."""
        return 86400 if self is Purpose.CONFIRM else 3600


class InvalidLink(Gone):
    """A link that this index did not make for this, or that is good no more."""


class Links:
    """Makes and checks links. Raises Unavailable when the signer does."""

    def __init__(self, signer: Signer, clock: Callable[[], float] = time.time) -> None:
        self._signer = signer
        self._clock = clock

    def issue(self, purpose: Purpose, *subject: str) -> str:
        """The text that a link carries. No part of the subject holds a newline."""
        now = int(self._clock())
        epoch, expiry = now // EPOCH_SECONDS, now + purpose.lifetime
        packed = _encoded("\n".join(subject).encode())
        mac = _encoded(self._signer.sign(epoch, _message(purpose, epoch, expiry, packed)))
        return f"{purpose}.{epoch}.{expiry}.{packed}.{mac}"

    def check(self, purpose: Purpose, text: str) -> tuple[str, ...]:
        """The subject of a link for `purpose`. Raises InvalidLink, saying kindly what is the matter."""
        match = _LINK.fullmatch(text)
        if match is None:
            raise InvalidLink("This link is not complete. Mail programs sometimes break long links in two.")
        if match["purpose"] != purpose:
            raise InvalidLink("This link is for something else.")
        epoch, expiry, now = int(match["epoch"]), int(match["expiry"]), self._clock()
        if expiry <= now:
            raise InvalidLink("This link has expired.")
        # As for access tokens: only epochs that can hold a live link are looked at.
        if not expiry - purpose.lifetime - EPOCH_SECONDS < epoch * EPOCH_SECONDS <= now + EPOCH_SECONDS:
            raise InvalidLink("This link was not made by this index.")
        mac = base64.urlsafe_b64decode(match["mac"] + "=")
        message = _message(purpose, epoch, expiry, match["subject"])
        if _encoded(mac) != match["mac"] or not self._signer.verify(epoch, message, mac):
            raise InvalidLink("This link was not made by this index.")
        subject = match["subject"]
        return tuple(base64.urlsafe_b64decode(subject + "=" * (-len(subject) % 4)).decode().split("\n"))


def _message(purpose: Purpose, epoch: int, expiry: int, subject: str) -> bytes:
    return "\n".join(("link", "1", purpose, str(epoch), str(expiry), subject)).encode("ascii")


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
