"""`_ping`, which old clients judge an index by, and the `/v2/` answer, which newer ones do."""

from chalicelib.errors import Unauthorized
from chalicelib.routes.http import Reply, Request, Route, json_reply

REGISTRY_VERSION = "0.9.1"  # docker <= 0.10 wants a version here; this is the v1 registry's last


def routes() -> list[Route]:
    """Needs no parts: neither asks the store anything."""
    return [Route("GET", "/v1/_ping", _ping), Route("GET", "/v2", _no_v2)]


def _ping(request: Request) -> Reply:
    """Never challenges, whatever credentials come along. Without `Standalone: false` docker 0.8+ takes us for a
    registry.
    """
    return json_reply(
        200, True, {"X-Docker-Registry-Version": REGISTRY_VERSION, "X-Docker-Registry-Standalone": "false"}
    )


def _no_v2(request: Request) -> Reply:
    """401 and no `Docker-Distribution-Api-Version`: 404 breaks `podman search`, 200 makes docker 1.12 to 17.03 take any
    password.
    """
    raise Unauthorized("this is a v1 index; it serves no v2 registry")
