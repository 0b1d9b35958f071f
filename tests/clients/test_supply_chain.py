"""Everything that is installed is pinned with a hash, and the repository contains no secret."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.conftest import ROOT

LOCKS = [ROOT / "requirements.txt", ROOT / "requirements-dev.txt", *sorted((ROOT / "requirements").glob("*.txt"))]
CODE_FOLDERS = ("bench", "chalicelib", "docs", "infra", "tests")
PLANTED = {  # in parts, so that the search does not find them in this file
    "AWS Access Key": "the key is AKIA" + "Z7QH4M2XWVTN5RJD",
    "Private Key": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIBOgIBAAJBAK\n",
    "GitHub Token": "token: ghp_" + "x1" * 18,
    "Secret Keyword": 'password = "' + 'Tr0ub4dor&3"',
    "Basic Auth Credentials": "https://operator:" + "hunter22@index.example.com/",
}


def search_for_secrets(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run `make secrets` in a folder, with the rules of this repository."""
    for name in ("Makefile", ".secrets.baseline"):
        shutil.copy(ROOT / name, folder)
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    command = ["make", f"VENV={sys.prefix}", f"--old-file={sys.prefix}/ready", "secrets"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_secret_in_a_file_is_found(tmp_path: Path) -> None:
    for kind, secret in PLANTED.items():
        (tmp_path / f"{kind}.txt").write_text(secret)
    process = search_for_secrets(tmp_path)
    assert process.returncode != 0
    found = re.findall(r"Secret Type: +(.+)\nLocation: +(.+):1\n", process.stdout)
    assert {(kind, f"{kind}.txt") for kind in PLANTED} <= set(found), process.stdout


def test_example_password_is_not_a_secret(tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text('password = "correct horse"\n')
    process = search_for_secrets(tmp_path)
    assert (process.returncode, process.stderr) == (0, "")


def test_baseline_excludes_no_file_and_names_no_local_path() -> None:
    baseline = (ROOT / ".secrets.baseline").read_text()
    assert '"results": {}' in baseline
    assert "should_exclude_file" not in baseline
    assert "should_exclude_line" not in baseline
    assert not re.search(r'"/(?!v1/)|home|tmp', baseline)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_each_dependency_has_a_version_and_hashes(lock: Path) -> None:
    assert lock.with_suffix(".in").exists()
    pinned = re.sub(r"\\\n", "", re.sub(r"^ *#.*\n", "", lock.read_text(), flags=re.MULTILINE)).splitlines()
    assert pinned
    for line in pinned:
        assert re.fullmatch(r"[a-z0-9-]+(\[[a-z,]+\])?==\S+( ; [^-]+)?( +--hash=sha256:[0-9a-f]{64})+", line), line


def test_each_input_file_has_a_lock() -> None:
    inputs = [*ROOT.glob("requirements*.in"), *(ROOT / "requirements").glob("*.in")]
    assert sorted(path.with_suffix(".txt") for path in inputs) == sorted(LOCKS)


def test_build_backend_is_pinned() -> None:
    assert re.search(r"^hatchling==", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE)


def test_pip_installs_only_files_with_a_hash() -> None:
    code = [path for folder in CODE_FOLDERS for path in (ROOT / folder).rglob("*.py")]
    commands = [
        line
        for path in (ROOT / "Makefile", ROOT / ".ci" / "run", *code)
        if path != Path(__file__)
        for line in path.read_text().splitlines()
        if re.search(r'(pip|PIP\)) install |"install", "-', line)
    ]
    assert len(commands) == 6  # pip, the environment, `waybill`, uv, the package and the environments of other programs
    for line in commands:
        assert "--require-hashes" in line or "--no-index --no-deps" in line


def test_npm_installs_only_files_with_a_hash() -> None:
    lock = (ROOT / "bench" / "dynalite" / "package-lock.json").read_text()
    assert lock.count('"integrity": "sha512-') == lock.count('"node_modules/') > 0
    assert '"resolved"' not in lock  # it would name a registry


def test_each_exception_for_bandit_has_a_reason() -> None:
    lines = [
        line
        for path in [ROOT / "app.py", *(path for name in CODE_FOLDERS[:-1] for path in (ROOT / name).rglob("*.py"))]
        for line in path.read_text().splitlines()
        if "# nosec" in line
    ]
    assert lines
    for line in lines:
        assert re.search(r"# nosec B\d{3}( B\d{3})*  # \S", line), line


def test_unsupported_python_version_is_rejected_with_one_sentence(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.version_info = (3, 9, 18)\n$2"\n')
    python.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--no-print-directory", f"PYTHON={python}", f"VENV={tmp_path}/venv", f"{tmp_path}/venv/ready"]
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode != 0
    assert process.stdout == ""
    sentence, *rest = process.stderr.splitlines()
    assert "3.11" in sentence
    assert "3.9" in sentence
    assert all(line.startswith("make: ***") for line in rest)
