"""The URL of an index, as users enter it."""

import ipaddress
from typing import Self
from urllib.parse import urlsplit

from msgspec import Struct

from infra.exit_codes import CommandError

_DEFAULT_PORTS = {"http": 80, "https": 443}


class IndexUrl(Struct, frozen=True):
    """A URL without a path. `str()` gives the form under which credentials are stored."""

    scheme: str
    host: str
    username: str | None = None

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `https://index.example.com`. Without a scheme it is https. Raises CommandError."""
        try:
            parts = urlsplit(text if "://" in text else f"https://{text}")
            hostname, port = parts.hostname, parts.port
        except ValueError:
            parts, hostname, port = urlsplit(""), None, None
        has_path = parts.path.strip("/") or parts.query or parts.fragment
        if parts.scheme not in _DEFAULT_PORTS or not hostname or has_path or not text.isprintable() or " " in text:
            raise CommandError("the index must be a URL without a path, such as https://index.example.com")
        if parts.password is not None:
            raise CommandError("the URL cannot contain a password, because other users of this machine could read it")
        host = f"[{hostname}]" if ":" in hostname else hostname
        return cls(
            parts.scheme,
            host if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}",
            parts.username or None,
        )

    @property
    def is_local(self) -> bool:
        """Whether this is a server on the same machine."""
        hostname = urlsplit(str(self)).hostname or ""
        try:
            return ipaddress.ip_address(hostname).is_loopback
        except ValueError:
            return hostname == "localhost" or hostname.endswith(".localhost")
