"""CloudFront's function, as JavaScript: what it makes of a reply that API Gateway has renamed a header of."""

import json
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from infra.deploy.package import SERVICE_TEMPLATE

NODE = shutil.which("node")


def seen(headers: dict[str, str]) -> dict[str, str]:
    """The headers that a client gets."""
    if NODE is None:
        pytest.skip("no node on this machine")
    code = yaml.safe_load(SERVICE_TEMPLATE.read_text())["Resources"]["RestoreChallenge"]["Properties"]["FunctionCode"]
    event = {"response": {"headers": {name: {"value": value} for name, value in headers.items()}}}
    script = f"{code}\nconsole.log(JSON.stringify(handler({json.dumps(event)})));"
    ended = subprocess.run([NODE, "-e", script], capture_output=True, text=True, check=True)
    response: dict[str, Any] = json.loads(ended.stdout)
    return {name: header["value"] for name, header in response["headers"].items()}


def test_the_tokens_challenge_is_put_back() -> None:
    token = 'signature=1.2.3,repository="alice/web",access=read'
    assert seen({"x-docker-token": token})["www-authenticate"] == f"Token {token}"


def test_a_reply_without_a_token_is_left_alone() -> None:
    assert seen({"content-type": "application/json"}) == {"content-type": "application/json"}
