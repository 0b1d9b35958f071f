"""The data file of a local server: when it is saved, what it contains, and failures of the disk."""

import errno
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import IO

import pytest

from infra.admin import export_format as export
from infra.devserver.administrator import AdministratorError, ensure_administrator
from infra.devserver.data_file import DataFile
from tests.index import Index


@pytest.fixture
def data_file(index: Index, tmp_path: Path) -> DataFile:
    return DataFile(tmp_path / "index.jsonl", index.aws, index.settings)


@contextmanager
def saving(data_file: DataFile) -> Iterator[None]:
    """Save the file every 20 ms in another thread."""
    stop = Event()
    saver = Thread(target=data_file.save_every, args=(0.02, stop))
    saver.start()
    try:
        yield
    finally:
        stop.set()
        saver.join()


def test_file_is_saved_only_after_changes(index: Index, data_file: DataFile) -> None:
    alice = index.create_account("alice")
    assert index.request("GET", "/v1/users/", alice).status == 200  # the first login from a network is stored
    assert data_file.save()
    index.request("GET", "/v1/users/", alice)
    index.request("GET", "/v1/search?q=web")
    assert not data_file.save(), "requests that only read do not change data"
    index.push("alice/web", alice)
    assert data_file.save()
    assert not data_file.save()


def test_changes_are_saved_periodically(index: Index, data_file: DataFile) -> None:
    with saving(data_file):
        for number in range(3):
            index.create_account(f"user{number}")
            assert _wait_for_text(data_file.path, f'"user{number}"')


def test_failed_save_is_reported_and_repeated(
    index: Index, data_file: DataFile, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    failed, replace_file = Event(), export.replace_file

    @contextmanager
    def fail_once(path: Path) -> Iterator[IO[bytes]]:
        with replace_file(path) as output:
            yield output
            if not failed.is_set():
                failed.set()
                raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(export, "replace_file", fail_once)
    index.create_account("bobby")
    with saving(data_file):
        assert failed.wait(10)
        assert _wait_for_text(data_file.path, '"bobby"')
    assert str(data_file.path) in capfd.readouterr().err
    assert list(data_file.path.parent.glob(".*.part")) == []


def test_each_save_contains_one_moment(index: Index, data_file: DataFile) -> None:
    """A transaction writes an account and its address, so no save contains only one of them."""
    with ThreadPoolExecutor(4) as pool:
        accounts = [pool.submit(index.create_account, f"user{number}") for number in range(60)]
        saves = 0
        while not all(account.done() for account in accounts):
            if data_file.save():
                saves += 1
                counts = json.loads(data_file.path.read_text().splitlines()[-1])["counts"]
                assert counts["users"] == counts["emails"]
    assert saves > 1
    data_file.save()
    with data_file.path.open("rb") as lines:
        assert Counter(table for table, _ in export.read_export(lines, "the file"))["users"] == 60


def test_file_can_be_loaded_into_another_index(index: Index, data_file: DataFile, tmp_path: Path) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice, "a", "b")
    data_file.save()
    other = Index(index.settings)
    loaded = DataFile(data_file.path, other.aws, other.settings)
    assert loaded.load() == len(data_file.path.read_text().splitlines()) - 2, "all lines except the first and the last"
    assert not loaded.save(), "the file already contains the data"
    assert other.ids("alice/web", alice) == ["a", "b"]
    assert DataFile(tmp_path / "missing.jsonl", other.aws, other.settings).load() is None


@pytest.mark.parametrize("state", ["not an administrator", "not active", "deleted"])
def test_account_admin_without_rights_is_not_promoted(index: Index, state: str) -> None:
    if state == "deleted":
        index.tables.users("admin", tombstone=True).save()
    else:
        index.create_account("admin", admin=state == "not active", active=state != "not active")
    for password in (None, "a new secret"):
        with pytest.raises(AdministratorError, match="admin"):
            ensure_administrator(index.services, index.settings, password)
    index.create_account("other", admin=True)
    assert ensure_administrator(index.services, index.settings, None).startswith("other")


def _wait_for_text(path: Path, text: str) -> bool:
    pause = Event()
    for _ in range(500):
        if path.exists() and text in path.read_text():
            return True
        pause.wait(0.02)
    return False
