"""Repetition of operations that another request has disturbed."""

from collections.abc import Callable
from typing import TypeVar

from chalicelib.domain.errors import Unavailable
from chalicelib.storage.transactions import Conflict

MAX_ATTEMPTS = 5  # more conflicts in a row mean that the repository is created and deleted in a loop

T = TypeVar("T")


def retry_on_conflict(attempt: Callable[[], T]) -> T:
    """Return the result of `attempt`. Call it again if the repository changed between its read and its write.

    Raises Unavailable after MAX_ATTEMPTS.
    """
    for _ in range(MAX_ATTEMPTS):
        try:
            return attempt()
        except Conflict:
            continue
    raise Unavailable("other requests are changing the repository at the moment; try again in a moment")
