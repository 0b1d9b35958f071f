"""Delays after wrong passwords, and the limit of registrations.

- A client IP may send as many wrong passwords as several people behind one gateway would. After that, each doubles a
  delay.
- An account may receive a few wrong passwords. After that, each doubles a delay for those client IPs that have failed
  recently. Other client IPs are not delayed, so nobody can lock out the owner.
- A right password resets the counter of the account. The counter of the client IP expires with time. Otherwise an
  attacker with an account could reset it between guesses.

Unknown accounts are counted like existing ones. Otherwise the delay would reveal which accounts exist.
"""

import time
from collections.abc import Callable

from chalicelib.domain.errors import RateLimited
from chalicelib.storage.rate_counters import RateCounter, RateCounterStore

ACCOUNT_FAILURES_BEFORE_DELAY = 5
CLIENT_FAILURES_BEFORE_DELAY = 20
MAX_DELAY_SECONDS = 900
COUNTER_LIFETIME_SECONDS = 3600  # after the last event
MAX_REGISTRATIONS = 20  # from one client IP within the lifetime of the counter


class LoginThrottle:
    """Raises Unavailable if the storage does not answer. `clock` returns seconds since 1970."""

    def __init__(self, counters: RateCounterStore, clock: Callable[[], float] = time.time) -> None:
        self._counters = counters
        self._clock = clock

    def check_login(self, username: str, client_ip: str) -> dict[str, RateCounter]:
        """Return the counters for `record_failure` and `record_success`. One read. Raises RateLimited."""
        account, client = f"account {username}", f"address {client_ip}"
        counters = self._counters.read((account, client), self._clock())
        wait = _remaining_delay(counters[client], CLIENT_FAILURES_BEFORE_DELAY, self._clock())
        if counters[client].count:
            wait = max(wait, _remaining_delay(counters[account], ACCOUNT_FAILURES_BEFORE_DELAY, self._clock()))
        if wait > 0:
            raise RateLimited("too many wrong passwords", wait)
        return counters

    def record_failure(self, counters: dict[str, RateCounter]) -> None:
        """Count a wrong password. One write."""
        self._counters.increment(counters, self._clock(), COUNTER_LIFETIME_SECONDS)

    def record_success(self, username: str, counters: dict[str, RateCounter]) -> None:
        """Record a successful login. Writes only if there were failures before it."""
        account = f"account {username}"
        if counters[account].count:
            self._counters.reset(account)

    def reset_account(self, username: str) -> None:
        """Reset the counter of an account that has a new password. One write."""
        self._counters.reset(f"account {username}")

    def check_registration(self, client_ip: str) -> dict[str, RateCounter]:
        """Return the counter for `record_registration`. One read. Raises RateLimited."""
        subject = f"registrations {client_ip}"
        counters = self._counters.read((subject,), self._clock())
        if counters[subject].count >= MAX_REGISTRATIONS:
            wait = counters[subject].last + COUNTER_LIFETIME_SECONDS - self._clock()
            raise RateLimited("too many accounts were registered from your IP address", wait)
        return counters

    def record_registration(self, counters: dict[str, RateCounter]) -> None:
        """Count a registration. One write."""
        self._counters.increment(counters, self._clock(), COUNTER_LIFETIME_SECONDS)


def delay_after(failures: int, failures_before_delay: int) -> int:
    """Return the seconds to wait after the last failure: 0 at first, then 1, 2, 4 … up to MAX_DELAY_SECONDS."""
    if failures < failures_before_delay:
        return 0
    return min(1 << min(failures - failures_before_delay, 30), MAX_DELAY_SECONDS)


def _remaining_delay(counter: RateCounter, failures_before_delay: int, now: float) -> float:
    return counter.last + delay_after(counter.count, failures_before_delay) - now
