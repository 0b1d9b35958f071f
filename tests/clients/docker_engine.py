"""Docker's daemon with BuildKit, its client, and containerd's `ctr`, for tests with a registry."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import Struct

from tests.clients.registry_programs import CACHE, Image, Registry, Result, find_program, wait_until

PASSWORD = "sekret123"
PROGRAMS = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
}


def describe_missing_programs() -> str:
    """Return why docker cannot run here, or ""."""
    if os.geteuid() != 0:
        return "dockerd needs root"
    missing = [program for program, package in PROGRAMS.items() if find_program(program, package) is None]
    return f"{', '.join(missing)} is not installed" if missing else ""


class Engine(Struct, frozen=True, eq=False):
    """A docker daemon, and a registry. `folder` contains the sockets and the logins."""

    registry: Registry
    folder: Path

    def docker(self, *arguments: str, login: str = "nobody", client: str = "docker") -> Result:
        config = self.folder / login / "config.json"
        if not config.exists():
            config.parent.mkdir(exist_ok=True)
            config.write_text('{"auths": {"unused.example.com": {}}}')  # otherwise docker uses an installed helper
        return self._run(client, f"--host=unix://{self.folder}/d.sock", f"--config={config.parent}", *arguments)

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
        program = name if name.startswith("/") else find_program(name, PROGRAMS[name])
        assert program is not None
        environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, timeout=120)
        return Result(done.returncode, done.stdout + done.stderr)


@contextmanager
def _run_daemon(folder: Path) -> Iterator[None]:
    """Run dockerd, which runs containerd, without a network for containers."""
    found = {name: find_program(name, package) for name, package in PROGRAMS.items()}
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


@contextmanager
def run_engine(registry: Registry, image: Image) -> Iterator[Engine]:
    """Run a daemon that has `image` as `local:1`."""
    with (
        tempfile.TemporaryDirectory(prefix="waybill-", ignore_cleanup_errors=True) as short,
        _run_daemon(Path(short)),
    ):
        engine, archive = Engine(registry, Path(short)), registry.folder / "image.tar"
        assert registry.run("skopeo", "copy", image.source, f"docker-archive:{archive}:local:1").status == 0
        loaded = engine.docker("load", "-i", str(archive))
        assert loaded.status == 0, loaded.output
        yield engine


def push(engine: Engine, name: str, login: str, host: str = "") -> Result:
    """Push the image `local:1` with docker."""
    target = f"{host or engine.registry.host}/{name}"
    assert engine.docker("tag", "local:1", target).status == 0
    return engine.docker("push", target, login=login)
