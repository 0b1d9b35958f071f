"""The exit codes of `waybill`. docs/reference/commands.md is generated from this table."""

from enum import IntEnum

import click


class ExitCode(IntEnum):
    """The status with which a command ends. `meaning` is a sentence for people."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> "ExitCode":
        """Return a member with its meaning."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    SUCCESS = 0, "The command succeeded."
    FAILURE = 1, "The command failed, you answered no, or a check found problems. Standard error contains the reason."
    USAGE = 2, "The command line is wrong: an unknown command or option, or a missing or invalid value."
    LOGIN = 3, "You are not logged in, or the index does not accept the credentials."
    CONNECTION = 4, "The index does not answer, its certificate is not trusted, or the server is not Waybill."
    INTERRUPTED = 130, "Ctrl-C ended the command."


class CommandError(click.ClickException):
    """A command failed. The message is one sentence for a person."""

    exit_code = ExitCode.FAILURE


class LoginError(CommandError):
    """There are no credentials, or they are not accepted."""

    exit_code = ExitCode.LOGIN


class UnreachableError(CommandError):
    """The index cannot be used at the moment, or the server is not an index."""

    exit_code = ExitCode.CONNECTION
