"""What is not ours is what was pinned, and nothing secret is among what is."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.conftest import ROOT

LOCKS = [ROOT / "requirements.txt", ROOT / "requirements-dev.txt", *sorted((ROOT / "requirements").glob("*.txt"))]
PLANTED = {  # in pieces, or this very file would not pass
    "AWS Access Key": "the key is AKIA" + "Z7QH4M2XWVTN5RJD",
    "Private Key": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIBOgIBAAJBAK\n",
    "GitHub Token": "token: ghp_" + "x1" * 18,
    "Secret Keyword": 'password = "' + 'Tr0ub4dor&3"',
    "Basic Auth Credentials": "https://operator:" + "hunter22@index.example.com/",
}


def searched(folder: Path) -> "subprocess.CompletedProcess[str]":
    """`make secrets` on a folder, with this repository's rules."""
    for name in ("Makefile", ".secrets.baseline"):
        shutil.copy(ROOT / name, folder)
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    command = ["make", f"VENV={sys.prefix}", f"--old-file={sys.prefix}/ready", "secrets"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_secret_that_lies_about_is_found(tmp_path: Path) -> None:
    for kind, secret in PLANTED.items():
        (tmp_path / f"{kind}.txt").write_text(secret)
    ended = searched(tmp_path)
    assert ended.returncode != 0
    found = re.findall(r"Secret Type: +(.+)\nLocation: +(.+):1\n", ended.stdout)
    assert {(kind, f"{kind}.txt") for kind in PLANTED} <= set(found), ended.stdout


def test_what_the_tests_and_examples_say_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text('password = "correct horse"\n')
    ended = searched(tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_list_of_reviewed_values_names_no_machine_and_hides_no_file() -> None:
    reviewed = (ROOT / ".secrets.baseline").read_text()
    assert '"results": {}' in reviewed
    assert "should_exclude_file" not in reviewed
    assert "should_exclude_line" not in reviewed
    assert not re.search(r'"/(?!v1/)|home|tmp', reviewed)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_dependency_has_its_version_and_its_hashes(lock: Path) -> None:
    assert lock.with_suffix(".in").exists()
    pinned = re.sub(r"\\\n", "", re.sub(r"^ *#.*\n", "", lock.read_text(), flags=re.MULTILINE)).splitlines()
    assert pinned
    for line in pinned:
        assert re.fullmatch(r"[a-z0-9-]+(\[[a-z,]+\])?==\S+( ; [^-]+)?( +--hash=sha256:[0-9a-f]{64})+", line), line


def test_there_is_a_lock_for_all_that_is_asked_for() -> None:
    asked = [*ROOT.glob("requirements*.in"), *(ROOT / "requirements").glob("*.in")]
    assert sorted(path.with_suffix(".txt") for path in asked) == sorted(LOCKS)


def test_whatever_pip_installs_is_held_against_its_hash() -> None:
    code = [path for folder in ("bench", "chalicelib", "infra", "tests") for path in (ROOT / folder).rglob("*.py")]
    installs = [
        line
        for path in (ROOT / "Makefile", ROOT / ".ci" / "run", *code)
        if path != Path(__file__)
        for line in path.read_text().splitlines()
        if re.search(r'pip install |"install", "-', line)
    ]
    assert len(installs) == 5  # pip's own, the environment's, uv's, the function's, and other people's programs'
    for line in installs:
        assert "--require-hashes" in line


def test_whatever_npm_installs_is_held_against_its_hash() -> None:
    lock = (ROOT / "bench" / "dynalite" / "package-lock.json").read_text()
    assert lock.count('"integrity": "sha512-') == lock.count('"node_modules/') > 0
    assert '"resolved"' not in lock, "it would name a registry"


def test_bandit_is_told_to_look_away_only_for_a_reason() -> None:
    told = [
        line
        for folder in ("app.py", "bench", "chalicelib", "infra")
        for path in ([ROOT / folder] if folder.endswith(".py") else (ROOT / folder).rglob("*.py"))
        for line in path.read_text().splitlines()
        if "nosec" in line
    ]
    assert told
    for line in told:
        assert re.search(r"# nosec B\d{3}  # \S", line), line
