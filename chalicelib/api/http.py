"""Routes, dispatch to their handlers, and parsing of requests."""

import logging
from collections.abc import Callable
from typing import Never, TypeVar

import msgspec
from msgspec import Struct

from chalicelib.api.errors import InternalError, render_error, status_of
from chalicelib.api.messages import Request, Response
from chalicelib.api.type_errors import describe_type_error
from chalicelib.domain.errors import DomainError, InvalidInput, TooLarge
from chalicelib.domain.identifiers import LIBRARY
from chalicelib.request_log import annotate

MAX_LIST_BYTES = 6_000_000  # the limit of Lambda for one event
MAX_BODY_BYTES = 65_536  # for bodies other than lists; a robot with the longest hundred names needs 52,000

T = TypeVar("T")
logger = logging.getLogger("waybill")


class Route(Struct, frozen=True):
    """An endpoint.

    Attributes:
        method: GET, PUT, POST or DELETE.
        path: variables are in braces. The path has no slash at the end; both forms are served.
        handler: returns the response.
        render_error: turns an error into a response: JSON for programs, a page for people.
        event: the name of the audit event if the request succeeds.
    """

    method: str
    path: str
    handler: Callable[[Request], Response]
    render_error: Callable[[DomainError], Response] = render_error
    event: str | None = None


def dispatch(route: Route, request: Request) -> Response:
    """Call the handler of a route. This is the only place that turns exceptions into responses."""
    if route.event is not None:
        annotate(event=route.event, target=_target_of(request))
    try:
        return route.handler(request)
    except DomainError as error:
        if status_of(error) >= 500:
            logger.error("request %s: %s: %r", request.id, error.message, error.__cause__)
        return route.render_error(error)
    except Exception:
        logger.exception("request %s: internal server error", request.id)
        return route.render_error(InternalError(request.id))


def _target_of(request: Request) -> str:
    """Return what a request changes: `library/redis` also for the short form of a repository's path."""
    names = list(request.parameters.values())
    if list(request.parameters) == ["namespace"] and request.method != "GET":
        names.insert(0, LIBRARY)
    return "/".join(names)


def parse_number(request: Request, name: str, default: int) -> int:
    """Return a number from the query, at least 1. Raises InvalidInput."""
    text = request.query.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text) > 0):
        raise InvalidInput(f"{name} must be a number from 1 to 999999")
    return int(text)


def decode_body(request: Request, kind: type[T], max_bytes: int = MAX_BODY_BYTES) -> T:
    """Return the body as JSON of the type `kind`. The Content-Type does not matter.

    The size is checked first, because JSON needs up to 25 times its size in memory. A compressed body is rejected:
    nothing decompresses it. Raises TooLarge and InvalidInput.
    """
    if len(request.body) > max_bytes:
        raise TooLarge(f"the body of this request can have at most {max_bytes} bytes")
    encoding = request.headers.get("content-encoding", "").strip().lower() or "identity"
    try:
        request.body.decode()  # msgspec does not check the encoding of fields that `kind` does not have
        return msgspec.json.decode(request.body, type=kind)
    except UnicodeDecodeError:
        _reject_body("it is not UTF-8", encoding)
    except msgspec.ValidationError as error:
        raise InvalidInput(describe_type_error(str(error), kind)) from None
    except msgspec.DecodeError:
        _reject_body("it is not JSON", encoding)
    except RecursionError:
        _reject_body("it is nested too deeply")


def _reject_body(reason: str, encoding: str = "identity") -> Never:
    hint = "" if encoding == "identity" else "; send it without Content-Encoding"
    raise InvalidInput(f"the body is invalid: {reason}{hint}") from None
