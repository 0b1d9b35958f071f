"""Texts for people: sizes, relative times and numbers of things."""

from datetime import UTC, datetime, timedelta

from markupsafe import Markup

from chalicelib.domain.tags import Tag
from chalicelib.pages.html import EMPTY, render

_UNITS = ((365 * 86400, "year"), (30 * 86400, "month"), (86400, "day"), (3600, "hour"), (60, "minute"))


def render_time(moment: datetime | None, now: datetime | None = None) -> Markup:
    """Return a time relative to now, such as `3 days ago`. Its title is the time in UTC."""
    if moment is None:
        return EMPTY
    return render(
        "time",
        iso=moment.isoformat(timespec="seconds"),
        exact=f"{moment:%Y-%m-%d %H:%M} UTC",
        text=describe_age((now or datetime.now(UTC)) - moment),
    )


def describe_age(age: timedelta) -> str:
    """Return a duration in its largest unit, such as `3 days ago` or `just now`."""
    seconds = int(age.total_seconds())
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{pluralize(seconds // length, unit)} ago"
    return "just now"


def describe_size(size: int | None) -> str:
    """Return a number of bytes in decimal units, such as `1.2 kB`, or "" if it is unknown."""
    if size is None:
        return ""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" or value >= 9.95 else f"{value:.1f} {unit}"


def pluralize(count: int, noun: str) -> str:
    """Return a number with a noun, such as `1 tag` or `1,200 tags`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {_plural(noun)}"


def _plural(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("y") and not noun.endswith("ay") else f"{noun}s"


def shorten_digest(digest: str) -> str:
    """Return the first 12 digits of a digest such as `sha256:0123…`."""
    return digest.partition(":")[2][:12]


def time_of(tag: Tag) -> datetime:
    """Return the time of the push of a tag, in UTC."""
    return datetime.fromtimestamp(tag.pushed / 1_000_000_000, UTC)
