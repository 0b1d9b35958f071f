"""The package under Lambda's runtime client, in an environment without other libraries, with moto as AWS."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from chalicelib.aws import create_clients
from chalicelib.storage.tables import Tables
from infra.deploy.package import build_package
from infra.deploy.package_model import Package
from infra.devserver.moto_aws import create_stack, local_aws
from tests.deployed import flow, runtime
from tests.deployed.programs import environment

pytestmark = pytest.mark.xdist_group("package")  # one worker builds the package for all tests of this group

STACK = "test-runtime"
MAX_ZIP_BYTES = 4_000_000


@pytest.fixture(scope="module")
def code(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the content of the package."""
    folder = tmp_path_factory.mktemp("code")
    with zipfile.ZipFile(package.zip) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    """The environment variables of the function. The tables and the key of the template exist in moto."""
    with local_aws():
        create_stack(create_clients("us-east-1"), STACK)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "STACK": STACK, "BCRYPT_COST": "4"}
        server.stop()


def test_all_operations_work(code: Path, variables: dict[str, str]) -> None:
    with runtime.run(environment("runtime"), code, variables) as function:
        tables = Tables(create_clients("us-east-1").dynamodb, "us-east-1", lambda name: f"{STACK}-{name}")
        flow.run_all(flow.Client(function.request, tables))


def test_zip_is_small(package: Package) -> None:
    assert package.size <= MAX_ZIP_BYTES


def test_same_sources_give_the_same_zip_and_bill(package: Package, architecture: str, tmp_path: Path) -> None:
    again = build_package(tmp_path, architecture)
    assert again.sha256 == package.sha256
    assert again.sbom.read_bytes() == package.sbom.read_bytes()
