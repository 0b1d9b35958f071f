"""docs/reference/commands.md says what the commands say."""

import click

from infra.admin.command_reference import PAGE, commands, current
from infra.cli import cli


def test_the_page_holds_every_commands_help_word_by_word() -> None:
    page = PAGE.read_text()
    assert current(page, cli) == page, "make docs brings it up to date"
    for name, text in commands(cli):
        assert f"```text\n$ {name} --help\n{text}\n```" in page


def test_a_stale_block_is_replaced_and_prose_is_left_alone() -> None:
    @click.group()
    def program() -> None:
        """Old."""

    page = current("# Page\n\nProse.\n", program)
    assert "Old." in page
    program.help = "New."
    renewed = current(page + "\nMore prose.\n", program)
    assert renewed == page.replace("Old.", "New.") + "\nMore prose.\n"


def test_every_option_of_every_command_is_explained() -> None:
    for name, text in commands(cli):
        options = text.partition("Options:\n")[2].partition("\n\nCommands:")[0]
        for line in options.splitlines():
            if line.startswith("  --"):
                assert len(line.split(None, 2)) > 1, (name, line)
