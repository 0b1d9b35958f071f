"""Replays the recorded traffic of real docker daemons and a real docker-registry over HTTP."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.clients.conftest import Server

RECORDINGS = sorted((Path(__file__).parent / "wire").glob("*.json"))
TOKEN = re.compile(r"\{\{token (\w+) (\S+)\}\}")
Tokens = dict[tuple[str, str], str]


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_recording_is_accepted(server: Server, recording: Path) -> None:
    """Each recording has its own account, so all of them use one server."""
    exchanges = json.loads(recording.read_text())
    _create_existing_account(server, exchanges)
    tokens: Tokens = {}
    for number, exchange in enumerate(exchanges):
        place = f"{recording.stem}[{number}] {exchange['method']} {exchange['target']}"
        response = _send(server, exchange, tokens)
        expected = 401 if exchange["target"] == "/v2/" else exchange["accepted"]
        assert response.status_code == expected, f"{place}: {response.status_code} {response.text}"
        for header in exchange.get("reply_headers", ()):
            assert response.headers.get(header), f"{place}: no {header}"
        if token := response.headers.get("X-Docker-Token"):
            tokens[_parse_token(token)] = token


def test_recordings_are_complete() -> None:
    assert [path.stem for path in RECORDINGS] == ["docker-1.0.1", "docker-1.13.1", "docker-1.6.2", "hub-docker-1.0.1"]


def test_recordings_require_headers() -> None:
    exchanges = [exchange for recording in RECORDINGS for exchange in json.loads(recording.read_text())]
    assert sum("X-Docker-Token" in exchange.get("reply_headers", ()) for exchange in exchanges) > 10


def _send(server: Server, exchange: dict[str, Any], tokens: Tokens) -> requests.Response:
    headers = {
        name: TOKEN.sub(lambda match: tokens[match[1], match[2]], value) for name, value in exchange["headers"].items()
    }
    request = requests.Request(exchange["method"], server.url(exchange["target"]), headers, data=exchange.get("body"))
    with requests.Session() as session:
        session.trust_env = False
        return session.send(request.prepare(), allow_redirects=False, timeout=10)


def _parse_token(token: str) -> tuple[str, str]:
    """Return the access and the repository of a token, as a registry parses them."""
    fields = dict(re.findall(r'(\w+)[:=][\s"]?([^",]+)"?', token))
    return fields["access"], fields["repository"]


def _create_existing_account(server: Server, exchanges: list[dict[str, Any]]) -> None:
    """Create the account if the recording needs it: the first POST of the daemon got 400, or it sent none."""
    first = next((e for e in exchanges if e["method"] == "POST" and e["target"] == "/v1/users/"), None)
    if first is None:
        server.register("user1131")  # docker 1.13 cannot register
    elif first["accepted"] == 400:
        server.register(json.loads(first["body"])["username"])
