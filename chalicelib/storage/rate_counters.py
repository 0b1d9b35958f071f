"""Counters of failed logins and registrations. DynamoDB deletes each counter after it expires."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from chalicelib.storage.tables import Tables, translate_dynamodb_errors


class RateCounter(Struct, frozen=True):
    """A counter.

    Attributes:
        count: the number of events.
        last: the time of the last event in seconds since 1970.
    """

    count: int = 0
    last: float = 0.0


class RateCounterStore:
    """Reads and increments counters. Every method raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @translate_dynamodb_errors
    def read(self, subjects: Iterable[str], now: float) -> dict[str, RateCounter]:
        """Return the counter of each subject. One BatchGetItem. An expired or missing counter is 0."""
        counters = {
            item.subject: RateCounter(int(item.total or 0), float(item.last or 0.0))
            for item in self._tables.counters.batch_get(list(subjects))
            if item.expires > now
        }
        return {subject: counters.get(subject, RateCounter()) for subject in subjects}

    @translate_dynamodb_errors
    def increment(self, counters: Mapping[str, RateCounter], now: float, lifetime: int) -> None:
        """Add 1 to each counter in one transaction. They expire `lifetime` seconds after `now`.

        `counters` is the result of `read`. A counter that was 0 then starts at 1, so that an expired one restarts.
        """
        model = self._tables.counters
        with self._tables.transaction() as transaction:
            for subject, counter in counters.items():
                total = model.total.add(1) if counter.count else model.total.set(1)
                transaction.update(model(subject), [total, model.last.set(now), model.expires.set(int(now) + lifetime)])

    @translate_dynamodb_errors
    def reset(self, subject: str) -> None:
        """Delete a counter."""
        self._tables.counters(subject).delete()
