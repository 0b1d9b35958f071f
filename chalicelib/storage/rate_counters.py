"""Counters of attempts. DynamoDB deletes each counter after it expires.

An attempt is reserved before the slow step that it allows. The reservation is one conditional write, so attempts at the
same time cannot pass a limit together. A reservation that was not needed is released.
"""

from collections.abc import Callable
from contextlib import suppress

from msgspec import Struct
from pynamodb.expressions.condition import Condition

from chalicelib.storage.tables import CounterItem, Tables, raises_conflict, translate_dynamodb_errors
from chalicelib.storage.transactions import Conflict

_MAX_RESTARTS = 3  # a counter can expire while it is read


class RateLimit(Struct, frozen=True):
    """A limit of attempts.

    Attributes:
        free: the number of attempts without a delay.
        delay: returns the seconds that must pass after the last attempt, for the number of attempts so far.
        lifetime: the seconds after the last attempt at which the counter restarts.
    """

    free: int
    delay: Callable[[int], float]
    lifetime: int


class Reservation(Struct, frozen=True):
    """The result of reserving an attempt.

    Attributes:
        subject: the counter.
        previous: the number of attempts before this one.
        wait: the seconds to wait if the attempt was rejected, else 0.
    """

    subject: str
    previous: int = 0
    wait: float = 0.0


class RateCounterStore:
    """Every method raises Unavailable if DynamoDB does not answer. `now` is in seconds since 1970."""

    def __init__(self, tables: Tables) -> None:
        self._counters = tables.counters

    @translate_dynamodb_errors
    def reserve(self, subject: str, limit: RateLimit, now: float) -> Reservation:
        """Count an attempt, unless the limit rejects it.

        Usually one write. After the free attempts it is two writes and one read. If several attempts compete for the
        same time slot, one of them gets it and the others are rejected.
        """
        for _ in range(_MAX_RESTARTS):
            reservation = self._reserve_free(subject, limit, now) or self._restart(subject, limit, now)
            if reservation is None:
                reservation = self._reserve_delayed(subject, limit, now)
            if reservation is not None:
                return reservation
        return Reservation(subject, limit.free, max(1.0, limit.delay(limit.free)))

    @translate_dynamodb_errors
    def release(self, reservation: Reservation) -> None:
        """Take back an attempt."""
        model = self._counters
        with suppress(Conflict), raises_conflict():
            model(reservation.subject).update([model.total.add(-1)], condition=model.total > 0)

    @translate_dynamodb_errors
    def reset(self, subject: str) -> None:
        """Delete a counter."""
        self._counters(subject).delete()

    def _reserve_free(self, subject: str, limit: RateLimit, now: float) -> Reservation | None:
        """Count one of the free attempts. Return None if there is none left, or if the counter has expired."""
        model = self._counters
        is_free = (model.expires > now) & (model.expires <= now + limit.lifetime + 1) & (model.total < limit.free)
        return self._increment(model(subject), limit, now, model.subject.does_not_exist() | is_free)

    def _restart(self, subject: str, limit: RateLimit, now: float) -> Reservation | None:
        """Restart an expired counter at 1. Return None if it has not expired.

        A counter that expires later than a new one would was written before the clock moved back. It counts as
        expired, so that nobody stays blocked.
        """
        model = self._counters
        item = model(subject, total=1, last=now, expires=int(now) + limit.lifetime)
        try:
            with raises_conflict():
                item.save(condition=(model.expires <= now) | (model.expires > now + limit.lifetime + 1))
        except Conflict:
            return None
        return Reservation(subject)

    def _reserve_delayed(self, subject: str, limit: RateLimit, now: float) -> Reservation | None:
        """Count an attempt after the delay has passed. Return None if the counter no longer exists."""
        model = self._counters
        try:
            item = model.get(subject, consistent_read=True)
        except model.DoesNotExist:
            return None
        count, last = int(item.total or 0), float(item.last or 0)
        if count < limit.free:
            return None
        wait = min(last, now) + limit.delay(count) - now
        if wait > 0:
            return Reservation(subject, count, wait)
        is_unchanged = (model.total == item.total) & (model.last == item.last)
        reserved = self._increment(model(subject), limit, now, is_unchanged)
        return reserved or Reservation(subject, count, max(1.0, limit.delay(count + 1)))

    def _increment(self, item: CounterItem, limit: RateLimit, now: float, condition: Condition) -> Reservation | None:
        model = self._counters
        try:
            with raises_conflict():
                item.update(
                    [model.total.add(1), model.last.set(now), model.expires.set(int(now) + limit.lifetime)],
                    condition=condition,
                )
        except Conflict:
            return None
        return Reservation(item.subject, int(item.total or 1) - 1)
