"""schemathesis over docs/reference/openapi.yaml: what the document allows, and much that it does not, from each kind of caller.

No reply is a 500, or has a status, a content type, a header or a body that the document does not have for its call.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.clients.conftest import Server, serving
from tests.index import basic
from tests.openapi import DOCUMENT, call_of, operations

CONFIG = Path(__file__).with_name("schemathesis.toml")
MAX_SECONDS = 300  # a busy machine's; an idle one takes 20

Call = tuple[str, str]
TAKES: dict[Call, list[dict[str, list[str]]]] = {
    (method, path): found.get("security", DOCUMENT["security"]) for method, path, found in operations()
}
CALLS = set(TAKES)
CREDENTIALS_NEEDED = {call for call in CALLS if {} not in TAKES[call]}
TOKENS_TAKEN = {call for call in CALLS if {"token": []} in TAKES[call]}
TOKEN_NEEDED = {call for call in CALLS if TAKES[call] == [{"token": []}]}
V2 = {("GET", "/v2")}
LIBRARY = {call for call in CALLS if call[1].startswith("/v1/repositories/{repository}")}
LIBRARY_CHANGES = {call for call in LIBRARY if call[0] != "GET"}
OTHER_ACCOUNTS = {call for call in CALLS if call[1] == "/v1/users/{username}"}


def alice(server: Server) -> list[str]:
    """Asks for everything, also in ways that the document does not allow. The examples are hers."""
    return _as(basic(*server.register("alice")))


def administrator(server: Server) -> list[str]:
    return [*_as(basic(*server.admin)), "--mode=positive"]


def nobody(server: Server) -> list[str]:
    return ["--mode=positive"]


def registry(server: Server) -> list[str]:
    """Shows the token of a push that has begun, to the calls that take one."""
    path, headers = server.url("/v1/repositories/alice/web/"), {"X-Docker-Token": "true"}
    begun = requests.put(path, json=[], auth=server.register("alice"), headers=headers, timeout=10)
    token = begun.headers["X-Docker-Token"]
    return [*_as(f"Token {token}"), "--mode=positive", r"--include-path-regex=\}/(images|auth|layer/.*)$"]


def _as(authorization: str) -> list[str]:
    return ["--header", f"Authorization: {authorization}"]


@pytest.mark.parametrize(
    ("caller", "opened"),
    [
        (alice, CALLS - V2 - TOKEN_NEEDED - LIBRARY_CHANGES - OTHER_ACCOUNTS),
        (administrator, CALLS - V2 - TOKEN_NEEDED),
        (nobody, CALLS - V2 - CREDENTIALS_NEEDED),
        (registry, TOKENS_TAKEN - LIBRARY),
    ],
)
def test_the_index_does_what_its_document_says(
    tmp_path: Path, principal: Callable[[Server], list[str]], opened: set[Call]
) -> None:
    """`opened` are the calls that must also have succeeded: a run that is refused everywhere says little."""
    expanded = tmp_path / "openapi.json"
    expanded.write_text(json.dumps(DOCUMENT))  # no YAML aliases: schemathesis adds links to what it reads, in place
    with serving(tmp_path) as server:
        server.register("bobby")
        server.register("carol")
        for path, auth in (("alice/web", server.register("alice")), ("web", server.admin)):
            response = requests.put(
                server.url(f"/v1/repositories/{path}"), json=[{"id": "0c0ffee"}], auth=auth, timeout=10
            )
            assert response.status_code == 200
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--no-color", f"--config-file={CONFIG}"),
                *("run", str(expanded), f"--url={server.address}", *principal(server)),
            ],
            env={**os.environ, "CALLER": "admin" if principal is administrator else "alice"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=MAX_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        print(principal.__name__, *re.findall(r"^ *(\d+ generated)", done.stdout, re.MULTILINE))
        log = server.log.read_text()
    assert opened <= set(_succeeded(log))


def _succeeded(log: str) -> Iterator[Call]:
    for method, target in re.findall(r"^[\d:]{8} 2\d\d (\w+) +(\S+)", log, re.MULTILINE):
        if call := call_of(method, target):
            yield call[:2]
