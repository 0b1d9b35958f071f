"""Bearer tokens for current registries: JSON Web Tokens (JWT) that an RSA key signs.

The header contains the certificate (`x5c`) and the RFC 7638 thumbprint (`kid`). distribution 2.8 and 3.x and zot accept
this combination if they are configured with the certificate.
"""

import base64
import binascii
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from chalicelib.domain.errors import InvalidInput, InvalidToken
from chalicelib.domain.scopes import Scope
from chalicelib.security.certificates import build_certificate, parse_rsa_key, thumbprint, to_pem
from chalicelib.security.verification import encode_base64url

ISSUER = "waybill"
CLOCK_SKEW_SECONDS = 60  # `iat` and `nbf` lie this far in the past, for registries whose clock is slow
CACHE_SECONDS = 60
MAX_SIGNED_BYTES = 4_096  # the limit of KMS for one message
_MAX_CACHED = 1_000
_SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")  # DigestInfo of RFC 8017, 9.2


class TokenKey(Protocol):
    """An RSA key pair. Methods raise Unavailable if KMS does not answer."""

    def get_public_key(self) -> bytes:
        """Return the SubjectPublicKeyInfo in DER."""

    def sign(self, message: bytes) -> bytes:
        """Return the RSASSA_PKCS1_V1_5_SHA_256 signature of at most 4,096 bytes."""


class BearerToken(Struct, frozen=True):
    """An issued token. `repr` omits it.

    Attributes:
        text: the token.
        issued_at: seconds since 1970.
        expires_at: seconds since 1970.
    """

    text: str
    issued_at: int
    expires_at: int

    def __repr__(self) -> str:
        return f"BearerToken(expires_at={self.expires_at})"


class BearerClaims(Struct, frozen=True):
    """The claims that a verified token contains."""

    sub: str
    aud: str
    exp: int


class _Identity(Struct, frozen=True):
    """What depends on the key alone."""

    modulus: int
    exponent: int
    certificate: bytes
    header: bytes


class BearerTokens:
    """Issues and verifies tokens. Methods raise Unavailable if KMS does not answer.

    A container caches a token for one minute for the same subject, service and scopes. A flood of requests that are not
    allowed anything therefore causes almost no KMS calls.

    Args:
        key: the RSA key.
        lifetime: the validity of a token in seconds, at least 60.
        clock: returns seconds since 1970.
    """

    def __init__(self, key: TokenKey, lifetime: int, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._lifetime = lifetime
        self._clock = clock
        self._identity: _Identity | None = None
        self._cache: OrderedDict[tuple[str, str, str], BearerToken] = OrderedDict()
        self._lock = Lock()

    def now(self) -> float:
        """Return the time by which tokens are issued, in seconds since 1970."""
        return self._clock()

    def get_certificate(self) -> str:
        """Return the certificate in PEM. The first call of a container makes two KMS calls."""
        return to_pem(self._load_identity().certificate)

    def issue(self, subject: str, service: str, scopes: Sequence[Scope]) -> BearerToken:
        """Return a token. `subject` is empty for anonymous clients. One KMS call, or none if it is cached.

        Raises InvalidInput if the scopes are too long for one token.
        """
        now = int(self._clock())
        cache_key = (subject, service, " ".join(map(str, scopes)))
        cached = self._cache.get(cache_key)
        # A client must not receive a token that is valid for less than 60 seconds.
        if cached is not None and cached.issued_at <= now < cached.issued_at + min(CACHE_SECONDS, self._lifetime - 59):
            return cached
        token = BearerToken(self._create(subject, service, scopes, now), now, now + self._lifetime)
        with self._lock:
            self._cache[cache_key] = token
            self._cache.move_to_end(cache_key)
            if len(self._cache) > _MAX_CACHED:
                self._cache.popitem(last=False)
        return token

    def verify(self, text: str) -> BearerClaims:
        """Return the claims of a token that this index issued. Raises InvalidToken.

        The header must equal our own byte for byte: neither an algorithm nor a key comes from the token.
        """
        if not text.isascii():
            raise InvalidToken("the token was not issued by this index")
        identity = self._load_identity()
        header, _, rest = text.partition(".")
        payload, _, signature = rest.partition(".")
        if header.encode() != identity.header or not _is_signature(identity, f"{header}.{payload}", signature):
            raise InvalidToken("the token was not issued by this index")
        claims = msgspec.json.decode(_decode_base64url(payload), type=BearerClaims)
        if claims.exp <= self._clock():
            raise InvalidToken("the token has expired; request a new token")
        return claims

    def _create(self, subject: str, service: str, scopes: Sequence[Scope], now: int) -> str:
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": subject,
            "aud": service,
            "exp": now + self._lifetime,
            "nbf": now - CLOCK_SKEW_SECONDS,
            "iat": now - CLOCK_SKEW_SECONDS,
            "jti": secrets.token_hex(16),
            "access": [{"type": scope.type, "name": scope.name, "actions": scope.actions} for scope in scopes],
        }
        signed = self._load_identity().header + b"." + encode_base64url(msgspec.json.encode(claims)).encode()
        if len(signed) > MAX_SIGNED_BYTES:
            raise InvalidInput("the scopes are too long for one token; request fewer repositories at once")
        return f"{signed.decode()}.{encode_base64url(self._key.sign(signed))}"

    def _load_identity(self) -> _Identity:
        if self._identity is None:
            public_key = self._key.get_public_key()
            modulus, exponent = parse_rsa_key(public_key)
            certificate = build_certificate(public_key, ISSUER, self._key.sign)
            header = {
                "typ": "JWT",
                "alg": "RS256",
                "kid": thumbprint(modulus, exponent),
                "x5c": [base64.b64encode(certificate).decode("ascii")],
            }
            encoded = encode_base64url(msgspec.json.encode(header)).encode()
            self._identity = _Identity(modulus, exponent, certificate, encoded)
        return self._identity


def _is_signature(identity: _Identity, message: str, signature: str) -> bool:
    """Verify an RSASSA_PKCS1_V1_5_SHA_256 signature (RFC 8017, 8.2.2): compare the whole encoded message."""
    size = (identity.modulus.bit_length() + 7) // 8
    try:
        raw = _decode_base64url(signature)
    except (binascii.Error, ValueError):
        return False
    if len(raw) != size or encode_base64url(raw) != signature:
        return False
    digest = _SHA256_PREFIX + hashlib.sha256(message.encode()).digest()
    expected = b"\0\1" + b"\xff" * (size - len(digest) - 3) + b"\0" + digest
    return pow(int.from_bytes(raw, "big"), identity.exponent, identity.modulus) == int.from_bytes(expected, "big")


def _decode_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
