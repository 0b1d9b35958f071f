"""A replacement for KMS with one HMAC key, which counts its calls."""

import hmac
import secrets


class FakeKms:
    """Has the one method of the botocore client that the signers call."""

    def __init__(self, key: bytes | None = None) -> None:
        self.key = key or secrets.token_bytes(32)
        self.calls = 0

    def generate_mac(self, **request: bytes) -> dict[str, bytes]:
        self.calls += 1
        return {"Mac": hmac.digest(self.key, request["Message"], "sha256")}
