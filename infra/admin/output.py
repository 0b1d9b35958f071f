"""Output of commands: tables for people, tab-separated values for other programs, and JSON for scripts.

A table is for a terminal. Into a pipe or a file, each row is one line with complete values, separated by tabs and
without a header.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from infra.terminal_text import sanitize

if TYPE_CHECKING:  # rich takes 0.1 seconds, which a help text and piped output do not need
    from rich.progress import Progress

Row = Mapping[str, Any]


def write_json(value: Any) -> None:
    """Write one JSON value to standard output."""
    click.echo(json.dumps(value, indent=2, default=_to_json))


def write_rows(rows: Iterable[Row], columns: Sequence[str], *, as_json: bool) -> None:
    """Write these columns of rows, or a JSON list with all fields."""
    if as_json:
        write_json(list(rows))
    else:
        _write_cells([[row[column] for column in columns] for row in rows], columns)


def write_fields(fields: Row, *, as_json: bool) -> None:
    """Write one object, with one line for each field, or as a JSON object."""
    if as_json:
        write_json(fields)
    else:
        _write_cells([[name.replace("_", " "), value] for name, value in fields.items()])


def write_result(result: Row, sentence: str, *, as_json: bool) -> None:
    """Write the result of a change as a sentence, or as a JSON object."""
    if as_json:
        write_json(result)
    else:
        click.echo(sanitize(sentence))


def progress() -> "Progress":
    """Return a progress bar on standard error. It is shown only on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _write_cells(rows: Sequence[Sequence[Any]], columns: Sequence[str] = ()) -> None:
    if sys.stdout is None or not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(_to_text(value, full=True) for value in row))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=None, header_style="bold", pad_edge=False, show_header=bool(columns))
    for row in rows:
        table.add_row(*(_to_text(value) or "-" for value in row))
    for column in table.columns:
        column.overflow = "fold"  # a name that does not fit continues on the next line
    Console(highlight=False, markup=False).print(table)


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def _to_text(value: Any, *, full: bool = False) -> str:
    """Return the text of a value. With `full`, a time has seconds and a time zone."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat() if full else value.strftime("%Y-%m-%d %H:%M")
        case str():
            return sanitize(value)
        case Iterable():
            return sanitize(", ".join(sorted(map(str, value))))
    return sanitize(str(value))
