"""The operations whose cost is told, each as one request to a whole index on this machine."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from chalice.local import LocalChalice

from bench.aws_cost.log_bytes import bytes_logged
from bench.aws_cost.meter import Use, metered
from chalicelib.aws import Clients, create_clients
from chalicelib.bootstrap import Services
from chalicelib.chalice_adapter import create_chalice_app
from chalicelib.request_log import RequestLog
from chalicelib.settings import Settings
from infra.devserver.gateway import Answer, Gateway
from infra.devserver.moto_aws import create_stack, local_aws

IMAGES = 60  # in a repository's list
_BASE = "/v1/repositories/someone/web"
_WORKER = "/v1/repositories/someone/worker"
_CHECKED = [{"id": "f" * 64, "checksum": "sha256:" + "f" * 64}]
_TEN = [{"id": f"{n:064x}"} for n in range(10)]
_FORM = {"username": "somebody", "password": "a secret", "email": "else@example.com"}
_SETTINGS = Settings(stack="waybill-cost", bcrypt_cost=4)  # rounds are counted, so they need not take long


@dataclass(frozen=True, slots=True)
class Operation:
    """One request. `warm` is whether the container has seen its password within the minute."""

    key: str
    what: str
    method: str
    path: str
    who: str
    body: Any = None
    warm: bool = True


OPERATIONS = (
    Operation("check", f"a registry checks a token, {IMAGES} images in the list", "GET", _BASE + "/images", "token"),
    Operation("pull", "a pull gets the list and a token, not signed in", "GET", _BASE + "/images", "nobody"),
    Operation("sign-in", "a sign-in", "GET", "/v1/users/", "someone", warm=False),
    Operation("sign-in-again", "a sign-in within a minute of another", "GET", "/v1/users/", "someone"),
    Operation("robot", "a robot signs in", "GET", "/v1/users/", "robot"),
    Operation("push", "a push of a new image begins", "PUT", _BASE, "someone", [{"id": "f" * 64}]),
    Operation("push-done", "a push ends, with a checksum", "PUT", _BASE + "/images", "someone", _CHECKED),
    Operation("new", "a push to a new repository, 10 images", "PUT", _WORKER, "someone", _TEN),
    Operation("search", "a search that finds one repository", "GET", "/v1/search?q=web", "nobody"),
    Operation("delete", "a deletion", "DELETE", _WORKER, "someone"),
    Operation("register", "a registration", "POST", "/v1/users/", "nobody", _FORM),
)  # fmt: skip


@cache
def count() -> dict[str, Use]:
    """What each operation uses, one after the other."""
    with local_aws():
        aws = create_clients(_SETTINGS.region)
        create_stack(aws, _SETTINGS.stack)
        who = _prepared(_Index(aws))
        used: dict[str, Use] = {}
        for operation in OPERATIONS:
            index = _Index(aws)
            index.ask("GET", "/v1/_ping", {})
            index.ask("GET", _BASE + "/images", who["token"])  # the hour's key is there
            if operation.warm and operation.who == "someone":
                index.ask("GET", "/v1/users/", who["someone"])
            with metered(aws) as use:
                answer = index.ask(operation.method, operation.path, who[operation.who], operation.body)
            use.bytes_out = len(answer.body)
            use.bytes_logged = bytes_logged(index.lines[-1:], operation.method, operation.path, answer.status)
            used[operation.key] = use
        return used


def _prepared(index: "_Index") -> dict[str, Mapping[str, str]]:
    """An account with a repository and a robot, and the headers of everybody who asks."""
    index.ask("POST", "/v1/users/", {}, {"username": "someone", "password": "a secret", "email": "some@example.com"})
    someone = _basic("a secret")
    images = [{"id": f"{n:064x}", "checksum": f"sha256:{n:064x}"} for n in range(IMAGES)]
    pushed = index.ask("PUT", _BASE, someone, images)
    robot = index.ask("PUT", "/v1/users/someone/robots/ci", someone, {"access": "read"})
    return {
        "nobody": {"x-docker-token": "true"},
        "someone": someone,
        "robot": _basic(json.loads(robot.body)["token"]),
        "token": {"authorization": f"Token {pushed.headers['X-Docker-Token']}"},
    }


class _Index:
    """A container of its own."""

    def __init__(self, aws: Clients) -> None:
        self.lines: list[str] = []  # its journal
        self._gateway = Gateway(
            create_chalice_app(
                Services(_SETTINGS, aws).routes, RequestLog(self.lines.append, _SETTINGS.stack), app_class=LocalChalice
            )
        )

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: Any = None) -> Answer:
        sent = b"" if body is None else json.dumps(body).encode()
        answer = self._gateway.handle(method, path, {"host": "localhost", **headers}, sent)
        if answer.status >= 400:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.body.decode()}")
        return answer


def _basic(password: str) -> Mapping[str, str]:
    credentials = base64.b64encode(f"someone:{password}".encode()).decode()
    return {"authorization": f"Basic {credentials}", "x-docker-token": "true"}
