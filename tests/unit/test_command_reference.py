"""docs/reference/commands.md contains the help text of each command."""

import click

from infra.admin.command_reference import PAGE, list_help_texts, update
from infra.cli import cli


def test_page_contains_current_help_texts() -> None:
    page = PAGE.read_text()
    assert update(page, cli) == page, "run: make docs"
    for name, text in list_help_texts(cli):
        assert f"### {name}\n\n```text\n$ {name} --help\n{text}\n```" in page


def test_update_replaces_help_texts_and_keeps_other_text() -> None:
    @click.group()
    def program() -> None:
        """Old."""

    page = update("# Page\n\nText.\n", program)
    assert "Old." in page
    program.help = "New."
    updated = update(page + "\nMore text.\n", program)
    assert updated == page.replace("Old.", "New.") + "\nMore text.\n"


def test_update_removes_commands_that_no_longer_exist() -> None:
    page = "# Page\n\n### waybill gone\n\n```text\n$ waybill gone --help\nUsage\n```\n"
    assert "gone" not in update(page, click.Command("program"))


def test_each_command_and_option_has_a_help_text() -> None:
    def check(command: click.Command, name: str) -> None:
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (name, parameter.name)
        if isinstance(command, click.Group):
            for subname in command.commands:
                subcommand = command.get_command(click.Context(command), subname)
                assert subcommand is not None
                assert subcommand.name == subname
                check(subcommand, f"{name} {subname}")

    check(cli, "waybill")
