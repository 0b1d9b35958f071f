"""`waybill export` and `waybill import`: copy a whole index to a file and back."""

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from infra.admin import export_format, table_copy
from infra.admin.audit_log import record
from infra.admin.command import Command, confirm, index_options, yes_option
from infra.admin.output import progress, write_result
from infra.admin.target import Target
from infra.deploy.data_template import tables

STANDARD_STREAM = "-"
_MAX_NAMES = 10  # in the question about administrators


@click.command("export", cls=Command)
@click.argument("file")
@index_options
def export_command(file: str, index: Target, as_json: bool) -> None:
    """Write all data of an index to FILE, as JSON Lines.

    FILE '-' is standard output. FILE contains password hashes, so only you can read it. It is replaced only if the
    export succeeds. Expired items are omitted. The signing key stays in KMS, so access tokens and emailed links are
    valid only for the index that issued them.
    """
    if file == STANDARD_STREAM:
        if as_json:
            raise click.UsageError("--json cannot be combined with '-', because both write to standard output")
        _write_export(sys.stdout.buffer, index)
        return
    with export_format.replace_file(Path(file)) as output:
        counts = _write_export(output, index)
    write_result(counts, f"{file}: {_describe(counts)} from {index.name}", as_json=as_json)


@click.command("import", cls=Command)
@click.argument("file")
@click.option("--merge", is_flag=True, help="Allow an index with other data. Items with equal keys are replaced.")
@yes_option
@index_options
def import_command(file: str, merge: bool, index: Target, yes: bool, as_json: bool) -> None:
    """Write all data from an export into an index.

    FILE '-' is standard input. Without --merge, the index must be empty or contain only data from FILE. FILE is checked
    completely before the first write. You can repeat an interrupted import.
    """
    with _open_input(file) as lines:
        counts = Counter(dict.fromkeys(tables(), 0))
        administrators: list[str] = []
        for table, item in export_format.read_export(lines, file):
            counts[table] += 1
            if table == "users" and item.get("admin", {}).get("BOOL"):
                administrators.append(item["username"]["S"])
        if administrators:
            names = ", ".join(administrators[:_MAX_NAMES])
            confirm(f"The file contains {len(administrators)} administrators ({names}). Import them?", yes)
        if merge:
            confirm(f"Merge {_describe(counts)} into {index.name} and replace items with equal keys?", yes)
        else:
            lines.seek(0)
            extra = table_copy.find_extra_items(
                index.aws.dynamodb, index.settings, export_format.read_export(lines, file)
            )
            if extra is not None:
                raise click.ClickException(
                    f"{index.name} contains {extra.count} items that are not in {file}, for example in "
                    f"{extra.table}: {extra.key}; use an empty index, or pass --merge"
                )
        lines.seek(0)
        record(index, "index.import-started", index.settings.stack, items=counts.total())
        with progress() as bar:
            task = bar.add_task("import", total=counts.total())
            items = export_format.read_export(lines, file)
            table_copy.put_items(index.aws.dynamodb, index.settings, items, lambda count: bar.advance(task, count))
    write_result(counts, f"{file}: {_describe(counts)} into {index.name}", as_json=as_json)


def _write_export(output: IO[bytes], index: Target) -> Counter[str]:
    with progress() as bar:
        stored = table_copy.scan_items(index.aws.dynamodb, index.settings)
        size = table_copy.count_items(index.aws.dynamodb, index.settings)
        items = bar.track(stored, size, description="export")
        return export_format.write_export(output, index.settings.stack, export_format.skip_expired(items))


@contextmanager
def _open_input(file: str) -> Iterator[IO[bytes]]:
    """Open the file so that it can be read several times. Standard input is copied to a temporary file."""
    if file != STANDARD_STREAM:
        with Path(file).open("rb") as lines:
            yield lines
        return
    with tempfile.TemporaryFile() as lines:
        shutil.copyfileobj(sys.stdin.buffer, lines)
        lines.seek(0)
        yield lines


def _describe(counts: Counter[str]) -> str:
    return f"{counts.total()} items ({', '.join(f'{count} {table}' for table, count in counts.items() if count)})"
