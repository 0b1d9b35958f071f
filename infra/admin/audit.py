"""`waybill audit`: reads the events from the log group of the function."""

import re
import time
from collections.abc import Iterator

import click

from chalicelib.audit_log import FILTER_PATTERN, AuditEvent, log_group, parse_entry
from infra.admin.command import Command, index_options
from infra.admin.output import write_json_line, write_rows
from infra.admin.target import Target

COLUMNS = ("time", "event", "actor", "target", "client_ip", "request")
SHORTENERS = {"request": lambda request: request.partition("-")[0]}  # enough to find its lines in the log
_UNIT_SECONDS = {"m": 60, "h": 3600, "d": 86400}
_POLL_SECONDS = 2.0


def _parse_since(_: click.Context, __: click.Parameter, text: str) -> float:
    match = re.fullmatch(r"([0-9]{1,5})([mhd])", text)
    if match is None:
        raise click.BadParameter("it must be a number with m, h or d, such as 30m, 12h or 7d")
    return time.time() - int(match[1]) * _UNIT_SECONDS[match[2]]


@click.command(cls=Command)
@click.option(
    "--since",
    metavar="TIME",
    default="1d",
    show_default=True,
    callback=_parse_since,
    help="Show the events of this last period: a number with m, h or d, such as 30m, 12h or 7d.",
)
@click.option("--actor", metavar="NAME", help="Show only the actions of this account, or of this ARN.  [default: all]")
@click.option(
    "--target",
    metavar="NAME",
    help="Show only actions on this account, namespace or repository and on everything in it.  [default: all]",
)
@click.option(
    "--event",
    metavar="NAME",
    help="Show only this event, such as login.failed, or this group, such as repository.  [default: all]",
)
@click.option("--follow", is_flag=True, help="Continue with new events until Ctrl-C.")
@index_options
def audit(
    since: float,
    actor: str | None,
    target: str | None,
    event: str | None,
    follow: bool,
    index: Target,
    as_json: bool,
) -> None:
    """Show changes and failed logins.

    On AWS the log group keeps the events for the number of days in LOG_RETENTION. A local server
    keeps them until it stops. With --json each event is one line.
    """
    seen: set[str] = set()
    while True:
        entries = _read_events(index, since, seen)
        matching = (each for each in entries if each.matches(actor=actor or "", target=target or "", event=event or ""))
        rows = [{"time": entry.time.replace(microsecond=0), **entry.fields} for entry in matching]
        if as_json:
            for row in rows:
                write_json_line(row)
        elif rows or not follow:
            complete = [{**dict.fromkeys(COLUMNS), **row} for row in rows]
            write_rows(complete, COLUMNS, noun="events", as_json=False, shorteners=SHORTENERS)
        if not follow:
            return
        time.sleep(_POLL_SECONDS)


def _read_events(index: Target, since: float, seen: set[str]) -> Iterator[AuditEvent]:
    """Yield the events after `since` (seconds since 1970) that are not in `seen`, oldest first. Add them to `seen`."""
    pages = index.logs.get_paginator("filter_log_events").paginate(
        logGroupName=log_group(index.settings.stack), startTime=int(since * 1000), filterPattern=FILTER_PATTERN
    )
    for entry in (entry for page in pages for entry in page["events"]):
        event = parse_entry(entry)
        key = entry.get("eventId") or f"{entry['timestamp']} {entry['message']}"  # the emulator has no event ids
        if event is not None and key not in seen:
            seen.add(key)
            yield event
