"""Message authentication codes from KMS and from hourly derived keys."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from chalicelib.domain.errors import Unavailable
from chalicelib.security.signing import DerivedKeySigner, KmsSigner, Signer
from tests.fake_kms import FakeKms


@pytest.mark.parametrize("kind", ["derived", "kms"])
def test_signers_accept_only_their_own_macs(kind: str) -> None:
    kms = FakeKms()
    root = KmsSigner(kms, "k")
    signer: Signer = DerivedKeySigner(root) if kind == "derived" else root
    mac = signer.sign(5, b"message")
    assert len(mac) == 32
    assert signer.verify(5, b"message", mac)
    assert not signer.verify(6, b"message", mac)
    assert not signer.verify(5, b"massage", mac)
    assert not signer.verify(5, b"message", mac[:-1])
    assert kms.calls == (2 if kind == "derived" else 5)


def test_signers_create_different_macs() -> None:
    root = KmsSigner(FakeKms(), "k")
    assert DerivedKeySigner(root).sign(5, b"message") != root.sign(5, b"message")


def test_requests_to_kms_name_the_key_and_the_use() -> None:
    requests = []

    class RecordingKms:
        def generate_mac(self, **request: object) -> dict[str, bytes]:
            requests.append(request)
            return {"Mac": bytes(32)}

    root = KmsSigner(RecordingKms(), "alias/x")
    root.sign(5, b"message")
    DerivedKeySigner(root).sign(5, b"message")
    common = {"KeyId": "alias/x", "MacAlgorithm": "HMAC_SHA_256"}
    assert requests == [
        common | {"Message": b"waybill/1/5/message"},
        common | {"Message": b"waybill/1/5/hourly derived key"},
    ]


@pytest.mark.parametrize("error", [EndpointConnectionError(endpoint_url="x"), ClientError({}, "GenerateMac")])
def test_unreachable_kms_raises_unavailable(error: Exception) -> None:
    class UnreachableKms:
        def generate_mac(self, **_: object) -> dict[str, bytes]:
            raise error

    with pytest.raises(Unavailable, match="key") as raised:
        DerivedKeySigner(KmsSigner(UnreachableKms(), "alias/x")).sign(5, b"message")
    assert raised.value.__cause__ is error


def test_derived_keys_of_32_hours_are_kept() -> None:
    kms = FakeKms()
    signer = DerivedKeySigner(KmsSigner(kms, "k"))
    for hour in range(100):
        signer.sign(hour, b"")
    for hour in range(99, 67, -1):
        signer.sign(hour, b"")
    assert kms.calls == 100
    signer.sign(3, b"")
    assert kms.calls == 101
