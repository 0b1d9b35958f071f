"""`make serve REGISTRY=1`, the token key next to DATA, and the configurations that `waybill registries` prints."""

import json
import os
import re
import stat
import subprocess
from pathlib import Path

import pytest
import requests
import yaml

from tests.admin_commands import run_local
from tests.clients.conftest import ADMIN_PASSWORD, run_server, wait_for_log
from tests.clients.registry_programs import find_program, wait_until
from tests.ports import find_free_port


def test_registry_starts_and_stops_with_the_server(tmp_path: Path) -> None:
    program = find_program("docker-registry", "docker-registry")
    if program is None:
        pytest.skip("no docker-registry from apt")
    port, path = find_free_port(), f"{Path(program).parent}:{os.environ['PATH']}"
    with run_server(tmp_path, REGISTRY=str(port), PATH=path, DATA=str(tmp_path / "data.jsonl")) as server:
        wait_until(lambda: _status(port) == 401, "docker-registry")
        wait_for_log(server, f"localhost:{port}/alice/web")
        checked = run_local(
            server.base_url, "registries", "check", f"http://127.0.0.1:{port}", "--json", password=ADMIN_PASSWORD
        )
        assert checked.json["accepts_tokens"] is True
        assert server.stop() == 0
        assert _status(port) is None
    assert (tmp_path / "data.jsonl.registry").is_dir()


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


def _status(port: int) -> int | None:
    try:
        return requests.get(f"http://127.0.0.1:{port}/v2/", timeout=5).status_code
    except requests.ConnectionError:
        return None
