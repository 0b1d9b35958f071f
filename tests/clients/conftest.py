"""Runs the local server in its own process, as `make serve` does."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import requests
from msgspec import Struct

ROOT = Path(__file__).parents[2]
ADMIN_PASSWORD = "an admin's secret"
WAIT_SECONDS = 120  # a limit, not a delay: no test waits this long unless the machine is very busy


class Server(Struct, frozen=True, eq=False):
    """A running server. `log` is the file with everything that it prints."""

    base_url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def port(self) -> int:
        return int(self.base_url.rpartition(":")[2])

    @property
    def admin(self) -> tuple[str, str]:
        """The credentials of the administrator."""
        return ("admin", ADMIN_PASSWORD)

    def url(self, path: str) -> str:
        return self.base_url + path

    def register(self, username: str, password: str = "sekret123") -> tuple[str, str]:
        """Register an account unless it exists, and return its credentials."""
        form = {"username": username, "password": password, "email": f"{username}@example.com"}
        response = requests.post(self.url("/v1/users/"), json=form, timeout=10)
        assert response.status_code in (201, 400), response.text
        return (username, password)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal, by default the one of Ctrl-C. Wait for the end, and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=WAIT_SECONDS)


@contextmanager
def run_server(folder: Path, ignores_hangup: bool = False, /, **environment: str) -> Iterator[Server]:
    """Run a server on a free port until the block ends. Its log file is in `folder`.

    `ignores_hangup` ignores SIGHUP, as `nohup` does.
    """
    log = folder / "server.log"
    settings = {
        "PORT": "0",
        "ALLOWED_HOSTS": "index",
        "BCRYPT_COST": "4",
        "ADMIN_PASSWORD": ADMIN_PASSWORD,
    } | environment
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra", "serve"],
            cwd=ROOT,
            env={**os.environ, **settings, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=partial(_set_signals, ignores_hangup),
        )
    try:
        yield Server(_wait_for_base_url(process, log), process, log)
    finally:
        process.kill()
        process.wait()


def wait_for_log(server: Server, pattern: str, start: int = 0) -> str:
    """Wait until the log from `start` on contains a pattern, and return this part.

    The server writes the line of a request after it has sent the response.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while not re.search(pattern, text := server.log.read_text()[start:]):
        assert time.monotonic() < deadline, f"{pattern!r} is not in the log:\n{text}"
        time.sleep(0.02)
    return text


def _set_signals(ignores_hangup: bool) -> None:
    """Set the signals that the tests may have inherited as ignored, from a shell's & or from nohup."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN if ignores_hangup else signal.SIG_DFL)


def _wait_for_base_url(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if match := re.search(r"listens on (http://\S+)", log.read_text()):
            return match[1]
        time.sleep(0.05)
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a worker that do not stop it."""
    with run_server(tmp_path_factory.mktemp("server")) as server:
        yield server
