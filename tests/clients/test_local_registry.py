"""`make serve REGISTRY=1`, the token key next to DATA, and the configurations that `waybill registries` prints."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import yaml

from infra.exit_codes import ExitCode
from tests.admin_commands import run_local
from tests.clients.conftest import ADMIN_PASSWORD, ROOT, WAIT_SECONDS, run_server, wait_for_log
from tests.clients.registry_programs import find_program
from tests.ports import find_free_port

PROGRAM = find_program("docker-registry", "docker-registry")
needs_registry = pytest.mark.skipif(PROGRAM is None, reason="no docker-registry from apt")


@pytest.fixture
def registry_path() -> str:
    """PATH with docker-registry."""
    return f"{Path(str(PROGRAM)).parent}:{os.environ['PATH']}"


@needs_registry
def test_registry_starts_and_stops_with_the_server(registry_path: str, tmp_path: Path) -> None:
    port = find_free_port()
    with run_server(tmp_path, REGISTRY=str(port), PATH=registry_path, DATA=str(tmp_path / "data.jsonl")) as server:
        assert _status(port) == 401
        greeting = wait_for_log(server, f"localhost:{port}/alice/web")
        assert not re.search("17.03|registries config|new certificate", greeting)
        checked = run_local(
            server.base_url, "registries", "check", f"http://127.0.0.1:{port}", "--json", password=ADMIN_PASSWORD
        )
        assert checked.json["accepts_tokens"] is True
        assert server.stop() == 0
        assert _status(port) is None
        assert "has stopped with status" not in server.log.read_text()
    assert (tmp_path / "data.jsonl.registry").is_dir()


@needs_registry
def test_variables_of_other_programs_do_not_configure_the_registry(registry_path: str, tmp_path: Path) -> None:
    port = find_free_port()
    foreign = {"REGISTRY_AUTH_FILE": str(tmp_path / "auth.json"), "REGISTRY_HTTP_ADDR": "127.0.0.1:1"}
    with run_server(tmp_path, REGISTRY=str(port), PATH=registry_path, **foreign):
        assert _status(port) == 401


@needs_registry
def test_registry_that_ends_is_reported_with_its_log(registry_path: str, tmp_path: Path) -> None:
    with run_server(tmp_path, REGISTRY=str(find_free_port()), PATH=registry_path) as server:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        (registry,) = (
            int(child) for child in children if Path(f"/proc/{child}/comm").read_text() == "docker-registry\n"
        )
        os.kill(registry, signal.SIGTERM)
        text = wait_for_log(server, r"has stopped with status -?\d+")
        log = re.search(r"Its log is (\S+\.log)\.", text)
        assert log is not None
        assert Path(log[1]).read_text()
        assert requests.get(server.url("/v1/_ping"), timeout=10).status_code == 200
        assert server.stop() == 0


@pytest.mark.parametrize(
    ("script", "reason"),
    [("echo 'first line' >&2; echo 'wrong configuration' >&2; exit 1", "wrong configuration"), ("exit 7", "status 7")],
)
def test_registry_that_does_not_start_is_an_error(script: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "docker-registry").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "docker-registry").chmod(0o755)
    result = _serve(find_free_port(), f"{tmp_path}:{os.environ['PATH']}")
    assert result.returncode == ExitCode.FAILURE
    assert result.stderr.count("\n") == 1
    assert reason in result.stderr


def test_used_port_is_an_error_that_names_debians_service(tmp_path: Path) -> None:
    (tmp_path / "docker-registry").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "docker-registry").chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as used:
        result = _serve(used.getsockname()[1], f"{tmp_path}:{os.environ['PATH']}")
    assert result.returncode == ExitCode.FAILURE
    assert "systemctl disable --now docker-registry" in result.stderr


def test_missing_registry_is_explained(tmp_path: Path) -> None:
    with run_server(tmp_path, REGISTRY="1", PATH="/nonexistent") as server:
        wait_for_log(server, "apt-get install docker-registry")
        answer = requests.get(server.url("/token?service=registry.local"), timeout=10)
        assert answer.status_code == 200


def test_token_key_is_kept_next_to_the_data(tmp_path: Path) -> None:
    certificates = []
    for _ in range(2):
        with run_server(tmp_path, REGISTRIES="registry.local", DATA=str(tmp_path / "data.jsonl")) as server:
            certificates.append(requests.get(server.url("/token/certificate"), timeout=10).text)
            assert server.stop() == 0
    assert certificates[0] == certificates[1]
    assert stat.S_IMODE((tmp_path / "data.jsonl.token-key.pem").stat().st_mode) == 0o600


def test_server_says_that_the_key_has_no_file(tmp_path: Path) -> None:
    with run_server(tmp_path, REGISTRIES="registry.local") as server:
        wait_for_log(server, "Set DATA to keep the key")


def test_printed_configurations_are_complete(tmp_path: Path) -> None:
    secret = "a secret of registries"  # pragma: allowlist secret
    with run_server(tmp_path, REGISTRIES="registry.local,other.local", REGISTRY_SECRET=secret) as server:

        def config(*options: str) -> str:
            path = ("--certificate", str(tmp_path / "waybill.pem"))
            command = ("registries", "config", *path, *options)
            printed = run_local(server.base_url, *command, password=ADMIN_PASSWORD)
            assert printed.status == 0, printed.stderr
            return printed.stdout

        distribution = yaml.safe_load(config())
        auth = distribution["auth"]["token"]
        assert (auth["service"], auth["issuer"]) == ("registry.local", "waybill")
        assert auth["realm"] == f"http://localhost:{server.port}/token"
        assert "jwks" not in auth
        (endpoint,) = distribution["notifications"]["endpoints"]
        assert endpoint["headers"] == {"Authorization": [f"Bearer {secret}"]}
        assert (tmp_path / "waybill.pem").read_text().startswith("-----BEGIN CERTIFICATE")

        zot = json.loads(config("--type", "zot", "--service", "other.local"))
        assert zot["http"]["auth"]["bearer"]["service"] == "other.local"
        assert zot["http"]["auth"]["bearer"]["cert"] == str(tmp_path / "waybill.pem")
        (sink,) = zot["extensions"]["events"]["sinks"]
        assert sink["headers"] == {"Authorization": f"Bearer {secret}"}

        for kind in ("nginx", "caddy"):
            proxy = config("--proxy", kind)
            assert proxy.count("{") == proxy.count("}")
            assert not re.search(r"@(host|registry|index|index_host)@", proxy)
            assert all(text in proxy for text in ("registry.local", server.base_url, "/v2/_catalog"))
            assert secret not in proxy
        assert json.loads(config("--json"))["config"] == config()
        wrong = run_local(server.base_url, "registries", "config", "--service", "no", password=ADMIN_PASSWORD)
        assert wrong.status == 2


@pytest.mark.skipif(find_program("caddy", "caddy") is None, reason="caddy is not installed")
def test_caddy_accepts_the_printed_configuration(tmp_path: Path) -> None:
    with run_server(tmp_path, REGISTRIES="registry.local") as server:
        printed = run_local(server.base_url, "registries", "config", "--proxy", "caddy", password=ADMIN_PASSWORD)
    file = tmp_path / "Caddyfile"
    file.write_text(printed.stdout)
    program = find_program("caddy", "caddy")
    assert program is not None
    command = [program, "validate", "--adapter", "caddyfile", "--config", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "HOME": str(tmp_path)})
    assert checked.returncode == 0, checked.stderr


def test_commands_need_registries(tmp_path: Path) -> None:
    with run_server(tmp_path) as server:
        for command in (("certificate",), ("config",), ("check", "http://x"), ("reconcile", "http://x")):
            result = run_local(server.base_url, "registries", *command, password=ADMIN_PASSWORD)
            assert result.is_readable_error, command
            assert "REGISTRIES" in result.stderr


def _serve(port: int, path: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PORT": "0", "REGISTRY": str(port), "PATH": path, "BCRYPT_COST": "4"}
    command = [sys.executable, "-m", "infra", "serve"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=WAIT_SECONDS)


def _status(port: int) -> int | None:
    try:
        return requests.get(f"http://127.0.0.1:{port}/v2/", timeout=5).status_code
    except requests.ConnectionError:
        return None
