"""The wheel works in a clean environment and in any folder."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.conftest import ROOT, WAIT_SECONDS

pytestmark = pytest.mark.xdist_group("wheel")  # one installation for all tests
ACCOUNT = '{"username": "alice", "password": "a secret", "email": "alice@example.com"}'


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the pinned build backend."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(ROOT)], check=True, timeout=WAIT_SECONDS)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel in a clean environment as a user does: with the newest libraries that it allows."""
    home = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, timeout=WAIT_SECONDS)
    pip = [str(home / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    probe = [*pip, "download", "--no-deps", "--dest", str(home), "click"]
    if subprocess.run(probe, capture_output=True, timeout=WAIT_SECONDS).returncode:
        pytest.skip("the package index cannot be reached")
    installation = subprocess.run([*pip, "install", str(wheel)], capture_output=True, text=True, timeout=600)
    assert installation.returncode == 0, installation.stderr
    return home / "bin" / "waybill"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The variables of a new user, without those of this project."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AWS_", "STACK"))}
    return {**kept, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path)}


@pytest.fixture
def base_url(program: Path, environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """Run `waybill serve` in an empty folder."""
    folder, log = tmp_path / "empty", tmp_path / "server.log"
    folder.mkdir()
    settings = {"PORT": "0", "BCRYPT_COST": "4"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "serve"], cwd=folder, env={**environment, **settings}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while not (match := re.search(r"listens on (http://\S+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield match[1]
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_installed_command_serves_an_index_and_uses_it(
    program: Path, base_url: str, environment: dict[str, str], tmp_path: Path
) -> None:
    def run(*command: str | Path, stdin: str = "") -> str:
        process = subprocess.run(
            command, cwd=tmp_path, env=environment, input=stdin, capture_output=True, text=True, timeout=WAIT_SECONDS
        )
        assert process.returncode == 0, process.stderr
        return process.stdout

    curl = ("curl", "--silent", "--fail", "--user", "alice:a secret")
    run(*curl, "--data", ACCOUNT, f"{base_url}/v1/users/")
    run(*curl, "--request", "PUT", "--data", "[]", f"{base_url}/v1/repositories/alice/web")
    run(program, "login", base_url, "--username", "alice", "--password-stdin", stdin="a secret\n")
    token = run(program, "robots", "create", "ci", "--access", "write", "--repository", "web").strip()
    assert token.startswith("wbr_ci_")
    assert run("curl", "--silent", "--fail", "--user", f"alice:{token}", f"{base_url}/v1/users/") == '"OK"'
    assert [row["repository"] for row in json.loads(run(program, "search", "web", "--json"))] == ["alice/web"]
    assert "<h1" in run("curl", "--silent", "--fail", f"{base_url}/")


def test_installed_command_builds_the_package(program: Path, environment: dict[str, str], tmp_path: Path) -> None:
    process = subprocess.run(
        [program, "package"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
    )
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "build" / "package" / "waybill.zip").exists()


def test_wheel_contains_each_file_that_is_not_code(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "chalicelib", "infra", "app.py", "requirements.txt", ".chalice"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("this is not a git repository")
    process = subprocess.run([sys.executable, "-m", "zipfile", "-l", wheel], capture_output=True, text=True, check=True)
    contained = {line.split()[0] for line in process.stdout.splitlines()[1:]}
    for name in listed.stdout.split():
        assert {name, f"infra/project/{name}"} & contained, name
