"""Limits of the number of emails.

Anyone can request emails to an address, so the intervals grow: for each account and for each address.
"""

import logging
import time
from collections.abc import Callable

from chalicelib.storage.rate_counters import RateCounterStore, RateLimit, Reservation

_DAY_SECONDS = 86_400
_INTERVALS = (60, 300, 3_600, 21_600, _DAY_SECONDS)  # seconds after the first, second, … email
_MAX_UNCONFIRMED = 3  # emails a day to an address that nobody has confirmed
logger = logging.getLogger("waybill")


def _interval_after(count: int) -> float:
    return 0 if count == 0 else _INTERVALS[min(count, len(_INTERVALS)) - 1]


_CONFIRMED_LIMIT = RateLimit(0, _interval_after, _DAY_SECONDS)
_UNCONFIRMED_LIMIT = RateLimit(
    0, lambda count: _interval_after(count) if count < _MAX_UNCONFIRMED else _DAY_SECONDS, _DAY_SECONDS
)


class EmailLimits:
    """Raises Unavailable if the storage does not answer.

    Args:
        counters: stores the counters.
        emails_per_day: the limit for the whole index; SES has a daily quota.
        clock: returns seconds since 1970.
    """

    def __init__(self, counters: RateCounterStore, emails_per_day: int, clock: Callable[[], float] = time.time) -> None:
        self._counters = counters
        self._clock = clock
        self._total_limit = RateLimit(emails_per_day, lambda _: 2 * _DAY_SECONDS, 2 * _DAY_SECONDS)

    def reserve(self, username: str, email: str, *, is_confirmed: bool) -> bool:
        """Count an email. Return False if it must not be sent. Up to three writes."""
        now = self._clock()
        limit = _CONFIRMED_LIMIT if is_confirmed else _UNCONFIRMED_LIMIT
        reservations: list[Reservation] = []
        for subject, rate_limit in (
            (f"email account {username}", limit),
            (f"email address {email}", limit),
            (f"emails {int(now) // _DAY_SECONDS}", self._total_limit),
        ):
            reservation = self._counters.reserve(subject, rate_limit, now)
            if reservation.wait > 0:
                for earlier in reservations:
                    self._counters.release(earlier)
                if rate_limit is self._total_limit:
                    logger.error("the daily limit of emails is reached; see EMAILS_PER_DAY")
                return False
            reservations.append(reservation)
        return True
