"""The zip under Lambda's own runtime client, in an environment that holds nothing else, on a moto server."""

import platform
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from infra.local.aws import create_stack
from infra.package import Package, package
from tests.deployed import flow
from tests.deployed.programs import environment
from tests.deployed.runtime import cold_start, running

STACK = "test-runtime"
ZIP_BYTES_AT_MOST = 4_000_000
COLD_START_AT_MOST = 0.4  # of Chalice's own zip
BARE = """
from chalice.app import Chalice
app = Chalice("bare")
@app.route("/v1/_ping")
def ping():
    return True
@app.route("/v1/repositories/{namespace}/{repository}/images")
def images(namespace, repository):
    return []
"""


@pytest.fixture(scope="module")
def runtime() -> Path:
    return environment("runtime")


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The zip for this machine's processor; nothing else in it differs from the one for arm64."""
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return package(tmp_path_factory.mktemp("package"), machine)


@pytest.fixture(scope="module")
def code(artefact: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(artefact.zip, tmp_path_factory.mktemp("code"))


@pytest.fixture(scope="module")
def surroundings(aws: None) -> Iterator[dict[str, str]]:
    """The function's environment, with the production template's tables and key behind it."""
    create_stack(STACK, "us-east-1")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "STACK": STACK, "BCRYPT_COST": "4"}
    server.stop()


def unpacked(archive: Path, to: Path) -> Path:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(to)
    return to


def test_the_whole_life_of_a_repository(runtime: Path, code: Path, surroundings: dict[str, str]) -> None:
    with running(runtime, code, surroundings) as function:
        flow.whole_life(flow.Client(function.request))


def test_the_zip_is_small(artefact: Package) -> None:
    assert artefact.zip.stat().st_size <= ZIP_BYTES_AT_MOST


def test_the_same_sources_make_the_same_zip(artefact: Package, tmp_path: Path) -> None:
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    assert package(tmp_path, machine).sha256 == artefact.sha256


def test_a_cold_start_takes_a_fraction_of_what_chalice_s_own_zip_takes(
    runtime: Path, code: Path, artefact: Package, surroundings: dict[str, str], tmp_path: Path
) -> None:
    """In one run, in turns, the best of each: only their ratio means anything."""
    untrimmed, bare = unpacked(artefact.untrimmed, tmp_path / "chalice"), tmp_path / "bare"
    with zipfile.ZipFile(artefact.untrimmed) as archive:
        archive.extractall(bare, [name for name in archive.namelist() if name.startswith("chalice/")])
    (bare / "app.py").write_text(BARE)
    took: dict[str, list[float]] = {"bare": [], "ours": [], "chalice": []}
    for _ in range(4):
        for name, where in (("bare", bare), ("ours", code), ("chalice", untrimmed)):
            took[name].append(cold_start(runtime, where, surroundings, "/v1/repositories/some/thing/images"))
    best = {name: min(times) for name, times in took.items()}
    print("\ncold start in ms of processor time:", {name: round(seconds * 1000) for name, seconds in best.items()})
    assert best["ours"] <= COLD_START_AT_MOST * best["chalice"]
