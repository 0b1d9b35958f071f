"""`audit`: who changed what, and who failed to sign in. Read from the journal's lines in the function's log group."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import click

from infra.admin.audit_log import EVENT_MARK, log_group
from infra.admin.command import Command, acts_on_an_index, as_json
from infra.admin.output import write_rows
from infra.admin.target import Target

COLUMNS = ("time", "event", "who", "on", "from", "request")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}
_LOOKS_EVERY = 2.0  # seconds


def _since(_: click.Context, __: click.Parameter, text: str) -> float:
    match = re.fullmatch(r"([0-9]{1,5})([mhd])", text)
    if match is None:
        raise click.BadParameter("say how far back: 30m, 12h, 7d")
    return time.time() - int(match[1]) * _SECONDS[match[2]]


@click.command(cls=Command)
@click.option("--since", default="1d", show_default=True, callback=_since, help="How far back: 30m, 12h, 7d.")
@click.option("--who", metavar="USERNAME", help="Only what this account did.")
@click.option("--on", "target", metavar="NAME", help="Only what was done to this: alice, alice/web, and all below it.")
@click.option("--event", metavar="KIND", help="Only this: login.failed, or a kind such as repository.")
@click.option("--follow", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@acts_on_an_index
@as_json
def audit(
    since: float, who: str | None, target: str | None, event: str | None, follow: bool, index: Target, as_json: bool
) -> None:
    """Who changed what, and who failed to sign in.

    On AWS events are kept as long as the function's log group keeps them (LogRetention), on a local server until it
    stops. With --json each event is a line of its own.
    """

    def wanted(found: Mapping[str, Any]) -> bool:
        return (
            (who is None or found.get("who") == who)
            and (target is None or found.get("on") == target or str(found.get("on")).startswith(f"{target}/"))
            and (event is None or found["event"] == event or found["event"].startswith(f"{event}."))
        )

    seen: set[str] = set()
    while True:
        rows = [row for row in _events(index, since, seen) if wanted(row)]
        if as_json:
            for row in rows:
                click.echo(json.dumps(row))
        elif rows or not follow:
            write_rows([{**dict.fromkeys(COLUMNS), **row} for row in rows], COLUMNS, as_json=False)
        if not follow:
            return
        time.sleep(_LOOKS_EVERY)


def _events(index: Target, since: float, seen: set[str]) -> Iterator[dict[str, Any]]:
    """The events from `since` on that are not `seen`, oldest first."""
    arguments: dict[str, Any] = {
        "logGroupName": log_group(index.settings.stack),
        "startTime": int(since * 1000),
        "filterPattern": '"event"',
    }
    while True:
        page = index.logs.filter_log_events(**arguments)
        for entry in page["events"]:
            event = _parsed(entry["message"])
            if event is not None and entry["eventId"] not in seen:
                seen.add(entry["eventId"])
                yield {
                    "time": datetime.fromtimestamp(entry["timestamp"] / 1000, UTC).isoformat("T", "seconds"),
                    **event,
                }
        if "nextToken" not in page:
            return
        arguments["nextToken"] = page["nextToken"]


def _parsed(message: str) -> dict[str, Any] | None:
    """A line of the journal without its metrics; None for anything else that was logged."""
    if EVENT_MARK not in message:
        return None
    try:
        line = json.loads(message)
    except ValueError:
        return None
    if not isinstance(line, dict) or not isinstance(line.get("event"), str):
        return None
    return {name: value for name, value in line.items() if name[:1].islower()}  # metrics are spelled like Metrics
