"""Fuzzes access tokens (`security.access_tokens`): a text is rejected, unless the index has issued it.

Inputs that start with the byte 1 are edits of a valid token; other inputs are texts.
"""

import re
import secrets
import sys

import atheris

with atheris.instrument_imports(include=["chalicelib.security.access_tokens", "chalicelib.security.verification"]):
    from chalicelib.security import access_tokens

from chalicelib.domain.errors import InvalidToken
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Grant, TokenScope
from chalicelib.security.signing import DerivedKeySigner, KmsSigner
from tests.clock import NOW, Clock
from tests.fake_kms import FakeKms
from tests.fuzz.runner import run

secrets.token_hex = lambda nbytes=None: "05" * (nbytes or 8)  # so that each run has the same inputs
LIFETIME = 3600
GRANT = Grant(RepositoryName("foo", "bar"), TokenScope.READ, "0123456789abcdef")
WORDS = (
    *("read", "write", "delete", "foo", "bar", "baz", "library", "signature", "repository", "access", "Token "),
    *("0", "1", "", '"', "=", ",", ".", " ", "/", "\n", "\0", "é", "==", ",extra=1"),
)
TOKENS, EARLIER_TOKENS = (
    access_tokens.AccessTokens(DerivedKeySigner(KmsSigner(FakeKms(bytes(32)), "key")), LIFETIME, clock=Clock(now))
    for now in (NOW, NOW - 3000)
)
TOKEN = TOKENS.issue(GRANT)
VALID = (TOKEN, EARLIER_TOKENS.issue(GRANT))
PIECES = re.findall(r"[=.,\"/]|[^=.,\"/]+", TOKEN)
EXAMPLES = [
    *(b"\0" + text.encode() for text in (*VALID, f"Token {TOKEN}", f"{TOKEN},extra=1", "")),
    *(bytes([1, 0, place, 0, 1]) for place in range(len(PIECES))),
]


def check(data: bytes) -> None:
    """Check one input."""
    text = _edit(data[1:]) if data[:1] == b"\1" and data[1:] else data[1:].decode("utf-8", "replace")
    try:
        grant = TOKENS.verify(text)
    except InvalidToken:
        return
    assert grant == GRANT, "a token allows something that was not granted"
    assert access_tokens.canonical_token(text) in VALID, "a token that was not issued is valid"


def _edit(data: bytes) -> str:
    """Replace up to four pieces of the token, or insert words before them.

    The words are WORDS and the rest of the input. Three bytes describe an edit: the piece, the word, and its kind.
    """
    pieces, end = list(PIECES), 3 * (1 + data[0] % 4) + 1
    words = (*WORDS, data[end:].decode("utf-8", "replace"))
    for place, word, kind in zip(data[1:end:3], data[2:end:3], data[3:end:3], strict=False):
        start = place % len(pieces)
        pieces[start : start + kind % 2] = [words[word % len(words)]]
    return "".join(pieces)


def plant_fault() -> None:
    """Plant a fault: the MAC does not cover the scope of the token."""
    message = access_tokens._message

    def message_without_scope(hour: int, expiry: int, nonce: str, grant: Grant) -> bytes:
        return message(hour, expiry, nonce, Grant(grant.repository, TokenScope.READ, grant.generation))

    access_tokens._message = message_without_scope


if __name__ == "__main__":
    if sys.argv[2:] == ["fault"]:
        plant_fault()
    run(check, EXAMPLES, int(sys.argv[1]))
