"""The checks of the local server before a request reaches the app."""

import json
from typing import Any

import pytest

from infra.devserver.network import NetworkError, read_network
from infra.devserver.request_filter import RequestFilter, find_client, parse_networks


def _send(method: str = "GET", uri: str = "/v1/_ping", **headers: str) -> tuple[int, Any]:
    """Send a request to a filter, and return the status and the environ of the app, or the JSON of an error."""
    passed: list[Any] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        passed.append(environ)
        start_response("200 OK", [])
        return []

    request_filter = RequestFilter(app, "https://Index.example.com", ["allowed"], parse_networks("10.0.0.0/8 ::1"))
    environ = {"REQUEST_METHOD": method, "REQUEST_URI": uri, "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:8000"}
    environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    statuses: list[str] = []
    body = b"".join(request_filter(environ, lambda status, _: statuses.append(status)))
    return int(statuses[0][:3]), passed[0] if passed else json.loads(body)


_NAMES = ["localhost", "LOCALHOST:8000", "allowed:80", "index.example.com", "a.localhost", ""]
_ADDRESSES = ["127.0.0.1:8000", "10.1.2.3", "[::1]:8000"]
_OTHER_NAMES = ["evil.example.com", "localhost.example.com:8000", "127.0.0.1.example.com", "[x]", "0x7f"]


@pytest.mark.parametrize("host", _NAMES + _ADDRESSES)
def test_names_of_the_server_are_allowed(host: str) -> None:
    assert _send(host=host)[0] == 200


@pytest.mark.parametrize("host", _OTHER_NAMES)
def test_other_hosts_are_rejected(host: str) -> None:
    """The page of another site can let its own name point to the local server."""
    status, body = _send(host=host)
    assert status == 403
    assert "ALLOWED_HOSTS" in body["error"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_pages_of_other_sites_cannot_change_data(method: str) -> None:
    assert _send(method)[0] == 200
    assert _send(method, origin="http://localhost:8000")[0] == 200
    assert _send(method, origin="https://index.example.com")[0] == 200
    assert _send(method, sec_fetch_site="same-origin")[0] == 200
    assert _send(method, sec_fetch_site="none")[0] == 200
    for origin in ("http://localhost:3000", "http://evil.example.com", "null", ""):
        assert _send(method, origin=origin)[0] == 403, origin
    for site in ("cross-site", "same-site"):
        assert _send(method, sec_fetch_site=site)[0] == 403, site
    assert _send("GET", sec_fetch_site="cross-site", origin="http://evil.example.com")[0] == 200


@pytest.mark.parametrize("uri", ["/v1/search?q=\xc3\xbc", "/v1/\x7f", "/\x01"])
def test_url_that_is_not_ascii_is_400(uri: str) -> None:
    status, body = _send(uri=uri)
    assert status == 400
    assert set(body) == {"error"}


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "8.8.8.8, 192.0.2.7, 10.9.9.9", "192.0.2.7"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "192.0.2.7, garbage", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("192.0.2.1", "192.0.2.7", "192.0.2.1"),
        ("::1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_only_trusted_proxies_name_the_client(peer: str, forwarded: str, client: str) -> None:
    environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}
    assert find_client(environ, parse_networks("10.0.0.0/8, ::1")) == client


def test_header_of_other_clients_is_removed() -> None:
    _, environ = _send(x_forwarded_for="192.0.2.7")
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert "HTTP_X_FORWARDED_FOR" not in environ


@pytest.mark.parametrize(
    ("name", "value"), [("TRUSTED_PROXIES", "proxy.example.com"), ("TRUSTED_PROXIES", "10.0.0.1/8"), ("PORT", "x")]
)
def test_invalid_network_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(NetworkError, match=name):
        read_network({name: value})


@pytest.mark.parametrize("host", ["", "localhost", "127.0.0.2", "[::1]", "::1"])
def test_loopback_causes_no_warning(host: str) -> None:
    assert read_network({"HOST": host}).warning == ""


def test_address_for_other_hosts_causes_a_warning() -> None:
    assert "TLS" in read_network({"HOST": "192.0.2.1"}).warning
