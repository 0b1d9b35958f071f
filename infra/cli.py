"""The command `waybill`.

It imports a subcommand only when it runs. A help text must take less than half a second.
"""

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete
from msgspec import Struct

from infra import project_version
from infra.devserver.output import replace_unknown_characters
from infra.exit_codes import ExitCode

PROGRAM = "waybill"
_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


class Entry(Struct, frozen=True):
    """A subcommand: its section and line in the help text, and the place of its code."""

    section: str
    help: str
    place: str


_RUN, _USERS, _OPERATORS = "Run an index", "Commands for users", "Commands for operators"
ENTRIES = {
    "serve": Entry(_RUN, "Run an index on this machine.", "infra.devserver.command:serve"),
    "deploy": Entry(_RUN, "Deploy an index to AWS, or update it.", "infra.deploy.commands:deploy"),
    "status": Entry(_RUN, "Show the stacks of an index.", "infra.deploy.commands:status"),
    "logs": Entry(_RUN, "Print the log of the function.", "infra.deploy.commands:logs"),
    "rollback": Entry(_RUN, "Restore the previous release.", "infra.deploy.commands:rollback"),
    "destroy": Entry(_RUN, "Delete an index.", "infra.deploy.commands:destroy"),
    "package": Entry(_RUN, "Build the Lambda package.", "infra.deploy.commands:package"),
    "login": Entry(_USERS, "Store the credentials of an account.", "infra.client.login:login"),
    "logout": Entry(_USERS, "Delete stored credentials.", "infra.client.login:logout"),
    "whoami": Entry(_USERS, "Show your account and your index.", "infra.client.whoami:whoami"),
    "search": Entry(_USERS, "Search repositories.", "infra.client.search:search"),
    "tags": Entry(_USERS, "List the tags of a repository.", "infra.client.search:tags"),
    "repositories": Entry(_USERS, "List, describe and share repositories.", "infra.client.repositories:repositories"),
    "organizations": Entry(_USERS, "Manage namespaces for teams.", "infra.client.organizations:organizations"),
    "robots": Entry(_USERS, "Manage credentials for machines.", "infra.client.robots:robots"),
    "users": Entry(_OPERATORS, "Manage accounts.", "infra.admin.users:users"),
    "registries": Entry(_OPERATORS, "Configure and check registries.", "infra.admin.registries:registries"),
    "audit": Entry(_OPERATORS, "Show changes and failed logins.", "infra.admin.audit:audit"),
    "doctor": Entry(_OPERATORS, "Report and fix inconsistent data.", "infra.admin.doctor:doctor"),
    "export": Entry(_OPERATORS, "Write all data of an index to a file.", "infra.admin.export:export_command"),
    "import": Entry(_OPERATORS, "Write an export into an index.", "infra.admin.export:import_command"),
}


class Program(click.Group):
    """The group of all subcommands. `commands` contains placeholders for those that are not imported."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a subcommand."""
        entry = ENTRIES.get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = entry.place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help text."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each kind of user."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, placeholder in self.commands.items():
            section = ENTRIES[name].section if name in ENTRIES else "Other commands"
            sections.setdefault(section, []).append((name, placeholder.get_short_help_str(100)))
        for section, lines in sections.items():
            with formatter.section(section):
                formatter.write_dl(lines)


@click.group(
    cls=Program,
    commands={name: click.Command(name, help=entry.help) for name, entry in ENTRIES.items()},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(project_version(), message="%(prog)s %(version)s")
def cli() -> None:
    """Run, deploy, use and administer a Waybill index."""


@cli.command()
@click.argument("shell", type=click.Choice(list(_SHELLS)))
def completion(shell: str) -> None:
    """Print the script for completion in your shell.

    Add a line to the configuration of the shell: `eval "$(waybill completion bash)"` to ~/.bashrc,
    `eval "$(waybill completion zsh)"` to ~/.zshrc, or `waybill completion fish | source` to ~/.config/fish/config.fish.
    """
    click.echo(_SHELLS[shell](cli, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE").source())


def main() -> None:
    """Run the command, and exit with one of `ExitCode`."""
    replace_unknown_characters()
    code = run(sys.argv[1:])
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes the rest at its end
        code = code or _report(_describe_output_error(error))
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run the command with these arguments. Report each error in one sentence, and return the exit code."""
    if any("\ud800" <= character <= "\udfff" for argument in arguments for character in argument):
        _report("an argument is not a text in the encoding of the locale")
        return ExitCode.USAGE
    try:
        result = cli.main(arguments, prog_name=PROGRAM, standalone_mode=False)
    except click.Abort:
        _report("interrupted", prefix="\n")
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except OSError as error:
        return _report(_describe_output_error(error))
    except Exception as error:
        if os.environ.get("WAYBILL_TRACEBACK"):
            raise
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return _report(f"{text}; this is a fault in Waybill, and WAYBILL_TRACEBACK=1 shows where")
    return result if isinstance(result, int) else ExitCode.SUCCESS


def _describe_output_error(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the output is incomplete, because the disk is full"
    return f"{error.filename}: {error.strerror}" if error.filename else f"cannot write the output: {error.strerror}"


def _report(text: str, prefix: str = "") -> ExitCode:
    click.echo(f"{prefix}Error: {text}", err=True)
    return ExitCode.FAILURE
