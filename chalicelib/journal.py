"""What happens, as one line of JSON for each request: who did what, from where, how long it took.

CloudWatch makes metrics of what is counted in the same line (its embedded metric format), and `python -m infra audit`
reads back the lines that have an `event`: those are the changes, and the sign-ins that failed. Requests and their
latency API Gateway counts itself, so a line that has nothing else to count does not pay for the format, which would be
most of it. AWS Powertools would write the like; docs/decisions.md says what it costs and why it is not here.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec

NAMESPACE = "Waybill"
FAILED_SIGN_IN = "sign-in.failed"
_facts: ContextVar[dict[str, Any] | None] = ContextVar("facts", default=None)
_COUNTED = ("RememberedCredentials", "CompactedSegments")  # what is noted to be counted
_encode = msgspec.json.Encoder().encode


def note(**facts: Any) -> None:
    """Adds to the line of the request that is being answered. Never a secret: not a password, a token or a link."""
    known = _facts.get()
    if known is not None:
        known |= facts


@contextmanager
def noting() -> Iterator[Mapping[str, Any]]:
    """Around the answering of a request: what was noted meanwhile."""
    facts: dict[str, Any] = {}
    before = _facts.set(facts)
    try:
        yield facts
    finally:
        _facts.reset(before)


class Journal:
    """Writes the lines. `write` takes one without its end; `stack` is the metrics' dimension."""

    def __init__(self, write: Callable[[str], None], stack: str) -> None:
        self._write = write
        self._stack = stack

    def line(self, request: Mapping[str, Any], status: int, milliseconds: float, facts: Mapping[str, Any]) -> None:
        """Writes what is known of one request: `request` has its id, method, route and address.

        A change is one only when it was made: the facts' `event` goes into the line when the status says so.
        """
        event = facts.get("event")
        if event != FAILED_SIGN_IN and status >= 400:
            facts = {name: value for name, value in facts.items() if name != "event"}
        counts = {name: facts[name] for name in _COUNTED if name in facts}
        if status >= 500:
            counts["Errors"] = 1
        if event == FAILED_SIGN_IN:
            counts["FailedSignIns"] = 1
        line = {**request, "status": status, "ms": round(milliseconds, 1), **facts}
        if counts:
            line |= self._metrics(counts)
        self._write(_encode(line).decode())

    def _metrics(self, counts: Mapping[str, int]) -> dict[str, Any]:
        """What has CloudWatch make metrics of `counts`."""
        metrics = [{"Name": name, "Unit": "Count"} for name in counts]
        directive = {"Namespace": NAMESPACE, "Dimensions": [["Stack"]], "Metrics": metrics}
        now = int(time.time() * 1000)
        return {"Stack": self._stack, **counts, "_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]}}
