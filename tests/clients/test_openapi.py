"""schemathesis sends what docs/reference/openapi.yaml allows, and much that it does not, as four different principals.

No response may be a 500, or have a status, content type, header or body that the document does not describe.
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

from tests.clients.conftest import Server, run_server
from tests.index import basic
from tests.openapi import DOCUMENT, call_of, operations

CONFIG = Path(__file__).with_name("schemathesis.toml")
SECRET = "a secret of registries"  # pragma: allowlist secret
MAX_SECONDS = 300  # for a busy machine; an idle one needs 20

Call = tuple[str, str]  # method and path
SECURITY: dict[Call, list[dict[str, list[str]]]] = {
    (method, path): operation.get("security", DOCUMENT["security"]) for method, path, operation in operations()
}
CALLS = set(SECURITY)
NEED_CREDENTIALS = {call for call in CALLS if {} not in SECURITY[call]}
ACCEPT_TOKEN = {call for call in CALLS if {"token": []} in SECURITY[call]}
NEED_TOKEN = {call for call in CALLS if SECURITY[call] == [{"token": []}]}
CURRENT = {  # calls for current registries; tests/clients/test_registries.py sends the credentials and bodies they need
    call for call in CALLS if call[1].startswith(("/token", "/registries/", "/v2"))
}
LIBRARY = {call for call in CALLS if call[1].startswith("/v1/repositories/{repository}")}
LIBRARY_CHANGES = {call for call in LIBRARY if call[0] != "GET"}
OTHER_ACCOUNTS = {call for call in CALLS if call[1] == "/v1/users/{username}"}


def alice(server: Server) -> list[str]:
    """Send all requests, including some that the document does not allow. The examples belong to alice."""
    return _authorize(basic(*server.register("alice")))


def administrator(server: Server) -> list[str]:
    return [*_authorize(basic(*server.admin)), "--mode=positive"]


def anonymous(server: Server) -> list[str]:
    return ["--mode=positive"]


def registry(server: Server) -> list[str]:
    """Present the write token of a push in all calls that accept a token."""
    url, headers = server.url("/v1/repositories/alice/web/"), {"X-Docker-Token": "true"}
    push = requests.put(url, json=[], auth=server.register("alice"), headers=headers, timeout=10)
    token = push.headers["X-Docker-Token"]
    return [*_authorize(f"Token {token}"), "--mode=positive", r"--include-path-regex=\}/(images|auth|layer/.*)$"]


def _authorize(authorization: str) -> list[str]:
    return ["--header", f"Authorization: {authorization}"]


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        (alice, CALLS - CURRENT - NEED_TOKEN - LIBRARY_CHANGES - OTHER_ACCOUNTS),
        (administrator, CALLS - CURRENT - NEED_TOKEN),
        (anonymous, CALLS - CURRENT - NEED_CREDENTIALS),
        (registry, ACCEPT_TOKEN - LIBRARY),
    ],
)
def test_index_behaves_as_its_document_says(
    tmp_path: Path, principal: Callable[[Server], list[str]], expected: set[Call]
) -> None:
    """The calls in `expected` must also succeed at least once: a run in which all are denied proves little."""
    expanded = tmp_path / "openapi.json"
    expanded.write_text(json.dumps(DOCUMENT))  # without YAML aliases, because schemathesis changes nodes in place
    with run_server(tmp_path, REGISTRIES="registry.local", REGISTRY_SECRET=SECRET) as server:
        server.register("bobby")
        server.register("carol")
        owner = server.register("alice")
        for path, auth in (("alice/web", owner), ("alice/moved", owner), ("web", server.admin)):
            url = server.url(f"/v1/repositories/{path}")
            assert requests.put(url, json=[{"id": "0c0ffee"}], auth=auth, timeout=10).status_code == 200
        for path in ("old-team", "my-team", "my-team/members/bobby", "my-team/robots/ci"):
            url = server.url(f"/v1/organizations/{path}")
            assert requests.put(url, json={"access": "read"}, auth=owner, timeout=10).ok
        run = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--no-color", f"--config-file={CONFIG}"),
                *("run", str(expanded), f"--url={server.base_url}", *principal(server)),
            ],
            env={**os.environ, "CALLER": "admin" if principal is administrator else "alice"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=MAX_SECONDS,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        print(principal.__name__, *re.findall(r"^ *(\d+ generated)", run.stdout, re.MULTILINE))
        log = server.log.read_text()
    assert expected <= set(_find_successful_calls(log))


def _find_successful_calls(log: str) -> Iterator[Call]:
    for method, target in re.findall(r"^[\d:]{8} 2\d\d (\w+) +(\S+)", log, re.MULTILINE):
        if call := call_of(method, target):
            yield call[:2]
