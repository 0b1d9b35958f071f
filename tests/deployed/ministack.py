"""ministack, an emulator of AWS that enforces IAM, and an index that is deployed to it by `python -m infra`."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from chalicelib.storage.tables import Tables
from infra.deploy.package import ROOT
from tests.deployed import flow
from tests.index import Response

REGION = "us-east-1"
DEPLOYER = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")  # the environment of one
START_SECONDS = 60
_POLICY = ROOT / "docs" / "guide" / "deployer-policy.json"
_SERVICES = "acm,apigateway,cloudformation,cloudfront,cloudwatch,dynamodb,iam,kms,lambda,logs,monitoring,s3,ses,sns,sts"


@dataclass(frozen=True)
class Ministack:
    """A running emulator. It is asked with root's credentials; what is deployed is deployed as `deployer`."""

    url: str
    root: Any

    def reset(self) -> None:
        """Forgets everything."""
        assert Gateway(self.url, "")("POST", "/_ministack/reset", {}, b"").status == 200

    def client(self, service: str) -> Any:
        return self.root.client(service, endpoint_url=self.url)

    def deployer(self) -> dict[str, str]:
        """The environment of somebody who has docs/guide/deployer-policy.json and nothing else."""
        iam = self.client("iam")
        iam.create_user(UserName="deployer")
        iam.put_user_policy(UserName="deployer", PolicyName="deployer", PolicyDocument=_POLICY.read_text())
        key = iam.create_access_key(UserName="deployer")["AccessKey"]
        return dict(zip(DEPLOYER, (self.url, key["AccessKeyId"], key["SecretAccessKey"]), strict=True))

    def index(self, stack: str) -> flow.Client:
        """A client of the index that is deployed as `stack`."""
        outputs = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        api = next(output["OutputValue"] for output in outputs if output["OutputKey"] == "RestAPIId")
        settings = self.client("lambda").get_function_configuration(FunctionName=stack)["Environment"]["Variables"]
        return flow.Client(
            Gateway(self.url, f"/_aws/execute-api/{api}/v"),
            Tables(self.client("dynamodb"), REGION, lambda name: f"{stack}-{name}"),
            self.emails if settings["ACCOUNT_ACTIVATION"] == "email" else None,
        )

    def emails(self) -> list[str]:
        """The addresses that SES has sent to."""
        sent = json.loads(Gateway(self.url, "")("GET", "/_ministack/ses/messages", {}, b"").body)["messages"]
        return [address for messages in sent.values() for message in messages for address in message["To"]]


@dataclass(frozen=True)
class Gateway:
    """One deployed API."""

    url: str
    base: str

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=30)
        try:
            connection.request(method, self.base + path, body or None, dict(headers))
            response = connection.getresponse()
            return Response(
                response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
            )
        finally:
            connection.close()


@contextmanager
def running(python: Path, folder: Path) -> Iterator[Ministack]:
    """Starts the emulator on a free port, and ends it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
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
        root = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
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
    raise AssertionError(f"ministack does not answer: {log.read_text()}")


def infra(environment: Mapping[str, str], *arguments: str, said: str = "") -> "subprocess.CompletedProcess[str]":
    """`python -m infra`, as an operator runs it, with `said` on its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "infra", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", ""), "COLUMNS": "140", **environment},
        input=said,
        capture_output=True,
        text=True,
        check=False,
    )
