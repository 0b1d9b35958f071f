"""Debian's docker-registry, the clients of registries, and images for them."""

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import requests
from msgspec import Struct

from tests.clients.conftest import ROOT, WAIT_SECONDS, Server, run_server
from tests.ports import find_free_port

CACHE = ROOT / "build" / "debian"
SERVICE = "registry.local"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"


@cache
def find_program(name: str, package: str) -> str | None:
    """Return a program, from PATH or out of a Debian package that is unpacked in build/debian; None if impossible."""
    if found := shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin"):
        return found
    root = CACHE / package
    if not root.exists():
        _unpack(package, root)
    return shutil.which(name, path=f"{root}/usr/bin:{root}/usr/sbin")


def _unpack(package: str, root: Path) -> None:
    """Download a package with apt and unpack it. Nothing is left if that fails."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        try:
            subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=True, capture_output=True)
            (archive,) = Path(folder).glob("*.deb")
            subprocess.run(["dpkg", "-x", str(archive), f"{folder}/root"], check=True, capture_output=True)
            Path(folder, "root").rename(root)  # tests on several workers can unpack at the same time
        except (OSError, ValueError, subprocess.CalledProcessError):
            return


class Result(Struct, frozen=True):
    """The result of a program."""

    status: int
    output: str


class Image(Struct, frozen=True):
    """An image in an OCI layout on this machine."""

    folder: Path
    digest: str

    @property
    def source(self) -> str:
        """The image for skopeo."""
        return f"oci:{self.folder}:latest"


class Registry(Struct, frozen=True, eq=False):
    """An index and a docker-registry, both running.

    Attributes:
        server: the index.
        folder: the folder for the configuration, the images and the logins of the clients.
        port: the port of the registry.
        config: the configuration file of the registry.
    """

    server: Server
    folder: Path
    port: int
    config: Path

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Run the registry until the block ends, or until the process is killed."""
        program = find_program("docker-registry", "docker-registry")
        assert program is not None
        with (self.folder / "registry.log").open("ab") as log:
            process = subprocess.Popen([program, "serve", str(self.config)], stdout=log, stderr=log)
        try:
            _wait_until(lambda: _answers(f"http://{self.host}/v2/", process), "docker-registry")
            yield process
        finally:
            process.kill()
            process.wait()

    def changed(self, old: str, new: str) -> "Registry":
        """Return a registry with the same images and a changed configuration. It is not running."""
        port = find_free_port()
        text = self.config.read_text().replace(old, new).replace(f":{self.port}", f":{port}")
        config = self.folder / "changed.yml"
        config.write_text(text)
        return Registry(self.server, self.folder, port, config)

    def run(self, *command: str, login: str = "") -> Result:
        """Run a client. `login` names the file with its logins, so that each account has its own."""
        environment = {**os.environ, "REGISTRY_AUTH_FILE": str(self.folder / f"{login or 'nobody'}.json")}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=WAIT_SECONDS, stdin=subprocess.DEVNULL
        )
        return Result(done.returncode, done.stdout + done.stderr)

    def log_in(
        self, username: str, password: str, *, login: str = "", host: str = "", program: str = "skopeo"
    ) -> Result:
        """Log in with skopeo or podman."""
        credentials = ("-u", username, "-p", password)
        target = host or self.host
        return self.run(program, "login", "--tls-verify=false", *credentials, target, login=login or username)

    def push(self, source: str, name: str, *, login: str, host: str = "") -> Result:
        """Copy an image on this machine to the registry with skopeo."""
        target = f"docker://{host or self.host}/{name}"
        return self.run("skopeo", "copy", "--all", "--dest-tls-verify=false", source, target, login=login)

    def pull(self, name: str, *, login: str = "", host: str = "") -> Result:
        """Copy an image from the registry to a folder with skopeo."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            source = f"docker://{host or self.host}/{name}"
            target = f"dir:{folder}/image"
            return self.run("skopeo", "copy", "--all", "--src-tls-verify=false", source, target, login=login)

    def token(self, *scopes: str, auth: tuple[str, str] | None = None, service: str = SERVICE) -> dict[str, Any]:
        """Return the answer of the token endpoint."""
        query = [("service", service), *(("scope", scope) for scope in scopes)]
        response = requests.get(self.server.url("/token"), params=query, auth=auth, timeout=10)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def call(self, method: str, path: str, token: str) -> requests.Response:
        """Send a request to the registry with a bearer token."""
        accept = ", ".join((MANIFEST_TYPE, INDEX_TYPE))
        headers = {"Authorization": f"Bearer {token}", "Accept": accept}
        return requests.request(method, f"http://{self.host}{path}", headers=headers, timeout=10)

    def tags(self, name: str) -> dict[str, str]:
        """Return the tags of a repository in the index, with their digests."""
        namespace, _, repository = name.partition("/")
        url = self.server.url(f"/v1/namespaces/{namespace}/repositories/{repository}/tags")
        response = requests.get(url, auth=self.server.admin, timeout=10)
        if response.status_code == 404:
            return {}
        return {entry["tag"]: entry["digest"] for entry in response.json()}

    def make_private(self, name: str) -> None:
        """Wait until the index has a repository, and make it private."""
        _wait_until(lambda: self.tags(name) != {}, f"the index has {name}")
        url = self.server.url("/v1/namespaces/{}/repositories/{}".format(*name.split("/")))
        response = requests.put(url, json={"private": True}, auth=self.server.admin, timeout=10)
        assert response.status_code == 204, response.text

    def wait_for_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Wait until the index has these tags."""
        _wait_until(lambda: self.tags(name) == tags, f"the tags {tags} of {name}, but it has {self.tags(name)}")


@contextmanager
def run_registry(folder: Path, *config_options: str, **environment: str) -> Iterator[Registry]:
    """Run an index, and a docker-registry with the configuration that `waybill registries config` prints."""
    from tests.admin_commands import run_local
    from tests.clients.conftest import ADMIN_PASSWORD

    with run_server(folder, REGISTRIES=SERVICE, **environment) as server:
        port = find_free_port()
        printed = run_local(
            server.base_url,
            *("registries", "config", "--address", f"127.0.0.1:{port}", "--storage", str(folder / "images")),
            *("--certificate", str(folder / "waybill.pem"), *config_options),
            password=ADMIN_PASSWORD,
        )
        assert printed.status == 0, printed.stderr
        config = folder / "registry.yml"
        config.write_text(printed.stdout.replace("backoff: 30s", "backoff: 1s"))
        (folder / "nobody.json").write_text("{}")
        registry = Registry(server, folder, port, config)
        with registry.running():
            yield registry


def create_image(folder: Path, seed: str = "", *, architectures: tuple[str, ...] = ("amd64",)) -> Image:
    """Create an OCI layout with an image of two layers, or with an index of such images."""
    (folder / "blobs" / "sha256").mkdir(parents=True)
    manifests = [_create_manifest(folder, seed, architecture) for architecture in architectures]
    entry = manifests[0]
    if len(manifests) > 1:
        document = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests}
        entry = _describe(INDEX_TYPE, *_put(folder, json.dumps(document).encode()))
    entry = {**entry, "annotations": {"org.opencontainers.image.ref.name": "latest"}}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    return Image(folder, entry["digest"])


def _create_manifest(folder: Path, seed: str, architecture: str) -> dict[str, Any]:
    layers, differences = [], []
    for name in ("a", "b"):
        stream = io.BytesIO()
        content = f"{name} {seed}".encode()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        raw = stream.getvalue()
        differences.append("sha256:" + hashlib.sha256(raw).hexdigest())
        layers.append(_describe(_LAYER_TYPE, *_put(folder, gzip.compress(raw, mtime=0))))
    rootfs = {"type": "layers", "diff_ids": differences}
    config = {"architecture": architecture, "os": "linux", "config": {}, "rootfs": rootfs}
    description = _describe(_CONFIG_TYPE, *_put(folder, json.dumps(config).encode()))
    document = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": description, "layers": layers}
    entry = _describe(MANIFEST_TYPE, *_put(folder, json.dumps(document).encode()))
    return {**entry, "platform": {"architecture": architecture, "os": "linux"}}


def _put(folder: Path, content: bytes) -> tuple[str, int]:
    digest = hashlib.sha256(content).hexdigest()
    (folder / "blobs" / "sha256" / digest).write_bytes(content)
    return f"sha256:{digest}", len(content)


def _describe(media_type: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def _answers(url: str, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "the program has ended"
    try:
        requests.get(url, timeout=5)
    except requests.ConnectionError:
        return False
    return True


def _wait_until(is_done: Any, description: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS / 4
    while not is_done():
        assert time.monotonic() < deadline, f"this did not happen in time: {description}"
        time.sleep(0.1)


def wait_until(is_done: Any, description: str) -> None:
    """Wait until a condition is true."""
    _wait_until(is_done, description)
