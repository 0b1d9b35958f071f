"""The zip under Lambda's own runtime client, in an environment that holds nothing else, on a moto server."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from chalicelib.aws import create_clients
from chalicelib.storage.tables import Tables
from infra.deploy.package import Package, package
from infra.devserver.moto_aws import create_stack, local_aws
from tests.deployed import flow
from tests.deployed.programs import environment
from tests.deployed.runtime import running

pytestmark = pytest.mark.xdist_group("artefact")  # made once, by one worker

STACK = "test-runtime"
MAX_ZIP_BYTES = 4_000_000


@pytest.fixture(scope="module")
def runtime() -> Path:
    return environment("runtime")


@pytest.fixture(scope="module")
def code(artefact: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(artefact.zip, tmp_path_factory.mktemp("code"))


@pytest.fixture(scope="module")
def surroundings() -> Iterator[dict[str, str]]:
    """The function's environment, with the production template's tables and key behind it."""
    with local_aws():
        create_stack(create_clients("us-east-1"), STACK)
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
        tables = Tables(create_clients("us-east-1").dynamodb, "us-east-1", lambda name: f"{STACK}-{name}")
        flow.whole_life(flow.Client(function.request, tables))


def test_the_zip_is_small(artefact: Package) -> None:
    assert artefact.size <= MAX_ZIP_BYTES


def test_the_same_sources_make_the_same_zip_and_bill(artefact: Package, machine: str, tmp_path: Path) -> None:
    again = package(tmp_path, machine)
    assert again.sha256 == artefact.sha256
    assert again.sbom.read_bytes() == artefact.sbom.read_bytes()
