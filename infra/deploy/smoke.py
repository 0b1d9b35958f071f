"""The smoke test: whether what was deployed answers as an index does, from outside."""

import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, UnknownHandler

from infra.deploy.stage import DeployError

TIMEOUT_SECONDS = 20
_WRONG = b64encode(b"waybill_smoke_test:this is no password").decode()


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply; header names lower-cased."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def get(url: str, headers: Mapping[str, str]) -> Answer:
    """One GET over HTTP or HTTPS and nothing else, whatever its status. Raises OSError when nothing answers."""
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler(), UnknownHandler()):
        opener.add_handler(handler)
    with opener.open(Request(url, headers=dict(headers)), timeout=TIMEOUT_SECONDS) as response:
        return Answer(
            response.status, {name.lower(): value for name, value in response.headers.items()}, response.read()
        )


def smoke_test(address: str, tries: int = 30, pause: Callable[[float], None] = time.sleep) -> list[str]:
    """Asks what docker would ask, and gives a line for each thing seen. Raises DeployError.

    A new name takes a while to be known everywhere, hence the tries.
    """
    seen = []
    for what, path, headers, problem in _CHECKS:
        for left in range(tries - 1, -1, -1):
            try:
                wrong = problem(get(address + path, headers))
            except OSError as error:
                wrong = f"no answer: {getattr(error, 'reason', error)}"
            if wrong is None:
                seen.append(what)
                break
            if not left:
                raise DeployError(f"the stack is there, but {address}{path} does not do what it should: {wrong}")
            pause(5)
    return seen


def _ping(answer: Answer) -> str | None:
    if (answer.status, answer.body) != (200, b"true"):
        return _said(answer)
    if answer.headers.get("x-docker-registry-standalone") != "false":
        return "it lacks X-Docker-Registry-Standalone: false, so docker would take it for a registry"
    return None


def _no_v2(answer: Answer) -> str | None:
    if answer.status != 401:
        return f"docker needs 401 here; {_said(answer)}"
    if "docker-distribution-api-version" in answer.headers:
        return "it has Docker-Distribution-Api-Version, so docker would take it for a v2 registry"
    return None


def _refused(answer: Answer) -> str | None:
    return None if answer.status == 401 else f"a login with a wrong password must be 401; {_said(answer)}"


def _said(answer: Answer) -> str:
    return f"it said {answer.status} {answer.body[:200].decode(errors='replace')}"


_CHECKS: list[tuple[str, str, Mapping[str, str], Callable[[Answer], str | None]]] = [
    ("/v1/_ping answers as an index", "/v1/_ping", {}, _ping),
    ("/v2/ sends docker on to v1", "/v2/", {}, _no_v2),
    ("a login with a wrong password is refused", "/v1/users/", {"Authorization": f"Basic {_WRONG}"}, _refused),
]
