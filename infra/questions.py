"""Questions on the terminal. Without a terminal, the error names the option that answers."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from infra.exit_codes import CommandError


def is_confirmed(question: str, yes: bool) -> bool:
    """Return the answer to a question. `yes` is the option --yes, which answers it."""
    if yes:
        return True
    with _no_terminal("pass --yes to confirm"):
        return click.confirm(question, err=True)


def ask(text: str, instead: str) -> str:
    """Return a line from the terminal. `instead` is what to do without one."""
    with _no_terminal(instead):
        return str(click.prompt(text, err=True))


def ask_password(text: str, instead: str) -> str:
    """Return a password, which the terminal does not show. Without a terminal, it is a line of standard input."""
    if not _has_terminal():
        click.echo(f"{text}: ", err=True)
        if line := read_password():
            return line
        raise CommandError(f"there is no terminal to ask on; {instead}")
    with _no_terminal(instead):
        return str(click.prompt(text, hide_input=True, err=True))


def read_password() -> str:
    """Return the first line of standard input, or an empty text at its end. Raises CommandError."""
    try:
        line = sys.stdin.readline().rstrip("\r\n") if sys.stdin is not None else ""
        line.encode()
    except (OSError, UnicodeError):
        raise CommandError("standard input is not a text in the encoding of the locale") from None
    return line


def _has_terminal() -> bool:
    with suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDWR))
        return True
    return False


@contextmanager
def _no_terminal(instead: str) -> Iterator[None]:
    try:
        yield
    except click.Abort as error:
        if isinstance(error.__context__, EOFError):
            click.echo(err=True)  # ends the line of the question
            raise CommandError(f"there is no terminal to ask on; {instead}") from None
        raise
