"""Parsing of notifications of registries."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.notifications import MAX_EVENTS, parse_notifications, parse_time
from chalicelib.domain.tags import TagAction, is_tag
from tests.clock import NOW

DIGEST = "sha256:" + "a" * 64
EVENT: dict[str, Any] = {
    "id": "1",
    "timestamp": "2023-11-14T22:13:20Z",
    "action": "push",
    "target": {"repository": "alice/web", "tag": "1", "digest": DIGEST, "mediaType": "m", "size": 7},
    "request": {"addr": "192.0.2.1:5"},
    "actor": {"name": "alice"},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=6,
)


def parse(*events: Any, now: float = NOW) -> list[Any]:
    return parse_notifications({}, json.dumps({"events": list(events)}).encode(), now)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-11-14T22:13:20Z", 1_700_000_000_000_000_000),
        ("2023-11-14T22:13:20.5Z", 1_700_000_000_500_000_000),
        ("2023-11-14T22:13:20.123456789Z", 1_700_000_000_123_456_789),
        ("2023-11-15T00:13:20.000000001+02:00", 1_700_000_000_000_000_001),
        ("2023-11-14T22:13:20", None),
        ("2023-13-14T22:13:20Z", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("", None),
        (None, None),
        (1, None),
    ],
)
def test_time_keeps_nanoseconds(text: object, expected: int | None) -> None:
    assert parse_time(text) == expected


def test_event_with_a_tag_is_returned() -> None:
    (event,) = parse(EVENT)
    assert (event.action, event.repository, event.actor, event.client_ip) == (
        TagAction.PUSH,
        "alice/web",
        "alice",
        "192.0.2.1",
    )
    assert (event.tag.name, event.tag.digest, event.tag.media_type, event.tag.size) == ("1", DIGEST, "m", 7)


@pytest.mark.parametrize(
    ("address", "client_ip"),
    [
        ("192.0.2.1:39448", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:db8::1]:39448", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("", ""),
        (None, ""),
    ],
)
def test_client_ip_has_no_port(address: object, client_ip: str) -> None:
    (event,) = parse({**EVENT, "request": {"addr": address}})
    assert event.client_ip == client_ip


@pytest.mark.parametrize(
    "change",
    [
        {"action": "pull"},
        {"action": "mount"},
        {"action": None},
        {"timestamp": "x"},
        {"timestamp": None},
        {"target": None},
        {"target": {**EVENT["target"], "tag": None}},
        {"target": {**EVENT["target"], "tag": ""}},
        {"target": {**EVENT["target"], "tag": ".x"}},
        {"target": {**EVENT["target"], "tag": "a" * 129}},
        {"target": {**EVENT["target"], "digest": "sha256:xyz"}},
        {"target": {**EVENT["target"], "digest": None}},
        {"target": {**EVENT["target"], "repository": 7}},
    ],
)
def test_other_event_is_ignored(change: dict[str, Any]) -> None:
    assert parse({**EVENT, **change}, EVENT) == parse(EVENT)


def test_deletion_needs_no_digest() -> None:
    target = {"repository": "alice/web", "tag": "1"}
    (event,) = parse({**EVENT, "action": "delete", "target": target})
    assert (event.action, event.tag.digest) == (TagAction.DELETE, "")


def test_time_in_the_future_is_replaced() -> None:
    (event,) = parse({**EVENT, "timestamp": "2999-01-01T00:00:00Z"})
    assert event.tag.pushed == NOW * 1_000_000_000


def test_number_of_events_is_limited() -> None:
    assert len(parse(*[EVENT] * (MAX_EVENTS + 5))) == MAX_EVENTS


@given(JSON, st.sampled_from(["", "zotregistry.image.updated", "zotregistry.image.deleted"]))
def test_any_json_is_accepted(value: Any, kind: str) -> None:
    bodies = [value, {"events": value}, {"events": [value]}, {"specversion": "1.0", "type": kind, "data": value}]
    for body in bodies:
        for headers in ({}, {"ce-type": kind}):
            assert isinstance(parse_notifications(headers, json.dumps(body).encode(), NOW), list)


@given(st.binary())
def test_any_bytes_are_accepted(body: bytes) -> None:
    assert parse_notifications({}, body, NOW) == []


@given(
    st.dictionaries(st.sampled_from(sorted(EVENT)), JSON),
    st.dictionaries(st.sampled_from(sorted(EVENT["target"])), JSON),
)
def test_events_are_well_formed(change: dict[str, Any], target: dict[str, Any]) -> None:
    changed = {**EVENT, "target": {**EVENT["target"], **target}, **change}
    for event in parse(changed):
        assert is_tag(event.tag.name)
        assert event.tag.pushed <= NOW * 1_000_000_000
        assert event.tag.size is None or type(event.tag.size) is int
