"""`DATA=FILE make serve`: a server that has what the one before it had, whatever became of that one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from chalicelib.settings import Settings
from chalicelib.storage.tables import Tables
from infra.admin import export_format as export
from tests import large
from tests.clients.conftest import ADMIN_PASSWORD, ROOT, Server, serving


def test_what_was_there_is_there_again(tmp_path: Path) -> None:
    file = tmp_path / "index.jsonl"
    with serving(tmp_path, DATA=str(file)) as server:
        assert "begins anew" in server.log.read_text()
        auth = server.register("alice")
        body = [{"id": "aaa", "checksum": "sha256:" + "c" * 64}, {"id": "odd"}]
        requests.put(server.url("/v1/repositories/alice/web/"), json=body, auth=auth, timeout=10)
        requests.put(server.url("/v1/repositories/alice/gone/"), json=body, auth=auth, timeout=10)
        requests.delete(server.url("/v1/repositories/alice/gone/"), auth=auth, timeout=10)
        assert server.stop() == 0
    assert file.stat().st_mode & 0o777 == 0o600
    with serving(tmp_path, DATA=str(file), ADMIN_PASSWORD="") as server:
        said = server.log.read_text()
        assert "administrator   admin, password as before" in said
        assert f"Remembers in {file}, which holds" in said
        assert requests.get(server.url("/v1/users/"), auth=auth, timeout=10).status_code == 200
        assert requests.get(server.url("/v1/users/"), auth=server.admin, timeout=10).status_code == 200
        assert requests.get(server.url("/v1/repositories/alice/web/images"), timeout=10).json() == body
        assert requests.get(server.url("/v1/repositories/alice/gone/images"), timeout=10).status_code == 404
        assert requests.get(server.url("/v1/search?q=we"), timeout=10).json()["num_results"] == 1
        token = {"X-Docker-Token": "true"}
        asked = requests.get(server.url("/v1/repositories/alice/web/images"), headers=token, timeout=10)
        assert "X-Docker-Token" in asked.headers


def test_it_saves_when_it_is_told_to_end_in_any_way(tmp_path: Path) -> None:
    file = tmp_path / "index.jsonl"
    for number, how in enumerate((signal.SIGTERM, signal.SIGHUP)):  # Ctrl-C: above
        with serving(tmp_path, DATA=str(file)) as server:
            server.register(f"user{number}")
            server.process.send_signal(how)
            assert server.process.wait(timeout=20) == 0
        assert f'"user{number}"' in file.read_text()
    assert list(tmp_path.glob("*.part")) == []


def test_a_given_password_becomes_the_administrators(tmp_path: Path) -> None:
    file = str(tmp_path / "index.jsonl")
    with serving(tmp_path, DATA=file) as server:
        server.stop()
    with serving(tmp_path, DATA=file, ADMIN_PASSWORD="another secret") as server:
        for password, status in (("another secret", 200), (ADMIN_PASSWORD, 401)):
            response = requests.get(server.url("/v1/users/"), auth=("admin", password), timeout=10)
            assert response.status_code == status


def test_two_servers_cannot_keep_one_file(tmp_path: Path) -> None:
    file = tmp_path / "index.jsonl"
    with serving(tmp_path, DATA=str(file)):
        assert f"another server keeps {file}" in _refused(file)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not an export\n", "is no export of Waybill's"),
        (b"", "is no export of Waybill's"),
        (b"\xff\x00" * 100, "is no export of Waybill's"),
        (b'{"format":"waybill export","version":9,"stack":"x","time":"2026-11-24T06:00:00Z"}\n', "of version 9"),
        (b'{"format":"waybill export","version":1,"stack":"x","time":"2026-11-24T06:00:00Z"}\n', "it is not whole"),
    ],
)
def test_a_file_that_cannot_be_used_stays_as_it_is(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "index.jsonl"
    file.write_bytes(content)
    assert said in _refused(file)
    assert file.read_bytes() == content


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    assert "cannot keep" in _refused(tmp_path / "nowhere" / "index.jsonl")
    assert "cannot read" in _refused(tmp_path)


def test_a_kill_in_the_middle_of_a_save_leaves_the_file_before_it(tmp_path: Path) -> None:
    """With 1,000 accounts and 5,000 repositories, so that a save takes long enough to be caught in its middle."""
    file = tmp_path / "index.jsonl"
    _write_large(file)
    before = file.read_bytes()
    with serving(tmp_path, DATA=str(file)) as server:
        server.register("newcomer")
        search = requests.get(server.url("/v1/search?q=web4321"), timeout=10).json()
        assert [result["name"] for result in search["results"]] == ["user0321/web4321"]
        server.process.send_signal(signal.SIGTERM)
        _await_part(server, tmp_path)
        server.process.kill()
        assert server.process.wait(timeout=20) == -signal.SIGKILL
    assert len(list(tmp_path.glob("*.part"))) == 1, "it was in the middle"
    assert file.read_bytes() == before
    with serving(tmp_path, DATA=str(file)) as server:
        assert list(tmp_path.glob("*.part")) == []
        server.register("newcomer")
        assert server.stop() == 0
    with file.open("rb") as lines:
        found = list(export.read(lines, str(file)))
    assert sum(1 for table, _ in found if table == "repositories") == large.REPOSITORIES
    assert any(item.get("username") == {"S": "newcomer"} for _, item in found)


def _await_part(server: Server, folder: Path) -> None:
    """Waits until a save has begun and something of it is written, and no longer."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for part in folder.glob("*.part"):
            if part.stat().st_size > 0:
                return
        assert server.process.poll() is None, "it ended before it could be caught"
        time.sleep(0.001)
    raise AssertionError("no save began")


def _write_large(file: Path) -> None:
    settings = Settings()
    with export.whole(file) as out:
        export.write(out, settings.stack, large.items(Tables(_NoClient(), settings.region, settings.table)))


class _NoClient:
    """Tables that only make items call nothing."""


def _refused(file: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "infra", "serve"],
        cwd=ROOT,
        env={**os.environ, "PORT": "0", "BCRYPT_COST": "4", "DATA": str(file)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    return done.stderr
