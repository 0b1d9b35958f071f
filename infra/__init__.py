"""Runs Waybill: the command `waybill` (cli.py), the administration, the deployment to AWS and the local server."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def project_version() -> str:
    """Return the version of Waybill. pyproject.toml defines it."""
    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return version
