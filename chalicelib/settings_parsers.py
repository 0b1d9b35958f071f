"""Parsers of the texts of settings. Each returns the value, or raises ValueError."""

import re
from collections.abc import Callable

from chalicelib.domain.identifiers import is_email, is_host

_STACK = re.compile(r"[a-zA-Z0-9_.-]{3,200}", re.ASCII)
_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,254}", re.ASCII)
_BASE_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]{1,255}", re.ASCII)
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def parse_stack(text: str) -> str:
    """Return the name of a stack."""
    if not _STACK.fullmatch(text):
        raise ValueError
    return text


def parse_endpoints(text: str) -> tuple[str, ...]:
    """Return hosts that are separated by commas; at least one."""
    hosts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not hosts or not all(map(is_host, hosts)):
        raise ValueError
    return hosts


def parse_services(text: str) -> tuple[str, ...]:
    """Return the names of registries that are separated by commas."""
    services = tuple(part.strip() for part in text.split(",") if part.strip())
    if not all(_SERVICE.fullmatch(service) for service in services):
        raise ValueError
    return services


def parse_host(text: str) -> str:
    """Return a host without a scheme, or an empty text."""
    if text and not is_host(text):
        raise ValueError
    return text


def parse_secret(text: str) -> str:
    """Return a printable ASCII text of at least 16 characters, or an empty text."""
    if text and (len(text) < 16 or not text.isascii() or not text.isprintable()):
        raise ValueError
    return text


def parse_email(text: str) -> str:
    """Return an email address, or an empty text."""
    if text and not is_email(text):
        raise ValueError
    return text


def parse_base_url(text: str) -> str:
    """Return a URL without a slash at its end, or an empty text."""
    url = text.rstrip("/")
    if url and not _BASE_URL.fullmatch(url):
        raise ValueError
    return url


def parse_bool(text: str) -> bool:
    """Return a truth value from true or false, yes or no, on or off, 1 or 0."""
    if text.lower() not in _TRUE + _FALSE:
        raise ValueError
    return text.lower() in _TRUE


def number(low: int, high: int) -> Callable[[str], int]:
    """Return a parser for whole numbers in a range."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise ValueError
        return int(text)

    return parse
