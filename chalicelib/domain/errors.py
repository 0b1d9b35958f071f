"""Everything that can go wrong, as exceptions with a message for the caller.

HTTP statuses and headers are in `api/errors.py`. A message says what was wrong and what to do. It never contains a
password, a token or an Authorization header.
"""

import math


class DomainError(Exception):
    """Base of all errors whose message is shown to the caller."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(DomainError):
    """The request is malformed: a name, a body or a header breaks a rule."""


class AlreadyExists(DomainError):
    """A username or an email address is taken.

    The message is a fixed string. `docker login` up to 1.10 registers first and continues only if it reads exactly
    this text.
    """

    def __init__(self) -> None:
        super().__init__("Username or email already exists")


class NotAuthenticated(DomainError):
    """Credentials are missing or wrong. Docker then asks its user to log in."""


class InvalidToken(NotAuthenticated):
    """The access token was not issued by this index, or is no longer valid."""


class AccountInactive(DomainError):
    """The credentials are right, but the account is not active."""

    def __init__(self) -> None:
        super().__init__("Account is not Active")


class PermissionDenied(DomainError):
    """The caller is known and lacks the required role."""


class NotFound(DomainError):
    """The object does not exist, or the caller may not know that it exists."""


class RequestConflict(DomainError):
    """The current state does not allow the change, for example because a name is in use."""


class LinkExpired(DomainError):
    """An emailed link was used, has expired, or its target no longer exists."""


class InvalidLink(LinkExpired):
    """An emailed link was not made by this index for this purpose, or is no longer valid."""


class AlreadyDone(LinkExpired):
    """The action of an emailed link has been completed before. Nothing is wrong."""


class TooLarge(DomainError):
    """The request or the stored list would exceed a limit."""


class RateLimited(DomainError):
    """There were too many counters.

    Attributes:
        seconds: the time to wait before the next attempt; at least 1.
    """

    def __init__(self, message: str, wait: float) -> None:
        self.seconds = max(1, math.ceil(wait))
        super().__init__(f"{message}; try again in {self.seconds} second{'s' * (self.seconds > 1)}")


class Unavailable(DomainError):
    """A service that Waybill uses did not answer. Nothing was acknowledged, so the caller can retry."""

    def __init__(self, message: str = "the index cannot reach its storage; try again in a moment") -> None:
        super().__init__(message)
