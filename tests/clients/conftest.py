"""The local server as a process of its own, as `make serve` runs it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[2]
ADMIN_PASSWORD = "an admin's secret"


@dataclass(frozen=True)
class Server:
    """A running server. `log` is where everything it prints goes."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def admin(self) -> tuple[str, str]:
        return ("admin", ADMIN_PASSWORD)

    def url(self, path: str) -> str:
        return self.address + path

    def register(self, username: str, password: str = "sekret123") -> tuple[str, str]:
        """Makes an account, or finds it there already."""
        form = {"username": username, "password": password, "email": f"{username}@example.com"}
        response = requests.post(self.url("/v1/users/"), json=form, timeout=10)
        assert response.status_code in (201, 400), response.text
        return (username, password)

    def stop(self) -> int:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=10)


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[Server]:
    """Runs a server on a free port until the context ends."""
    log = folder / "server.log"
    settings = {"PORT": "0", "BCRYPT_COST": "4", "ADMIN_PASSWORD": ADMIN_PASSWORD} | environment
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra", "serve"],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=_listen_to_ctrl_c,
        )
    try:
        yield Server(_address(process, log), process, log)
    finally:
        process.kill()
        process.wait()


def _listen_to_ctrl_c() -> None:
    """A script that runs the tests behind an & has everything in them ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    import time

    for _ in range(2400):  # two minutes: a busy machine, and a large file to load
        if found := re.search(r"listens on (http://\S+)", log.read_text()):
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that do not stop it."""
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running
