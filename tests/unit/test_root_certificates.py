"""The root certificates with which the function verifies AWS."""

import hashlib
import re
import ssl
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import botocore
import pytest

from chalicelib.aws import ROOT_CERTIFICATES, create_clients, create_ses_client, find_root_certificates

BUNDLE = Path(botocore.__file__).with_name("cacert.pem")
FINGERPRINTS = {  # as Amazon Trust Services publishes them
    "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5": "Starfield G2",  # pragma: allowlist secret
    "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e": "Amazon Root CA 1",  # pragma: allowlist secret
    "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4": "Amazon Root CA 2",  # pragma: allowlist secret
    "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4": "Amazon Root CA 3",  # pragma: allowlist secret
    "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092": "Amazon Root CA 4",  # pragma: allowlist secret
}


def fingerprints(file: Path) -> set[str]:
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", file.read_text(), re.DOTALL)
    return {hashlib.sha256(b64decode(block)).hexdigest() for block in blocks}


def test_file_contains_the_published_certificates_and_no_others() -> None:
    assert fingerprints(ROOT_CERTIFICATES) == set(FINGERPRINTS)


def test_botocore_still_trusts_each_certificate() -> None:
    assert fingerprints(ROOT_CERTIFICATES) <= fingerprints(BUNDLE)


def test_no_certificate_expires_within_two_years() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ROOT_CERTIFICATES)
    for certificate in context.get_ca_certs():
        expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
        assert expires > datetime.now(UTC) + timedelta(days=730), certificate["subject"]


@pytest.mark.parametrize(
    ("region", "environment", "expected"),
    [
        ("eu-west-1", {}, str(ROOT_CERTIFICATES)),
        ("us-gov-west-1", {}, str(ROOT_CERTIFICATES)),
        ("cn-north-1", {}, None),
        ("eu-west-1", {"AWS_CA_BUNDLE": "/etc/proxy.pem"}, None),
    ],
)
def test_region_and_bundle_of_the_environment_choose_the_file(
    region: str, environment: dict[str, str], expected: str | None
) -> None:
    assert find_root_certificates(region, environment) == expected


def test_every_client_verifies_with_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    for client in (*create_clients("eu-west-1"), create_ses_client("eu-west-1")):
        assert client._endpoint.http_session._verify == str(ROOT_CERTIFICATES)
