"""How commands speak: tables for people, JSON for scripts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

Row = Mapping[str, Any]


def write_json(value: Any) -> None:
    """One JSON value on stdout."""
    click.echo(json.dumps(value, indent=2, default=_plain))


def write_rows(rows: Iterable[Row], columns: Sequence[str], *, as_json: bool) -> None:
    """Rows under their columns' names; as JSON a list of objects, with all that there is."""
    if as_json:
        write_json(list(rows))
        return
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(_text(row[column]) for column in columns))
    _print(table)


def write_facts(facts: Row, *, as_json: bool) -> None:
    """One thing, a line for each of its properties; as JSON an object."""
    if as_json:
        write_json(facts)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), _text(value))
    _print(table)


def write_result(result: Row, sentence: str, *, as_json: bool) -> None:
    """What was done, in a sentence; as JSON an object."""
    if as_json:
        write_json(result)
    else:
        click.echo(sentence)


def progress() -> Progress:
    """A progress bar on stderr, for a terminal only."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def _print(table: Table) -> None:
    """On a terminal as wide as that is; into a pipe, as wide as a line may be."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 200
    console.print(table)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def _text(value: Any) -> str:
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M")
        case str():
            return "".join(character if character.isprintable() else " " for character in value)
        case Iterable():
            return ", ".join(sorted(map(str, value))) or "-"
    return str(value)
