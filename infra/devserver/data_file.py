"""The data file of a local server: an export that is loaded at the start and saved when data has changed."""

import fcntl
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from moto.dynamodb.exceptions import DynamodbException
from pynamodb.models import Model

from chalicelib.aws import Clients
from chalicelib.settings import Settings
from chalicelib.storage.tables import Tables
from infra.admin import export_format as export
from infra.admin.export_format import Item
from infra.devserver.moto_aws import count_writes, load_items, take_snapshot
from infra.devserver.output import print_line

SAVE_SECONDS = 60
_PART_LENGTH = len(".") + len(".12345678.part")  # what export.replace_file adds to the name of the file


class DataFileError(Exception):
    """The file cannot be used. The message is one sentence for a person."""


class DataFile:
    """A file with the content of a stack. `lock_data_file` opens it.

    Args:
        path: an export, or a file that does not exist yet.
        clients: the clients of the stack, created in `local_aws`.
        settings: the settings of the stack.
    """

    def __init__(self, path: Path, clients: Clients, settings: Settings) -> None:
        self.path = path
        self._settings = settings
        self._tables = Tables(clients.dynamodb, settings.region, settings.table)
        self._saved_writes = -1

    def load(self) -> int | None:
        """Put the items of the file into the stack, and return their number. Return None if there is no file yet.

        The whole file is checked first. Raises DataFileError.
        """
        with _frozen_afterwards():
            return self._load()

    def _load(self) -> int | None:
        try:
            with self.path.open("rb") as lines:
                items = list(self._read_items(lines))
        except FileNotFoundError:
            return None
        except export.ExportError as error:
            raise DataFileError(f"{error}; the file was not changed; set DATA to another file") from error
        except OSError as error:
            raise DataFileError(f"cannot read {self.path}: {error.strerror}; set DATA to another file") from error
        try:
            load_items(self._settings, items)
        except DynamodbException as error:
            raise DataFileError(f"cannot load {self.path}: {error}") from error
        self._saved_writes = count_writes()
        return len(items)

    def save(self) -> bool:
        """Replace the file if data has changed, and return whether it has. Raises OSError.

        A failed save leaves the previous file. Requests wait only while the list of items is copied.
        """
        writes = count_writes()
        if writes == self._saved_writes:
            return False
        with export.replace_file(self.path) as out:
            export.write_export(out, self._settings.stack, export.skip_expired(take_snapshot(self._settings)))
        self._saved_writes = writes
        return True

    def save_every(self, seconds: float, stop: Event) -> None:
        """Save until `stop` is set. If a save fails, print why and try again later."""
        while not stop.wait(seconds):
            try:
                self.save()
            except OSError as error:
                reason = error.strerror or error
                print_line(f"waybill: cannot save {self.path}: {reason}; trying again in {seconds:g} s", sys.stderr)

    def _read_items(self, lines: Iterator[bytes]) -> Iterator[Item]:
        """Yield the items of the file. Each attribute is checked against the model of its table."""
        for number, (table, item) in enumerate(export.read_export(lines, str(self.path)), start=2):
            try:
                _check_attributes(getattr(self._tables, table), item)
            except (TypeError, ValueError) as error:
                raise export.ExportError(f"{self.path}, line {number}: {error}") from error
            yield table, item


@contextmanager
def _frozen_afterwards() -> Iterator[None]:
    """Exclude the objects of this block from Python's garbage collection.

    A collection visits all objects. With 20,000 repositories, each would interrupt the requests.
    """
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if is_enabled:
            gc.enable()


def _check_attributes(model: type[Model], item: dict[str, dict[str, object]]) -> None:
    """Raise ValueError or TypeError if an attribute is missing, has the wrong type or has an invalid value."""
    if "tombstone" in item:
        return
    for attribute in model.get_attributes().values():
        name = attribute.attr_name
        if name not in item:
            if not attribute.null and attribute.default is None:
                raise ValueError(f"the attribute {name!r} is missing")
            continue
        ((kind, value),) = item[name].items()
        if kind != attribute.attr_type:
            raise TypeError(f"the attribute {name!r} must have the type {attribute.attr_type}, not {kind}")
        try:
            attribute.deserialize(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the attribute {name!r} has an invalid value: {error}") from error


@contextmanager
def lock_data_file(path: Path, clients: Clients, settings: Settings) -> Iterator[DataFile]:
    """Open a data file for this process only. Another process cannot open it until the block ends.

    Incomplete files of killed processes are deleted. Raises DataFileError.
    """
    path = path.resolve()
    lock_path = path.with_name(f"{path.name}.lock")
    try:
        _check_name_length(path)
        lock = lock_path.open("w")
    except OSError as error:
        raise DataFileError(f"cannot create {lock_path}: {error.strerror}; set DATA to another file") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DataFileError(f"another server uses {path}; stop it, or set DATA to another file") from error
        for part in export.find_partial_files(path):
            part.unlink(missing_ok=True)
        yield DataFile(path, clients, settings)


def _check_name_length(path: Path) -> None:
    """Raise DataFileError if there is no room for the suffix of the temporary file. Raises OSError."""
    longest = os.pathconf(path.parent, "PC_NAME_MAX") - _PART_LENGTH
    if len(os.fsencode(path.name)) > longest:
        raise DataFileError(
            f"the file name {path.name[:20]!r}… is too long; set DATA to a name of at most {longest} bytes"
        )


@contextmanager
def save_periodically(data_file: DataFile) -> Iterator[None]:
    """Save every minute until the block ends, and once at its end. Raises DataFileError if that last save fails."""
    stop = Event()
    saver = Thread(target=data_file.save_every, args=(SAVE_SECONDS, stop), name="saver", daemon=True)
    saver.start()
    try:
        yield
    finally:
        stop.set()
        saver.join()
        try:
            data_file.save()
        except OSError as error:
            raise DataFileError(
                f"cannot save {data_file.path}: {error.strerror}; the changes since the last save are lost"
            ) from error
