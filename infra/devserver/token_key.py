"""The RSA key of bearer tokens on this machine: a PEM file, so that registries still accept tokens after a restart."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

_KEY_BITS = 2048


class TokenKeyError(Exception):
    """The key file cannot be used. The message is one sentence for a person."""


class LocalTokenKey:
    """An RSA key in this process. It has the methods of `chalicelib.security.bearer_tokens.TokenKey`."""

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key

    def get_public_key(self) -> bytes:
        """Return the SubjectPublicKeyInfo in DER."""
        return self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, message: bytes) -> bytes:
        """Return the RSASSA_PKCS1_V1_5_SHA_256 signature."""
        return self._key.sign(message, PKCS1v15(), SHA256())


def load_token_key(path: Path | None) -> LocalTokenKey:
    """Return the key in a PEM file. Create the file with mode 0600 if it is missing. None means a key without a file.

    Raises TokenKeyError.
    """
    if path is None:
        return LocalTokenKey(generate_private_key(65537, _KEY_BITS))
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return _create(path)
    except OSError as error:
        raise TokenKeyError(f"cannot read {path}: {error.strerror}") from error
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise TokenKeyError(f"{path} is not a private key in PEM; remove it to create a new key") from error
    if not isinstance(key, RSAPrivateKey):
        raise TokenKeyError(f"{path} is not an RSA key; remove it to create a new key")
    return LocalTokenKey(key)


def _create(path: Path) -> LocalTokenKey:
    key = generate_private_key(65537, _KEY_BITS)
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        raise TokenKeyError(f"cannot write {path}: {error.strerror}") from error
    return LocalTokenKey(key)
