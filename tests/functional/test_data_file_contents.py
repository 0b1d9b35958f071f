"""What a local server remembers: saved when something changed, at one moment, and whatever happens to the disk."""

import errno
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from infra.admin import export_format as export
from infra.devserver.administrator import AdministratorError, provide_administrator
from infra.devserver.data_file import DataFile
from tests.index import Index


@pytest.fixture
def memory(index: Index, tmp_path: Path) -> DataFile:
    return DataFile(tmp_path / "index.jsonl", index.settings.stack, index.settings.region)


def test_it_is_written_only_when_something_changed(index: Index, memory: DataFile) -> None:
    alice = index.account("alice")
    assert memory.save()
    index.request("GET", "/v1/users/", alice)
    index.request("GET", "/v1/search?q=web")
    assert not memory.save(), "reading changes nothing"
    index.push("alice/web", alice)
    assert memory.save()
    assert not memory.save()


def test_each_minute_what_is_new_is_there(index: Index, memory: DataFile) -> None:
    stop, saver = Event(), Thread(target=lambda: memory.save_every(0.01, stop))
    saver.start()
    try:
        for number in range(3):
            index.account(f"user{number}")
            assert _becomes(memory.path, f'"user{number}"')
    finally:
        stop.set()
        saver.join()


def test_a_full_disk_is_said_and_the_next_save_is_tried(
    index: Index, memory: DataFile, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    index.account("alice")
    failed, whole = Event(), export.whole

    @contextmanager
    def full(path: Path) -> Any:
        with whole(path) as out:
            yield out
            if not failed.is_set():
                failed.set()
                raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(export, "whole", full)
    index.account("bobby")
    stop, saver = Event(), Thread(target=lambda: memory.save_every(0.05, stop))
    saver.start()
    try:
        assert failed.wait(10)
        assert _becomes(memory.path, '"bobby"')
    finally:
        stop.set()
        saver.join()
    assert "cannot save" in capfd.readouterr().err
    assert list(memory.path.parent.glob("*.part")) == []


def test_every_save_is_of_one_moment(index: Index, memory: DataFile) -> None:
    """Accounts and their addresses are written in one transaction: no save may hold the one without the other."""
    with ThreadPoolExecutor(4) as pool:
        made = [pool.submit(index.account, f"user{number}") for number in range(60)]
        saves = 0
        while not all(one.done() for one in made):
            if memory.save():
                saves += 1
                counts = json.loads(memory.path.read_text().splitlines()[-1])["counts"]
                assert counts["users"] == counts["emails"]
    assert saves > 1
    memory.save()
    with memory.path.open("rb") as lines:
        assert Counter(table for table, _ in export.read(lines, "it"))["users"] == 60


def _becomes(path: Path, text: str) -> bool:
    pause = Event()
    for _ in range(500):
        if path.exists() and text in path.read_text():
            return True
        pause.wait(0.02)
    return False


@pytest.mark.parametrize("kind", ["ordinary", "shut out", "removed"])
def test_a_file_whose_admin_is_no_administrator_is_not_made_one(index: Index, kind: str) -> None:
    if kind == "removed":
        index.tables.users("admin", tombstone=True).save()
    else:
        index.account("admin", admin=kind == "shut out", active=kind == "ordinary")
    for password in (None, "a new secret"):
        with pytest.raises(AdministratorError, match="admin is the name of an account that is no administrator"):
            provide_administrator(index.aws, index.settings, password)
    index.account("other", admin=True)
    assert provide_administrator(index.aws, index.settings, None).startswith("other, password as before")
