"""Reading the audit log: the lines of the request log that have an `event`, in the log group of the function."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.roles import Principal, require_administrator

EVENT_MARK = '"event":'  # only lines with an event contain this; see chalicelib/request_log.py
FILTER_PATTERN = '"event"'
PAGE_SIZE = 50
_PERIODS = [timedelta(minutes=10) * 6**number for number in range(7)]  # together 388 days
_MAX_CALLS_PER_PERIOD = 3
_MAX_SECONDS = 15
_MILLISECOND = timedelta(milliseconds=1)


class AuditEvent(Struct, frozen=True):
    """A change or a failed login.

    Attributes:
        time: the time of the line.
        fields: the fields of the line: `event`, and usually `actor`, `target`, `client_ip` and `request`.
    """

    time: datetime
    fields: Mapping[str, Any]

    def matches(self, *, actor: str = "", target: str = "", event: str = "") -> bool:
        """Return whether this is an event of `actor`, on `target` or something in it, in the group `event`.

        An empty text matches everything.
        """
        fields = self.fields
        return (
            actor in ("", fields.get("actor"))
            and (not target or f"{fields.get('target')}/".startswith(f"{target}/"))
            and (not event or f"{fields['event']}.".startswith(f"{event}."))
        )


class AuditPage(Struct, frozen=True):
    """A part of the log, newest first.

    Attributes:
        events: the events.
        before: the next page has the events before this time; None if there are none.
        is_complete: whether no event between the first and the last one is missing.
    """

    events: list[AuditEvent]
    before: datetime | None
    is_complete: bool = True


class AuditLog:
    """The log of one index.

    Args:
        create_client: returns a botocore client for CloudWatch Logs. Few containers need one.
        stack: the name of the stack.
    """

    def __init__(self, create_client: Callable[[], Any], stack: str) -> None:
        self._create_client = create_client
        self._log_group = log_group(stack)

    def list_page(
        self,
        principal: Principal,
        before: datetime | None = None,
        *,
        actor: str = "",
        target: str = "",
        event: str = "",
    ) -> AuditPage:
        """Return the last events before a time. Only for administrators.

        CloudWatch returns the oldest events of a period first. So the search begins with the last ten minutes. Each
        further period is six times as long and ends where the one before began, until there are enough events.

        Raises PermissionDenied, and Unavailable if CloudWatch does not answer.
        """
        require_administrator(principal, "see the audit log")
        client, events = self._create_client(), list[AuditEvent]()
        end, deadline = before or datetime.now(UTC), time.monotonic() + _MAX_SECONDS
        for period in _PERIODS:
            if time.monotonic() > deadline:
                return AuditPage(events, end)
            found, is_complete = self._read_period(client, end - period, end)
            events += [entry for entry in found if entry.matches(actor=actor, target=target, event=event)]
            end -= period
            if not is_complete:
                return AuditPage(events, end, is_complete=False)
            if len(events) > PAGE_SIZE:
                return _cut(events)
        return AuditPage(events, None)

    def _read_period(self, client: Any, start: datetime, end: datetime) -> tuple[list[AuditEvent], bool]:
        """Return the events from `start` to `end`, newest first, and whether these are all."""
        events, token = list[AuditEvent](), ""
        for _ in range(_MAX_CALLS_PER_PERIOD):
            answer = self._filter(client, start, end - _MILLISECOND, token)
            events += filter(None, map(parse_entry, answer["events"]))
            token = answer.get("nextToken", "")
            if not token:
                break
        return sorted(events, key=lambda entry: entry.time, reverse=True), not token

    def _filter(self, client: Any, start: datetime, end: datetime, token: str) -> Any:
        """Return one answer of FilterLogEvents, with the lines from `start` to `end`."""
        try:
            return client.filter_log_events(
                logGroupName=self._log_group,
                startTime=_milliseconds(start),
                endTime=_milliseconds(end),
                filterPattern=FILTER_PATTERN,
                **({"nextToken": token} if token else {}),
            )
        except client.exceptions.ResourceNotFoundException:
            return {"events": []}  # the function has not written a line yet
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("the index cannot read its log at the moment; try again in a moment") from error


def log_group(stack: str) -> str:
    """Return the log group of a stack's function."""
    return f"/aws/lambda/{stack}"


def parse_entry(entry: Mapping[str, Any]) -> AuditEvent | None:
    """Return the event of a log entry, without the metrics of the line. None if the line has no event.

    `entry` has `message`, and `timestamp` in milliseconds since 1970.
    """
    message = entry["message"]
    if EVENT_MARK not in message:
        return None
    try:
        line = msgspec.json.decode(message)
    except ValueError:
        return None
    if not isinstance(line, dict) or not isinstance(line.get("event"), str):
        return None
    fields = {name: value for name, value in line.items() if name[:1].islower()}  # names of metrics are capitalized
    return AuditEvent(datetime.fromtimestamp(entry["timestamp"] / 1000, UTC), fields)


def _cut(events: list[AuditEvent]) -> AuditPage:
    """Return the first events, and the others of the same millisecond."""
    last = events[PAGE_SIZE - 1].time
    return AuditPage([entry for entry in events if entry.time >= last], last)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
