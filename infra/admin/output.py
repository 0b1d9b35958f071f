"""Output of the administration commands: tables for people, JSON for scripts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from infra.terminal_text import sanitize

Row = Mapping[str, Any]
_PIPE_WIDTH = 200  # characters of a line if the output is not a terminal


def write_json(value: Any) -> None:
    """Write one JSON value to standard output."""
    click.echo(json.dumps(value, indent=2, default=_to_json))


def write_rows(rows: Iterable[Row], columns: Sequence[str], *, as_json: bool) -> None:
    """Write rows as a table with these columns, or as a JSON list with all fields."""
    if as_json:
        write_json(list(rows))
        return
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(_to_text(row[column]) for column in columns))
    _print(table)


def write_fields(fields: Row, *, as_json: bool) -> None:
    """Write one object, with one line for each field, or as a JSON object."""
    if as_json:
        write_json(fields)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in fields.items():
        table.add_row(name.replace("_", " "), _to_text(value))
    _print(table)


def write_result(result: Row, sentence: str, *, as_json: bool) -> None:
    """Write the result of a change as a sentence, or as a JSON object."""
    if as_json:
        write_json(result)
    else:
        click.echo(sanitize(sentence))


def progress() -> Progress:
    """Return a progress bar on standard error. It is shown only on a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _print(table: Table) -> None:
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    console.print(table)


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def _to_text(value: Any) -> str:
    """Return the text of a table cell."""
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M")
        case str():
            return sanitize(value)
        case Iterable():
            return sanitize(", ".join(sorted(map(str, value)))) or "-"
    return sanitize(str(value))
