"""`python -m infra audit` on a running local server: who changed what, and who failed to sign in."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.clients.conftest import ADMIN_PASSWORD, ROOT, Server, serving

pytestmark = pytest.mark.xdist_group("audit")  # one server, whose events are counted


@pytest.fixture(scope="module")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on which something has happened."""
    with serving(tmp_path_factory.mktemp("audit")) as server:
        alice = server.register("alice", "a very secret one")
        requests.put(server.url("/v1/repositories/alice/web"), json=[{"id": "a"}], auth=alice, timeout=10)
        requests.put(
            server.url("/v1/namespaces/alice/repositories/web"), json={"private": True}, auth=alice, timeout=10
        )
        requests.get(server.url("/v1/users/"), auth=("alice", "a wrong secret"), timeout=10)
        requests.get(server.url("/v1/search?q=web"), timeout=10)
        yield server


def command(server: Server, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "infra", "audit", *arguments, "--local", server.address]


def audit(server: Server, *arguments: str) -> str:
    environment = {**os.environ, "ADMIN_PASSWORD": ADMIN_PASSWORD}
    done = subprocess.run(
        command(server, *arguments), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def kinds(said: str) -> list[str]:
    return [json.loads(line)["event"] for line in said.splitlines()]


def test_every_event_is_told_once_and_nothing_else(eventful: Server) -> None:
    said = audit(eventful, "--json")
    assert kinds(said)[:4] == ["account.registered", "repository.pushed", "repository.changed", "login.failed"]
    assert "secret" not in said
    changed: dict[str, Any] = json.loads(said.splitlines()[2])
    assert changed["changed"] == ["private"]
    assert changed["from"] == "127.0.0.1"
    assert "_aws" not in changed


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--who", "alice", "--event", "repository"), ["repository.pushed", "repository.changed"]),
        (("--who", "nobody"), []),
        (("--on", "alice/web", "--event", "repository"), ["repository.pushed", "repository.changed"]),
        (("--on", "web"), []),
        (("--event", "login.failed", "--since", "5m"), ["login.failed"]),
    ],
)
def test_what_is_asked_for(eventful: Server, arguments: tuple[str, ...], found: list[str]) -> None:
    assert kinds(audit(eventful, *arguments, "--json")) == found


def test_people_get_a_table(eventful: Server) -> None:
    said = audit(eventful)
    assert said.splitlines()[0].split() == ["time", "event", "who", "on", "from", "request"]
    assert "repository.changed" in said


def test_it_goes_on_with_what_happens(eventful: Server, tmp_path: Path) -> None:
    told = tmp_path / "told"
    with told.open("wb") as out:
        process = subprocess.Popen(
            command(eventful, "--follow", "--json", "--event", "images"),
            cwd=ROOT,
            env={**os.environ, "ADMIN_PASSWORD": ADMIN_PASSWORD, "PYTHONUNBUFFERED": "1"},
            stdout=out,
        )
    try:
        time.sleep(1)
        alice = ("alice", "a very secret one")
        path = eventful.url("/v1/repositories/alice/web/images")
        assert requests.put(path, json=[{"id": "b"}], auth=alice, timeout=10).status_code == 204
        until = time.monotonic() + 60
        while not told.read_text() and time.monotonic() < until:
            time.sleep(0.2)
        assert kinds(told.read_text()) == ["images.updated"]
    finally:
        process.kill()
        process.wait()


def test_how_far_back_is_a_number_of_minutes_hours_or_days(eventful: Server) -> None:
    done = subprocess.run(command(eventful, "--since", "yesterday"), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "30m, 12h, 7d" in done.stderr
