"""The output of the deployment commands: tables of changes, and the progress of operations."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.deploy.service_template import setting_name
from infra.deploy.stacks import Change, Event, Watcher
from infra.terminal_text import sanitize

_COLOURS = {"Add": "green", "Import": "green", "Modify": "yellow", "Remove": "red"}
_REPLACEMENTS = {"True": "[bold red]yes[/]", "Conditional": "[red]perhaps[/]"}


class Terminal:
    """Prints lines on a terminal or into a file. On a terminal, a spinner shows the current step."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)

    def print(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, markup=False)

    def print_changes(self, stack: str, changes: Sequence[Change]) -> None:
        """Print the changes of a change set, without the resources that CloudFormation only evaluates again."""
        certain = [change for change in changes if change.is_certain]
        title = f"{stack}: {len(certain)} {'resource changes' if len(certain) == 1 else 'resources change'}"
        table = Table(title=title, title_justify="left", title_style="bold")
        for column in ("change", "resource", "type", "replaced"):
            table.add_column(column, overflow="fold")
        for change in certain:
            colour, replaced = _COLOURS.get(change.action, "white"), _REPLACEMENTS.get(change.replacement, "")
            action, resource_type = f"[{colour}]{change.action}[/]", change.type.removeprefix("AWS::")
            table.add_row(action, change.resource, resource_type, replaced)
        self._console.print(table)

    def print_settings(self, current: Mapping[str, str], values: Mapping[str, str]) -> None:
        """Print the settings that change, with their old and new values. A new stack has no old values."""
        table = Table(title="settings that change", title_justify="left", title_style="bold")
        for column in ("setting", "now", "after"):
            table.add_column(column, overflow="fold")
        for name, value in values.items():
            if current.get(name, "") != value:
                table.add_row(setting_name(name), Text(current.get(name, "")), Text(value))
        if table.row_count:
            self._console.print(table)

    def print_values(self, title: str, values: Sequence[tuple[str, str]]) -> None:
        """Print names and values. Into a pipe or a file, each line has the title, a name and a value, and tabs."""
        if not self._console.is_terminal:
            for name, value in values:
                click.echo(sanitize(title) + f"\t{sanitize(name)}\t{sanitize(value)}")
            return
        table = Table(title=title, title_justify="left", title_style="bold", show_header=False)
        table.add_column()
        table.add_column(overflow="fold")
        for name, value in values:
            table.add_row(name, value)
        self._console.print(table)

    @contextmanager
    def show_step(self, step: str) -> Iterator[None]:
        """Show a spinner during a step."""
        with self._console.status(step):
            yield

    @contextmanager
    def show_progress(self, operation: str) -> Iterator[Watcher]:
        """Print a line for each resource that is ready or has failed. The spinner shows the resources in progress."""
        in_progress: list[str] = []
        with self._console.status(operation) as status:

            def watch(event: Event) -> None:
                if event.status.endswith("_IN_PROGRESS"):
                    if event.resource not in in_progress:
                        in_progress.append(event.resource)
                else:
                    if event.resource in in_progress:
                        in_progress.remove(event.resource)
                    colour = "red" if event.is_failure else "green"
                    reason = f"  {event.reason}" if event.is_failure and event.reason else ""
                    self._console.print(f"  [{colour}]{event.status:<16}[/] {event.resource}", end="")
                    self._console.print(reason, markup=False)
                status.update(f"{operation}: {', '.join(in_progress[-4:])}")

            yield watch
