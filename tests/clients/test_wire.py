"""The recorded traffic of real docker daemons and a real docker-registry, replayed over HTTP."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.clients.conftest import Server, serving

RECORDINGS = sorted((Path(__file__).parent / "wire").glob("*.json"))
TOKEN = re.compile(r"\{\{token (\w+) (\S+)\}\}")


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_a_recording_replays(tmp_path: Path, recording: Path) -> None:
    exchanges = json.loads(recording.read_text())
    with serving(tmp_path) as server:
        _create_account_if_it_was_there(server, exchanges)
        tokens: dict[tuple[str, str], str] = {}
        for number, exchange in enumerate(exchanges):
            place = f"{recording.stem}[{number}] {exchange['method']} {exchange['target']}"
            response = _send(server, exchange, tokens)
            expected = 401 if exchange["target"] == "/v2/" else exchange["accepted"]
            assert response.status_code == expected, f"{place}: {response.status_code} {response.text}"
            for header in exchange.get("response_headers", ()):
                assert response.headers.get(header), f"{place}: no {header}"
            if "X-Docker-Token" in response.headers:
                tokens |= {_what(response.headers["X-Docker-Token"]): response.headers["X-Docker-Token"]}


def test_all_recordings_are_here() -> None:
    assert [path.stem for path in RECORDINGS] == [
        "docker-1.0.1",
        "docker-1.13.1",
        "docker-1.6.2",
        "hub-docker-1.0.1",
    ]


def _send(server: Server, exchange: dict[str, Any], tokens: dict[tuple[str, str], str]) -> requests.Response:
    headers = {
        name: TOKEN.sub(lambda found: tokens[found[1], found[2]], value) for name, value in exchange["headers"].items()
    }
    prepared = requests.Request(exchange["method"], server.url(exchange["target"]), headers, data=exchange.get("body"))
    with requests.Session() as session:
        session.trust_env = False
        return session.send(prepared.prepare(), allow_redirects=False, timeout=10)


def _what(token: str) -> tuple[str, str]:
    """The access and the repository of a token, as a registry reads them."""
    read = dict(re.findall(r'(\w+)[:=][\s"]?([^",]+)"?', token))
    return read["access"], read["repository"]


def _create_account_if_it_was_there(server: Server, exchanges: list[dict[str, Any]]) -> None:
    """Some daemons were recorded against an account that existed: their first POST got a 400, or they sent none."""
    first = next((e for e in exchanges if e["method"] == "POST" and e["target"] == "/v1/users/"), None)
    if first is None:
        server.register("user1131")  # docker 1.13 cannot register
    elif first["accepted"] == 400:
        server.register(json.loads(first["body"])["username"])
