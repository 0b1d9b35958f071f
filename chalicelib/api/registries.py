"""`/v2/`, `/v2/_catalog` and `/registries/events`: what current registries and their clients call here."""

import hmac
import re
import time
from collections.abc import Callable, Sequence

from chalicelib.api.authentication import Authenticator
from chalicelib.api.errors import BEARER_CHALLENGE_HEADER, RouteNotFound
from chalicelib.api.http import Route, parse_number
from chalicelib.api.messages import Request, Response, json_response
from chalicelib.api.notifications import parse_notifications
from chalicelib.api.token import render_registry_error
from chalicelib.domain.errors import DomainError, InvalidInput, NotAuthenticated
from chalicelib.domain.tags import TagAction, TagEvent
from chalicelib.repositories.catalog import Catalog
from chalicelib.repositories.tags import Tags
from chalicelib.request_log import annotate_event

MAX_CATALOG = 1000
_DEFAULT_CATALOG = 100
_LAST = re.compile(r"[a-z0-9_./-]{0,511}", re.ASCII)
_API_VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}


class RegistryRoutes:
    """Endpoints for current registries.

    Args:
        tags: records notifications.
        catalog: lists names.
        authenticator: verifies bearer tokens.
        services: the registries. Without any, `/v2/` rejects every client and the other endpoints do not exist.
        realm: the URL of the token endpoint.
        secret: the secret with which registries send notifications.
        clock: returns seconds since 1970.
    """

    def __init__(
        self,
        tags: Tags,
        catalog: Catalog,
        authenticator: Authenticator,
        services: Sequence[str],
        realm: str,
        secret: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._tags = tags
        self._catalog = catalog
        self._authenticator = authenticator
        self._services = services
        self._realm = realm
        self._secret = secret
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route("GET", "/v2", self.check_version, self._render_error),
            Route("GET", "/v2/_catalog", self.list_catalog, self._render_error),
            Route("POST", "/registries/events", self.receive_events),
        ]

    def check_version(self, request: Request) -> Response:
        """Return 200 for a bearer token, else 401 with the address of the token endpoint.

        Without registries it is 401 without `Docker-Distribution-Api-Version`. `podman search` fails with 404. Docker
        1.12 to 17.03 accepts any password with 200.
        """
        if not self._services:
            raise NotAuthenticated("this is a v1 index; it does not serve the v2 registry API")
        self._authenticator.require_bearer(request)
        return json_response(200, {}, _API_VERSION)

    def list_catalog(self, request: Request) -> Response:
        """Return 200 and the names that the subject of the token can read now, sorted, with a `Link` header."""
        if not self._services:
            raise RouteNotFound
        principal = self._authenticator.require_bearer(request)
        limit = min(parse_number(request, "n", _DEFAULT_CATALOG), MAX_CATALOG)
        last = request.query.get("last", "")
        if not _LAST.fullmatch(last):
            raise InvalidInput("last must be the name of a repository; use the Link header of the previous page")
        names = self._catalog.list_names(principal, last, limit)
        headers = dict(_API_VERSION)
        if len(names) == limit:
            headers["Link"] = f'</v2/_catalog?last={names[-1]}&n={limit}>; rel="next"'
        return json_response(200, {"repositories": names}, headers)

    def receive_events(self, request: Request) -> Response:
        """Return 204 for any content, because a registry repeats a notification until it is accepted.

        401 without the secret. 503 if the storage is unavailable: the registry then repeats the notification.
        """
        if not self._services or not self._secret:
            raise RouteNotFound
        scheme, _, secret = request.headers.get("authorization", "").strip().partition(" ")
        is_right = hmac.compare_digest(secret.strip().encode(), self._secret.encode())
        if scheme.lower() != "bearer" or not is_right:
            raise NotAuthenticated("this request needs the header Authorization: Bearer with REGISTRY_SECRET")
        for event in parse_notifications(request.headers, request.body, self._clock()):
            repository = self._tags.record(event)
            if repository is not None:
                annotate_event(**_audit_fields(event, str(repository)))
        return Response(204)

    def _render_error(self, error: DomainError) -> Response:
        response = render_registry_error(error)
        if not isinstance(error, NotAuthenticated) or not self._services:
            return response
        challenge = f'Bearer realm="{self._realm}",service="{self._services[0]}"'
        headers = {**response.headers, **_API_VERSION, BEARER_CHALLENGE_HEADER: challenge}
        return Response(response.status, response.body, headers)


def _audit_fields(event: TagEvent, repository: str) -> dict[str, str]:
    kind = "repository.pushed" if event.action is TagAction.PUSH else "tag.deleted"
    fields = {"event": kind, "target": repository, "tag": event.tag.name, "digest": event.tag.digest}
    return {
        name: value for name, value in {**fields, "actor": event.actor, "client_ip": event.client_ip}.items() if value
    }
