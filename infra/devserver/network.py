"""The address of the local server and the settings for other hosts."""

import ipaddress
import socket
from collections.abc import Mapping

from msgspec import Struct

from infra.devserver.request_filter import AddressRange, parse_networks

DEFAULT_HOST = "127.0.0.1"


class NetworkError(Exception):
    """The server cannot listen. The message is one sentence for a person."""


class Network(Struct, frozen=True):
    """Where the server listens, and which requests it trusts.

    Attributes:
        host: a name or an address.
        port: 0 means any free port.
        allowed_hosts: further names in Host headers.
        trusted_proxies: the networks of the proxies whose X-Forwarded-For is trusted.
    """

    host: str
    port: int
    allowed_hosts: tuple[str, ...]
    trusted_proxies: tuple[AddressRange, ...]

    @property
    def warning(self) -> str:
        """A paragraph for people if other hosts can connect, or an empty text."""
        if _is_loopback(self.host):
            return ""
        return (
            f"Warning: other hosts can connect to {self.host}, and there is no TLS, so passwords can be read. "
            "Use a proxy in front, see docs/guide/local-server.md.\n\n"
        )

    def base_url(self, listener: socket.socket) -> str:
        """Return the URL for clients on this host."""
        host = {"0.0.0.0": DEFAULT_HOST, "::": "[::1]", "": DEFAULT_HOST}.get(self.host, self.host)  # nosec B104  # a name
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return f"http://{host}:{listener.getsockname()[1]}"


def read_network(environment: Mapping[str, str]) -> Network:
    """Read HOST, PORT, ALLOWED_HOSTS and TRUSTED_PROXIES. Raises NetworkError."""
    text = environment.get("TRUSTED_PROXIES", "")
    try:
        proxies = parse_networks(text)
    except ValueError as error:
        raise NetworkError(
            f"TRUSTED_PROXIES must be a list of IP addresses or networks, such as 10.0.0.1,172.17.0.0/16: {error}"
        ) from error
    return Network(
        (environment.get("HOST") or DEFAULT_HOST).strip("[]"),
        _parse_port(environment.get("PORT") or "8000"),
        tuple(environment.get("ALLOWED_HOSTS", "").lower().replace(",", " ").split()),
        tuple(proxies),
    )


def listen(network: Network) -> socket.socket:
    """Return a bound socket. It is bound first, because emails contain the URL and port 0 means any free port.

    Raises NetworkError.
    """
    place = f"{network.host}:{network.port}"
    try:
        family, kind, *_, address = socket.getaddrinfo(network.host, network.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
    except (OSError, UnicodeError) as error:
        raise NetworkError(f"cannot listen on {place}: {error}; set HOST to an address of this host") from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise NetworkError(f"cannot listen on {place}: {error.strerror}; set PORT or HOST to another value") from error
    return listener


def _parse_port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise NetworkError(f"PORT must be a number from 0 to 65535, not {text!r}; 0 chooses a free port")
    return int(text)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
