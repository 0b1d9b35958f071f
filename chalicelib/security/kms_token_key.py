"""The RSA key of bearer tokens in KMS. The private key never leaves KMS."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import Unavailable

_ALGORITHM = "RSASSA_PKCS1_V1_5_SHA_256"


class KmsTokenKey:
    """An RSA_2048 key of the usage SIGN_VERIFY.

    Args:
        kms: a botocore client for KMS.
        key: the id, the alias or the ARN of the key.
    """

    def __init__(self, kms: Any, key: str) -> None:
        self._kms = kms
        self._key = key

    def get_public_key(self) -> bytes:
        """Return the SubjectPublicKeyInfo in DER. One GetPublicKey call."""
        try:
            public_key: bytes = self._kms.get_public_key(KeyId=self._key)["PublicKey"]
        except (BotoCoreError, ClientError) as error:
            raise _unavailable() from error
        return public_key

    def sign(self, message: bytes) -> bytes:
        """Return the signature. One Sign call with the whole message: some emulators hash a digest again."""
        try:
            response = self._kms.sign(KeyId=self._key, Message=message, MessageType="RAW", SigningAlgorithm=_ALGORITHM)
        except (BotoCoreError, ClientError) as error:
            raise _unavailable() from error
        signature: bytes = response["Signature"]
        return signature


def _unavailable() -> Unavailable:
    return Unavailable("the index cannot reach its token key; try again in a moment")
