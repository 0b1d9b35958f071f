"""The AWS configuration of the environment does not affect the local server and commands with --local."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from chalicelib.aws import create_clients
from infra.cli import cli
from infra.devserver.aws_configuration import empty_aws_configuration
from infra.devserver.local_audit_log import LocalAuditLog
from infra.devserver.moto_aws import create_stack, local_aws
from infra.devserver.serve import _read_settings
from tests.clients.conftest import ADMIN_PASSWORD, Server, run_server

_CONFIG = """[default]
region = mars-north-1
endpoint_url = http://192.0.2.1:4566
use_dualstack_endpoint = true
use_fips_endpoint = true
services = other
[profile other]
credential_process = /bin/false
[services other]
dynamodb =
  endpoint_url = http://192.0.2.1:4566
"""
_VARIABLES = {
    "AWS_PROFILE": "missing",
    "AWS_DEFAULT_PROFILE": "missing",
    "AWS_REGION": "mars-north-1",
    "AWS_DEFAULT_REGION": "mars-north-1",
    "AWS_ENDPOINT_URL": "http://192.0.2.1:4566",
    "AWS_ENDPOINT_URL_DYNAMODB": "http://192.0.2.1:4566",
    "AWS_ENDPOINT_URL_KMS": "http://192.0.2.1:4566",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "required",
    "AWS_DEFAULTS_MODE": "invalid",
    "AWS_RETRY_MODE": "invalid",
    "AWS_MAX_ATTEMPTS": "x",
    "AWS_CA_BUNDLE": "/missing",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/missing",
    "AWS_ROLE_ARN": "arn:aws:iam::1:role/x",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/",
    "AWS_STS_REGIONAL_ENDPOINTS": "invalid",
    "AWS_SIGV4A_SIGNING_REGION_SET": "*",
    "AWS_DATA_PATH": "/missing",
}


@pytest.fixture
def hostile_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """Set every variable and file that changes AWS clients. Return the addresses of connections to other hosts."""
    for name, value in _VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(_CONFIG)
    (tmp_path / ".aws" / "credentials").write_text("[default]\naws_access_key_id = x\n[")
    connect, others = socket.socket.connect, []

    def record(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            others.append(address)
            raise OSError("a connection to another host")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", record)
    return others


def test_local_server_connects_to_no_other_host(hostile_aws: list[Any]) -> None:
    settings, _ = _read_settings({**_VARIABLES, "BASE_URL": "http://127.0.0.1:8000"})
    with local_aws():
        clients = create_clients(settings.region)
        create_stack(clients, settings.stack)
        LocalAuditLog(settings.stack, settings.region).write('{"event":"x"}')
        assert clients.dynamodb.list_tables()["TableNames"]
    assert hostile_aws == []


def test_commands_use_only_the_local_server(tmp_path: Path, hostile_aws: list[Any]) -> None:
    with run_server(tmp_path) as server:
        _check_commands(server)
    assert hostile_aws == []


def _check_commands(server: Server) -> None:
    for command in (["users", "list"], ["doctor"], ["audit"], ["repositories", "list"]):
        arguments = [*command, "--local", server.base_url]
        result = CliRunner(env={"ADMIN_PASSWORD": ADMIN_PASSWORD}).invoke(cli, arguments)
        assert result.exit_code == 0, (command, result.output, result.exception)


def test_environment_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    before = dict(os.environ)
    with empty_aws_configuration():
        assert "AWS_PROFILE" not in os.environ
    assert dict(os.environ) == before
