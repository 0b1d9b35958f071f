"""Programs for the tests, each in a virtual environment of its own in build/venvs."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from infra import BUILD, ROOT


def environment(name: str) -> Path:
    """Return the Python of an environment with the content of requirements/NAME.txt. Creates it if necessary.

    Skips the test if the content cannot be downloaded.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    home, lock = BUILD / "venvs" / f"{name}-{version}", ROOT / "requirements" / f"{name}.txt"
    home.parent.mkdir(parents=True, exist_ok=True)
    with home.with_name(f"{home.name}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # several workers can need the environment at the same time
        return _create_environment(home, lock)


def _create_environment(home: Path, lock: Path) -> Path:
    """Create the environment `home`, unless it is complete. Return its Python."""
    python, ready = home / "bin" / "python", home / "ready"
    if ready.exists() and ready.read_text() == lock.read_text():
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", home], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--quiet", "--disable-pip-version-check"]
    process = subprocess.run(
        [*pip, "install", "--no-compile", "--require-hashes", "-r", lock], capture_output=True, text=True, check=False
    )
    if process.returncode:
        pytest.skip(f"cannot install requirements/{lock.name}: {process.stderr.strip().splitlines()[-1]}")
    ready.write_text(lock.read_text())
    return python
