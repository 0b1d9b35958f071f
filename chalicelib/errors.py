"""What can go wrong, each with the status and the body that it means on the wire.

Raised where they are known, turned into replies in one place (`routes.http.answer`). A message says what was wrong and
what to do; it never carries a password, a token or an Authorization header.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

CHALLENGE = 'Basic realm="auth required", Token'


class Refusal(Exception):
    """A refusal with a status. Its body is `{"error": message}`, or the text alone if clients compare it (`quoted`)."""

    status: ClassVar[int] = 500
    quoted: ClassVar[bool] = False
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def reply_headers(self) -> Mapping[str, str]:
        """What goes with the status."""
        return self.headers


class BadRequest(Refusal):
    """The request's own fault: a malformed name, body or header."""

    status = 400


class AlreadyExists(Refusal):
    """A name or an address is taken. Legacy `docker login` posts first and goes on only if it reads these 34 bytes."""

    status = 400
    quoted = True

    def __init__(self) -> None:
        super().__init__("Username or email already exists")


class Unauthorized(Refusal):
    """No credentials, or wrong ones. Docker then asks its user for a login; 403 would make it give up."""

    status = 401
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": CHALLENGE}


class NotActive(Refusal):
    """The credentials are right, the account is not active (yet, or any more)."""

    status = 403
    quoted = True

    def __init__(self) -> None:
        super().__init__("Account is not Active")


class Forbidden(Refusal):
    """Known, and not allowed."""

    status = 403


class NotFound(Refusal):
    """No such thing, or none that the caller may know of."""

    status = 404


class NothingHere(NotFound):
    """A path or method that is not served. API Gateway says the same in these words of its own (infra/service.yaml)."""

    def __init__(self) -> None:
        super().__init__(
            "nothing is served at this path with this method; see the list of endpoints in docs/protocol.md"
        )


class Conflict(Refusal):
    """What the request wants is not so: a name of the caller's own is taken, or somebody else was first."""

    status = 409


class Gone(Refusal):
    """A link that was used, has expired, or leads to what is gone. Its message is for a person to read."""

    status = 410


class Done(Gone):
    """What a link is for has been done already, as its owner wanted. No reason to worry anybody."""


class TooLarge(Refusal):
    """More than the index takes in one request or keeps in one list."""

    status = 413


class TooManyRequests(Refusal):
    """Asked too often. The reply says when to come again."""

    status = 429

    def __init__(self, message: str, wait: float) -> None:
        self.seconds = max(1, math.ceil(wait))
        super().__init__(f"{message}; try again in {self.seconds} second{'s' * (self.seconds > 1)}")

    def reply_headers(self) -> Mapping[str, str]:
        """When to come again."""
        return {"Retry-After": str(self.seconds)}


class Unavailable(Refusal):
    """A part that Waybill stands on did not answer. Nothing was acknowledged; asking again is right."""

    status = 503
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "2"}

    def __init__(self, message: str = "the index cannot reach its storage right now; try again in a moment") -> None:
        super().__init__(message)


class Fault(Refusal):
    """The index's own fault: what nobody foresaw. The log has it, the reply says nothing of it."""

    status = 500

    def __init__(self) -> None:
        super().__init__("a fault in the index itself; it has been logged. Nothing is known to be lost")
