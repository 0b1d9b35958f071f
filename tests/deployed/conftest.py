"""A package for each worker, and an emulator for each module."""

import platform
from collections.abc import Iterator

import pytest

from infra.deploy.package import build_package
from infra.deploy.package_model import Package
from tests.deployed import ministack
from tests.deployed.programs import environment


@pytest.fixture(scope="session")
def architecture() -> str:
    """The processor of this machine, with Lambda's name for it."""
    return {"aarch64": "arm64"}.get(platform.machine(), platform.machine())


@pytest.fixture(scope="session")
def package(architecture: str, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """A package that runs on this machine."""
    return build_package(tmp_path_factory.mktemp("package"), architecture)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ministack.Ministack]:
    """A ministack for one module."""
    with ministack.start(environment("ministack"), tmp_path_factory.mktemp("ministack")) as emulator:
        yield emulator
