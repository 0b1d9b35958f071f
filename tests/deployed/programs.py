"""Programs of other people that the artefact is proven on, each in a virtual environment of its own under build/."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.deploy.package import BUILD, ROOT

LOCKS = ROOT / "requirements"


def environment(name: str) -> Path:
    """The Python of an environment with what requirements/NAME.txt pins, made if need be. Skips the test without a
    registry.
    """
    home, lock = BUILD / "venvs" / f"{name}-{sys.version_info.major}.{sys.version_info.minor}", LOCKS / f"{name}.txt"
    python, ready = home / "bin" / "python", home / "ready"
    if ready.exists() and ready.read_text() == lock.read_text():
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", home], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--quiet", "--disable-pip-version-check"]
    installed = subprocess.run(
        [*pip, "install", "--no-compile", "--require-hashes", "-r", lock], capture_output=True, text=True, check=False
    )
    if installed.returncode:
        pytest.skip(f"cannot install requirements/{lock.name}: {installed.stderr.strip().splitlines()[-1]}")
    ready.write_text(lock.read_text())
    return python
