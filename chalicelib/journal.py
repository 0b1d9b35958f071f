"""What happens, as one line of JSON for each request: who did what, from where, how long it took.

CloudWatch makes metrics of the same line (its embedded metric format), and `python -m infra audit` reads back the
lines that have an `event`: those are the changes, and the sign-ins that failed. AWS Powertools would write the like;
docs/decisions.md says what it costs and why it is not here.
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
_METRICS = [
    {"Name": "Requests", "Unit": "Count"},
    {"Name": "Latency", "Unit": "Milliseconds"},
    {"Name": "Errors", "Unit": "Count"},
    {"Name": "FailedSignIns", "Unit": "Count"},
    {"Name": "RememberedCredentials", "Unit": "Count"},
    {"Name": "CompactedSegments", "Unit": "Count"},
]
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
        line = {
            **request,
            "status": status,
            **facts,
            "Stack": self._stack,
            "Requests": 1,
            "Latency": round(milliseconds, 1),
            "Errors": int(status >= 500),
            "FailedSignIns": int(event == FAILED_SIGN_IN),
            "RememberedCredentials": facts.get("RememberedCredentials", 0),
            "CompactedSegments": facts.get("CompactedSegments", 0),
            "_aws": {
                "Timestamp": int(time.time() * 1000),
                "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [["Stack"]], "Metrics": _METRICS}],
            },
        }
        self._write(_encode(line).decode())
