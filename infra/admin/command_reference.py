"""Writes the exit codes and the `--help` text of each command into docs/reference/commands.md.

Run it with `make docs`. Other text on the page is kept. A test fails if the page is out of date.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from infra.exit_codes import ExitCode

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
PROGRAM = "waybill"
_BLOCK = re.compile(r"^(?:#+ [^\n]*\n\n)?```text\n\$ (?P<command>[^\n]*) --help\n.*?^```$", re.MULTILINE | re.DOTALL)
_EXIT_CODES = re.compile(r"^\| exit code \| meaning \|\n(?:\|.*\n)+", re.MULTILINE)
_WIDTH = 100  # characters


def list_help_texts(command: click.Command, name: str = PROGRAM) -> Iterator[tuple[str, str]]:
    """Yield the name and the help text of a command and of all its subcommands."""
    context = click.Context(
        command,
        info_name=name,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        help_option_names=["-h", "--help"],
    )
    yield name, command.get_help(context)
    if isinstance(command, click.Group):
        for subname in command.list_commands(context):
            subcommand = command.get_command(context, subname)
            if subcommand is not None:
                yield from list_help_texts(subcommand, f"{name} {subname}")


def update(page: str, command: click.Command) -> str:
    """Return the page with the current help texts. Texts of removed commands are removed, new ones are appended."""
    texts = dict(list_help_texts(command))
    page = _EXIT_CODES.sub(lambda _: render_exit_codes(), page)
    page = _BLOCK.sub(lambda match: _format(match["command"], texts.pop(match["command"], None)), page)
    missing = "".join(f"\n{_format(name, text)}\n" for name, text in texts.items())
    return re.sub(r"\n{3,}", "\n\n", page.rstrip("\n") + "\n" + missing)


def render_exit_codes() -> str:
    """Return the table of the exit codes."""
    rows = "".join(f"| {code.value} | {code.meaning} |\n" for code in ExitCode)
    return f"| exit code | meaning |\n| --- | --- |\n{rows}"


def _format(name: str, text: str | None) -> str:
    return "" if text is None else f"### {name}\n\n```text\n$ {name} --help\n{text}\n```"


def main() -> None:
    """Update the page."""
    from infra.cli import cli

    PAGE.write_text(update(PAGE.read_text(), cli))


if __name__ == "__main__":
    main()
