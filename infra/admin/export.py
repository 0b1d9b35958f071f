"""`export` and `import`: a whole stack as one file, and back."""

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from infra.admin import export_format as exports
from infra.admin import table_copy
from infra.admin.audit_log import record
from infra.admin.command import Command, acts_on_an_index, as_json, asks, confirm
from infra.admin.output import progress, write_result
from infra.admin.target import Target
from infra.deploy.data_template import tables

STANDARD = "-"


@click.command("export", cls=Command)
@click.argument("file")
@acts_on_an_index
@as_json
def export_command(file: str, index: Target, as_json: bool) -> None:
    """Write everything of an index to a file, as JSON Lines.

    '-' is standard output. FILE is written whole or not at all and holds password hashes: it is made readable for you
    alone. What is past its time is left out, because DynamoDB may forget it at any moment. The signing key stays in
    KMS, so tokens that are out are good for this index only.
    """
    if file == STANDARD:
        if as_json:
            raise click.UsageError("--json and '-' both want standard output")
        _write(sys.stdout.buffer, index)
        return
    with exports.whole(Path(file)) as out:
        counts = _write(out, index)
    write_result(counts, f"{file}: {_told(counts)} from {index.name}", as_json=as_json)


@click.command("import", cls=Command)
@click.argument("file")
@click.option("--merge", is_flag=True, help="Add to what is there already; what has the same key is replaced.")
@acts_on_an_index
@asks
@as_json
def import_command(file: str, merge: bool, index: Target, yes: bool, as_json: bool) -> None:
    """Put everything from an export into an index.

    '-' is standard input. The index has to hold nothing else, unless --merge says so. FILE is checked to its end before
    anything is written. An import that was interrupted can be run again.
    """
    with _opened(file) as lines:
        counts = Counter(dict.fromkeys(tables(), 0))
        counts.update(table for table, _ in exports.read(lines, file))
        if merge:
            confirm(f"Merge {_told(counts)} into {index.name}, replacing what has the same keys?", yes)
        else:
            lines.seek(0)
            _check_empty(index, lines, file)
        lines.seek(0)
        record(index, "index.import-begun", index.settings.stack, items=counts.total())
        with progress() as bar:
            task = bar.add_task("import", total=counts.total())
            table_copy.put(index, exports.read(lines, file), lambda done: bar.advance(task, done))
    write_result(counts, f"{file}: {_told(counts)} into {index.name}", as_json=as_json)


def _write(out: IO[bytes], index: Target) -> Counter[str]:
    with progress() as bar:
        return exports.write(
            out, index.settings.stack, exports.active_head(bar.track(table_copy.items(index), table_copy.size(index)))
        )


def _check_empty(index: Target, lines: IO[bytes], file: str) -> None:
    foreign = table_copy.foreign(index, exports.read(lines, file))
    if foreign is not None:
        key = foreign.key.replace("\n", " ")
        raise click.ClickException(
            f"{index.name} holds {foreign.count} items that {file} does not, the first in {foreign.table}: {key}; "
            "--merge adds to them"
        )


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    """The file, such that it can be read more than once."""
    if file != STANDARD:
        with Path(file).open("rb") as lines:
            yield lines
        return
    with tempfile.TemporaryFile() as lines:
        shutil.copyfileobj(sys.stdin.buffer, lines)
        lines.seek(0)
        yield lines


def _told(counts: Counter[str]) -> str:
    return f"{counts.total()} items ({', '.join(f'{count} {table}' for table, count in counts.items() if count)})"
