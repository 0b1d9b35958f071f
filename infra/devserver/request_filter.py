"""The checks of the local server before a request reaches the app: its URL, its host, its origin and its client."""

import ipaddress
import json
import time
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any
from urllib.parse import urlsplit

from infra.devserver.gateway import WSGI, StartResponse, format_status, log_request

Address = IPv4Address | IPv6Address
AddressRange = IPv4Network | IPv6Network
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class RequestFilter:
    """A WSGI application that rejects some requests and passes all others to `inner`.

    Args:
        inner: the application.
        base_url: the URL of the index for browsers.
        allowed_hosts: names that a Host header can contain, in lower case. An IP address, `localhost` and the host of
            `base_url` are always allowed.
        trusted_proxies: the networks of the proxies whose X-Forwarded-For is trusted.
    """

    def __init__(
        self,
        inner: WSGI,
        base_url: str,
        allowed_hosts: Iterable[str] = (),
        trusted_proxies: Iterable[AddressRange] = (),
    ) -> None:
        self._inner = inner
        self._base = urlsplit(base_url).netloc.lower()
        self._hosts = {"localhost", *allowed_hosts, split_host(self._base)}
        self._proxies = list(trusted_proxies)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Handle a WSGI request. REMOTE_ADDR becomes the address of the client."""
        environ["REMOTE_ADDR"] = find_client(environ, self._proxies)
        environ.pop("HTTP_X_FORWARDED_FOR", None)
        start = time.perf_counter()
        if error := self._check(environ):
            status, message = error
            log_request(start, status, environ["REQUEST_METHOD"], environ["REQUEST_URI"], environ)
            body = json.dumps({"error": message}).encode()
            start_response(
                format_status(status), [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
            )
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
        return self._inner(environ, start_response)

    def _check(self, environ: Mapping[str, Any]) -> tuple[int, str] | None:
        """Return the status and the message of an error, or None."""
        if not all("!" <= character <= "~" for character in environ["REQUEST_URI"]):
            return 400, "the URL must be ASCII; encode other characters, for example ü as %C3%BC"
        host = environ.get("HTTP_HOST", "").lower()
        if not self._is_allowed_host(host):
            return 403, "the Host header is not a name of this server; add the name to ALLOWED_HOSTS"
        if environ["REQUEST_METHOD"] not in _SAFE_METHODS and self._is_cross_site(environ, host):
            return (
                403,
                "pages of other sites cannot change data; send the request from this site or without a browser",
            )
        return None

    def _is_allowed_host(self, host: str) -> bool:
        """Return whether a Host header is allowed. A page can point its own name here, but not an IP address.

        Clients of HTTP/1.0 send no header. Browsers always do.
        """
        name = split_host(host)
        return not host or name in self._hosts or name.endswith(".localhost") or _parse_address(name) is not None

    def _is_cross_site(self, environ: Mapping[str, Any], host: str) -> bool:
        """Return whether a page of another origin sends the request. Clients that are not browsers send no header.

        Sec-Fetch-Site decides if a browser sends it. Its Origin is `null` for forms of Waybill's own pages, because
        they have the policy `no-referrer`.
        """
        site, origin = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
        if site is not None:
            return site not in ("same-origin", "none")
        return origin is not None and origin.lower().partition("://")[2] not in (host, self._base)


def find_client(environ: Mapping[str, Any], proxies: list[AddressRange]) -> str:
    """Return the address of the client: the last address of X-Forwarded-For that is not a trusted proxy.

    Each proxy appends the address that connected to it. A client can send any addresses at the start of the header.
    """
    client: str = environ["REMOTE_ADDR"]
    forwarded = [part.strip() for part in environ.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    while forwarded and _is_in(client, proxies):
        address = _parse_address(forwarded.pop())
        if address is None:
            break
        client = str(address)
    return client


def parse_networks(text: str) -> list[AddressRange]:
    """Return the networks of a list such as `10.0.0.1, 172.17.0.0/16`. Raises ValueError."""
    return [ipaddress.ip_network(part) for part in text.replace(",", " ").split()]


def split_host(host: str) -> str:
    """Return the name or the address of `host:port`, without the brackets of IPv6."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_in(text: str, networks: list[AddressRange]) -> bool:
    address = _parse_address(text)
    return address is not None and any(address in network for network in networks)


def _parse_address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
