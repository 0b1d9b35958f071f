"""Counters of attempts. DynamoDB deletes each counter after it expires.

An attempt is reserved before the slow step that it allows. The reservation is one conditional write, so attempts at the
same time cannot pass a limit together. A reservation that was not needed is released.
"""

from collections.abc import Callable
from contextlib import suppress

from msgspec import Struct
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.storage.tables import CounterItem, Tables, raises_conflict, translate_dynamodb_errors
from chalicelib.storage.transactions import Conflict

_MAX_ATTEMPTS = 4  # a counter can expire or change while it is read
_MAX_CLOCK_SKEW_SECONDS = 60  # the largest difference between the clocks of two containers


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
        time: the time that was stored as the time of the last attempt.
        previous_time: the time of the attempt before, if it was read.
    """

    subject: str
    previous: int = 0
    wait: float = 0.0
    time: float = 0.0
    previous_time: float | None = None


class RateCounterStore:
    """Every method raises Unavailable if DynamoDB does not answer. `now` is in seconds since 1970."""

    def __init__(self, tables: Tables) -> None:
        self._counters = tables.counters

    @translate_dynamodb_errors
    def reserve(self, subject: str, limit: RateLimit, now: float) -> Reservation:
        """Count an attempt, unless the limit rejects it.

        Usually one write. After the free attempts it is one write and one read, and one write more if the delay has
        passed. If several attempts compete for the same time slot, one of them gets it and the others are rejected.
        """
        for _ in range(_MAX_ATTEMPTS):
            reservation = self._reserve_free(subject, limit, now)
            item = None if reservation is not None else self._get(subject)
            if item is not None and self._is_current(item, limit, now):
                reservation = self._reserve_delayed(item, limit, now)
            elif item is not None:
                reservation = self._restart(subject, limit, now)
            if reservation is not None:
                return reservation
        return Reservation(subject, limit.free, max(1.0, limit.delay(limit.free)))

    @translate_dynamodb_errors
    def reserve_slot(self, subject: str, limit: RateLimit, now: float) -> Reservation | None:
        """Count an attempt, or reject it, if the free attempts are used up. Otherwise return None. One read."""
        for _ in range(_MAX_ATTEMPTS):
            item = self._get(subject)
            if item is None or int(item.total or 0) < limit.free or not self._is_current(item, limit, now):
                return None
            reservation = self._reserve_delayed(item, limit, now)
            if reservation is not None:
                return reservation
        return Reservation(subject, limit.free, max(1.0, limit.delay(limit.free)))

    @translate_dynamodb_errors
    def count(self, subject: str, limit: RateLimit, now: float) -> None:
        """Count an attempt that has already been made. One write; two for an expired counter."""
        model = self._counters
        is_current = (model.expires > now) & (model.expires <= _latest_expiry(limit, now))
        for _ in range(_MAX_ATTEMPTS):
            item = model(subject)
            if self._increment(item, limit, now, model.subject.does_not_exist() | is_current) is not None:
                return
            if self._restart(subject, limit, now) is not None:
                return

    @translate_dynamodb_errors
    def release(self, reservation: Reservation) -> None:
        """Take back an attempt, so that it neither counts nor prolongs a delay."""
        model = self._counters
        item, is_counted = model(reservation.subject), model.total > 0
        if reservation.previous_time is not None:
            actions: list[Action] = [model.total.add(-1), model.last.set(reservation.previous_time)]
            with suppress(Conflict), raises_conflict():
                item.update(actions, condition=is_counted & (model.last == reservation.time))
                return
        with suppress(Conflict), raises_conflict():
            item.update([model.total.add(-1)], condition=is_counted)

    @translate_dynamodb_errors
    def reset(self, subject: str) -> None:
        """Delete a counter."""
        self._counters(subject).delete()

    def _reserve_free(self, subject: str, limit: RateLimit, now: float) -> Reservation | None:
        """Count one of the free attempts. Return None if there is none left, or if the counter has expired."""
        model = self._counters
        is_free = (model.expires > now) & (model.expires <= _latest_expiry(limit, now)) & (model.total < limit.free)
        return self._increment(model(subject), limit, now, model.subject.does_not_exist() | is_free)

    def _restart(self, subject: str, limit: RateLimit, now: float) -> Reservation | None:
        """Restart an expired counter at 1. Return None if it has not expired.

        A counter that expires much later than a new one would was written before the clock moved back. It counts as
        expired, so that nobody stays blocked.
        """
        model = self._counters
        item = model(subject, total=1, last=now, expires=int(now) + limit.lifetime)
        try:
            with raises_conflict():
                item.save(condition=(model.expires <= now) | (model.expires > _latest_expiry(limit, now)))
        except Conflict:
            return None
        return Reservation(subject, time=now)

    def _reserve_delayed(self, item: CounterItem, limit: RateLimit, now: float) -> Reservation | None:
        """Count an attempt after the delay has passed. Return None if the counter has changed since it was read."""
        model, subject = self._counters, item.subject
        count, last = int(item.total or 0), float(item.last or 0)
        if count < limit.free:
            return None
        wait = min(last, now) + limit.delay(count) - now
        if wait > 0:
            return Reservation(subject, count, wait)
        is_unchanged = (model.total == item.total) & (model.last == item.last)
        return self._increment(model(subject), limit, now, is_unchanged, previous_time=last)

    def _increment(
        self,
        item: CounterItem,
        limit: RateLimit,
        now: float,
        condition: Condition,
        *,
        previous_time: float | None = None,
    ) -> Reservation | None:
        model = self._counters
        try:
            with raises_conflict():
                item.update(
                    [model.total.add(1), model.last.set(now), model.expires.set(int(now) + limit.lifetime)],
                    condition=condition,
                )
        except Conflict:
            return None
        return Reservation(item.subject, int(item.total or 1) - 1, time=now, previous_time=previous_time)

    def _get(self, subject: str) -> CounterItem | None:
        try:
            return self._counters.get(subject, consistent_read=True)
        except self._counters.DoesNotExist:
            return None

    def _is_current(self, item: CounterItem, limit: RateLimit, now: float) -> bool:
        return now < item.expires <= _latest_expiry(limit, now)


def _latest_expiry(limit: RateLimit, now: float) -> float:
    """Return the latest time at which a counter can expire that another container has just written."""
    return now + limit.lifetime + _MAX_CLOCK_SKEW_SECONDS
