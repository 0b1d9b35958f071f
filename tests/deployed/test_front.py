"""The JavaScript function in CloudFront."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from infra.deploy.service_template import read_service_template

NODE = shutil.which("node")


def run_function(headers: dict[str, str]) -> dict[str, str]:
    """Return the response headers after the function has run."""
    if NODE is None:
        pytest.skip("node is not installed")
    code = read_service_template()["Resources"]["RestoreChallenge"]["Properties"]["FunctionCode"]
    event = {"response": {"headers": {name: {"value": value} for name, value in headers.items()}}}
    script = f"{code}\nconsole.log(JSON.stringify(handler({json.dumps(event)})));"
    process = subprocess.run([NODE, "-e", script], capture_output=True, text=True, check=True)
    response: dict[str, Any] = json.loads(process.stdout)
    return {name: header["value"] for name, header in response["headers"].items()}


def test_www_authenticate_of_a_token_is_restored() -> None:
    token = 'signature=1.2.3,repository="alice/web",access=read'
    assert run_function({"x-docker-token": token})["www-authenticate"] == f"Token {token}"


def test_response_without_a_token_is_not_changed() -> None:
    assert run_function({"content-type": "application/json"}) == {"content-type": "application/json"}
