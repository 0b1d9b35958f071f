"""docs/reference/commands.md holds what each command's `--help` says, word by word: this writes it there.

`python -m infra.admin.command_reference`, or `make docs`. Prose between the blocks is left alone; a test says when one is stale.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import click

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
_BLOCK = re.compile(r"^```text\n\$ (?P<command>[^\n]*) --help\n.*?^```$", re.MULTILINE | re.DOTALL)
_WIDTH = 100


def commands(command: click.Command, name: str = "python -m infra") -> Iterator[tuple[str, str]]:
    """Every command below `command`, itself included, and what its `--help` prints."""
    context = click.Context(command, info_name=name, terminal_width=_WIDTH, max_content_width=_WIDTH)
    yield name, command.get_help(context)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None:
                yield from commands(found, f"{name} {below}")


def current(page: str, command: click.Command) -> str:
    """The page with every block as it is today, and those at its end that it lacks."""
    said = dict(commands(command))
    page = _BLOCK.sub(lambda block: _block(block["command"], said.pop(block["command"], None)), page)
    missing = "".join(
        f"\n### {name.removeprefix('python -m infra ')}\n\n{_block(name, text)}\n" for name, text in said.items()
    )
    return re.sub(r"\n{3,}", "\n\n", page.rstrip("\n") + "\n" + missing)


def _block(name: str, text: str | None) -> str:
    """A command's block; nothing for one that is no more."""
    return "" if text is None else f"```text\n$ {name} --help\n{text}\n```"


def main() -> None:
    """Brings the page up to date."""
    from infra.cli import cli

    PAGE.write_text(current(PAGE.read_text(), cli))


if __name__ == "__main__":
    main()
