"""`waybill` as a process, on an AWS that AWS_ENDPOINT_URL names. moto's server stands for an emulator."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import botocore.session
import pytest
from moto.server import ThreadedMotoServer

from chalicelib.aws import Clients
from infra.devserver.moto_aws import create_stack
from infra.exit_codes import ExitCode
from tests.clients.conftest import ROOT

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The URL of moto's server, with the stack waybill-prod."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        session = botocore.session.get_session()
        session.set_credentials("testing", "testing")
        dynamodb, kms = (
            session.create_client(service, region_name="eu-west-1", endpoint_url=f"http://{host}:{port}")
            for service in ("dynamodb", "kms")
        )
        create_stack(Clients(dynamodb, kms), "waybill-prod")
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def run_process(endpoint: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and name != "STACK"}
    return subprocess.run(
        [sys.executable, "-m", "infra", *arguments],
        cwd=ROOT,
        env={**kept, "AWS_ENDPOINT_URL": endpoint, "AWS_EC2_METADATA_DISABLED": "true", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_commands_use_the_stack_of_the_stage(endpoint: str) -> None:
    stage = ("--stage", "prod", "--region", "eu-west-1")
    arguments = ("users", "create", "alice", "--email", "a@example.com", "--admin", *stage)
    created = run_process(endpoint, *arguments, **CREDENTIALS)
    assert created.returncode == 0, created.stderr
    listed = run_process(endpoint, "users", "list", "--json", *stage, **CREDENTIALS)
    assert [user["username"] for user in json.loads(listed.stdout)] == ["alice"]
    examined = run_process(endpoint, "doctor", "--json", *stage, **CREDENTIALS)
    assert (examined.returncode, examined.stdout) == (0, "[]\n"), examined.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "keyword"),
    [
        (("--region", "eu-west-1"), CREDENTIALS, "--stage"),
        ((), CREDENTIALS, "--region"),
        (("--region", "eu-west-1"), {}, "credentials"),
        (("--region", "eu-west-1"), {"AWS_PROFILE": "nobody"}, "profile"),
        (("--region", "eu-west-1"), {**CREDENTIALS, "STACK": "a b"}, "STACK"),
    ],
)
def test_wrong_configuration_gives_readable_error(
    endpoint: str, arguments: tuple[str, ...], environment: dict[str, str], keyword: str
) -> None:
    result = run_process(endpoint, "users", "list", *arguments, **environment)
    expected = ExitCode.LOGIN if keyword == "credentials" else ExitCode.FAILURE
    assert (result.returncode, result.stdout) == (expected, "")
    assert keyword in result.stderr
    assert len(result.stderr.splitlines()) == 1
