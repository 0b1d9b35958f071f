"""The local server with signals, locales, outputs and addresses that are not the usual ones."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.clients.conftest import ADMIN_PASSWORD, ROOT, WAIT_SECONDS, Server, run_server
from tests.ports import find_free_port

_FORM = {"username": "alice", "password": "sekret123", "email": "alice@example.com"}


def _start(port: int, stdout: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PORT": str(port), "BCRYPT_COST": "4", "ADMIN_PASSWORD": ADMIN_PASSWORD}
    command = [sys.executable, "-m", "infra", "serve"]
    environment["ACCOUNT_ACTIVATION"] = "email"  # a registration prints an email
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=stdout, stderr=stdout)


def _wait(url: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            assert requests.get(url + "/v1/_ping", timeout=10).status_code == 200
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server did not start")


@pytest.mark.parametrize("output", ["closed pipe", "full disk"])
def test_output_that_cannot_be_written_changes_no_request(output: str) -> None:
    port = find_free_port()
    reader, stdout = os.pipe() if output == "closed pipe" else (None, os.open("/dev/full", os.O_WRONLY))
    if reader is not None:
        os.close(reader)
    process, url = _start(port, stdout), f"http://127.0.0.1:{port}"
    os.close(stdout)
    try:
        _wait(url)
        assert requests.post(url + "/v1/users/", json=_FORM, timeout=10).status_code == 201
        assert requests.get(url + "/v1/users/", auth=("admin", ADMIN_PASSWORD), timeout=10).status_code == 200
        assert requests.get(url + "/missing", timeout=10).status_code == 404
    finally:
        process.kill()
        process.wait()


def test_ignored_hangup_stays_ignored(tmp_path: Path) -> None:
    """`nohup` ignores SIGHUP, so that the server continues after the end of the terminal."""
    with run_server(tmp_path, True) as server:
        server.process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(timeout=1)
        assert requests.get(server.url("/v1/_ping"), timeout=10).status_code == 200
        assert server.stop(signal.SIGTERM) == 0


def test_several_signals_do_not_interrupt_the_save(tmp_path: Path) -> None:
    file = tmp_path / "index.jsonl"
    with run_server(tmp_path, DATA=str(file)) as server:
        server.register("alice")
        while server.process.poll() is None:
            server.process.send_signal(signal.SIGINT)
            time.sleep(0.01)
        assert server.process.returncode == 0
        log = server.log.read_text()
        assert "Aborted" not in log
        assert "Traceback" not in log
        assert f"saved in {file}" in log
    assert '"alice"' in file.read_text()


@pytest.mark.parametrize(
    "variables", [{"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_server_and_commands_work_without_utf_8(tmp_path: Path, variables: dict[str, str]) -> None:
    with run_server(tmp_path, **variables) as server:
        assert requests.get(server.url("/confirm?link=x"), timeout=10).status_code == 410
        server.register("alice")
        for arguments in (["--help"], ["serve", "--help"], ["users", "list", "--local", server.base_url]):
            _check_command(arguments, variables)
        assert server.stop() == 0
        assert "Traceback" not in server.log.read_text(errors="replace")


def _check_command(arguments: list[str], variables: dict[str, str]) -> None:
    environment = {**os.environ, **variables, "ADMIN_PASSWORD": ADMIN_PASSWORD}
    command = [sys.executable, "-m", "infra", *arguments]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=WAIT_SECONDS)
    assert result.returncode == 0, result.stderr.decode(errors="replace")


def test_wrong_passwords_of_one_client_do_not_block_others(tmp_path: Path) -> None:
    with run_server(tmp_path, TRUSTED_PROXIES="127.0.0.1") as server:
        server.register("alice")
        for number in range(30):
            _log_in(server, "192.0.2.1", f"user{number}", "wrong secret")
        assert _log_in(server, "192.0.2.1", "alice", "sekret123") == 429
        assert _log_in(server, "192.0.2.2", "alice", "sekret123") == 200


def _log_in(server: Server, client: str, username: str, password: str) -> int:
    headers = {"X-Forwarded-For": f"203.0.113.9, {client}"}
    return requests.get(server.url("/v1/users/"), headers=headers, auth=(username, password), timeout=10).status_code


@pytest.mark.parametrize("host", ["0.0.0.0", "::1"])  # noqa: S104
def test_server_listens_on_another_address(tmp_path: Path, host: str) -> None:
    with run_server(tmp_path, HOST=host) as server:
        assert requests.get(server.url("/v1/_ping"), timeout=10).status_code == 200
        assert ("no TLS" in server.log.read_text()) == (host != "::1")
