r"""Access tokens: their grammar, issuing and checking.

    signature=1.<epoch>.<expiry>.<generation>.<nonce>.<mac>,repository="ns/name",access=read

A registry reads them with `(\w+)[:=][\s"]?([^",]+)"?`, so a signature holds no quote and no comma. The MAC covers
every field that gives the token meaning; `generation` ties it to one life of the repository, so a token dies with it
even when the name comes back.
"""

import base64
import binascii
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chalicelib.access import Access
from chalicelib.errors import Unauthorized
from chalicelib.names import RepositoryName
from chalicelib.signing import EPOCH_SECONDS, MAC_BYTES, Signer

SKEW_SECONDS = 60  # how far the clocks of two containers may be apart
_VERSION = "1"
_FIELD = re.compile(r'(\w+)=(?:"([^",]*)"|([^",\s]*))', re.ASCII)
_SIGNATURE = re.compile(
    r"1\.(?P<epoch>0|[1-9][0-9]{0,9})\.(?P<expiry>0|[1-9][0-9]{0,11})"
    r"\.(?P<generation>[0-9a-f]{16})\.(?P<nonce>[0-9a-f]{16})\.(?P<mac>[A-Za-z0-9_-]{43})",
    re.ASCII,
)
_KNOWN = ("signature", "repository", "access")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token says: this access to this repository, in this life of it."""

    repository: RepositoryName
    access: Access
    generation: str


class SpentTokens(Protocol):
    """Remembers the tokens that were shown, for the strict mode."""

    def spend(self, nonce: str, expiry: int) -> bool:
        """Marks a token as used. False when it was already."""


class InvalidToken(Unauthorized):
    """A token that this index did not issue, or that is good no more."""


class Tokens:
    """Issues and checks access tokens.

    Args:
        signer: makes and checks the MACs.
        lifetime: seconds that a token is good.
        spent: given in the strict mode, where a token is good once.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        signer: Signer,
        lifetime: int,
        spent: SpentTokens | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._signer = signer
        self._lifetime = lifetime
        self._spent = spent
        self._clock = clock

    def issue(self, grant: Grant) -> str:
        """The token for `grant`, ready to stand behind `Token ` or in `X-Docker-Token`."""
        now = int(self._clock())
        epoch, expiry, nonce = now // EPOCH_SECONDS, now + self._lifetime, secrets.token_hex(8)
        mac = base64.urlsafe_b64encode(self._signer.sign(epoch, _message(epoch, expiry, nonce, grant)))
        signature = ".".join(
            (_VERSION, str(epoch), str(expiry), grant.generation, nonce, mac.rstrip(b"=").decode("ascii"))
        )
        return _spelt(signature, str(grant.repository), grant.access)

    def check(self, token: str) -> Grant:
        """What `token` allows. Raises InvalidToken, saying whether it is malformed, not ours, expired or used.

        Takes what comes behind the first `Token `: one more `Token ` in front (some clients double it) and unknown keys
        are let pass; a known key that comes twice is refused, because a registry would take the last one.
        """
        fields = _fields(token)
        match = _SIGNATURE.fullmatch(fields["signature"])
        if match is None:
            raise InvalidToken("the token's signature is malformed; ask the index for a new token")
        epoch, expiry = int(match["epoch"]), int(match["expiry"])
        grant = Grant(_repository(fields["repository"]), _access(fields["access"]), match["generation"])
        now = self._clock()
        if expiry <= now:
            raise InvalidToken("the token has expired; ask the index for a new one")
        # Only epochs that can hold a live token are looked at: a forger cannot make the signer ask KMS for others.
        if not expiry - self._lifetime - EPOCH_SECONDS < epoch * EPOCH_SECONDS <= now + SKEW_SECONDS:
            raise InvalidToken("the token was not issued by this index")
        if not self._signer.verify(epoch, _message(epoch, expiry, match["nonce"], grant), _decoded(match["mac"])):
            raise InvalidToken("the token was not issued by this index")
        if self._spent is not None and not self._spent.spend(match["nonce"], expiry):
            raise InvalidToken("the token was used already; this index takes each token once")
        return grant


def as_issued(token: str) -> str:
    """A token that was checked, without what a client has put around it: what goes back into a header is ours alone."""
    fields = _fields(token)
    return _spelt(*(fields[key] for key in _KNOWN))


def _spelt(signature: str, repository: str, access: str) -> str:
    return f'signature={signature},repository="{repository}",access={access}'


def _message(epoch: int, expiry: int, nonce: str, grant: Grant) -> bytes:
    """Everything that gives a token meaning, in one way only: no field can hold the newline that parts them."""
    fields = ("access token", _VERSION, epoch, expiry, nonce, grant.generation, grant.repository, grant.access)
    return "\n".join(map(str, fields)).encode("ascii")


def _fields(token: str) -> dict[str, str]:
    if token[:6].lower() == "token ":
        token = token[6:]
    found: dict[str, str] = {}
    for part in token.split(","):
        match = _FIELD.fullmatch(part)
        if match is None:
            raise InvalidToken('a token is signature=…,repository="namespace/name",access=… without spaces')
        key, quoted, bare = match.groups()
        if key in found and key in _KNOWN:
            raise InvalidToken(f"the token says {key} twice")
        if key in _KNOWN and (quoted is not None) != (key == "repository"):
            raise InvalidToken("a token quotes its repository, and neither signature nor access")
        found[key] = quoted if quoted is not None else bare
    for key in _KNOWN:
        if key not in found:
            raise InvalidToken(f"the token has no {key}")
    return found


def _repository(text: str) -> RepositoryName:
    namespace, slash, name = text.partition("/")
    if not (slash and namespace and name and text.isascii()):
        raise InvalidToken("the token's repository is not namespace/name")
    return RepositoryName(namespace, name)


def _access(text: str) -> Access:
    try:
        return Access(text)
    except ValueError:
        raise InvalidToken("the token's access is not read, write or delete") from None


def _decoded(mac: str) -> bytes:
    """The MAC's bytes, from its one spelling: base64 has spare bits that would let a changed token pass."""
    try:
        raw = base64.urlsafe_b64decode(mac + "=")
    except (binascii.Error, ValueError):
        return b""
    return raw if len(raw) == MAC_BYTES and base64.urlsafe_b64encode(raw)[:-1].decode("ascii") == mac else b""
