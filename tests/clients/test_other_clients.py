"""crane and oras with docker-registry and tokens of the index. They run if they are installed.

Debian 13 has the package `oras`. Debian's next release has the package `crane`.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.conftest import WAIT_SECONDS
from tests.clients.registry_programs import (
    Image,
    Registry,
    Result,
    create_image,
    find_program,
    run_registry,
)

PASSWORD = "sekret123"
pytestmark = pytest.mark.skipif(
    find_program("docker-registry", "docker-registry") is None, reason="no docker-registry from apt"
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with run_registry(tmp_path_factory.mktemp("registry")) as registry:
        registry.server.register("alice")
        registry.server.register("bobby")
        yield registry


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return create_image(tmp_path_factory.mktemp("image") / "oci", "other clients")


class Client:
    """Runs one program with the logins of one account."""

    def __init__(self, registry: Registry, program: str, account: str) -> None:
        self._program = program
        self._folder = registry.folder / f"{program} {account}"
        self._folder.mkdir(exist_ok=True)

    def run(self, *arguments: str, text: str = "") -> Result:
        done = subprocess.run(
            [self._program, *arguments],
            env={**os.environ, "DOCKER_CONFIG": str(self._folder)},
            input=text,
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
        )
        return Result(done.returncode, done.stdout + done.stderr)


@pytest.mark.skipif(shutil.which("crane") is None, reason="crane is not installed")
def test_crane_pushes_lists_and_pulls(registry: Registry, image: Image, tmp_path: Path) -> None:
    alice, bobby, nobody = (Client(registry, "crane", name) for name in ("alice", "bobby", "nobody"))
    for client, name in ((alice, "alice"), (bobby, "bobby")):
        login = client.run("auth", "login", registry.host, "-u", name, "--password-stdin", text=PASSWORD)
        assert login.status == 0, login.output
    target = f"{registry.host}/alice/crane:1"
    pushed = alice.run("push", "--insecure", str(image.folder), target)
    assert pushed.status == 0, pushed.output
    registry.wait_for_tags("alice/crane", {"1": image_digest(alice, target)})
    registry.make_private("alice/crane")
    assert alice.run("ls", "--insecure", f"{registry.host}/alice/crane").output.split() == ["1"]
    assert alice.run("copy", "--insecure", target, f"{registry.host}/alice/copied:1").status == 0
    assert alice.run("pull", "--insecure", target, str(tmp_path / "a.tar")).status == 0
    for client in (bobby, nobody):
        refused = client.run("pull", "--insecure", target, str(tmp_path / "b.tar"))
        assert refused.status != 0
        assert "UNAUTHORIZED" in refused.output or "DENIED" in refused.output
    assert bobby.run("push", "--insecure", str(image.folder), target).status != 0
    digest = image_digest(alice, target)
    assert alice.run("delete", "--insecure", f"{registry.host}/alice/crane@{digest}").status == 0
    registry.wait_for_tags("alice/crane", {})


def image_digest(client: Client, target: str) -> str:
    result = client.run("digest", "--insecure", target)
    assert result.status == 0, result.output
    return result.output.strip()


@pytest.mark.skipif(shutil.which("oras") is None, reason="oras is not installed")
def test_oras_pushes_and_pulls_files(registry: Registry, tmp_path: Path) -> None:
    alice, bobby = (Client(registry, "oras", name) for name in ("alice", "bobby"))
    wrong = alice.run("login", "--plain-http", registry.host, "-u", "alice", "--password-stdin", text="wrong password")
    assert wrong.status != 0
    for client, name in ((alice, "alice"), (bobby, "bobby")):
        login = client.run("login", "--plain-http", registry.host, "-u", name, "--password-stdin", text=PASSWORD)
        assert login.status == 0, login.output
    (tmp_path / "notes.txt").write_text("a file")
    target = f"{registry.host}/alice/notes:1"
    pushed = alice.run("push", "--plain-http", "--disable-path-validation", target, f"{tmp_path}/notes.txt:text/plain")
    assert pushed.status == 0, pushed.output
    registry.make_private("alice/notes")
    pull = ("pull", "--plain-http", "--allow-path-traversal", "-o", str(tmp_path / "out"), target)
    pulled = alice.run(*pull)
    assert pulled.status == 0, pulled.output
    assert bobby.run(*pull).status != 0
