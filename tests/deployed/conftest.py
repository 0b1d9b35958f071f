"""The artefact, made once for each worker, and an emulator for each module."""

import platform
from collections.abc import Iterator

import pytest

from infra.deploy.package import Package, package
from tests.deployed import ministack
from tests.deployed.programs import environment


@pytest.fixture(scope="session")
def machine() -> str:
    """This machine's processor, as Lambda calls it."""
    return {"aarch64": "arm64"}.get(platform.machine(), platform.machine())


@pytest.fixture(scope="session")
def artefact(machine: str, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The zip for this machine's processor; nothing else in it differs from the one for arm64."""
    return package(tmp_path_factory.mktemp("package"), machine)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ministack.Ministack]:
    """A ministack of this module's own."""
    with ministack.running(environment("ministack"), tmp_path_factory.mktemp("ministack")) as running:
        yield running
