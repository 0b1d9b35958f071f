r"""Access tokens of the v1 protocol: grammar, issuing and verification.

    signature=1.<hour>.<expiry>.<generation>.<nonce>.<mac>,repository="ns/name",access=read

A registry reads a token with the expression `(\w+)[:=][\s"]?([^",]+)"?`, so a signature contains no quotation mark and
no comma. The MAC covers every field that gives the token its meaning. The generation ends the validity of a token when
its repository is deleted, even if the name is used again.
"""

import re
import secrets
import time
from collections.abc import Callable
from typing import Protocol

from chalicelib.domain.errors import InvalidToken
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Grant, TokenScope
from chalicelib.security.signing import Signer
from chalicelib.security.verification import EXPIRY_PATTERN, HOUR_PATTERN, MAC_PATTERN, Verdict, Verifier

_VERSION = "1"
_FIELD = re.compile(r'(\w+)=(?:"([^",]*)"|([^",\s]*))', re.ASCII)
_SIGNATURE = re.compile(
    rf"1\.(?P<hour>{HOUR_PATTERN})\.(?P<expiry>{EXPIRY_PATTERN})"
    rf"\.(?P<generation>[0-9a-f]{{16}})\.(?P<nonce>[0-9a-f]{{16}})\.(?P<mac>{MAC_PATTERN})",
    re.ASCII,
)
_FIELDS = ("signature", "repository", "access")


class UsedTokens(Protocol):
    """Records used tokens, for TOKEN_SINGLE_USE."""

    def mark_used(self, nonce: str, expiry: int) -> bool:
        """Record that a token was used. Return False if it was used before."""


class AccessTokens:
    """Issues and verifies access tokens. Methods raise Unavailable if KMS or the storage does not answer.

    Args:
        signer: creates and checks the MACs.
        lifetime: the validity of a token in seconds.
        used_tokens: set if every token can be used only once.
        clock: returns seconds since 1970.
    """

    def __init__(
        self,
        signer: Signer,
        lifetime: int,
        used_tokens: UsedTokens | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._verifier = Verifier(signer, clock)
        self._lifetime = lifetime
        self._used_tokens = used_tokens

    def issue(self, grant: Grant) -> str:
        """Return a token for `grant`, in the form that follows `Token ` in a header."""
        nonce = secrets.token_hex(8)
        hour, expiry, mac = self._verifier.sign(
            self._lifetime, lambda hour, expiry: _message(hour, expiry, nonce, grant)
        )
        signature = ".".join((_VERSION, str(hour), str(expiry), grant.generation, nonce, mac))
        return _format(signature, str(grant.repository), grant.scope)

    def verify(self, token: str) -> Grant:
        """Return what `token` allows. Raises InvalidToken if it is malformed, forged, expired or used.

        `token` is the text after the first `Token `. A second `Token ` is accepted, because some clients send it.
        Unknown keys are ignored. A known key that appears twice is rejected, because a registry uses the last one.
        """
        fields = _parse_fields(token)
        match = _SIGNATURE.fullmatch(fields["signature"])
        if match is None:
            raise InvalidToken("the signature of the token is malformed; request a new token")
        hour, expiry = int(match["hour"]), int(match["expiry"])
        grant = Grant(_parse_repository(fields["repository"]), _parse_scope(fields["access"]), match["generation"])
        message = _message(hour, expiry, match["nonce"], grant)
        verdict = self._verifier.verify(self._lifetime, hour, expiry, message, match["mac"])
        if verdict is Verdict.EXPIRED:
            raise InvalidToken("the token has expired; request a new token")
        if verdict is Verdict.FORGED:
            raise InvalidToken("the token was not issued by this index")
        if self._used_tokens is not None and not self._used_tokens.mark_used(match["nonce"], expiry):
            raise InvalidToken("the token was used before; this index accepts each token once")
        return grant


def canonical_token(token: str) -> str:
    """Return a verified token without anything that the client added, so that it is safe in a response header."""
    fields = _parse_fields(token)
    return _format(*(fields[key] for key in _FIELDS))


def _format(signature: str, repository: str, scope: str) -> str:
    return f'signature={signature},repository="{repository}",access={scope}'


def _message(hour: int, expiry: int, nonce: str, grant: Grant) -> bytes:
    """Return the signed bytes. The encoding is unambiguous, because no field can contain a newline."""
    fields = ("access token", _VERSION, hour, expiry, nonce, grant.generation, grant.repository, grant.scope)
    return "\n".join(map(str, fields)).encode("ascii")


def _parse_fields(token: str) -> dict[str, str]:
    if token[:6].lower() == "token ":
        token = token[6:]
    fields: dict[str, str] = {}
    for part in token.split(","):
        match = _FIELD.fullmatch(part)
        if match is None:
            raise InvalidToken(
                'a token must have the form signature=…,repository="namespace/name",access=… without spaces'
            )
        key, quoted, bare = match.groups()
        if key in fields and key in _FIELDS:
            raise InvalidToken(f"the token contains {key} twice")
        if key in _FIELDS and (quoted is not None) != (key == "repository"):
            raise InvalidToken("a token must quote its repository, and must not quote its signature and access")
        fields[key] = quoted if quoted is not None else bare
    for key in _FIELDS:
        if key not in fields:
            raise InvalidToken(f"the token does not contain {key}")
    return fields


def _parse_repository(text: str) -> RepositoryName:
    namespace, slash, name = text.partition("/")
    if not (slash and namespace and name and text.isascii()):
        raise InvalidToken("the repository of the token must have the form namespace/name")
    return RepositoryName(namespace, name)


def _parse_scope(text: str) -> TokenScope:
    try:
        return TokenScope(text)
    except ValueError:
        raise InvalidToken("the access of the token must be read, write or delete") from None
