"""Programs of other people that the artefact is proven on, each in a virtual environment of its own under build/."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.package import BUILD

PROGRAMS = {
    "runtime": ("awslambdaric==4.2.2",),  # Lambda's own runtime client, and nothing beside it
    "gates": ("cfn-lint==1.58.0", "cfn-lint-serverless==0.3.6", "checkov==3.3.30"),
    "ministack": ("ministack==1.5.33", "cryptography==50.0.2", "aws-sam-translator==1.115.0"),
}


def environment(name: str) -> Path:
    """The Python of an environment with `PROGRAMS[name]`, made if need be. Skips the test without a registry."""
    home = BUILD / "venvs" / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    python, ready = home / "bin" / "python", home / "ready"
    if ready.exists() and ready.read_text() == str(PROGRAMS[name]):
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PROGRAMS[name]]
    installed = subprocess.run(command, capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"cannot install {' '.join(PROGRAMS[name])}: {installed.stderr.strip().splitlines()[-1]}")
    ready.write_text(str(PROGRAMS[name]))
    return python
