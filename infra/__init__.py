"""Runs Waybill: the command `waybill` (cli.py), the administration, the deployment to AWS and the local server."""

import os
import shutil
import sys
import tomllib
from pathlib import Path

_CLONE = Path(__file__).parents[1]
IS_CLONE = (_CLONE / "pyproject.toml").exists()
ROOT = _CLONE if IS_CLONE else Path(__file__).with_name("project")  # the wheel contains the files of the project there
BUILD = (_CLONE if IS_CLONE else Path()) / "build"


def project_version() -> str:
    """Return the version of Waybill. pyproject.toml defines it."""
    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return version


def command_name() -> str:
    """Return the command that a person can enter: `waybill`, or its path if the shell does not find it."""
    program = Path(sys.executable).with_name("waybill")
    if shutil.which("waybill") is not None or not program.exists():
        return "waybill"
    return os.path.relpath(program)
