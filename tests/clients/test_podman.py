"""`podman search` over the running server: Debian's podman, which `.ci/run` installs."""

import shutil
import subprocess
from typing import Any

import pytest
import requests

from tests.clients.conftest import Server


@pytest.mark.skipif(shutil.which("podman") is None, reason="no podman on this machine")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("harb", ["harbour", "grace/web-harbour_tools"]),
        ("HARB tools", ["grace/web-harbour_tools"]),
        ("lighthou", ["grace/web-harbour_tools"]),
        ("zzz", []),
    ],
)
def test_podman_finds_public_repositories_by_the_parts_of_their_names_and_by_words(
    server: Server, query: str, found: list[str]
) -> None:
    grace = server.register("grace")
    for path, auth in (("harbour", server.admin), ("grace/web-harbour_tools", grace), ("grace/secret-harbour", grace)):
        response = requests.put(server.url(f"/v1/repositories/{path}/"), json=[], auth=auth, timeout=10)
        assert response.status_code == 200
    forms: list[tuple[str, dict[str, Any]]] = [
        ("web-harbour_tools", {"description": "Cranes, quays and a lighthouse"}),
        ("secret-harbour", {"description": "A lighthouse nobody sees", "private": True}),
    ]
    for name, form in forms:
        response = requests.put(
            server.url(f"/v1/namespaces/grace/repositories/{name}"), json=form, auth=grace, timeout=10
        )
        assert response.status_code == 204
    host = server.address.removeprefix("http://")
    done = subprocess.run(
        ["podman", "search", "--tls-verify=false", "--format", "{{.Name}}", f"{host}/{query}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == sorted(f"{host}/{name}" for name in found)
