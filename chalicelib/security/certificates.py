"""DER encoding of the certificate of the token key, and the RFC 7638 thumbprint of the key.

A registry verifies tokens with this certificate. It is built by hand, because a cryptography library would add 93 ms to
a cold start and 4.7 MB to the package. RSA signatures are deterministic, so every container builds the same bytes.
"""

import base64
import hashlib
import json
from collections.abc import Callable

_SEQUENCE, _SET, _INTEGER, _BIT_STRING, _OCTET_STRING, _BOOLEAN, _OID, _UTF8 = 0x30, 0x31, 2, 3, 4, 1, 6, 12
_UTC_TIME, _GENERALIZED_TIME, _VERSION_TAG, _EXTENSIONS_TAG = 0x17, 0x18, 0xA0, 0xA3
_SHA256_WITH_RSA = bytes.fromhex("2a864886f70d01010b")
_COMMON_NAME = bytes.fromhex("550403")
_KEY_USAGE, _BASIC_CONSTRAINTS = bytes.fromhex("551d0f"), bytes.fromhex("551d13")
_NOT_BEFORE, _NOT_AFTER = b"250101000000Z", b"20991231235959Z"  # fixed, so that the bytes never change


def build_certificate(public_key: bytes, common_name: str, sign: Callable[[bytes], bytes]) -> bytes:
    """Return a self-signed certificate in DER.

    Args:
        public_key: the SubjectPublicKeyInfo in DER.
        common_name: the issuer and the subject.
        sign: returns the RSASSA_PKCS1_V1_5_SHA_256 signature of a message.
    """
    algorithm = _encode(_SEQUENCE, _encode(_OID, _SHA256_WITH_RSA) + _encode(5, b""))
    attribute = _encode(_SEQUENCE, _encode(_OID, _COMMON_NAME) + _encode(_UTF8, common_name.encode()))
    name = _encode(_SEQUENCE, _encode(_SET, attribute))
    validity = _encode(_SEQUENCE, _encode(_UTC_TIME, _NOT_BEFORE) + _encode(_GENERALIZED_TIME, _NOT_AFTER))
    serial = b"\1" + hashlib.sha256(public_key).digest()[:15]  # positive, and unique for the key
    is_ca = _extension(_BASIC_CONSTRAINTS, _encode(_SEQUENCE, _encode(_BOOLEAN, b"\xff")))
    usage = _extension(_KEY_USAGE, _encode(_BIT_STRING, b"\x02\x84"))  # digitalSignature, keyCertSign
    content = b"".join(
        (
            _encode(_VERSION_TAG, _encode(_INTEGER, b"\2")),
            _encode(_INTEGER, serial),
            algorithm,
            name,
            validity,
            name,
            public_key,
            _encode(_EXTENSIONS_TAG, _encode(_SEQUENCE, is_ca + usage)),
        )
    )
    unsigned = _encode(_SEQUENCE, content)
    return _encode(_SEQUENCE, unsigned + algorithm + _encode(_BIT_STRING, b"\0" + sign(unsigned)))


def to_pem(certificate: bytes) -> str:
    """Return a certificate in PEM."""
    text = base64.b64encode(certificate).decode("ascii")
    lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def parse_rsa_key(public_key: bytes) -> tuple[int, int]:
    """Return the modulus and the exponent of an RSA SubjectPublicKeyInfo in DER. Raises ValueError."""
    _, info, _ = _decode(public_key)
    _, _, rest = _decode(info)
    tag, bits, _ = _decode(rest)
    if tag != _BIT_STRING:
        raise ValueError("this is not a public key")
    _, key, _ = _decode(bits[1:])
    _, modulus, rest = _decode(key)
    _, exponent, _ = _decode(rest)
    return int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")


def thumbprint(modulus: int, exponent: int) -> str:
    """Return the RFC 7638 thumbprint of an RSA key in base64url."""
    members = {"e": _base64url_number(exponent), "kty": "RSA", "n": _base64url_number(modulus)}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _base64url_number(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _extension(identifier: bytes, value: bytes) -> bytes:
    return _encode(_SEQUENCE, _encode(_OID, identifier) + _encode(_BOOLEAN, b"\xff") + _encode(_OCTET_STRING, value))


def _encode(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 128:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + content


def _decode(data: bytes) -> tuple[int, bytes, bytes]:
    """Return the tag and the content of the first element, and the rest. Raises ValueError."""
    if len(data) < 2:
        raise ValueError("the DER encoding is truncated")
    start, length = 2, data[1]
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    if len(data) < start + length:
        raise ValueError("the DER encoding is truncated")
    return data[0], data[start : start + length], data[start + length :]
