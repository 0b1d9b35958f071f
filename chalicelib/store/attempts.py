"""How often something failed, or was done, under a name or from an address. DynamoDB forgets each count by itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chalicelib.store.tables import Tables, stored


@dataclass(frozen=True, slots=True)
class Count:
    """How many times, and when the last one was, in seconds since 1970."""

    times: int = 0
    last: float = 0.0


class AttemptStore:
    """Every method raises Unavailable when DynamoDB does not answer."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @stored
    def read(self, subjects: Iterable[str], now: float) -> dict[str, Count]:
        """What is remembered of each, in one BatchGetItem; nothing counts as never."""
        found = {
            item.subject: Count(int(item.times), float(item.last))
            for item in self._tables.attempts.batch_get(list(subjects))
            if item.expires > now
        }
        return {subject: found.get(subject, Count()) for subject in subjects}

    @stored
    def add(self, counts: Mapping[str, Count], now: float, remembered: int) -> None:
        """Counts one more of each, in one transaction. `counts` is what `read` gave; they are forgotten `remembered`
        seconds from now. What was forgotten already begins anew.
        """
        attempts = self._tables.attempts
        with self._tables.transaction() as write:
            for subject, count in counts.items():
                times = attempts.times.add(1) if count.times else attempts.times.set(1)
                write.update(
                    attempts(subject),
                    [times, attempts.last.set(now), attempts.expires.set(int(now) + remembered)],
                )

    @stored
    def forget(self, subject: str) -> None:
        """As if it had never been."""
        self._tables.attempts(subject).delete()
