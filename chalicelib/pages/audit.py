"""`/audit`: the last changes and failed logins, for administrators of the index."""

from collections.abc import Mapping
from datetime import UTC, datetime

from markupsafe import Markup

from chalicelib.api.http import Route
from chalicelib.api.messages import Response
from chalicelib.audit_log import AuditEvent, AuditLog
from chalicelib.domain.errors import InvalidInput
from chalicelib.pages.frame import render_next
from chalicelib.pages.guard import Guard
from chalicelib.pages.html import EMPTY, PageRenderer, render, render_each
from chalicelib.pages.texts import render_time, shorten_digest
from chalicelib.pages.visit import Visit

_FILTERS = ("actor", "target", "event")
_COLUMNS = {"event", "actor", "target", "client_ip"}
_OMITTED = {"request", "method", "route", "status", "ms"}  # `waybill audit --json` shows them


class AuditPages:
    """The list of events, with a form that searches it."""

    def __init__(self, guard: Guard, renderer: PageRenderer, audit_log: AuditLog) -> None:
        self._guard = guard
        self._renderer = renderer
        self._audit_log = audit_log

    def routes(self) -> list[Route]:
        """Return the page."""
        return [self._guard.private("/audit", self.show)]

    def show(self, visit: Visit) -> Response:
        """Return the last events before the time in the query that match its filters."""
        query = visit.request.query
        filters = {name: query.get(name, "").strip() for name in _FILTERS}
        page = self._audit_log.list_page(visit.principal, _parse_time(query.get("before", "")), **filters)
        next_page = EMPTY
        if page.before is not None:
            chosen = {name: value for name, value in filters.items() if value}
            next_page = render_next("/audit", **chosen, before=page.before.isoformat(timespec="milliseconds"))
        return self._renderer.render_page(
            visit,
            "audit",
            "Audit log",
            actor=filters["actor"],
            target=filters["target"],
            event=filters["event"],
            alert=EMPTY if page.is_complete else render("audit_incomplete"),
            events=render("audit_table", rows=render_each("audit_event", map(_describe, page.events)))
            if page.events
            else render("audit_empty"),
            next_page=next_page,
        )


def _describe(event: AuditEvent) -> dict[str, object]:
    fields = event.fields
    details = (f"{name}: {_describe_value(value)}" for name, value in fields.items() if name not in _COLUMNS | _OMITTED)
    return {
        "event": fields["event"],
        "event_name": Markup(".<wbr>").join(fields["event"].split(".")),  # a narrow screen breaks the line there
        "time": render_time(event.time),
        "actor": fields.get("actor") or "",
        "target": fields.get("target") or "",
        "client_ip": fields.get("client_ip") or "",
        "details": ", ".join(details),
    }


def _describe_value(value: object) -> str:
    if isinstance(value, str) and value.startswith("sha256:"):
        return shorten_digest(value)
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, Mapping):
        return " ".join(f"{name}={each}" for name, each in value.items())
    return str(value)


def _parse_time(text: str) -> datetime | None:
    """Return the time of a link to earlier events. Raises InvalidInput."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None or not 2000 <= moment.year < 9999:  # the limits of other times overflow
        raise InvalidInput("before must be a time such as 2026-01-31T12:00:00.000+00:00; open the page without it")
    return moment.astimezone(UTC)
