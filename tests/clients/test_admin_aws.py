"""`python -m infra` as a process of its own on an AWS that AWS_ENDPOINT_URL names: moto's server, as an emulator is."""

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
from tests.clients.conftest import ROOT

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
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


def operate(endpoint: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and name != "STACK"}
    return subprocess.run(
        [sys.executable, "-m", "infra", *arguments],
        cwd=ROOT,
        env={**kept, "AWS_ENDPOINT_URL": endpoint, "AWS_EC2_METADATA_DISABLED": "true", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_stage_is_looked_after(endpoint: str) -> None:
    prod = ("--stage", "prod", "--region", "eu-west-1")
    made = operate(endpoint, "users", "create", "alice", "--email", "a@example.com", "--admin", *prod, **CREDENTIALS)
    assert made.returncode == 0, made.stderr
    listed = operate(endpoint, "users", "list", "--json", *prod, **CREDENTIALS)
    assert [user["username"] for user in json.loads(listed.stdout)] == ["alice"]
    examined = operate(endpoint, "doctor", *prod, **CREDENTIALS)
    assert examined.stdout == "the stack waybill-prod in eu-west-1 is in order\n", examined.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (("--region", "eu-west-1"), CREDENTIALS, "a table of this stack is not there"),
        ((), CREDENTIALS, "which region?"),
        (("--region", "eu-west-1"), {}, "Unable to locate credentials"),
        (("--region", "eu-west-1"), {"AWS_PROFILE": "nobody"}, "profile (nobody) could not be found"),
        (("--region", "eu-west-1"), {**CREDENTIALS, "STACK": "a b"}, "STACK is 3 to 200"),
    ],
)
def test_what_cannot_be_reached_is_one_sentence(
    endpoint: str, arguments: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    ran = operate(endpoint, "users", "list", *arguments, **environment)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert said in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
