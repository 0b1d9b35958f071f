"""Parsing of notifications: those of distribution 2.8 and 3.x, and the CloudEvents of zot.

Only notifications about a tag matter. Others are ignored, as is everything that is malformed, because a registry
repeats a notification for ever until it is accepted.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from chalicelib.domain.tags import Tag, TagAction, TagEvent, is_tag

MAX_EVENTS = 100
_NANOSECONDS = 1_000_000_000
_DIGEST = re.compile(r"[a-z0-9+._-]{1,32}:[0-9a-f]{32,128}", re.ASCII)
_TIME = re.compile(
    r"(?P<seconds>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))?(?P<zone>Z|[+-]\d\d:\d\d)", re.ASCII
)
_ADDRESS = re.compile(r"(?:\[(?P<ipv6>[^\]]*)\]|(?P<host>[^:]+))(?::\d+)?", re.ASCII)
_ZOT_ACTIONS = {"zotregistry.image.updated": TagAction.PUSH, "zotregistry.image.deleted": TagAction.DELETE}


def parse_notifications(headers: Mapping[str, str], body: bytes, now: float) -> list[TagEvent]:
    """Return the notifications about tags in a request. `now` is in seconds since 1970.

    A time in the future is replaced by `now`, because a later push could otherwise never replace it.
    """
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    latest = int(now * _NANOSECONDS)
    is_cloud_event = _is_cloud_event(headers, document)
    events = _parse_cloud_event(headers, document, latest) if is_cloud_event else _parse_events(document)
    return [event if event.tag.pushed <= latest else _with_time(event, latest) for event in events]


def parse_time(text: object) -> int | None:
    """Return an RFC 3339 time in nanoseconds since 1970, or None if it is malformed."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    try:
        seconds = datetime.fromisoformat(match["seconds"] + match["zone"].replace("Z", "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return int(seconds.timestamp()) * _NANOSECONDS + int((match["fraction"] or "0").ljust(9, "0"))


def _parse_events(document: Any) -> Iterator[TagEvent]:
    """Yield distribution's notifications: `{"events": [{"action", "timestamp", "target", "actor", "request"}]}`."""
    entries = document.get("events") if isinstance(document, dict) else None
    for entry in entries[:MAX_EVENTS] if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or entry.get("action") not in tuple(TagAction):
            continue
        target = _section(entry, "target")
        event = _create_event(
            TagAction(entry["action"]),
            target.get("repository"),
            target.get("tag"),
            target,
            parse_time(entry.get("timestamp")),
            actor=_section(entry, "actor").get("name"),
            address=_section(entry, "request").get("addr"),
        )
        if event is not None:
            yield event


def _parse_cloud_event(headers: Mapping[str, str], document: Any, now: int) -> Iterator[TagEvent]:
    """Yield zot's notification. Its attributes are in headers (binary mode) or in the body (structured mode).

    The time is optional in CloudEvents. `now` replaces it, because zot sends each event once.
    """
    attributes = document if "ce-type" not in headers else {"type": headers["ce-type"], "time": headers.get("ce-time")}
    data = document if "ce-type" in headers else document.get("data")
    action = _ZOT_ACTIONS.get(str(attributes.get("type")))
    if action is None or not isinstance(data, dict):
        return
    event = _create_event(
        action,
        data.get("name"),
        data.get("reference"),
        data,
        now if attributes.get("time") is None else parse_time(attributes["time"]),
        actor=_section(data, "actor").get("name"),
        address=_section(data, "request").get("addr"),
    )
    if event is not None:
        yield event


def _is_cloud_event(headers: Mapping[str, str], document: Any) -> bool:
    return "ce-type" in headers or (isinstance(document, dict) and "specversion" in document)


def _create_event(
    action: TagAction,
    repository: object,
    tag: object,
    target: Mapping[str, Any],
    pushed: int | None,
    *,
    actor: object,
    address: object,
) -> TagEvent | None:
    """Return the event, or None if it is not about a tag or is malformed."""
    digest, size = target.get("digest"), target.get("size", target.get("length"))
    if not (isinstance(repository, str) and isinstance(tag, str) and pushed is not None and is_tag(tag)):
        return None
    if action is TagAction.PUSH and not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
        return None
    media_type = target.get("mediaType")
    return TagEvent(
        action,
        repository,
        Tag(
            name=tag,
            digest=digest if isinstance(digest, str) else "",
            media_type=media_type[:255] if isinstance(media_type, str) else "",
            size=size if type(size) is int and 0 <= size < 2**53 else None,  # a bool is an int too
            pushed=pushed,
        ),
        actor[:100] if isinstance(actor, str) else "",
        _parse_host(address) if isinstance(address, str) else "",
    )


def _parse_host(address: str) -> str:
    """Return the IP address of `192.0.2.1:5000` or `[2001:db8::1]:5000`. Other texts remain as they are."""
    match = _ADDRESS.fullmatch(address)
    return (match["ipv6"] or match["host"] if match else address)[:100]


def _with_time(event: TagEvent, time: int) -> TagEvent:
    return msgspec.structs.replace(event, tag=msgspec.structs.replace(event.tag, pushed=time))


def _section(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = entry.get(name)
    return section if isinstance(section, dict) else {}
