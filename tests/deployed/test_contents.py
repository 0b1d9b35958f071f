"""The package contains exactly the pinned libraries, unmodified except for trimmed service models."""

import json
import os
import re
import subprocess
import sys
import zipfile
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import infra.deploy.package
from infra import ROOT
from infra.deploy.package import build_package
from infra.deploy.package_model import Package, PackageError
from infra.deploy.service_models import OPERATIONS

pytestmark = pytest.mark.xdist_group("package")

OURS = {"app.py", "chalicelib", "__pycache__"}  # __pycache__ contains the byte code of app.py
NOT_DOWNLOADED = {"chalice", "python"}
UNCHECKED_HASH = 1  # the flags in the header of byte code that Python does not compare with its source


@pytest.fixture(scope="module")
def bill(package: Package) -> Any:
    return json.loads(package.sbom.read_text())


@pytest.fixture(scope="module")
def wheels(bill: Any) -> dict[str, Any]:
    """The components that pip downloaded, by name."""
    return {component["name"]: component for component in bill["components"] if component["name"] not in NOT_DOWNLOADED}


@pytest.fixture(scope="module")
def files(package: Package) -> dict[str, bytes]:
    return read_zip(package.zip)


def read_zip(path: Path | None) -> dict[str, bytes]:
    assert path is not None
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_bill_is_valid_cyclonedx(package: Package) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(package.sbom.read_text()) is None


def test_bill_names_the_hash_of_the_zip(package: Package, bill: Any) -> None:
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": package.sha256}]


def test_bill_lists_exactly_the_libraries_in_the_zip(package: Package, wheels: dict[str, Any]) -> None:
    untrimmed = read_zip(package.untrimmed)
    libraries = {
        line.partition("/")[0].partition(",")[0]: re.sub(r"[-_.]+", "-", name.rpartition(".dist-info")[0]).lower()
        for name, content in untrimmed.items()
        if name.endswith("/RECORD")
        for line in content.decode().splitlines()
        if not line.startswith(("..", "bin/")) and ".dist-info" not in line
    }
    with zipfile.ZipFile(package.zip) as archive:
        tops = {re.sub(r"\.pyc$", ".py", name.partition("/")[0]) for name in archive.namelist()}
    assert tops - set(libraries) == OURS | {"chalice"}
    assert {libraries[name] for name in tops & set(libraries)} == {
        re.sub(r"[-_.]+", "-", f"{name}-{component['version']}") for name, component in wheels.items()
    }


def test_each_wheel_has_a_pinned_hash(wheels: dict[str, Any]) -> None:
    pinned = infra.deploy.package.REQUIREMENTS.read_text().replace("\\\n", "")
    for name, component in wheels.items():
        [line] = re.findall(rf"^{name}=={re.escape(component['version'])} .*$", pinned, re.MULTILINE)
        [digest] = component["hashes"]
        assert f"--hash=sha256:{digest['content']}" in line


def test_source_of_libraries_is_not_modified(package: Package, files: dict[str, bytes]) -> None:
    untrimmed = read_zip(package.untrimmed)
    changed = {name for name in files if name in untrimmed and files[name] != untrimmed[name]}
    assert changed == {"botocore/data/endpoints.json"}
    added = {name for name in files if name not in untrimmed and not name.endswith(".pyc")}
    model = re.compile(r"botocore/data/(dynamodb|kms|logs|ses)/[\d-]+/[\w.-]+\.json")
    assert all(map(model.fullmatch, added)), added


def test_byte_code_of_libraries_comes_from_their_source(
    package: Package, files: dict[str, bytes], tmp_path: Path
) -> None:
    """Byte code replaces the source of libraries, so it is compared with the source in the wheels."""
    assert package.untrimmed is not None
    with zipfile.ZipFile(package.untrimmed) as archive:
        archive.extractall(tmp_path)
    modules = [name for name in files if name.endswith(".pyc") and "__pycache__" not in name]
    assert len(modules) > 200
    options = ("-q", "-b", "--invalidation-mode", "unchecked-hash", "-s", str(tmp_path), "-p", "/var/task")
    sources = "\n".join(str(tmp_path / name.removesuffix("c")) for name in modules)
    subprocess.run(
        [sys.executable, "-m", "compileall", *options, "-i", "-"],
        input=sources,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        text=True,
        check=True,
    )
    assert [name for name in modules if (tmp_path / name).read_bytes() != files[name]] == []


def test_service_models_have_only_the_used_operations(files: dict[str, bytes]) -> None:
    models = {
        name.split("/")[2]: json.loads(content) for name, content in files.items() if name.endswith("/service-2.json")
    }
    assert {service: sorted(model["operations"]) for service, model in models.items()} == {
        service: sorted(operations) for service, operations in OPERATIONS.items()
    }
    for model in models.values():
        assert set(re.findall(r'"shape":"(\w+)"', json.dumps(model, separators=(",", ":")))) <= set(model["shapes"])
        assert not any(isinstance(shape.get("documentation"), str) for shape in model["shapes"].values())
    for partition in json.loads(files["botocore/data/endpoints.json"])["partitions"]:
        assert set(partition["services"]) <= set(OPERATIONS)


def test_each_source_has_byte_code_that_python_does_not_check(files: dict[str, bytes]) -> None:
    """Only our own code has sources."""
    sources = [name for name in files if name.endswith(".py")]
    assert {name.partition("/")[0] for name in sources} == {"app.py", "chalicelib"}
    for name in sources:
        folder, _, module = name.rpartition("/")
        assert f"{folder}/__pycache__/{module[:-3]}.{sys.implementation.cache_tag}.pyc".lstrip("/") in files
    for name, code in files.items():
        if not name.endswith(".pyc"):
            continue
        assert code[:4] == MAGIC_NUMBER
        assert int.from_bytes(code[4:8], "little") == UNCHECKED_HASH


def test_package_contains_the_files_of_the_pages(files: dict[str, bytes]) -> None:
    pages = ROOT / "chalicelib" / "pages"
    expected = {path.relative_to(ROOT).as_posix() for path in pages.rglob("*.*") if path.suffix not in (".py", ".pyc")}
    assert expected
    assert expected <= set(files)


@pytest.mark.parametrize("target", infra.deploy.package.ARCHITECTURES)
def test_file_with_another_hash_is_rejected(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wheels: dict[str, Any]
) -> None:
    """Also for a platform that is not this machine's, where `chalice package` alone would accept it."""
    [kept] = wheels["bcrypt"]["hashes"]
    lock = re.sub(
        r"(?<=--hash=sha256:)\w+",
        lambda match: match[0] if match[0] == kept["content"] else "0" * 64,
        infra.deploy.package.REQUIREMENTS.read_text(),
    )
    changed = tmp_path / "requirements.txt"
    changed.write_text(lock)
    monkeypatch.setattr(infra.deploy.package, "REQUIREMENTS", changed)
    with pytest.raises(PackageError, match="DO NOT MATCH THE HASHES"):
        build_package(tmp_path / "package", target)


def test_error_of_chalice_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infra.deploy.package, "_SOURCES", ("chalicelib", ".chalice/config.json"))
    with pytest.raises(PackageError, match="app"):
        build_package(tmp_path)


def test_modules_that_nothing_imports_are_omitted(package: Package, files: dict[str, bytes]) -> None:
    assert not [name for name in files if name.startswith(infra.deploy.package._UNUSED_MODULES)]
    assert package.size <= 3_200_000
