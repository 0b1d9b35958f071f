"""DynamoDB and KMS in this process, emulated by moto, over TLS as AWS serves them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

HOST = "127.0.0.1"


@contextmanager
def run_tls_store(folder: Path) -> Iterator[tuple[str, Path]]:
    """Serve until the block ends. Yield the URL, and the file of the certificate that clients must trust."""
    certificate, key = _create_certificate(folder)
    server = make_server(
        HOST,
        0,
        DomainDispatcherApplication(create_backend_app),
        threaded=True,
        ssl_context=(str(certificate), str(key)),
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://{HOST}:{server.server_port}", certificate
    finally:
        server.shutdown()


def _create_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate that signs itself, and its key. AWS has certificates with keys of this kind too."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "store.pem", folder / "store.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files
