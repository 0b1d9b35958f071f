"""What is in the zip is what requirements.txt pins, and the bill of materials says so."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import infra.deploy.package
from infra.deploy.package import Package, PackageError, package

pytestmark = pytest.mark.xdist_group("artefact")

OURS = {"app.py", "chalicelib", "__pycache__"}  # the last is app.py's byte code
NOT_FETCHED = {"chalice", "python"}  # copied from where it is installed; Lambda's


@pytest.fixture(scope="module")
def bill(artefact: Package) -> Any:
    return json.loads(artefact.sbom.read_text())


@pytest.fixture(scope="module")
def fetched(bill: Any) -> dict[str, Any]:
    """The components that are other people's wheels, by name."""
    return {found["name"]: found for found in bill["components"] if found["name"] not in NOT_FETCHED}


def test_the_bill_is_cyclonedx(artefact: Package) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(artefact.sbom.read_text()) is None


def test_the_bill_is_of_this_zip(artefact: Package, bill: Any) -> None:
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": artefact.sha256}]


def test_every_component_is_in_the_zip_and_everything_in_the_zip_is_a_component_or_ours(
    artefact: Package, fetched: dict[str, Any]
) -> None:
    with zipfile.ZipFile(artefact.untrimmed) as archive:
        records = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith("/RECORD")}
    of_files = {
        line.partition("/")[0].partition(",")[0]: re.sub(r"[-_.]+", "-", record.rpartition(".dist-info")[0]).lower()
        for record, lines in records.items()
        for line in lines.splitlines()
        if not line.startswith(("..", "bin/")) and ".dist-info" not in line
    }
    with zipfile.ZipFile(artefact.zip) as archive:
        held = {name.partition("/")[0] for name in archive.namelist()}
    assert held - set(of_files) == OURS | {"chalice"}
    assert {of_files[name] for name in held & set(of_files)} == {
        re.sub(r"[-_.]+", "-", f"{name}-{found['version']}") for name, found in fetched.items()
    }


def test_every_wheel_in_the_zip_has_a_hash_that_is_pinned(fetched: dict[str, Any]) -> None:
    pinned = infra.deploy.package.REQUIREMENTS.read_text().replace("\\\n", "")
    for name, component in fetched.items():
        [line] = re.findall(rf"^{name}=={re.escape(component['version'])} .*$", pinned, re.MULTILINE)
        [digest] = component["hashes"]
        assert f"--hash=sha256:{digest['content']}" in line


@pytest.mark.parametrize("architecture", infra.deploy.package.ARCHITECTURES)
def test_a_file_with_another_hash_does_not_get_in(
    architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fetched: dict[str, Any]
) -> None:
    """Nor for a machine that is not this one, where Chalice would take it: bcrypt's for this machine keeps its hash."""
    [kept] = fetched["bcrypt"]["hashes"]
    lock = re.sub(
        r"(?<=--hash=sha256:)\w+",
        lambda found: found[0] if found[0] == kept["content"] else "0" * 64,
        infra.deploy.package.REQUIREMENTS.read_text(),
    )
    changed = tmp_path / "requirements.txt"
    changed.write_text(lock)
    monkeypatch.setattr(infra.deploy.package, "REQUIREMENTS", changed)
    with pytest.raises(PackageError, match="pip failed: THESE PACKAGES DO NOT MATCH THE HASHES"):
        package(tmp_path / "package", architecture)


def test_what_chalice_cannot_package_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infra.deploy.package, "_SOURCES", ("chalicelib", ".chalice/config.json"))
    with pytest.raises(PackageError, match=r"chalice package failed: .*app"):
        package(tmp_path)
