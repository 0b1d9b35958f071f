"""Output of commands: tables for people, tab-separated values for other programs, and JSON for scripts.

A table is for a terminal: it has a header, shortens long identifiers, and says if it is empty. Into a pipe or a file,
each row is one line with complete values, separated by tabs and without a header. JSON is complete too.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from infra.terminal_text import sanitize

if TYPE_CHECKING:  # rich takes 0.1 seconds, which a help text and piped output do not need
    from rich.progress import Progress

Row = Mapping[str, Any]
Shorteners = Mapping[str, Callable[[str], str]]


def write_json(value: Any) -> None:
    """Write one JSON value to standard output."""
    click.echo(json.dumps(value, indent=2, default=_to_json))


def write_json_line(value: Any) -> None:
    """Write one JSON value to standard output, as one line."""
    click.echo(json.dumps(value, default=_to_json))


def write_rows(
    rows: Iterable[Row], columns: Sequence[str], *, noun: str, as_json: bool, shorteners: Shorteners | None = None
) -> None:
    """Write these columns of rows, or a JSON list with all fields.

    Args:
        rows: the rows.
        columns: the fields of a table.
        noun: what the rows are, in the plural. An empty table on a terminal is one sentence with this word.
        as_json: whether to write JSON.
        shorteners: functions that shorten the texts of a column, on a terminal only.
    """
    rows = list(rows)
    if as_json:
        write_json(rows)
    elif rows or not _is_terminal():
        _write_cells([[row[column] for column in columns] for row in rows], columns, shorteners or {})
    else:
        click.echo(f"No {noun} found.")


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


def format_time(moment: datetime) -> str:
    """Return a time in UTC that ends with Z, as in the API."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def progress() -> "Progress":
    """Return a progress bar on standard error. It is shown only on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _write_cells(
    rows: Sequence[Sequence[Any]], columns: Sequence[str] = (), shorteners: Shorteners | None = None
) -> None:
    if not _is_terminal():
        for row in rows:
            click.echo("\t".join(_to_text(value, full=True) for value in row))
        return
    from rich.console import Console
    from rich.table import Table

    headers = [column.replace("_", " ") for column in columns]
    table = Table(*headers, box=None, header_style="bold", pad_edge=False, show_header=bool(columns))
    changes = [(shorteners or {}).get(column, str) for column in columns]
    for row in rows:
        texts = [_to_text(value) for value in row]
        if columns:
            texts = [change(text) for change, text in zip(changes, texts, strict=True)]
        table.add_row(*(text or "-" for text in texts))
    for column in table.columns:
        column.overflow = "fold"  # a name that does not fit continues on the next line
    Console(highlight=False, markup=False).print(table)


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
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
            return format_time(value) if full else value.strftime("%Y-%m-%d %H:%M")
        case str():
            return sanitize(value)
        case Iterable():
            return sanitize(", ".join(sorted(map(str, value))))
    return sanitize(str(value))
