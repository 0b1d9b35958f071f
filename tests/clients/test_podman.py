"""`podman search` with the local server. `.ci/run` installs the package `podman`."""

import shutil
import subprocess

import pytest
import requests

from tests.clients.conftest import WAIT_SECONDS, Server

pytestmark = pytest.mark.skipif(shutil.which("podman") is None, reason="podman is not installed")


@pytest.fixture
def repositories(server: Server) -> None:
    """Create public repositories and a private one. A repetition changes nothing."""
    grace = server.register("grace")
    for path, auth in (("harbour", server.admin), ("grace/web-harbour_tools", grace), ("grace/secret-harbour", grace)):
        response = requests.put(server.url(f"/v1/repositories/{path}/"), json=[], auth=auth, timeout=10)
        assert response.status_code == 200
    forms: dict[str, dict[str, str | bool]] = {
        "web-harbour_tools": {"description": "Cranes, quays and a lighthouse"},
        "secret-harbour": {"description": "A hidden lighthouse", "private": True},
    }
    for name, form in forms.items():
        url = server.url(f"/v1/namespaces/grace/repositories/{name}")
        assert requests.put(url, json=form, auth=grace, timeout=10).status_code == 204


@pytest.mark.usefixtures("repositories")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("harb", ["harbour", "grace/web-harbour_tools"]),
        ("HARB tools", ["grace/web-harbour_tools"]),
        ("lighthou", ["grace/web-harbour_tools"]),
        ("zzz", []),
    ],
)
def test_podman_finds_public_repositories_by_name_and_description(server: Server, query: str, names: list[str]) -> None:
    host = server.base_url.removeprefix("http://")
    result = subprocess.run(
        ["podman", "search", "--tls-verify=false", "--format", "{{.Name}}", f"{host}/{query}"],
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
    )
    assert result.returncode == 0, result.stderr
    assert sorted(result.stdout.split()) == sorted(f"{host}/{name}" for name in names)
