"""The smoke test of a deployment: three HTTP requests that a docker client also sends."""

import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, UnknownHandler

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


def send_get(url: str, headers: Mapping[str, str]) -> Response:
    """Send one GET over HTTP or HTTPS. Every status is a response. Raises OSError if there is none."""
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler(), UnknownHandler()):
        opener.add_handler(handler)
    with opener.open(Request(url, headers=dict(headers)), timeout=TIMEOUT_SECONDS) as response:
        lower_case = {name.lower(): value for name, value in response.headers.items()}
        return Response(response.status, lower_case, response.read())


def run_smoke_test(base_url: str, attempts: int = 30, sleep: Callable[[float], None] = time.sleep) -> list[str]:
    """Run the checks and return a line for each. Raises DeployError.

    A check is repeated up to `attempts` times, because a new host name is not known everywhere at once.
    """
    lines = []
    for line, path, headers, find_problem in _CHECKS:
        for remaining in range(attempts - 1, -1, -1):
            try:
                problem = find_problem(send_get(base_url + path, headers))
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
    if response.status != 401:
        return f"docker needs 401, but {response}"
    if "docker-distribution-api-version" in response.headers:
        return "with the header Docker-Distribution-Api-Version, docker treats it as a v2 registry"
    return None


def _check_wrong_password(response: Response) -> str | None:
    return None if response.status == 401 else f"a login with a wrong password must give 401, but {response}"


_CHECKS: list[tuple[str, str, Mapping[str, str], Callable[[Response], str | None]]] = [
    ("/v1/_ping identifies an index", "/v1/_ping", {}, _check_ping),
    ("/v2/ makes docker use v1", "/v2/", {}, _check_v2),
    (
        "a login with a wrong password is rejected",
        "/v1/users/",
        {"Authorization": f"Basic {_WRONG_CREDENTIALS}"},
        _check_wrong_password,
    ),
]
