"""The artefact: what `chalice package` makes, then trimmed to what the index uses, precompiled, and the same each time.

The libraries are fetched here and not by Chalice: it looks at hashes only while it asks for this machine's own files,
and takes what it then fetches for Lambda's machine as it comes.

Chalice's own zip has 17 MB, nearly all of it descriptions of services that the index never calls, and no byte code, so
that each cold start compiles and reads what this leaves out. `python -m bench.cold_start` measures it.
"""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from infra.deploy.bill_of_materials import Wheel, bill_of_materials
from infra.deploy.data_template import document

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements.txt"
SERVICE_TEMPLATE = ROOT / "infra" / "deploy" / "service.yaml"
BUILD = ROOT / "build"
ARCHITECTURES = ("arm64", "x86_64")

_SOURCES = ("app.py", "chalicelib", ".chalice/config.json")
_PLATFORMS = {"arm64": "manylinux2014_aarch64", "x86_64": "manylinux2014_x86_64"}  # every Lambda runs these
OPERATIONS = {  # what the function calls: all of botocore's descriptions that stay in the zip
    "dynamodb": (
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "TransactWriteItems",
        "UpdateItem",
    ),
    "kms": ("GenerateMac",),
    "ses": ("SendEmail",),
}
_BOTOCORE_DATA = ("_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json")
_DEAD_SUFFIXES = (".pyi", ".pyx", ".c", ".h", "py.typed", "examples-1.json", "paginators-1.json", "waiters-2.json")
_RARELY_MATCHED = {  # patterns for IPv6 addresses in URLs: four of them, and a twentieth of a cold start to compile
    "urllib3/util/url.py": ("_IPV6_RE", "_IPV6_ADDRZ_RE", "_BRACELESS_IPV6_ADDRZ_RE"),
    "botocore/compat.py": ("IPV6_ADDRZ_RE",),
}
_LATE_PATTERN = """

class _LatePattern:
    def __init__(self, *pattern):
        self._pattern = pattern

    def match(self, text):
        return re.compile(*self._pattern).match(text)


"""
_EPOCH = (1980, 1, 1, 0, 0, 0)


class PackageError(Exception):
    """The artefact cannot be made. The message says why, for a person."""


@dataclass(frozen=True, slots=True)
class Package:
    """What goes to AWS: the function's zip with its SHA-256, the bill of what is in it (`sbom`), and the template of
    the function and its surroundings.

    `untrimmed` is the zip as Chalice made it; sizes are in bytes.
    """

    zip: Path
    sha256: str
    sbom: Path
    template: dict[str, Any]
    untrimmed: Path
    size: int
    untrimmed_size: int


def package(out: Path = BUILD / "package", architecture: str = "arm64") -> Package:
    """Makes the artefact under `out`, for the Python that runs this, with both templates beside it for other tools than
    `deploy`. Takes some 10 seconds, most of them downloads.

    Raises PackageError.
    """
    shutil.rmtree(out, ignore_errors=True)
    project = out / "project"
    _copy_sources(project, architecture)
    wheels = _fetch_libraries(project / "vendor", architecture)
    made = _chalice_package(project, out / "chalice")
    untrimmed = made / "deployment.zip"
    function = out / "function"
    with zipfile.ZipFile(untrimmed) as archive:
        archive.extractall(function, [name for name in archive.namelist() if _is_used(name)])
    _trim_descriptions(function / "botocore" / "data")
    _drop_documentation_writer(function / "botocore" / "docs")
    for name, patterns in _RARELY_MATCHED.items():
        _compile_late(function / name, patterns)
    _compile(function)
    target = out / "waybill.zip"
    _zip(function, target)
    sha256, sbom = hashlib.sha256(target.read_bytes()).hexdigest(), out / "waybill.cdx.json"
    sbom.write_text(bill_of_materials(sha256, wheels, datetime(*_EPOCH, tzinfo=UTC)))
    template: dict[str, Any] = json.loads((made / "sam.json").read_text())
    (out / "service.json").write_text(json.dumps(template, indent=1))
    (out / "data.json").write_text(json.dumps(document(), indent=1))
    return Package(
        target,
        sha256,
        sbom,
        template,
        untrimmed,
        target.stat().st_size,
        untrimmed.stat().st_size,
    )


def _copy_sources(project: Path, architecture: str) -> None:
    """Only what belongs in the zip, so that nothing that lies about in the work tree gets in."""
    for name in _SOURCES:
        source, target = ROOT / name, project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    config = project / ".chalice" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "lambda_architecture": architecture}))


def _fetch_libraries(vendor: Path, architecture: str) -> list[Wheel]:
    """Puts the libraries of requirements.txt where Chalice looks for what it is to add as it is. Every file that pip
    takes has a hash that stands there, and no code of a library runs: wheels only.
    """
    report = vendor.with_name("fetched.json")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for_lambda = ["--platform", _PLATFORMS[architecture], "--implementation", "cp", "--python-version", version]
    arguments = ["-m", "pip", "install", "--require-hashes", "--only-binary", ":all:", "--no-deps", "--no-compile"]
    to = ["--target", str(vendor.resolve()), "--report", str(report.resolve()), "--requirement", str(REQUIREMENTS)]
    _run("pip", [*arguments, *for_lambda, *to], vendor.parent)
    return [
        Wheel(
            fetched["metadata"]["name"],
            fetched["metadata"]["version"],
            fetched["download_info"]["url"].rpartition("/")[2],
            fetched["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for fetched in json.loads(report.read_text())["install"]
    ]


def _chalice_package(project: Path, out: Path) -> Path:
    merged = project / "service.json"  # from YAML, Chalice would write a template with tags of its own
    merged.write_text(json.dumps(yaml.safe_load(SERVICE_TEMPLATE.read_text())))
    chalice = ["-c", "import sys, chalice.cli; sys.exit(chalice.cli.main())"]
    command = [*chalice, "package", "--merge-template", merged.name, str(out.resolve())]
    _run("chalice package", command, project, AWS_DEFAULT_REGION="us-east-1")
    return out


def _run(what: str, arguments: list[str], folder: Path, **environment: str) -> None:
    """Runs this Python with `arguments`. Raises PackageError with the last error that it told, or the last line."""
    ended = subprocess.run(  # nosec B603  # our own arguments
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        lines = (ended.stderr or ended.stdout).strip().splitlines() or [f"status {ended.returncode}"]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        raise PackageError(f"{what} failed: {(errors or lines)[-1]}")


def _is_used(name: str) -> bool:
    """Whether an entry of Chalice's zip is anything that the function reads."""
    top, _, rest = name.partition("/")
    if top == "bin" or top.endswith(".dist-info") or name.endswith(_DEAD_SUFFIXES) or "__pycache__" in name:
        return False
    if name.startswith("botocore/data/"):
        return rest.removeprefix("data/").split("/")[0] in (*OPERATIONS, *_BOTOCORE_DATA)
    return True


def _trim_descriptions(data: Path) -> None:
    """Leaves out other services' endpoints, operations that are never called, and all documentation: parsing them is a
    fifth of a cold start.
    """
    endpoints = data / "endpoints.json"
    described = json.loads(endpoints.read_text())
    for partition in described["partitions"]:
        partition["services"] = {k: v for k, v in partition["services"].items() if k in OPERATIONS}
    endpoints.write_text(json.dumps(described, separators=(",", ":")))
    for service, operations in OPERATIONS.items():
        *outdated, current = sorted((data / service).iterdir())
        for version in outdated:
            shutil.rmtree(version)
        for packed in current.glob("*.json.gz"):
            model = json.loads(gzip.decompress(packed.read_bytes()), object_hook=_without_documentation)
            if packed.name == "service-2.json.gz":
                _keep_operations(model, operations)
            packed.with_suffix("").write_text(json.dumps(model, separators=(",", ":")))
            packed.unlink()


def _without_documentation(described: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in described.items() if k != "documentation" or not isinstance(v, str)}


def _keep_operations(model: dict[str, Any], names: Iterable[str]) -> None:
    """Cuts a service's description down to some operations and the shapes that they are made of."""
    model["operations"] = {name: model["operations"][name] for name in names}
    shapes, wanted = model.pop("shapes"), list(_shapes_in(model["operations"]))
    model["shapes"] = {}
    while wanted:
        name = wanted.pop()
        if name not in model["shapes"]:
            model["shapes"][name] = shapes[name]
            wanted += _shapes_in(shapes[name])


def _shapes_in(described: Any) -> Iterator[str]:
    """The names of the shapes that a part of a description refers to."""
    if isinstance(described, dict):
        if isinstance(described.get("shape"), str):
            yield described["shape"]
        described = list(described.values())
    if isinstance(described, list):
        for each in described:
            yield from _shapes_in(each)


def _drop_documentation_writer(docs: Path) -> None:
    """What botocore imports, with an HTML parser, for docstrings that nobody reads in a Lambda. Two modules stay, which
    name those docstrings and never make them. Raises PackageError for a botocore that has it otherwise.
    """
    for path in sorted(docs.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        elif path.name not in ("docstring.py", "utils.py"):
            path.unlink()
    (docs / "__init__.py").touch()
    docstring = docs / "docstring.py"
    lines = docstring.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("from botocore.docs.")]
    if len(lines) - len(kept) != 4 or any("import" in line.split() for line in kept):
        raise PackageError("botocore/docs/docstring.py imports other things than it did")
    docstring.write_text("".join(kept))


def _compile_late(module: Path, patterns: Iterable[str]) -> None:
    """Lets a library compile some of its patterns when they are first matched. Raises PackageError where it cannot."""
    text = module.read_text()
    first = min(text.find(f"\n{name} = re.compile(") for name in patterns)
    if first < 0:
        raise PackageError(f"{module.name} has its patterns otherwise than it did: look at _RARELY_MATCHED")
    head, tail = text[:first], text[first:]
    for name in patterns:
        tail = tail.replace(f"\n{name} = re.compile(", f"\n{name} = _LatePattern(")
    module.write_text(head + _LATE_PATTERN + tail)


def _compile(function: Path) -> None:
    """Byte code that is never checked against its source: Lambda's files do not change. A process of its own with a
    fixed hash seed, for the same bytes each time.
    """
    options = ["-q", "-j", "1", "--invalidation-mode", "unchecked-hash", "-s", str(function), "-p", "/var/task"]
    subprocess.run(  # nosec B603  # our own arguments
        [sys.executable, "-m", "compileall", *options, str(function)],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        check=True,
    )


def _zip(function: Path, target: Path) -> None:
    """Sorted, with one date and one mode for all files: the same input makes the same hash."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(function.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(function).as_posix(), _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())
