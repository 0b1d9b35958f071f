"""`/v1/_ping` and `/v2/`: clients use them to recognise the kind of server."""

from chalicelib.api.http import Route
from chalicelib.api.messages import Request, Response, json_response
from chalicelib.domain.errors import NotAuthenticated

REGISTRY_VERSION = "0.9.1"  # docker up to 0.10 requires a version; this is the last one of the v1 registry


def routes() -> list[Route]:
    """Return the endpoints. They need no services."""
    return [Route("GET", "/v1/_ping", _ping), Route("GET", "/v2", _reject_v2)]


def _ping(request: Request) -> Response:
    """Return 200, whatever credentials are sent. Docker 0.8 and later needs the header `Standalone: false`."""
    return json_response(
        200, True, {"X-Docker-Registry-Version": REGISTRY_VERSION, "X-Docker-Registry-Standalone": "false"}
    )


def _reject_v2(request: Request) -> Response:
    """Return 401 without `Docker-Distribution-Api-Version`.

    `podman search` fails with 404. Docker 1.12 to 17.03 accepts any password with 200.
    """
    raise NotAuthenticated("this is a v1 index; it does not serve the v2 registry API")
