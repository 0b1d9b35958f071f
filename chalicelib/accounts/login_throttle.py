"""Limits of failed logins and registrations.

An attempt is counted before the password is verified, and released if the password is right:

- for the network of the client, always. A network may send as many wrong passwords as several people behind one
  gateway would. After that, each doubles a delay. The limit is higher for an account whose owner has logged in from
  this network before.
- for the wider IPv6 network, and for the account in all networks, unless the owner has logged in from this network
  before. So an attack from many networks is slow, and the owner is not locked out by it.

A wrong password is also counted for the account in this network. It is counted after the verification, so that several
right passwords at the same time do not delay each other. The limits above bound how many attempts overlap. After a few
failures, an attempt must reserve a time slot first.

Unknown accounts are counted like existing ones. Otherwise the delay would reveal which accounts exist.
"""

import time
from collections.abc import Callable, Collection
from contextlib import suppress

from msgspec import Struct

from chalicelib.domain.client_networks import networks_of
from chalicelib.domain.errors import RateLimited, Unavailable
from chalicelib.storage.rate_counters import RateCounterStore, RateLimit, Reservation

CLIENT_FAILURES_BEFORE_DELAY = 20  # IPv4 address or IPv6 /64
KNOWN_CLIENT_FAILURES_BEFORE_DELAY = 100  # the same, for an account whose owner has logged in from there
WIDE_FAILURES_BEFORE_DELAY = 80  # IPv6 /48
PAIR_FAILURES_BEFORE_DELAY = 5  # one account from one network
ACCOUNT_FAILURES_BEFORE_DELAY = 50  # one account from all networks that its owner has not used
MAX_DELAY_SECONDS = 900
MAX_ACCOUNT_DELAY_SECONDS = 30
COUNTER_LIFETIME_SECONDS = 3600  # after the last attempt
MAX_REGISTRATIONS = 20  # from one network; four times as many from an IPv6 /48
MAX_NEW_ORGANIZATIONS = 20  # by one account, because the names stay reserved


def delay_after(failures: int, free: int, longest: int = MAX_DELAY_SECONDS) -> int:
    """Return the seconds to wait after the last failure: 0 at first, then 1, 2, 4 … up to `longest`."""
    return 0 if failures < free else min(1 << min(failures - free, 30), longest)


def _limit(free: int, longest: int = MAX_DELAY_SECONDS) -> RateLimit:
    return RateLimit(free, lambda failures: delay_after(failures, free, longest), COUNTER_LIFETIME_SECONDS)


def _maximum(count: int) -> RateLimit:
    """Return a limit without attempts after the free ones, until the counter expires."""
    return RateLimit(count, lambda _: COUNTER_LIFETIME_SECONDS, COUNTER_LIFETIME_SECONDS)


_CLIENT_LIMITS = (_limit(CLIENT_FAILURES_BEFORE_DELAY), _limit(WIDE_FAILURES_BEFORE_DELAY))
_KNOWN_CLIENT_LIMIT = _limit(KNOWN_CLIENT_FAILURES_BEFORE_DELAY)
_PAIR_LIMIT = _limit(PAIR_FAILURES_BEFORE_DELAY)
_ACCOUNT_LIMIT = _limit(ACCOUNT_FAILURES_BEFORE_DELAY, MAX_ACCOUNT_DELAY_SECONDS)
_REGISTRATION_LIMITS = (_maximum(MAX_REGISTRATIONS), _maximum(4 * MAX_REGISTRATIONS))
_ORGANIZATION_LIMIT = _maximum(MAX_NEW_ORGANIZATIONS)


class LoginAttempt(Struct, frozen=True):
    """A counted attempt to log in.

    Attributes:
        username: the account.
        network: the smallest network of the client.
        reservations: the counters that were incremented.
        has_pair: whether the counter of the account in this network is among them.
    """

    username: str
    network: str
    reservations: tuple[Reservation, ...]
    has_pair: bool


class LoginThrottle:
    """Raises Unavailable if the storage does not answer. `clock` returns seconds since 1970."""

    def __init__(self, counters: RateCounterStore, clock: Callable[[], float] = time.time) -> None:
        self._counters = counters
        self._clock = clock

    def reserve_login(self, username: str, client_ip: str, known_networks: Collection[str]) -> LoginAttempt:
        """Count an attempt before the password is verified. Raises RateLimited.

        `known_networks` are the networks from which the owner of the account has logged in. One write from such a
        network, two or three from another; one read more after failures.
        """
        networks = networks_of(client_ip)
        is_known = networks[0] in known_networks
        limits = (_KNOWN_CLIENT_LIMIT,) if is_known else _CLIENT_LIMITS
        reservations: list[Reservation] = []
        for network, limit in zip(networks, limits, strict=False):
            self._reserve(f"login {network}", limit, reservations, "too many wrong passwords from your network")
        has_pair = reservations[0].previous > 0 and self._reserve_pair(username, networks[0], reservations)
        if not is_known:
            self._reserve(f"account {username}", _ACCOUNT_LIMIT, reservations, "too many wrong passwords")
        return LoginAttempt(username, networks[0], tuple(reservations), has_pair)

    def record_failure(self, attempt: LoginAttempt) -> None:
        """Keep the counted attempt, and count the failure for the account in the network."""
        if not attempt.has_pair:
            self._counters.count(_pair(attempt.username, attempt.network), _PAIR_LIMIT, self._clock())

    def record_success(self, attempt: LoginAttempt) -> None:
        """Release the counted attempt. A counter that cannot be changed must not prevent the login."""
        for reservation in attempt.reservations:
            with suppress(Unavailable):
                self._counters.release(reservation)

    def reset_account(self, username: str, client_ip: str) -> None:
        """Reset the counters of an account that has a new password, in all networks and in that of the client."""
        self._counters.reset(f"account {username}")
        self._counters.reset(_pair(username, networks_of(client_ip)[0]))

    def reserve_registration(self, client_ip: str) -> None:
        """Count a registration before it is carried out. One write. Raises RateLimited."""
        reservations: list[Reservation] = []
        for network, limit in zip(networks_of(client_ip), _REGISTRATION_LIMITS, strict=False):
            self._reserve(f"registrations {network}", limit, reservations, "too many registrations from your network")

    def reserve_organization(self, username: str) -> None:
        """Count the creation of an organisation before it is carried out. One write. Raises RateLimited."""
        self._reserve(
            f"organizations {username}", _ORGANIZATION_LIMIT, [], "your account has created too many organisations"
        )

    def _reserve_pair(self, username: str, network: str, reservations: list[Reservation]) -> bool:
        """Reserve a time slot if the account has had several failures in this network. Return whether it has."""
        reservation = self._counters.reserve_slot(_pair(username, network), _PAIR_LIMIT, self._clock())
        if reservation is None:
            return False
        self._add(reservation, reservations, "too many wrong passwords")
        return True

    def _reserve(self, subject: str, limit: RateLimit, reservations: list[Reservation], reason: str) -> None:
        self._add(self._counters.reserve(subject, limit, self._clock()), reservations, reason)

    def _add(self, reservation: Reservation, reservations: list[Reservation], reason: str) -> None:
        """Add a reservation to `reservations`. If it was rejected, release those and raise RateLimited."""
        if reservation.wait > 0:
            for earlier in reservations:
                self._counters.release(earlier)
            raise RateLimited(reason, min(reservation.wait, COUNTER_LIFETIME_SECONDS))
        reservations.append(reservation)


def _pair(username: str, network: str) -> str:
    return f"account {username} in {network}"
