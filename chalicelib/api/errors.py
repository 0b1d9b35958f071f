"""HTTP statuses, headers and bodies of errors."""

from collections.abc import Collection

from chalicelib.api.messages import Response, json_response
from chalicelib.domain.errors import (
    AccountInactive,
    AlreadyExists,
    DomainError,
    InvalidInput,
    LinkExpired,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    RateLimited,
    RequestConflict,
    TooLarge,
    Unavailable,
)

BEARER_CHALLENGE_HEADER = "WWW-Authenticate"
CHALLENGE = 'Basic realm="auth required", Token'


class ApiError(DomainError):
    """An error of the API itself."""


class RouteNotFound(ApiError):
    """Nothing is served at this path."""

    def __init__(self) -> None:
        super().__init__("no endpoint has this path; GET /openapi.yaml describes all endpoints")


class MethodNotAllowed(ApiError):
    """The path is served, but not with this method.

    Attributes:
        allowed: the methods of the path.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        self.allowed = ", ".join(sorted(allowed))
        super().__init__(f"this path does not have this method; it has {self.allowed}")


class InternalError(ApiError):
    """An unexpected exception. The response does not contain it; the log does."""

    def __init__(self, request_id: str) -> None:
        super().__init__(f"internal server error (logged); quote request id {request_id}")


def render_unrouted(path: str, accept: str, allowed: Collection[str]) -> Response:
    """Return the response for a request that no route serves.

    Args:
        path: the path of the request.
        accept: the Accept header. Programs receive JSON in any case.
        allowed: the methods of the path; empty if it is not served at all.

    Below `/v2/` it is plain text. Docker 1.10.3 repeats a request five times after a JSON body without `errors`, which
    makes each push 50 seconds slower.
    """
    error = MethodNotAllowed(allowed) if allowed else RouteNotFound()
    if path.startswith("/v2/"):
        text = "405 method not allowed" if allowed else "404 page not found"
        return Response(status_of(error), text, {"Content-Type": "text/plain; charset=utf-8", **headers_of(error)})
    return render_error(error)


_STATUSES: dict[type[DomainError], int] = {
    InvalidInput: 400,
    AlreadyExists: 400,
    NotAuthenticated: 401,
    AccountInactive: 403,
    PermissionDenied: 403,
    NotFound: 404,
    RouteNotFound: 404,
    MethodNotAllowed: 405,
    RequestConflict: 409,
    LinkExpired: 410,
    TooLarge: 413,
    RateLimited: 429,
    InternalError: 500,
    Unavailable: 503,
}
_BARE_JSON_STRINGS = (AlreadyExists, AccountInactive)  # docker compares these bodies: they are a JSON string


def status_of(error: DomainError) -> int:
    """Return the HTTP status of an error."""
    return next(_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)


def headers_of(error: DomainError) -> dict[str, str]:
    """Return the headers that belong to an error."""
    match error:
        case NotAuthenticated():
            return {"WWW-Authenticate": CHALLENGE}
        case RateLimited():
            return {"Retry-After": str(error.seconds)}
        case MethodNotAllowed():
            return {"Allow": error.allowed}
        case Unavailable():
            return {"Retry-After": "2"}
        case _:
            return {}


def render_error(error: DomainError) -> Response:
    """Return an error as JSON: `{"error": message}`, or the message alone where clients compare it."""
    body = error.message if isinstance(error, _BARE_JSON_STRINGS) else {"error": error.message}
    return json_response(status_of(error), body, headers_of(error))
