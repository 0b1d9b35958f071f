"""`/v1/_ping`: clients use it to recognise the kind of server."""

from chalicelib.api.http import Route
from chalicelib.api.messages import Request, Response, json_response

REGISTRY_VERSION = "0.9.1"  # docker up to 0.10 requires a version; this is the last one of the v1 registry


def routes() -> list[Route]:
    """Return the endpoint. It needs no services."""
    return [Route("GET", "/v1/_ping", _ping)]


def _ping(request: Request) -> Response:
    """Return 200, whatever credentials are sent. Docker 0.8 and later needs the header `Standalone: false`."""
    return json_response(
        200, True, {"X-Docker-Registry-Version": REGISTRY_VERSION, "X-Docker-Registry-Standalone": "false"}
    )
