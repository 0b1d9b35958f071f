"""A published release: one zip with the package, the template, the bill of materials and a description.

`waybill package` writes it, and `waybill deploy --release FILE` deploys it without building.
"""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

from infra import project_version
from infra.deploy.package_model import Package, PackageError

_FILES = ("waybill.zip", "waybill.cdx.json", "service.json", "release.json")
_FILE_DATE = (1980, 1, 1, 0, 0, 0)


def write_release(package: Package, target: Path) -> None:
    """Write a package into one file. The same package gives the same bytes."""
    description = {"version": project_version(), "architecture": package.architecture, "sha256": package.sha256}
    contents = (
        package.zip.read_bytes(),
        package.sbom.read_bytes(),
        json.dumps(package.template, sort_keys=True).encode(),
        json.dumps(description).encode(),
    )
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in zip(_FILES, contents, strict=True):
            archive.writestr(zipfile.ZipInfo(name, _FILE_DATE), content)


def read_release(path: Path, folder: Path, architecture: str) -> Package:
    """Return the package in a release file. `folder` receives its files. Raises PackageError."""
    try:
        with zipfile.ZipFile(path) as archive:
            contents = {name: archive.read(name) for name in _FILES}
        description: dict[str, Any] = json.loads(contents["release.json"])
        template = json.loads(contents["service.json"])
        built_for, sha256 = description["architecture"], description["sha256"]
    except OSError as error:
        raise PackageError(f"cannot read {path}: {error.strerror}") from error
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise PackageError(f"{path} is not a release: `waybill package` writes build/package/release.zip") from error
    if hashlib.sha256(contents["waybill.zip"]).hexdigest() != sha256:
        raise PackageError(f"{path} is damaged: the package does not have the hash {sha256}")
    if built_for != architecture:
        raise PackageError(f"{path} is a release for {built_for}: pass --architecture {built_for}")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return Package(folder / "waybill.zip", sha256, folder / "waybill.cdx.json", template, built_for)
