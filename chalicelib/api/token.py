"""`/token` and `/token/certificate`: bearer tokens for current registries.

The protocol is distribution's "Token Authentication Specification". Docker, podman, skopeo, containerd, BuildKit and
crane use it. Errors have the format of registries, so that docker prints the sentence.
"""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import NamedTuple
from urllib.parse import parse_qs

from chalicelib.api.authentication import Authenticator, parse_basic
from chalicelib.api.errors import RouteNotFound, headers_of, render_error, status_of
from chalicelib.api.http import Route
from chalicelib.api.messages import Request, Response, json_response
from chalicelib.domain.errors import DomainError, InvalidInput, NotAuthenticated, PermissionDenied, TooLarge
from chalicelib.domain.roles import ANONYMOUS, Principal
from chalicelib.domain.scopes import Scope, parse_scopes
from chalicelib.repositories.token_grants import TokenGrants
from chalicelib.security.bearer_tokens import BearerTokens

_MAX_FORM_BYTES = 16_384
_MAX_FORM_FIELDS = 40
_FAILURE_SECONDS = 10
_MAX_FAILURES = 1_000
_CODES = {400: "UNSUPPORTED", 401: "UNAUTHORIZED", 403: "DENIED", 404: "UNSUPPORTED", 413: "UNSUPPORTED"}
_CODES |= {429: "TOOMANYREQUESTS", 500: "UNKNOWN", 503: "UNAVAILABLE"}


def render_registry_error(error: DomainError) -> Response:
    """Return an error in the format of registries: `{"errors": [{"code": …, "message": …}]}`."""
    status = status_of(error)
    body = {"errors": [{"code": _CODES.get(status, "UNKNOWN"), "message": error.message}]}
    return json_response(status, body, headers_of(error))


class TokenRequest(NamedTuple):
    """What a client requests: its credentials, a service and scopes."""

    credentials: tuple[str, str] | None
    service: str
    scopes: list[Scope]


class RecentFailures:
    """The wrong credentials of the last seconds, as HMACs with a random key.

    containerd and BuildKit send wrong credentials twice: with POST, then with GET. The second request is rejected
    without another login attempt, so that it counts once.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._failures: OrderedDict[bytes, float] = OrderedDict()
        self._lock = Lock()

    def add(self, *parts: str) -> None:
        """Remember a failure of a POST request."""
        with self._lock:
            self._failures[self._mark(parts)] = self._clock() + _FAILURE_SECONDS
            if len(self._failures) > _MAX_FAILURES:
                self._failures.popitem(last=False)

    def take(self, *parts: str) -> bool:
        """Return whether a POST request has just failed with the same credentials. It is forgotten then."""
        with self._lock:
            return self._failures.pop(self._mark(parts), 0.0) > self._clock()

    def _mark(self, parts: Sequence[str]) -> bytes:
        message = "\0".join(parts).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, hashlib.sha256)


class TokenRoutes:
    """Endpoints for bearer tokens. `services` are the registries; without any, the endpoints do not exist."""

    def __init__(
        self, authenticator: Authenticator, grants: TokenGrants, tokens: BearerTokens, services: Sequence[str]
    ) -> None:
        self._authenticator = authenticator
        self._grants = grants
        self._tokens = tokens
        self._services = services
        self._failures = RecentFailures()

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route("GET", "/token", self.get, self._render_error),
            Route("POST", "/token", self.post, self._render_error),
            Route("GET", "/token/certificate", self.get_certificate, self._render_error),
        ]

    def get(self, request: Request) -> Response:
        """Return 200 and a token for the credentials of a Basic header. `account` and other parameters are ignored."""
        self._require_registries()
        credentials = parse_basic(request.headers.get("authorization", "").strip())
        if credentials is not None and self._failures.take(*credentials, request.client_ip):
            raise NotAuthenticated("wrong username or password")
        return self._issue(request, self._parse(credentials, request.repeated_query))

    def post(self, request: Request) -> Response:
        """Return 200 and a token for the credentials in a form (OAuth 2.0, grant_type=password)."""
        self._require_registries()
        form = _parse_form(request)
        if form.get("grant_type", [""])[-1] != "password":
            raise InvalidInput("grant_type must be password; this index does not issue refresh tokens")
        credentials = (form.get("username", [""])[-1], form.get("password", [""])[-1])
        if not credentials[0]:
            raise InvalidInput("grant_type=password needs username and password; anonymous clients use GET")
        parsed = self._parse(credentials, form)
        try:
            return self._issue(request, parsed)
        except NotAuthenticated:
            self._failures.add(*credentials, request.client_ip)
            raise

    def get_certificate(self, request: Request) -> Response:
        """Return 200 and the certificate that registries need, in PEM."""
        self._require_registries()
        headers = {"Content-Type": "application/x-pem-file", "Cache-Control": "no-store"}
        return Response(200, self._tokens.get_certificate(), headers)

    def _issue(self, request: Request, parsed: TokenRequest) -> Response:
        credentials = parsed.credentials
        principal = ANONYMOUS if credentials is None else self._authenticator.log_in(request, *credentials)
        if any(_is_too_deep(scope) for scope in parsed.scopes):
            raise PermissionDenied(
                "a repository name must have two parts, such as alice/web; deeper names are not supported"
            )
        granted = self._grants.grant(principal, parsed.scopes)
        token = self._tokens.issue(_subject_of(principal), parsed.service, granted)
        now = int(self._tokens.now())  # clients add `expires_in` to `issued_at`, or to their own time
        body = {
            "token": token.text,
            "access_token": token.text,
            "expires_in": token.expires_at - now,
            "issued_at": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "scope": " ".join(map(str, granted)),
        }
        return json_response(200, body, {"Cache-Control": "no-store"})

    def _parse(self, credentials: tuple[str, str] | None, values: Mapping[str, Sequence[str]]) -> TokenRequest:
        service = (values.get("service") or [""])[-1]
        if service not in self._services:
            raise InvalidInput(
                f"the service must be one of {', '.join(self._services)}; see the registry's configuration"
            )
        return TokenRequest(credentials, service, parse_scopes(values.get("scope") or ()))

    def _require_registries(self) -> None:
        if not self._services:
            raise RouteNotFound

    def _render_error(self, error: DomainError) -> Response:
        return render_registry_error(error) if self._services else render_error(error)


def _parse_form(request: Request) -> dict[str, list[str]]:
    """Return the fields of a form. Raises InvalidInput and TooLarge."""
    if len(request.body) > _MAX_FORM_BYTES:
        raise TooLarge(f"the form can have at most {_MAX_FORM_BYTES} bytes")
    try:
        return parse_qs(request.body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FORM_FIELDS)
    except ValueError:
        raise InvalidInput(f"the body must be a form in UTF-8 with at most {_MAX_FORM_FIELDS} fields") from None


def _subject_of(principal: Principal) -> str:
    """Return the subject: `alice`, `alice+ci` for a robot, or an empty text for an anonymous client."""
    if principal.robot is not None:
        return f"{principal.username}+{principal.robot.name}"
    return principal.username or ""


def _is_too_deep(scope: Scope) -> bool:
    return scope.type == "repository" and scope.name.count("/") > 1
