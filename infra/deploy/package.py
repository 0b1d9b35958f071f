"""Builds the Lambda package with `chalice package`, then trims, compiles and zips it reproducibly.

pip downloads the libraries here, because Chalice checks hashes only for files of this machine's own platform.

Chalice's own package has 17 MB. Most of it describes AWS services that the index never calls, and it has no byte code,
so each cold start compiles the sources. `python -m bench.cold_start` measures the difference.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra import BUILD, ROOT
from infra.deploy.bill_of_materials import Wheel, write_bill_of_materials
from infra.deploy.data_template import read_data_template
from infra.deploy.package_model import Package, PackageError
from infra.deploy.release_file import write_release
from infra.deploy.service_models import OPERATIONS, SHARED_FILES, trim_service_models
from infra.deploy.service_template import add_function_properties

REQUIREMENTS = ROOT / "requirements.txt"
ARCHITECTURES = ("arm64", "x86_64")

_OWN_SOURCES = ("app.py", "chalicelib")
_SOURCES = (*_OWN_SOURCES, ".chalice/config.json")
_PLATFORMS = {"arm64": "manylinux2014_aarch64", "x86_64": "manylinux2014_x86_64"}  # every Lambda runtime supports them
_UNUSED_SUFFIXES = (".pyi", ".pyx", ".c", ".h", "py.typed", "examples-1.json", "paginators-1.json", "waiters-2.json")
_UNUSED_MODULES = (  # nothing in the package imports them, except for other platforms, protocols and tools
    "botocore/crt/auth.py",
    "botocore/stub.py",
    "dateutil/easter.py",
    "dateutil/rrule.py",
    "dateutil/tz/win.py",
    "dateutil/tzwin.py",
    "dateutil/zoneinfo/",
    "markdown_it/cli/",
    "markdown_it/tree.py",
    "urllib3/contrib/emscripten/",
    "urllib3/contrib/pyopenssl.py",
    "urllib3/contrib/socks.py",
)
_FILE_DATE = (1980, 1, 1, 0, 0, 0)  # the first date that the zip format supports


def build_package(out: Path = BUILD / "package", architecture: str = "arm64") -> Package:
    """Build the package in `out`, for the Python version that runs this. Raises PackageError.

    `out` also gets both templates, for tools other than `waybill deploy`. Takes about 10 seconds, mostly for downloads.
    """
    shutil.rmtree(out, ignore_errors=True)
    project, function = out / "project", out / "function"
    _copy_sources(project, architecture)
    wheels = _download_libraries(project / "vendor", architecture)
    untrimmed, template = _run_chalice(project, out / "chalice")
    with zipfile.ZipFile(untrimmed) as archive:
        archive.extractall(function, [name for name in archive.namelist() if _is_used(name)])
    trim_service_models(function / "botocore" / "data")
    _compile(function)
    target = out / "waybill.zip"
    _create_zip(function, target)
    sha256, sbom = hashlib.sha256(target.read_bytes()).hexdigest(), out / "waybill.cdx.json"
    sbom.write_text(write_bill_of_materials(sha256, wheels, datetime(*_FILE_DATE, tzinfo=UTC)))
    (out / "service.json").write_text(json.dumps(template, indent=1))
    (out / "data.json").write_text(json.dumps(read_data_template(), indent=1))
    package = Package(target, sha256, sbom, template, architecture, untrimmed)
    write_release(package, out / "release.zip")
    return package


def _copy_sources(project: Path, architecture: str) -> None:
    """Copy only the files that belong to the package, so that no other file of the work tree gets into it."""
    for name in _list_sources():
        target = project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    config = project / ".chalice" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "lambda_architecture": architecture}))


def _list_sources() -> list[str]:
    """Return the source files that git tracks. Without a repository, those without a leading dot in their names."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(  # nosec B603 B607  # the arguments are constants
            ["git", "ls-files", "-z", "--", *_SOURCES], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if listed.returncode:
            raise PackageError(f"git cannot list the sources: {listed.stderr.strip()}")
        return [name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]
    paths = (
        path for name in _SOURCES for path in ((ROOT / name).rglob("*") if (ROOT / name).is_dir() else [ROOT / name])
    )
    return [
        path.relative_to(ROOT).as_posix()
        for path in paths
        if path.is_file() and not path.name.startswith(".") and "__pycache__" not in path.parts
    ]


def _download_libraries(vendor: Path, architecture: str) -> list[Wheel]:
    """Install the wheels of requirements.txt into `vendor`, from where Chalice copies them unchanged.

    pip checks every file against its pinned hash, and runs no code of a library.
    """
    report = vendor.with_name("downloads.json")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    platform = ["--platform", _PLATFORMS[architecture], "--implementation", "cp", "--python-version", version]
    arguments = ["-m", "pip", "install", "--require-hashes", "--only-binary", ":all:", "--no-deps", "--no-compile"]
    files = ["--target", str(vendor.resolve()), "--report", str(report.resolve()), "--requirement", str(REQUIREMENTS)]
    _run_python("pip", [*arguments, *platform, *files], vendor.parent)
    return [
        Wheel(
            re.sub(r"[-_.]+", "-", wheel["metadata"]["name"]).lower(),  # the form of package URLs
            wheel["metadata"]["version"],
            wheel["download_info"]["url"].rpartition("/")[2],
            wheel["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for wheel in json.loads(report.read_text())["install"]
    ]


def _run_chalice(project: Path, out: Path) -> tuple[Path, dict[str, Any]]:
    """Return the zip of `chalice package`, and the template of the service stack."""
    chalice = ["-c", "import sys, chalice.cli; sys.exit(chalice.cli.main())"]
    arguments = [*chalice, "package", "--template-format", "json", str(out.resolve())]
    # Chalice imports app.py, which creates clients but calls nothing.
    environment = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
    _run_python("chalice package", arguments, project, **environment)
    return out / "deployment.zip", add_function_properties(json.loads((out / "sam.json").read_text()))


def _run_python(program: str, arguments: list[str], folder: Path, **environment: str) -> None:
    """Run this Python with `arguments`. Raises PackageError with the last error message, or the last line."""
    process = subprocess.run(  # nosec B603  # the arguments are constants and paths
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        lines = (process.stderr or process.stdout).strip().splitlines() or [f"status {process.returncode}"]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        raise PackageError(f"{program} failed: {(errors or lines)[-1]}")


def _is_used(name: str) -> bool:
    """Return whether the function reads this file of Chalice's zip."""
    top, _, rest = name.partition("/")
    if top == "bin" or top.endswith(".dist-info") or name.endswith(_UNUSED_SUFFIXES) or "__pycache__" in name:
        return False
    if name.startswith(_UNUSED_MODULES):
        return False
    if name.startswith("botocore/data/"):
        return rest.removeprefix("data/").split("/")[0] in (*OPERATIONS, *SHARED_FILES)
    return True


def _compile(function: Path) -> None:
    """Write byte code that Python never compares with its source, because the files in Lambda do not change.

    Byte code replaces the source of libraries, which is a fifth of the package. It needs the same Python version, as
    the compiled libraries do. Our own source remains, so that a traceback shows its lines.
    """
    libraries = [path for path in sorted(function.iterdir()) if path.name not in _OWN_SOURCES]
    _run_compiler(function, [function / name for name in _OWN_SOURCES])
    _run_compiler(function, libraries, "-b")
    for library in libraries:
        for source in [library] if library.suffix == ".py" else library.rglob("*.py"):
            source.unlink()


def _run_compiler(function: Path, paths: list[Path], *options: str) -> None:
    """Compile files and folders. A separate process with a fixed hash seed gives the same bytes each time."""
    fixed = ("-q", "-j1", "--invalidation-mode=unchecked-hash", f"-s{function}", "-p/var/task")
    subprocess.run(  # nosec B603  # the arguments are constants and paths
        [sys.executable, "-m", "compileall", *fixed, *options, *map(str, paths)],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        check=True,
    )


def _create_zip(function: Path, target: Path) -> None:
    """Zip the files in sorted order, with one date and mode, so that the same files give the same hash."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(function.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(function).as_posix(), _FILE_DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())
