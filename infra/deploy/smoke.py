"""The smoke test of a deployment: three HTTP requests that a docker client also sends."""

import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from socket import create_connection
from ssl import create_default_context
from urllib.parse import urlsplit

from msgspec import Struct

from infra.deploy.stage import DeployError

TIMEOUT_SECONDS = 20
RETRY_SECONDS = 5
_WRONG_CREDENTIALS = b64encode(b"waybill_smoke_test:not the password").decode()


class Response(Struct, frozen=True):
    """A response. The names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __str__(self) -> str:
        return f"the response is {self.status} {self.body[:200].decode(errors='replace')}"


def send_get(url: str, headers: Mapping[str, str], connects_to: str | None = None) -> Response:
    """Send one GET over HTTP or HTTPS. Every status is a response. Raises OSError if there is none.

    `connects_to` is another host that serves the host of the URL. It is used before DNS has a record of that host.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OSError(f"{url} is not an HTTP URL")
    kind = HTTPConnection if parts.scheme == "http" else _Connection
    connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
    if isinstance(connection, _Connection):
        connection.connects_to = connects_to
    try:
        connection.request("GET", parts.path, headers=dict(headers))
        response = connection.getresponse()
        lower_case = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, lower_case, response.read())
    except HTTPException as error:
        raise OSError(f"the response is not HTTP: {error!r}") from error
    finally:
        connection.close()


class _Connection(HTTPSConnection):
    """An HTTPS connection that can use the address of another host. The certificate is that of `host`."""

    connects_to: str | None = None

    def connect(self) -> None:
        """Connect, and check the certificate."""
        socket = create_connection((self.connects_to or self.host, self.port), self.timeout)
        self.sock = create_default_context().wrap_socket(socket, server_hostname=self.host)


def run_smoke_test(
    base_url: str, connects_to: str | None = None, attempts: int = 30, sleep: Callable[[float], None] = time.sleep
) -> list[str]:
    """Run the checks and return a line for each. Raises DeployError.

    A check is repeated up to `attempts` times, because a new host name is not known everywhere at once.
    """
    lines = []
    for line, path, headers, find_problem in _CHECKS:
        for remaining in range(attempts - 1, -1, -1):
            try:
                problem = find_problem(send_get(base_url + path, headers, connects_to))
            except OSError as error:
                problem = f"there is no response: {getattr(error, 'reason', error)}"
            if problem is None:
                lines.append(line)
                break
            if not remaining:
                raise DeployError(f"the stack is deployed, but {base_url}{path} does not work: {problem}")
            sleep(RETRY_SECONDS)
    return lines


def _check_ping(response: Response) -> str | None:
    if (response.status, response.body) != (200, b"true"):
        return str(response)
    if response.headers.get("x-docker-registry-standalone") != "false":
        return "without the header X-Docker-Registry-Standalone: false, docker treats it as a registry"
    return None


def _check_v2(response: Response) -> str | None:
    return None if response.status == 401 else f"docker needs 401, but {response}"


def _check_wrong_password(response: Response) -> str | None:
    return None if response.status == 401 else f"a login with a wrong password must give 401, but {response}"


_CHECKS: list[tuple[str, str, Mapping[str, str], Callable[[Response], str | None]]] = [
    ("/v1/_ping identifies an index", "/v1/_ping", {}, _check_ping),
    ("/v2/ requires a login", "/v2/", {}, _check_v2),
    (
        "a login with a wrong password is rejected",
        "/v1/users/",
        {"Authorization": f"Basic {_WRONG_CREDENTIALS}"},
        _check_wrong_password,
    ),
]
