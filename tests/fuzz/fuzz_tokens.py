"""What stands behind `Token ` in a header (`tokens`): whatever it is, it is what was issued or is refused.

Half of the inputs are text as it is, half are edits of a token that is good.
"""

import hashlib
import hmac
import re
import secrets
import sys

import atheris

with atheris.instrument_imports(include=["chalicelib.security.access_tokens"]):
    from chalicelib.security import access_tokens

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import TokenScope
from chalicelib.security.signing import DerivedKeySigner, KmsSigner
from tests.fuzz.runner import run

secrets.token_hex = lambda nbytes=None: "05" * (nbytes or 8)  # so that each run has the same inputs
NOW = 1_800_000_000
GRANT = Grant(RepositoryName("foo", "bar"), TokenScope.READ, "0123456789abcdef")
WORDS = (
    *(
        "read",
        "write",
        "delete",
        "foo",
        "bar",
        "baz",
        "library",
        "signature",
        "repository",
        "access",
        "Token ",
        "0",
        "1",
    ),
    *("", '"', "=", ",", ".", " ", "/", "\n", "\0", "é", "==", ",extra=1"),
)


class Kms:
    """KMS as far as a signer needs it."""

    def generate_mac(self, **request: bytes) -> dict[str, bytes]:
        return {"Mac": hmac.digest(bytes(32), request["Message"], hashlib.sha256)}


CHECKER = access_tokens.AccessTokens(DerivedKeySigner(KmsSigner(Kms(), "key")), 3600, clock=lambda: NOW)
ISSUED = CHECKER.issue(GRANT)
EARLIER = access_tokens.AccessTokens(DerivedKeySigner(KmsSigner(Kms(), "key")), 3600, clock=lambda: NOW - 3000).issue(
    GRANT
)
GOOD = (ISSUED, EARLIER)
PIECES = re.findall(r"[=.,\"/]|[^=.,\"/]+", ISSUED)
SEEDS = [
    *(b"\0" + text.encode() for text in (*GOOD, f"Token {ISSUED}", f"{ISSUED},extra=1", "")),
    *(bytes([1, 0, where, 0, 1]) for where in range(len(PIECES))),
]


def one(data: bytes) -> None:
    """One input."""
    text = _edited(data[1:]) if data[:1] == b"\1" and data[1:] else data[1:].decode("utf-8", "replace")
    try:
        grant = CHECKER.verify(text)
    except InvalidToken:
        return
    assert grant == GRANT, "a token says what was not granted"
    assert access_tokens.canonical_token(text) in GOOD, "a token that was not issued is good"


def _edited(data: bytes) -> str:
    """Some pieces of the token exchanged, or others put before them: each a word of these, or the rest of the input."""
    pieces, end = list(PIECES), 3 * (1 + data[0] % 4) + 1
    words = (*WORDS, data[end:].decode("utf-8", "replace"))
    for where, what, how in zip(data[1:end:3], data[2:end:3], data[3:end:3], strict=False):
        at = where % len(pieces)
        pieces[at : at + how % 2] = [words[what % len(words)]]
    return "".join(pieces)


def plant() -> None:
    """A fault for the harness to find: the MAC does not cover what the token allows."""
    message = access_tokens._message

    def broken(hour: int, expiry: int, nonce: str, grant: Grant) -> bytes:
        return message(hour, expiry, nonce, Grant(grant.repository, TokenScope.READ, grant.generation))

    access_tokens._message = broken


if __name__ == "__main__":
    if sys.argv[2:] == ["planted"]:
        plant()
    run(one, SEEDS, int(sys.argv[1]))
