"""The request log: one line of JSON for each request.

`waybill audit` reads the lines that have an `event`: changes and failed logins. The line of a failed login
uses CloudWatch's embedded metric format, so that CloudWatch counts failed logins for an alarm. Other lines omit the
format, because a metric costs $0.30 a month and API Gateway already counts requests, errors and latency.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec

METRIC_NAMESPACE = "Waybill"
LOGIN_FAILED = "login.failed"
_PARTIAL = "partial"  # the annotation of a request that can have an effect although it fails
_context: ContextVar[dict[str, Any] | None] = ContextVar("fields", default=None)
_encode = msgspec.json.Encoder().encode


def annotate(**fields: Any) -> None:
    """Add fields to the line of the current request. Never a secret: no password, token or link."""
    current = _context.get()
    if current is not None:
        current |= fields


def annotate_event(**fields: Any) -> None:
    """Add an audit event of its own line, for a request that causes several events."""
    current = _context.get()
    if current is not None:
        current.setdefault("events", []).append(fields)


@contextmanager
def may_take_effect(*errors_without_effect: type[Exception]) -> Iterator[None]:
    """Keep the event of the current request even if it fails, because the change in this block can have taken effect.

    A call that times out may have been carried out, and a later step of a request can fail. The event is omitted if the
    block raises one of `errors_without_effect` and the request had no effect before.
    """
    current = _context.get() or {}
    before = current.get(_PARTIAL, False)
    annotate(**{_PARTIAL: True})
    try:
        yield
    except errors_without_effect:
        annotate(**{_PARTIAL: before})
        raise


@contextmanager
def request_context() -> Iterator[Mapping[str, Any]]:
    """Collect the fields that `annotate` adds while a request is handled."""
    fields: dict[str, Any] = {}
    previous = _context.set(fields)
    try:
        yield fields
    finally:
        _context.reset(previous)


class RequestLog:
    """Writes the lines.

    Args:
        write_line: receives each line without a line end.
        stack: the dimension of the metrics.
    """

    def __init__(self, write_line: Callable[[str], None], stack: str) -> None:
        self._write_line = write_line
        self._stack = stack

    def write(self, request: Mapping[str, Any], status: int, milliseconds: float, fields: Mapping[str, Any]) -> None:
        """Write the line of one request.

        `request` contains its id, method, route and client IP. `fields` are the annotations. The event of a failed
        request is omitted, because nothing has changed. It is kept if the request is `partial`, see `may_take_effect`.
        A failed login is an event itself.
        """
        fields = dict(fields)
        for event_fields in fields.pop("events", ()):
            self._write_line(_encode({**request, "status": status, **event_fields}).decode())
        event = fields.get("event")
        omitted = set() if status >= 400 and fields.get(_PARTIAL) else {_PARTIAL}
        if event != LOGIN_FAILED and status >= 400 and not fields.get(_PARTIAL):
            omitted.add("event")
        fields = {name: value for name, value in fields.items() if name not in omitted}
        line = {**request, "status": status, "ms": round(milliseconds, 1), **fields}
        if event == LOGIN_FAILED:
            line |= self._metrics({"FailedLogins": 1})
        self._write_line(_encode(line).decode())

    def _metrics(self, counts: Mapping[str, int]) -> dict[str, Any]:
        """Return the part of the line from which CloudWatch creates metrics."""
        metrics = [{"Name": name, "Unit": "Count"} for name in counts]
        directive = {"Namespace": METRIC_NAMESPACE, "Dimensions": [["Stack"]], "Metrics": metrics}
        now = int(time.time() * 1000)
        return {"Stack": self._stack, **counts, "_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]}}
