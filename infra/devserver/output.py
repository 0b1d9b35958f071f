"""Output that may fail: a closed pipe, a full disk or a character that the terminal cannot show changes no request."""

import sys
from contextlib import suppress
from typing import TextIO


def print_line(text: str, stream: TextIO | None = None) -> None:
    """Print a line on standard output or on `stream`. Do nothing if that is impossible."""
    with suppress(OSError, ValueError):  # a closed file is a ValueError
        print(text, file=stream or sys.stdout, flush=True)


def replace_unknown_characters() -> None:
    """Print an escape sequence instead of a character that the encoding of the locale does not have."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
