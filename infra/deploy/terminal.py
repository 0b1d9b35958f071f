"""What the operator sees: tables of changes, and operations as they go."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from infra.deploy.stacks import Change, Event, Watcher

_COLOURS = {"Add": "green", "Import": "green", "Modify": "yellow", "Remove": "red"}


class Terminal:
    """Lines on a terminal or in a log; on a terminal a spinner says what is being waited for."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(text, markup=False)

    def changes(self, stack: str, changes: Sequence[Change]) -> None:
        """What a change set would do."""
        table = Table(title=stack, title_justify="left", title_style="bold")
        for column in ("change", "resource", "type", "replaces it"):
            table.add_column(column, overflow="fold")
        for change in changes:
            colour = _COLOURS.get(change.action, "white")
            replaces = {"True": "[bold red]yes[/]", "Conditional": "[red]perhaps[/]"}.get(change.replacement, "")
            if change.certain:
                table.add_row(f"[{colour}]{change.action}[/]", change.resource, _short(change.type), replaces)
        self._console.print(table)
        looked_at = [change.resource for change in changes if not change.certain]
        if looked_at:
            self.say(f"CloudFormation looks again at what refers to these: {', '.join(looked_at)}")

    def facts(self, title: str, facts: Sequence[tuple[str, str]]) -> None:
        """Names and values."""
        table = Table(title=title, title_justify="left", title_style="bold", show_header=False)
        table.add_column()
        table.add_column(overflow="fold")
        for name, value in facts:
            table.add_row(name, value)
        self._console.print(table)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Something that takes a while."""
        with self._console.status(what):
            yield

    @contextmanager
    def progress(self, what: str) -> Iterator[Watcher]:
        """An operation's events: each resource that is done or failed as a line, those at work beside the spinner."""
        at_work: list[str] = []
        with self._console.status(what) as status:

            def watch(event: Event) -> None:
                if event.status.endswith("_IN_PROGRESS"):
                    if event.resource not in at_work:
                        at_work.append(event.resource)
                else:
                    if event.resource in at_work:
                        at_work.remove(event.resource)
                    colour = "red" if event.failed else "green"
                    reason = f"  {event.reason}" if event.failed and event.reason else ""
                    self._console.print(f"  [{colour}]{event.status:<16}[/] {event.resource}", end="")
                    self._console.print(reason, markup=False)
                status.update(f"{what}: {', '.join(at_work[-4:])}")

            yield watch


def _short(resource_type: str) -> str:
    return resource_type.removeprefix("AWS::")
