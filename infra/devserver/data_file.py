"""The data file of a local server: an export that is loaded at the start and saved when data has changed."""

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from chalicelib.aws import Clients
from chalicelib.settings import Settings
from infra.admin import export_format as export
from infra.admin.table_copy import CopyError
from infra.devserver.moto_aws import count_writes, put_items, read_items

SAVE_SECONDS = 60


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
        self._clients = clients
        self._settings = settings
        self._saved_writes = -1

    def load(self) -> int | None:
        """Put the items of the file into the stack, and return their number. Return None if there is no file yet.

        The whole file is checked first. Raises DataFileError.
        """
        try:
            with self.path.open("rb") as lines:
                items = list(export.read_export(lines, str(self.path)))
        except FileNotFoundError:
            return None
        except export.ExportError as error:
            raise DataFileError(f"{error}; the file was not changed; set DATA to another file") from error
        except OSError as error:
            raise DataFileError(f"cannot read {self.path}: {error.strerror}; set DATA to another file") from error
        try:
            put_items(self._clients, self._settings, items)
        except CopyError as error:
            raise DataFileError(f"cannot load {self.path}: {error}") from error
        self._saved_writes = count_writes()
        return len(items)

    def save(self) -> bool:
        """Replace the file if data has changed, and return whether it has. Raises OSError.

        A failed save leaves the previous file. Requests wait while the items are read (about 0.4 ms for each item), not
        while they are written.
        """
        writes = count_writes()
        if writes == self._saved_writes:
            return False
        with export.replace_file(self.path) as out:
            export.write_export(
                out, self._settings.stack, export.skip_expired(read_items(self._clients, self._settings))
            )
        self._saved_writes = writes
        return True

    def save_every(self, seconds: float, stop: Event) -> None:
        """Save until `stop` is set. If a save fails, print why and try again later."""
        while not stop.wait(seconds):
            try:
                self.save()
            except OSError as error:
                print(
                    f"waybill: cannot save {self.path}: {error.strerror}; trying again in {seconds:g} s",
                    file=sys.stderr,
                    flush=True,
                )


@contextmanager
def lock_data_file(path: Path, clients: Clients, settings: Settings) -> Iterator[DataFile]:
    """Open a data file for this process only. Another process cannot open it until the block ends.

    Incomplete files of killed processes are deleted. Raises DataFileError.
    """
    path = path.resolve()
    lock_path = path.with_name(f"{path.name}.lock")
    try:
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
