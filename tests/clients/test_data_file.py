"""`DATA=FILE make serve`: the data of a server survives its end, also if it is killed."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from chalicelib.settings import Settings
from chalicelib.storage.segment_codec import pack
from infra.admin import export_format as export
from infra.admin.export_format import Item
from infra.devserver.data_file import lock_data_file
from infra.devserver.serve import ServeError, serve
from tests.clients.conftest import ADMIN_PASSWORD, Server, run_server
from tests.index import Index

HASH = "$2b$04$" + "a" * 53  # nobody knows the password
IMAGES = [{"id": "aaa", "checksum": "sha256:" + "c" * 64}, {"id": "odd"}]


def test_data_survives_restarts(tmp_path: Path) -> None:
    """Each of the three servers is stopped with another signal."""
    file = tmp_path / "index.jsonl"
    with run_server(tmp_path, DATA=str(file)) as server:
        alice = _fill(server)
        assert str(file) in _read_start_error(file), "another server uses the file"
        assert server.stop(signal.SIGINT) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    with run_server(tmp_path, DATA=str(file), ADMIN_PASSWORD="") as server:
        greeting = server.log.read_text()
        assert str(file) in greeting
        assert ADMIN_PASSWORD not in greeting
        _check_data(server, alice)
        assert _get_status(server, "/v1/users/", server.admin) == 200, "the password is unchanged"
        server.register("bobby")
        assert server.stop(signal.SIGTERM) == 0
    with run_server(tmp_path, DATA=str(file), ADMIN_PASSWORD="another secret") as server:
        assert _get_status(server, "/v1/users/", ("admin", "another secret")) == 200
        assert _get_status(server, "/v1/users/", server.admin) == 401, "ADMIN_PASSWORD replaced the password"
        assert _get_status(server, "/v1/users/", ("bobby", "sekret123")) == 200
        server.register("carol")
        assert server.stop(signal.SIGHUP) == 0
    assert '"carol"' in file.read_text()
    assert list(tmp_path.glob(".*.part")) == []


def _fill(server: Server) -> tuple[str, str]:
    alice = server.register("alice")
    for name in ("web", "deleted"):
        url = server.url(f"/v1/repositories/alice/{name}/")
        assert requests.put(url, json=IMAGES, auth=alice, timeout=10).status_code == 200
    assert requests.delete(server.url("/v1/repositories/alice/deleted/"), auth=alice, timeout=10).status_code == 202
    return alice


def _check_data(server: Server, alice: tuple[str, str]) -> None:
    assert _get_status(server, "/v1/users/", alice) == 200
    token = {"X-Docker-Token": "true"}
    response = requests.get(server.url("/v1/repositories/alice/web/images"), headers=token, timeout=10)
    assert response.json() == IMAGES
    assert "X-Docker-Token" in response.headers
    assert _get_status(server, "/v1/repositories/alice/deleted/images") == 404
    assert requests.get(server.url("/v1/search?q=we"), timeout=10).json()["num_results"] == 1


def _get_status(server: Server, path: str, auth: tuple[str, str] | None = None) -> int:
    return requests.get(server.url(path), auth=auth, timeout=10).status_code


@pytest.mark.parametrize(
    "content",
    [
        b"not an export\n",
        b"",
        b"\xff\x00" * 100,
        b'{"format":"waybill export","version":9,"stack":"x","time":"2026-11-24T06:00:00Z"}\n',
        b'{"format":"waybill export","version":1,"stack":"x","time":"2026-11-24T06:00:00Z"}\n',
    ],
    ids=["text", "empty", "binary", "unknown version", "truncated"],
)
def test_invalid_file_is_reported_and_unchanged(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "index.jsonl"
    file.write_bytes(content)
    assert str(file) in _read_start_error(file)
    assert file.read_bytes() == content


def test_missing_folder_and_folder_instead_of_file_are_reported(tmp_path: Path) -> None:
    for path in (tmp_path / "missing" / "index.jsonl", tmp_path):
        assert str(path) in _read_start_error(path)


def test_wrong_type_in_the_file_is_reported_with_its_line(tmp_path: Path) -> None:
    user = {"username": "alice", "password_hash": HASH, "created": "2026-11-24T06:00:00.000000+0000"}
    good: dict[str, dict[str, Any]] = {name: {"S": value} for name, value in user.items()}
    items: list[dict[str, dict[str, Any]]] = [
        {"password_hash": {"N": "5"}},
        {"admin": {"S": "true"}},
        {"created": {"S": "yesterday"}},
        {"emailed": {"BOOL": True}},
        {"emails": {"S": "alice@example.com"}},
    ]
    for number, wrong in enumerate(items):
        file = tmp_path / f"{number}.jsonl"
        with export.replace_file(file) as output:
            export.write_export(output, "waybill", [("users", good), ("users", {**good, **wrong})])
        error = _read_start_error(file)
        assert f"{file}, line 3: " in error
        assert repr(next(iter(wrong))) in error


def test_missing_attribute_in_the_file_is_reported_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "index.jsonl"
    with export.replace_file(file) as output:
        export.write_export(output, "waybill", [("emails", {"address": {"S": "a@example.com"}})])
    assert f"{file}, line 2: an item of emails needs the attribute 'username'" in _read_start_error(file)


@pytest.mark.parametrize("length", [241, 250, 255, 300])
def test_file_name_without_room_for_a_temporary_file_is_rejected_at_the_start(tmp_path: Path, length: int) -> None:
    assert "DATA" in _read_start_error(tmp_path / ("x" * length))


def _read_start_error(file: Path) -> str:
    with pytest.raises(ServeError) as error:
        serve({"PORT": "0", "BCRYPT_COST": "4", "DATA": str(file)})
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def test_kill_during_a_save_leaves_the_previous_file(aws: None, tmp_path: Path) -> None:
    file = tmp_path / "index.jsonl"
    _write_file(file)
    previous = file.read_bytes()
    with run_server(tmp_path, DATA=str(file)) as server:
        server.register("newcomer")
        server.process.send_signal(signal.SIGTERM)
        _wait_for_partial_file(server, tmp_path)
        server.process.kill()
        assert server.process.wait(timeout=20) == -signal.SIGKILL
    assert len(list(tmp_path.glob(".*.part"))) == 1, "the save was not finished"
    assert file.read_bytes() == previous
    index = Index(Settings())
    with lock_data_file(file, index.aws, index.settings) as data_file:
        assert list(tmp_path.glob(".*.part")) == [], "the next server deletes the partial file"
        assert data_file.load() == 51
    assert index.users.get("alice") is not None


def _wait_for_partial_file(server: Server, folder: Path) -> None:
    """Wait until the server has written a part of the file."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any(part.stat().st_size > 0 for part in folder.glob(".*.part")):
            return
        assert server.process.poll() is None, "the server has finished the save"
        time.sleep(0.001)
    raise AssertionError("no save has started")


def _write_file(file: Path) -> None:
    """Write an export of 20 MB, so that the test can interrupt a save. It has few items, so that it loads fast."""
    with export.replace_file(file) as output:
        export.write_export(output, Settings().stack, _create_items())


def _create_items() -> Iterator[Item]:
    created = {"S": "2026-11-24T06:00:00.000000+0000"}
    yield "users", {"username": {"S": "alice"}, "password_hash": {"S": HASH}, "created": created}
    (segment,) = pack({f"{number:064x}": "" for number in range(9_000)}, segment_bytes=390_000)
    for number in range(50):
        packed = {"B": segment}
        yield (
            "images",
            {
                "repository": {"S": "alice/web"},
                "segment": {"S": f"segment/{'0' * 16}/{number:020x}/0001"},
                "packed": packed,
            },
        )
