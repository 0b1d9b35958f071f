"""Docker's daemon with BuildKit, its client, and containerd's `ctr`, with docker-registry and tokens of the index."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from msgspec import Struct

from tests.clients.registry_programs import (
    CACHE,
    Registry,
    Result,
    create_image,
    find_program,
    run_registry,
    wait_until,
)

PASSWORD = "sekret123"
_PROGRAMS = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
}
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="dockerd needs root"),
    pytest.mark.skipif(
        find_program("docker-registry", "docker-registry") is None, reason="no docker-registry from apt"
    ),
    pytest.mark.skipif(find_program("skopeo", "skopeo") is None, reason="skopeo is not installed"),
    *(
        pytest.mark.skipif(find_program(program, package) is None, reason=f"{program} is not installed")
        for program, package in _PROGRAMS.items()
    ),
]


class Engine(Struct, frozen=True, eq=False):
    """A docker daemon, and a registry. `folder` contains the sockets and the logins."""

    registry: Registry
    folder: Path

    def docker(self, *arguments: str, login: str = "nobody", client: str = "docker") -> Result:
        return self._run(client, f"--host=unix://{self.folder}/d.sock", f"--config={self.folder}/{login}", *arguments)

    def ctr(self, *arguments: str) -> Result:
        socket = f"{self.folder}/exec/containerd/containerd.sock"
        return self._run("ctr", "--address", socket, "--namespace", "tests", *arguments)

    def log_in(self, username: str, password: str = PASSWORD, *, login: str = "", host: str = "") -> Result:
        credentials = ("-u", username, "-p", password)
        return self.docker("login", *credentials, host or self.registry.host, login=login or username)

    def build(self, base: str, target: str, *, login: str) -> Result:
        """Build an image on `base` with BuildKit, which is part of the daemon.

        The client of Debian's package is preferred. A client of docker 23 or later needs docker-buildx.
        """
        packaged = CACHE / "docker.io" / "usr" / "bin" / "docker"
        folder = self.folder / "build"
        folder.mkdir(exist_ok=True)
        (folder / "Dockerfile").write_text(f"FROM {base}\nLABEL built=yes\n")
        return self.docker(
            "build",
            "--pull",
            "--tag",
            target,
            str(folder),
            login=login,
            client=str(packaged) if packaged.exists() else "docker",
        )

    def _run(self, name: str, *arguments: str) -> Result:
        program = name if name.startswith("/") else find_program(name, _PROGRAMS[name])
        assert program is not None
        environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, timeout=120)
        return Result(done.returncode, done.stdout + done.stderr)


@contextmanager
def _run_daemon(folder: Path) -> Iterator[None]:
    """Run dockerd, which runs containerd, without a network for containers."""
    found = {name: find_program(name, package) for name, package in _PROGRAMS.items()}
    paths = os.pathsep.join({str(Path(path).parent) for path in found.values() if path is not None})
    command = [
        *(str(found["dockerd"]), f"--host=unix://{folder}/d.sock", f"--data-root={folder}/data"),
        *(f"--exec-root={folder}/exec", f"--pidfile={folder}/pid", "--bridge=none", "--iptables=false"),
        "--storage-driver=vfs",
    ]
    with (folder / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, "PATH": f"{paths}:{os.environ['PATH']}"}
        )
    try:
        wait_until(lambda: (folder / "d.sock").exists() or process.poll() is not None, "dockerd")
        if process.poll() is not None:
            pytest.skip(f"dockerd cannot run here: {(folder / 'dockerd.log').read_text()[-300:]}")
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A daemon that has the image `local`, and the accounts alice and bobby."""
    folder = tmp_path_factory.mktemp("engine")
    image = create_image(folder / "oci", "docker")
    with (
        tempfile.TemporaryDirectory(prefix="waybill-", ignore_cleanup_errors=True) as short,
        run_registry(folder) as registry,
        _run_daemon(Path(short)),
    ):
        engine = Engine(registry, Path(short))
        registry.server.register("alice")
        registry.server.register("bobby")
        archive = folder / "image.tar"
        assert registry.run("skopeo", "copy", image.source, f"docker-archive:{archive}:local:1").status == 0
        loaded = engine.docker("load", "-i", str(archive))
        assert loaded.status == 0, loaded.output
        yield engine


def push(engine: Engine, name: str, login: str) -> Result:
    target = f"{engine.registry.host}/{name}"
    assert engine.docker("tag", "local:1", target).status == 0
    return engine.docker("push", target, login=login)


def make_private(engine: Engine, name: str) -> None:
    """Wait until the index has a repository of alice, and make it private."""
    wait_until(lambda: "1" in engine.registry.tags(f"alice/{name}"), "the tag is in the index")
    url = engine.registry.server.url(f"/v1/namespaces/alice/repositories/{name}")
    assert requests.put(url, json={"private": True}, auth=("alice", PASSWORD), timeout=10).status_code == 204


def test_docker_logs_in_pushes_and_pulls(engine: Engine) -> None:
    assert engine.log_in("alice").status == 0
    wrong = engine.log_in("alice", "wrong password", login="wrong")
    assert wrong.status != 0
    assert "wrong username or password" in wrong.output, "docker prints the sentence of the index"
    pushed = push(engine, "alice/web:1", "alice")
    assert pushed.status == 0, pushed.output
    wait_until(lambda: "1" in engine.registry.tags("alice/web"), "the tag is in the index")
    assert push(engine, "bobby/web:1", "alice").status != 0
    assert push(engine, "alice/team/web:1", "alice").status != 0
    target = f"{engine.registry.host}/alice/web:1"
    assert engine.docker("rmi", target).status == 0
    assert engine.docker("pull", target).status == 0


def test_docker_pulls_and_finds_private_repositories_of_its_account(engine: Engine) -> None:
    assert engine.log_in("alice").status == 0
    assert engine.log_in("bobby").status == 0
    assert push(engine, "alice/secret:1", "alice").status == 0
    make_private(engine, "secret")
    target = f"{engine.registry.host}/alice/secret:1"
    for login, is_found in (("alice", True), ("bobby", False), ("nobody", False)):
        assert (engine.docker("pull", target, login=login).status == 0) is is_found
    index = engine.registry.server.base_url.removeprefix("http://")
    for login, is_found in (("alice", True), ("bobby", False)):
        assert engine.log_in(login, login=f"{login} search", host=index).status == 0
        found = engine.docker("search", f"{index}/secret", login=f"{login} search")
        assert ("alice/secret" in found.output) is is_found, found.output


def test_buildkit_builds_on_a_private_image_of_its_account(engine: Engine) -> None:
    assert engine.log_in("alice").status == 0
    assert engine.log_in("bobby").status == 0
    assert push(engine, "alice/base:1", "alice").status == 0
    make_private(engine, "base")
    base, target = f"{engine.registry.host}/alice/base:1", f"{engine.registry.host}/alice/app:1"
    built = engine.build(base, target, login="alice")
    if "buildx component is missing" in built.output:
        pytest.skip("docker 23 and later need docker-buildx for BuildKit, and it is not installed")
    assert built.status == 0, built.output
    assert engine.docker("push", target, login="alice").status == 0
    wait_until(lambda: "1" in engine.registry.tags("alice/app"), "the tag is in the index")
    refused = engine.build(base, target, login="bobby")
    assert refused.status != 0
    assert "pull access denied" in refused.output, refused.output
    assert engine.build(base, target, login="nobody").status != 0


def test_containerd_pulls_with_and_without_credentials(engine: Engine) -> None:
    assert engine.log_in("alice").status == 0
    for name in ("alice/open:1", "alice/closed:1"):
        assert push(engine, name, "alice").status == 0
    make_private(engine, "closed")
    # The transfer service of containerd 2 does not know the snapshotter. With `--local`, ctr pulls, as in containerd 1.
    is_second = "--local" in engine.ctr("images", "pull", "--help").output
    pull = ("images", "pull", "--plain-http", "--snapshotter", "native", *(["--local"] if is_second else []))
    host = engine.registry.host
    opened = engine.ctr(*pull, f"{host}/alice/open:1")
    assert opened.status == 0, opened.output
    closed = engine.ctr(*pull, "--user", f"alice:{PASSWORD}", f"{host}/alice/closed:1")
    assert closed.status == 0, closed.output
    assert engine.ctr(*pull, f"{host}/alice/closed:1").status != 0
    start = len(engine.registry.server.log.read_text())
    assert engine.ctr(*pull, "--user", "alice:wrong password", f"{host}/alice/closed:1").status != 0
    log = engine.registry.server.log.read_text()[start:]
    assert "POST" in log
