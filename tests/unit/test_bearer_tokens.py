"""Bearer tokens and their certificate, compared with `cryptography` and openssl."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicNumbers, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chalicelib.domain.errors import InvalidInput, InvalidToken
from chalicelib.domain.scopes import Scope
from chalicelib.security.bearer_tokens import BearerTokens
from chalicelib.security.certificates import build_certificate, parse_rsa_key, thumbprint
from infra.devserver.token_key import LocalTokenKey
from tests.clock import NOW, Clock

SCOPE = Scope("repository", "alice/web", ("pull",))


class CountingKey(LocalTokenKey):
    """A key that counts its signatures."""

    def __init__(self, key: RSAPrivateKey) -> None:
        super().__init__(key)
        self.signatures = 0

    def sign(self, message: bytes) -> bytes:
        self.signatures += 1
        return super().sign(message)


@pytest.fixture(scope="module")
def private_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture
def key(private_key: RSAPrivateKey) -> CountingKey:
    return CountingKey(private_key)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(key: CountingKey, clock: Clock) -> BearerTokens:
    return BearerTokens(key, 3600, clock)


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_thumbprint_is_the_one_of_the_example_of_rfc_7638() -> None:
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7"  # pragma: allowlist secret
        "aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXA"  # pragma: allowlist secret
        "rwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7"  # pragma: allowlist secret
        "d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lF"  # pragma: allowlist secret
        "d2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"  # pragma: allowlist secret
    )
    expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"  # pragma: allowlist secret
    assert thumbprint(int.from_bytes(decode(modulus), "big"), 65537) == expected


def test_public_key_is_parsed(key: CountingKey, private_key: RSAPrivateKey) -> None:
    numbers: RSAPublicNumbers = private_key.public_key().public_numbers()
    assert parse_rsa_key(key.get_public_key()) == (numbers.n, numbers.e)


@pytest.mark.parametrize("data", [b"", b"\x30", b"\x30\x05ab", b"\x30\x82\xff\xff"])
def test_truncated_public_key_is_rejected(data: bytes) -> None:
    with pytest.raises(ValueError, match="DER"):
        parse_rsa_key(data)


def test_certificate_is_accepted_by_cryptography(key: CountingKey, private_key: RSAPrivateKey) -> None:
    der = build_certificate(key.get_public_key(), "waybill", key.sign)
    certificate = x509.load_der_x509_certificate(der)
    certificate.verify_directly_issued_by(certificate)
    assert certificate.version is x509.Version.v3
    assert certificate.issuer == certificate.subject
    assert certificate.issuer.rfc4514_string() == "CN=waybill"
    assert certificate.serial_number > 0
    assert (
        certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == key.get_public_key()
    )
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.digital_signature, usage.value.key_cert_sign) == (True, True, True)
    assert not usage.value.crl_sign
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate.not_valid_after_utc.year == 2099
    assert build_certificate(key.get_public_key(), "waybill", key.sign) == der


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_certificate_is_accepted_by_openssl(tokens: BearerTokens, tmp_path: Path) -> None:
    path = tmp_path / "waybill.pem"
    path.write_text(tokens.get_certificate())
    verified = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-CAfile", path, path], capture_output=True, text=True
    )
    assert verified.returncode == 0, verified.stderr


def test_certificate_is_the_same_in_each_container(key: CountingKey) -> None:
    first, second = (BearerTokens(key, 3600, Clock(NOW + days * 86_400)) for days in (0, 1000))
    assert first.get_certificate() == second.get_certificate()


def test_token_is_signed_and_has_the_certificate(tokens: BearerTokens, private_key: RSAPrivateKey) -> None:
    text = tokens.issue("alice", "registry.local", [SCOPE]).text
    header, payload, signature = text.split(".")
    private_key.public_key().verify(decode(signature), f"{header}.{payload}".encode(), PKCS1v15(), SHA256())
    content = json.loads(decode(header))
    assert (content["typ"], content["alg"]) == ("JWT", "RS256")
    assert content["x5c"] == ["".join(tokens.get_certificate().splitlines()[1:-1])]
    claims = json.loads(decode(payload))
    assert claims["access"] == [{"type": "repository", "name": "alice/web", "actions": ["pull"]}]
    assert (claims["exp"], claims["nbf"], claims["iat"]) == (NOW + 3600, NOW - 60, NOW - 60)


def test_token_is_cached_for_a_minute(tokens: BearerTokens, key: CountingKey, clock: Clock) -> None:
    first = tokens.issue("alice", "registry.local", [SCOPE])
    assert key.signatures == 2, "the certificate and the token"
    clock.sleep(59)
    assert tokens.issue("alice", "registry.local", [SCOPE]) is first
    for other in (("bobby", "registry.local", [SCOPE]), ("alice", "other", [SCOPE]), ("alice", "registry.local", [])):
        assert tokens.issue(*other).text != first.text
    clock.sleep(1)
    assert tokens.issue("alice", "registry.local", [SCOPE]) is not first
    assert key.signatures == 6


@pytest.mark.parametrize("lifetime", [60, 61, 90, 119, 120, 3600])
def test_cached_token_is_valid_for_a_minute(key: CountingKey, clock: Clock, lifetime: int) -> None:
    tokens = BearerTokens(key, lifetime, clock)
    for _ in range(200):
        assert tokens.issue("alice", "registry.local", []).expires_at - clock.now >= 60
        clock.sleep(1)


def test_cache_is_bounded(tokens: BearerTokens) -> None:
    for number in range(1_005):
        tokens.issue(str(number), "registry.local", [])
    assert len(tokens._cache) == 1_000


def test_scopes_that_exceed_the_limit_of_kms_are_rejected(tokens: BearerTokens) -> None:
    scopes = [Scope("repository", f"alice/{number}{'a' * 200}", ("pull",)) for number in range(12)]
    with pytest.raises(InvalidInput):
        tokens.issue("alice", "registry.local", scopes)


def test_verified_token_names_its_subject(tokens: BearerTokens, clock: Clock) -> None:
    text = tokens.issue("alice+ci", "registry.local", [SCOPE]).text
    assert tokens.verify(text).sub == "alice+ci"
    clock.sleep(3599)
    assert tokens.verify(text).sub == "alice+ci"
    clock.sleep(1)
    with pytest.raises(InvalidToken):
        tokens.verify(text)


def test_token_with_a_changed_byte_is_rejected(tokens: BearerTokens) -> None:
    text = tokens.issue("alice", "registry.local", [SCOPE]).text
    for place, character in enumerate(text):
        for changed in {"A", "B", ".", "=", "-"} - {character}:
            with pytest.raises(InvalidToken):
                tokens.verify(text[:place] + changed + text[place + 1 :])
        with pytest.raises(InvalidToken):
            tokens.verify(text[:place] + text[place + 1 :])


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "ä.b.c", "\ud800", "a" * 10_000])
def test_other_text_is_rejected(tokens: BearerTokens, text: str) -> None:
    token = tokens.issue("alice", "registry.local", []).text
    for attempt in (text, f"{token}{text}" if text else "", f"{token}.{text}", f" {token}", token + "="):
        if attempt != token:
            with pytest.raises(InvalidToken):
                tokens.verify(attempt)


def test_token_of_another_key_is_rejected(tokens: BearerTokens, clock: Clock) -> None:
    other = BearerTokens(LocalTokenKey(generate_private_key(65537, 2048)), 3600, clock)
    text = other.issue("alice", "registry.local", []).text
    with pytest.raises(InvalidToken):
        tokens.verify(text)
    own = tokens.issue("alice", "registry.local", []).text
    with pytest.raises(InvalidToken):
        tokens.verify(f"{own.split('.')[0]}.{text.split('.', 1)[1]}")


def test_repr_omits_the_token(tokens: BearerTokens) -> None:
    token = tokens.issue("alice", "registry.local", [])
    assert token.text not in repr(token)
