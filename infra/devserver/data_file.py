"""What a local server remembers between runs: an export in a file, loaded at the start and saved as things change."""

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import msgspec

from infra.admin import export_format as export
from infra.devserver import moto_aws as aws

SAVE_SECONDS = 60


class DataFileError(Exception):
    """The file cannot be used. The message is one sentence for a person."""


class DataFile:
    """A stack in this process and the file that outlives it. Made by `remembering`."""

    def __init__(self, path: Path, stack: str, region: str) -> None:
        self.path = path
        self._stack = stack
        self._region = region
        self._saved_at = -1

    def load(self) -> int | None:
        """Fills the stack from the file, and gives how many items that were; None where there is no file yet.

        Everything is checked before anything is put. Raises DataFileError.
        """
        try:
            with self.path.open("rb") as lines:
                found = [(table, msgspec.to_builtins(item)) for table, item in export.read(lines, str(self.path))]
        except FileNotFoundError:
            return None
        except export.ExportError as error:
            raise DataFileError(f"{error}; it was left as it is, DATA=… names another") from error
        except OSError as error:
            raise DataFileError(f"cannot read {self.path}: {error.strerror}; DATA=… names another") from error
        aws.put(self._stack, self._region, found)
        self._saved_at = aws.writes()
        return len(found)

    def save(self) -> bool:
        """Writes the file anew if something has changed, whole or not at all. Gives whether it had to.

        The lock on the tables is held while they are copied, not while they are written. Raises OSError.
        """
        at = aws.writes()
        if at == self._saved_at:
            return False
        with export.whole(self.path) as out:
            export.write(out, self._stack, export.active_head(aws.items(self._stack, self._region)))
        self._saved_at = at
        return True

    def save_every(self, seconds: float, stop: Event) -> None:
        """Saves until `stop`. That the disk is full is said, and no reason to stop serving."""
        while not stop.wait(seconds):
            try:
                self.save()
            except OSError as error:
                print(f"waybill: cannot save {self.path}: {error.strerror}; trying on", file=sys.stderr, flush=True)


@contextmanager
def lock_data_file(path: Path, stack: str, region: str) -> Iterator[DataFile]:
    """Keeps `path` from other servers while the context lasts. Raises DataFileError."""
    path = path.resolve()
    beside = path.with_name(f"{path.name}.lock")
    try:
        lock = beside.open("w")
    except OSError as error:
        raise DataFileError(f"cannot keep {path}: {error.strerror}; DATA=… names another") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DataFileError(f"another server keeps {path}; stop it, or DATA=… names another") from error
        for part in export.remains(path):
            part.unlink(missing_ok=True)
        yield DataFile(path, stack, region)


@contextmanager
def saving(memory: DataFile) -> Iterator[None]:
    """Saves every minute while the context lasts, and once at its end. Raises DataFileError then."""
    stop = Event()
    saver = Thread(target=memory.save_every, args=(SAVE_SECONDS, stop), name="saver", daemon=True)
    saver.start()
    try:
        yield
    finally:
        stop.set()
        saver.join()
        try:
            memory.save()
        except OSError as error:
            raise DataFileError(f"cannot save {memory.path}: {error.strerror}; what is new is lost") from error
