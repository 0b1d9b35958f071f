"""ministack, an AWS emulator that enforces IAM, and indexes that `waybill deploy` deploys to it."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from msgspec import Struct

from chalicelib.storage.tables import Tables
from infra import ROOT
from tests.deployed import flow
from tests.index import Response
from tests.ports import find_free_port

REGION = "us-east-1"
DEPLOYER = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")  # the environment of a deployer
START_SECONDS = 60
_ROOT_KEY = ("test", "test")
_POLICY = ROOT / "docs" / "guide" / "deployer-policy.json"
_SERVICES = "acm,apigateway,cloudformation,cloudwatch,dynamodb,iam,kms,lambda,logs,monitoring,s3,ses,sns,sts"


class Ministack(Struct, frozen=True):
    """A running emulator. Tests use the credentials of `root`; deployments use those of `create_deployer`."""

    url: str
    root: Any

    def reset(self) -> None:
        """Delete everything."""
        assert Gateway(self.url, "")("POST", "/_ministack/reset", {}, b"").status == 200

    def client(self, service: str) -> Any:
        return self.root.client(service, endpoint_url=self.url)

    def create_deployer(self) -> dict[str, str]:
        """Create a user with docs/guide/deployer-policy.json as its only policy. Return its environment variables."""
        iam = self.client("iam")
        iam.create_user(UserName="deployer")
        iam.put_user_policy(UserName="deployer", PolicyName="deployer", PolicyDocument=_POLICY.read_text())
        key = iam.create_access_key(UserName="deployer")["AccessKey"]
        return dict(zip(DEPLOYER, (self.url, key["AccessKeyId"], key["SecretAccessKey"]), strict=True))

    @property
    def root_credentials(self) -> dict[str, str]:
        """The environment variables of the user who may do everything."""
        return dict(zip(DEPLOYER, (self.url, *_ROOT_KEY), strict=True))

    def read_outputs(self, stack: str) -> dict[str, str]:
        """Return the outputs of a stack."""
        [description] = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in description["Outputs"]}

    def read_function(self, stack: str) -> Any:
        """Return the configuration of a stack's function."""
        return self.client("lambda").get_function_configuration(FunctionName=stack)

    def read_settings(self, stack: str) -> dict[str, str]:
        """Return the environment variables of a stack's function."""
        variables: dict[str, str] = self.read_function(stack)["Environment"]["Variables"]
        return variables

    def connect(self, stack: str) -> flow.Client:
        """Return a client of the index that is deployed as `stack`."""
        settings = self.read_settings(stack)
        return flow.Client(
            Gateway(self.url, f"/_aws/execute-api/{self.read_outputs(stack)['ApiId']}/$default"),
            Tables(self.client("dynamodb"), REGION, lambda name: f"{stack}-{name}"),
            self.list_recipients if settings["ACCOUNT_ACTIVATION"] == "email" else None,
            settings["TOKEN_SINGLE_USE"] == "true",
            settings["REGISTRIES"],
            settings["REGISTRY_SECRET"],
        )

    def list_recipients(self) -> list[str]:
        """Return the addresses to which SES has sent email."""
        sent = json.loads(Gateway(self.url, "")("GET", "/_ministack/ses/messages", {}, b"").body)["messages"]
        return [address for messages in sent.values() for message in messages for address in message["To"]]


class Gateway(Struct, frozen=True):
    """A deployed API. A call sends a request."""

    url: str
    base: str

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=30)
        try:
            connection.request(method, self.base + path, body or None, dict(headers))
            response = connection.getresponse()
            lower_case = {name.lower(): value for name, value in response.getheaders()}
            return Response(response.status, lower_case, response.read())
        finally:
            connection.close()


@contextmanager
def start(python: Path, folder: Path, port: int = 0) -> Iterator[Ministack]:
    """Run the emulator until the context ends. Port 0 is any free port."""
    port = port or find_free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "SERVICES": _SERVICES,
    }
    log = folder / "ministack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, "-m", "ministack"], cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, process, log)
        key, secret = _ROOT_KEY
        root = boto3.Session(aws_access_key_id=key, aws_secret_access_key=secret, region_name=REGION)
        yield Ministack(url, root)
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(START_SECONDS * 10):
        assert process.poll() is None, log.read_text()
        try:
            if Gateway(url, "")("GET", "/_ministack/health", {}, b"").status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"ministack does not respond: {log.read_text()}")


def run_waybill(
    environment: Mapping[str, str], *arguments: str, entered: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run the command `waybill` in a process, with `entered` as its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "infra", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", ""), "COLUMNS": "140", **environment},
        input=entered,
        capture_output=True,
        text=True,
        check=False,
    )
