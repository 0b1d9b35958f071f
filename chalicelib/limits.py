"""How fast passwords can be guessed and accounts be made: growing delays, by account and by address.

- From one address wrong passwords may come in numbers that people behind one gateway make; then each doubles a delay.
- On one account a few may; then each doubles a delay for those *addresses that have failed lately*. An address that has
  not is always heard, so nobody can lock the owner out by failing on the account from elsewhere.
- A right password after the delay clears the account's. An address's passes with time alone: else whoever has an
  account of their own would clear it between guesses at others'.

Unknown accounts are counted like known ones, or the delay would tell them apart.
"""

import time
from collections.abc import Callable

from chalicelib.errors import TooManyRequests
from chalicelib.store.attempts import AttemptStore, Count

ACCOUNT_FREE, ADDRESS_FREE = 5, 20  # wrong passwords before delays begin
DELAY_AT_MOST = 900  # seconds
REMEMBERED_SECONDS = 3600  # behind the last one
REGISTRATIONS_AT_MOST = 20  # accounts from one address while the last is remembered


class Limits:
    """Raises Unavailable when the store does not answer. `clock` gives seconds since 1970."""

    def __init__(self, attempts: AttemptStore, clock: Callable[[], float] = time.time) -> None:
        self._attempts = attempts
        self._clock = clock

    def check_sign_in(self, username: str, address: str) -> dict[str, Count]:
        """What is remembered of both, to be given to `failed`. One read. Raises TooManyRequests."""
        account, origin = f"account {username}", f"address {address}"
        counts = self._attempts.read((account, origin), self._clock())
        wait = _wait(counts[origin], ADDRESS_FREE, self._clock())
        if counts[origin].times:
            wait = max(wait, _wait(counts[account], ACCOUNT_FREE, self._clock()))
        if wait > 0:
            raise TooManyRequests("too many wrong passwords", wait)
        return counts

    def failed(self, counts: dict[str, Count]) -> None:
        """A password was wrong. One write."""
        self._attempts.add(counts, self._clock(), REMEMBERED_SECONDS)

    def succeeded(self, username: str, counts: dict[str, Count]) -> None:
        """A password was right. No write, but for the first one behind wrong ones."""
        account = f"account {username}"
        if counts[account].times:
            self._attempts.forget(account)

    def password_replaced(self, username: str) -> None:
        """What was guessed at is no more. One write."""
        self._attempts.forget(f"account {username}")

    def check_registration(self, address: str) -> dict[str, Count]:
        """To be given to `registered`. One read. Raises TooManyRequests."""
        subject = f"registrations {address}"
        counts = self._attempts.read((subject,), self._clock())
        if counts[subject].times >= REGISTRATIONS_AT_MOST:
            wait = counts[subject].last + REMEMBERED_SECONDS - self._clock()
            raise TooManyRequests("too many accounts were made from your address", wait)
        return counts

    def registered(self, counts: dict[str, Count]) -> None:
        """An account was made. One write."""
        self._attempts.add(counts, self._clock(), REMEMBERED_SECONDS)


def delay(times: int, free: int) -> int:
    """Seconds to wait behind the last of so many failures: none at first, then 1, 2, 4 … to DELAY_AT_MOST."""
    return 0 if times < free else min(1 << min(times - free, 30), DELAY_AT_MOST)


def _wait(count: Count, free: int, now: float) -> float:
    return count.last + delay(count.times, free) - now
