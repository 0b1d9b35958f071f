"""The page `/audit`, and the search of the log behind it."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import botocore.session
import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.audit_log import PAGE_SIZE, AuditLog, AuditPage, log_group
from chalicelib.domain.errors import PermissionDenied, Unavailable
from chalicelib.domain.roles import ANONYMOUS, Principal, Robot, Role
from tests.index import Index
from tests.web_session import WebSession

ADMIN = Principal("admin", admin=True)
NOW = datetime.now(UTC)


class Log:
    """The log group of an index in moto."""

    def __init__(self, index: Index) -> None:
        self.client: Any = botocore.session.get_session().create_client("logs", region_name=index.settings.region)
        self._stream = {"logGroupName": log_group(index.settings.stack), "logStreamName": "tests"}
        self.client.create_log_group(logGroupName=self._stream["logGroupName"])
        self.client.create_log_stream(**self._stream)
        self.audit_log = AuditLog(lambda: self.client, index.settings.stack)

    def write(self, age: timedelta, *lines: str) -> None:
        timestamp = round((NOW - age).timestamp() * 1000)
        self.client.put_log_events(**self._stream, logEvents=[{"timestamp": timestamp, "message": x} for x in lines])

    def add(self, age: timedelta, event: str, target: str = "alice/web", **fields: str) -> None:
        self.write(
            age, json.dumps({"actor": "alice", "client_ip": "198.51.100.1", "target": target, **fields, "event": event})
        )


@pytest.fixture
def log(index: Index) -> Log:
    return Log(index)


def names_of(page: AuditPage) -> list[str]:
    return [entry.fields["event"] for entry in page.events]


def read_all(log: Log) -> Iterable[str]:
    """Return the events of all pages."""
    before = None
    while True:
        page = log.audit_log.list_page(ADMIN, before)
        yield from names_of(page)
        if page.before is None:
            return
        before = page.before


def test_events_of_all_ages_are_listed_newest_first(log: Log) -> None:
    for days in (13, 5, 1):
        log.add(timedelta(days=days), f"days.{days}")
    for minutes in (200, 15, 1):
        log.add(timedelta(minutes=minutes), f"minutes.{minutes}")
    page = log.audit_log.list_page(ADMIN)
    assert names_of(page) == ["minutes.1", "minutes.15", "minutes.200", "days.1", "days.5", "days.13"]
    assert page.is_complete
    assert page.before is None


def test_pages_contain_each_event_once(log: Log) -> None:
    names = [f"push.{number}" for number in range(3 * PAGE_SIZE + 1)]
    for number, name in enumerate(names):
        log.add(timedelta(minutes=number // 3), name)  # three events at a time
    assert len(log.audit_log.list_page(ADMIN).events) == PAGE_SIZE + 1, "a page ends between two moments"
    assert sorted(read_all(log)) == sorted(names)


def test_lines_without_event_and_damaged_lines_are_omitted(log: Log) -> None:
    log.write(timedelta(0), '{"route": "/v1/_ping"}', '"event": no JSON', '["event":', '{"event": 7}', "REPORT event")
    log.add(timedelta(0), "login.failed")
    assert names_of(log.audit_log.list_page(ADMIN)) == ["login.failed"]


@pytest.mark.parametrize(
    ("filters", "events"),
    [
        ({"actor": "alice"}, ["repository.deleted", "login.failed"]),
        ({"target": "alice"}, ["repository.deleted"]),
        ({"target": "alice/we"}, []),
        ({"event": "repository"}, ["repository.deleted"]),
        ({"event": "login.failed", "actor": "bobby"}, ["login.failed"]),
        ({"event": "log"}, []),
    ],
)
def test_filters_select_events(log: Log, filters: dict[str, str], events: list[str]) -> None:
    log.add(timedelta(hours=3), "login.failed", "bobby", actor="bobby")
    log.add(timedelta(hours=2), "login.failed", "carol")
    log.add(timedelta(hours=1), "repository.deleted")
    assert names_of(log.audit_log.list_page(ADMIN, None, **filters)) == events


def test_search_is_bounded(log: Log) -> None:
    calls = Mock(side_effect=lambda **_: {"events": [], "nextToken": "more"})
    page = AuditLog(lambda: Mock(filter_log_events=calls, exceptions=log.client.exceptions), "test").list_page(ADMIN)
    assert not page.is_complete
    assert page.before is not None
    assert calls.call_count == 3
    empty = Mock(side_effect=lambda **_: {"events": []})
    page = AuditLog(lambda: Mock(filter_log_events=empty, exceptions=log.client.exceptions), "test").list_page(ADMIN)
    assert page.is_complete
    assert empty.call_count == 7


def test_log_that_does_not_answer_is_unavailable(log: Log) -> None:
    failing = Mock(side_effect=ReadTimeoutError(endpoint_url="logs"))
    with pytest.raises(Unavailable):
        AuditLog(lambda: Mock(filter_log_events=failing, exceptions=log.client.exceptions), "test").list_page(ADMIN)


@pytest.mark.parametrize(
    "principal", [ANONYMOUS, Principal("alice"), Principal("admin", admin=True, robot=Robot("ci", Role.ADMIN))]
)
def test_others_are_denied(log: Log, principal: Principal) -> None:
    with pytest.raises(PermissionDenied):
        log.audit_log.list_page(principal)


@pytest.mark.exhaustive
def test_page_shows_and_searches_events(index: Index, log: Log) -> None:
    index.create_account("admin", admin=True)
    admin = WebSession.logged_in(index, "admin")
    assert admin.get("/audit").data("empty") == ["audit"]
    for number in range(PAGE_SIZE + 10):
        log.add(timedelta(minutes=number), "repository.changed", changed="private")
    log.add(timedelta(days=2), "account.deleted", "<b>bobby")
    page = admin.get("/audit")
    assert page.name == "audit"
    assert page.data("event") == ["repository.changed"] * PAGE_SIZE
    earlier = page.link_with_rel("next")
    assert earlier is not None
    assert admin.get(earlier).data("event") == ["repository.changed"] * 10 + ["account.deleted"]
    assert "&lt;b&gt;bobby" in admin.get("/audit?event=account").source
    assert admin.get("/audit?target=nothing").data("empty") == ["audit"]
    assert "/audit" in admin.get("/account").links


@pytest.mark.parametrize(
    "time",
    [
        "yesterday",
        "2026-01-01",
        "0001-01-01T00:00:00+00:00",
        "9" * 50,
        "9999-12-31T23:59:59-23:59",
        "2026-01-01T00:00:00+99:00",
    ],
)
def test_wrong_time_is_an_error_of_the_page(index: Index, time: str) -> None:
    index.create_account("admin", admin=True)
    assert WebSession.logged_in(index, "admin").get(f"/audit?before={time.replace('+', '%2B')}").status == 400


def test_visitors_and_other_accounts_cannot_open_the_page(make_index: Callable[..., Index]) -> None:
    index = make_index()
    index.create_account("alice")
    assert WebSession(index).get("/audit").name == "login"
    alice = WebSession.logged_in(index, "alice")
    assert alice.get("/audit").status == 403
    assert "/audit" not in alice.get("/account").links
