"""The operations whose cost is calculated. Each is one request to a whole index on this machine."""

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from chalice.local import LocalChalice
from msgspec import Struct

from bench.aws_cost.log_bytes import count_log_bytes
from bench.aws_cost.meter import Usage, measure_usage
from chalicelib.aws import Clients, create_clients
from chalicelib.bootstrap import Services
from chalicelib.chalice_adapter import create_chalice_app
from chalicelib.request_log import RequestLog
from chalicelib.settings import Settings
from infra.devserver.gateway import Gateway, GatewayResponse
from infra.devserver.moto_aws import create_stack, local_aws

IMAGES = 60  # in the list of a repository
_WEB = "/v1/repositories/someone/web"
_WORKER = "/v1/repositories/someone/worker"
_LAST_IMAGE = [{"id": "f" * 64, "checksum": "sha256:" + "f" * 64}]
_TEN_IMAGES = [{"id": f"{n:064x}"} for n in range(10)]
_FORM = {"username": "somebody", "password": "a secret", "email": "else@example.com"}
_SETTINGS = Settings(stack="waybill-cost", bcrypt_cost=4)  # computations are counted, so they can be fast


class Operation(Struct, frozen=True):
    """One request.

    Attributes:
        key: the name in tables of this package.
        description: the name on the page.
        method: the HTTP method.
        path: the path.
        principal: `anonymous`, `someone` (Basic), `robot` or `token`.
        body: a value that becomes the JSON body.
        is_cached: whether the container has the password in its cache.
    """

    key: str
    description: str
    method: str
    path: str
    principal: str
    body: Any = None
    is_cached: bool = True


OPERATIONS = (
    Operation("check", f"registry checks a token, {IMAGES} images in the list", "GET", _WEB + "/images", "token"),
    Operation("pull", "pull: list and token, anonymous", "GET", _WEB + "/images", "anonymous"),
    Operation("login", "login", "GET", "/v1/users/", "someone", is_cached=False),
    Operation("login-cached", "login within a minute after another", "GET", "/v1/users/", "someone"),
    Operation("robot", "login of a robot", "GET", "/v1/users/", "robot"),
    Operation("push", "push of a new image begins", "PUT", _WEB, "someone", [{"id": "f" * 64}]),
    Operation("push-end", "push ends, with a checksum", "PUT", _WEB + "/images", "someone", _LAST_IMAGE),
    Operation("create", "push to a new repository, 10 images", "PUT", _WORKER, "someone", _TEN_IMAGES),
    Operation("search", "search that finds one repository", "GET", "/v1/search?q=web", "anonymous"),
    Operation("delete", "deletion", "DELETE", _WORKER, "someone"),
    Operation("register", "registration", "POST", "/v1/users/", "anonymous", _FORM),
)


@cache
def count_usage() -> dict[str, Usage]:
    """Return the usage of each operation. They run one after the other, each in a new container."""
    with local_aws():
        aws = create_clients(_SETTINGS.region)
        create_stack(aws, _SETTINGS.stack)
        headers = _create_example(_Container(aws))
        usages: dict[str, Usage] = {}
        for operation in OPERATIONS:
            container = _Container(aws)
            container.request("GET", "/v1/_ping", {})
            container.request("GET", _WEB + "/images", headers["token"])  # derives the key of the hour
            if operation.is_cached and operation.principal == "someone":
                container.request("GET", "/v1/users/", headers["someone"])
            with measure_usage(aws) as usage:
                response = container.request(
                    operation.method, operation.path, headers[operation.principal], operation.body
                )
            usage.bytes_out = len(response.body)
            usage.bytes_logged = count_log_bytes(
                container.lines[-1:], operation.method, operation.path, response.status
            )
            usages[operation.key] = usage
        return usages


def _create_example(container: "_Container") -> dict[str, Mapping[str, str]]:
    """Create an account with a repository and a robot. Return the headers of each principal."""
    form = {"username": "someone", "password": "a secret", "email": "some@example.com"}
    container.request("POST", "/v1/users/", {}, form)
    someone = _basic("a secret")
    images = [{"id": f"{n:064x}", "checksum": f"sha256:{n:064x}"} for n in range(IMAGES)]
    pushed = container.request("PUT", _WEB, someone, images)
    robot = container.request("PUT", "/v1/users/someone/robots/ci", someone, {"access": "read"})
    return {
        "anonymous": {"x-docker-token": "true"},
        "someone": someone,
        "robot": _basic(json.loads(robot.body)["token"]),
        "token": {"authorization": f"Token {pushed.headers['X-Docker-Token']}"},
    }


class _Container:
    """A container with empty caches. `lines` is its request log."""

    def __init__(self, aws: Clients) -> None:
        self.lines: list[str] = []
        routes = Services(_SETTINGS, aws).routes
        request_log = RequestLog(self.lines.append, _SETTINGS.stack)
        self._gateway = Gateway(create_chalice_app(routes, request_log, app_class=LocalChalice))

    def request(self, method: str, path: str, headers: Mapping[str, str], body: Any = None) -> GatewayResponse:
        """Send a request, which must succeed. Raises AssertionError otherwise."""
        encoded = b"" if body is None else json.dumps(body).encode()
        response = self._gateway.handle(method, path, {"host": "localhost", **headers}, encoded)
        if response.status >= 400:
            raise AssertionError(f"{method} {path}: {response.status} {response.body.decode()}")
        return response


def _basic(password: str) -> Mapping[str, str]:
    credentials = base64.b64encode(f"someone:{password}".encode()).decode()
    return {"authorization": f"Basic {credentials}", "x-docker-token": "true"}
