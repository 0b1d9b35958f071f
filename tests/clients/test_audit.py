"""`waybill audit` on a running local server."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.admin_commands import run_local
from tests.clients.conftest import ADMIN_PASSWORD, ROOT, WAIT_SECONDS, Server, run_server

pytestmark = pytest.mark.xdist_group("audit")  # the tests share one server
ALICE = ("alice", "a very secret one")


@pytest.fixture(scope="module")
def audited_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has handled four requests with an event, and one without."""
    with run_server(tmp_path_factory.mktemp("audit")) as server:
        server.register(*ALICE)
        requests.put(server.url("/v1/repositories/alice/web"), json=[{"id": "a"}], auth=ALICE, timeout=10)
        private = {"private": True}
        requests.put(server.url("/v1/namespaces/alice/repositories/web"), json=private, auth=ALICE, timeout=10)
        requests.get(server.url("/v1/users/"), auth=("alice", "a wrong secret"), timeout=10)
        requests.get(server.url("/v1/search?q=web"), timeout=10)
        yield server


def audit(server: Server, *arguments: str) -> str:
    result = run_local(server.base_url, "audit", *arguments, password=ADMIN_PASSWORD)
    assert result.status == 0, result.stderr
    return result.stdout


def names_of(output: str) -> list[str]:
    return [json.loads(line)["event"] for line in output.splitlines()]


def test_audit_contains_each_event_once_and_no_secret(audited_server: Server) -> None:
    output = audit(audited_server, "--json")
    assert names_of(output)[:4] == ["account.registered", "repository.pushed", "repository.changed", "login.failed"]
    assert "secret" not in output
    changed = json.loads(output.splitlines()[2])
    assert changed["changed"] == ["private"]
    assert (changed["actor"], changed["target"], changed["client_ip"]) == ("alice", "alice/web", "127.0.0.1")
    assert "_aws" not in changed


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--actor", "alice", "--event", "repository"), ["repository.pushed", "repository.changed"]),
        (("--actor", "nobody"), []),
        (("--target", "alice/web", "--event", "repository"), ["repository.pushed", "repository.changed"]),
        (("--target", "web"), []),
        (("--event", "login.failed", "--since", "5m"), ["login.failed"]),
    ],
)
def test_options_filter_events(audited_server: Server, arguments: tuple[str, ...], expected: list[str]) -> None:
    assert names_of(audit(audited_server, *arguments, "--json")) == expected


def test_audit_writes_tab_separated_values_without_json(audited_server: Server) -> None:
    rows = [line.split("\t") for line in audit(audited_server).splitlines()]
    assert {len(row) for row in rows} == {6}
    assert "repository.changed" in {row[1] for row in rows}


def test_follow_continues_with_new_events(audited_server: Server, tmp_path: Path) -> None:
    file = tmp_path / "events"
    command = [sys.executable, "-m", "infra", "audit", "--follow", "--json", "--local", audited_server.base_url]
    environment = {**os.environ, "ADMIN_PASSWORD": ADMIN_PASSWORD, "PYTHONUNBUFFERED": "1"}
    with file.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output)
    try:
        _wait_for(file, "login.failed")
        path = audited_server.url("/v1/repositories/alice/web/images")
        assert requests.put(path, json=[{"id": "b"}], auth=ALICE, timeout=10).status_code == 204
        _wait_for(file, "images.updated")
        names = names_of(file.read_text())
        assert len(names) == len({json.loads(line)["request"] for line in file.read_text().splitlines()})
    finally:
        process.kill()
        process.wait()


def test_invalid_period_is_rejected(audited_server: Server) -> None:
    result = run_local(audited_server.base_url, "audit", "--since", "yesterday", password=ADMIN_PASSWORD)
    assert result.status == 2
    assert "--since" in result.stderr


def _wait_for(file: Path, text: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while text not in file.read_text():
        assert time.monotonic() < deadline, file.read_text()
        time.sleep(0.1)
