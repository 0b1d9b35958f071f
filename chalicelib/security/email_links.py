"""Signed links in emails. A link has one purpose and one subject, and is valid for a limited time.

    <purpose>.<hour>.<expiry>.<subject>.<mac>

The signed bytes start with "link", those of access tokens with "access token", so that neither is accepted as the
other. Nothing is stored for a link. A link works once, because its subject contains a value that changes when the link
is used.
"""

import base64
import re
import time
from collections.abc import Callable
from enum import StrEnum

from chalicelib.domain.errors import InvalidLink
from chalicelib.security.signing import Signer
from chalicelib.security.verification import (
    EXPIRY_PATTERN,
    HOUR_PATTERN,
    MAC_PATTERN,
    Verdict,
    Verifier,
    encode_base64url,
)

_LINK = re.compile(
    rf"(?P<purpose>[a-z]{{1,10}})\.(?P<hour>{HOUR_PATTERN})\.(?P<expiry>{EXPIRY_PATTERN})"
    rf"\.(?P<subject>[A-Za-z0-9_-]{{1,1000}})\.(?P<mac>{MAC_PATTERN})",
    re.ASCII,
)


class LinkPurpose(StrEnum):
    """What the page of a link does."""

    CONFIRM = "confirm"
    RESET = "reset"

    @property
    def lifetime(self) -> int:
        """The validity of a link in seconds. At most 24 hours, because the signer keeps the keys of that time."""
        return 86400 if self is LinkPurpose.CONFIRM else 3600


class EmailLinks:
    """Creates and verifies links. Methods raise Unavailable if KMS does not answer.

    Args:
        signer: creates and checks the MACs.
        clock: returns seconds since 1970.
    """

    def __init__(self, signer: Signer, clock: Callable[[], float] = time.time) -> None:
        self._verifier = Verifier(signer, clock)

    def issue(self, purpose: LinkPurpose, *subject: str) -> str:
        """Return the text of a link. No part of the subject may contain a newline."""
        packed = encode_base64url("\n".join(subject).encode())
        hour, expiry, mac = self._verifier.sign(
            purpose.lifetime, lambda hour, expiry: _message(purpose, hour, expiry, packed)
        )
        return f"{purpose}.{hour}.{expiry}.{packed}.{mac}"

    def verify(self, purpose: LinkPurpose, text: str) -> tuple[str, ...]:
        """Return the subject of a link for `purpose`. Raises InvalidLink, with a sentence for the user."""
        match = _LINK.fullmatch(text)
        if match is None:
            raise InvalidLink("This link is incomplete. Email programs sometimes break long links into two lines.")
        if match["purpose"] != purpose:
            raise InvalidLink("This link has a different purpose.")
        hour, expiry, subject = int(match["hour"]), int(match["expiry"]), match["subject"]
        message = _message(purpose, hour, expiry, subject)
        verdict = self._verifier.verify(purpose.lifetime, hour, expiry, message, match["mac"])
        if verdict is Verdict.EXPIRED:
            raise InvalidLink("This link has expired.")
        if verdict is Verdict.FORGED:
            raise InvalidLink("This link was not created by this index.")
        return tuple(base64.urlsafe_b64decode(subject + "=" * (-len(subject) % 4)).decode().split("\n"))


def _message(purpose: LinkPurpose, hour: int, expiry: int, subject: str) -> bytes:
    return "\n".join(("link", "1", purpose, str(hour), str(expiry), subject)).encode("ascii")
