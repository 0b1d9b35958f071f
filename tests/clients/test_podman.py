"""`podman search` over the running server: Debian's podman, which `.ci/run` installs."""

import shutil
import subprocess

import pytest
import requests

from tests.clients.conftest import Server


@pytest.mark.skipif(shutil.which("podman") is None, reason="no podman on this machine")
@pytest.mark.parametrize(("query", "found"), [("harb", ["harbour", "grace/web-harbour_tools"]), ("zzz", [])])
def test_podman_finds_repositories_by_the_parts_of_their_names(server: Server, query: str, found: list[str]) -> None:
    grace = server.register("grace")
    for path, auth in (("harbour", server.admin), ("grace/web-harbour_tools", grace)):
        reply = requests.put(server.url(f"/v1/repositories/{path}/"), json=[], auth=auth, timeout=10)
        assert reply.status_code == 200
    host = server.address.removeprefix("http://")
    done = subprocess.run(
        ["podman", "search", "--tls-verify=false", "--format", "{{.Name}}", f"{host}/{query}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == sorted(f"{host}/{name}" for name in found)
