"""cfn-lint and checkov accept the templates that are deployed.

The accepted exceptions are in the `Metadata` of the templates, each with its reason.
"""

import json
import subprocess
from pathlib import Path

import pytest

from infra.deploy.package_model import Package
from tests.deployed.programs import environment

pytestmark = pytest.mark.xdist_group("package")


@pytest.fixture(scope="module")
def templates(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both templates."""
    folder = tmp_path_factory.mktemp("templates")
    for name in ("service.json", "data.json"):
        (folder / name).write_text(package.zip.with_name(name).read_text())
    return folder


def test_cfn_lint_finds_nothing(templates: Path) -> None:
    cfn_lint = environment("gates").with_name("cfn-lint")
    command: list[str | Path] = [cfn_lint, "--template"]
    process = subprocess.run([*command, *templates.glob("*.json")], capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")


def test_checkov_finds_nothing(templates: Path) -> None:
    checkov = environment("gates").with_name("checkov")
    command: list[str | Path] = [checkov, "--skip-download", "--framework", "cloudformation", "--output", "json"]
    process = subprocess.run([*command, "--directory", templates], capture_output=True, text=True, check=False)
    report = json.loads(process.stdout)
    assert [(check["resource"], check["check_id"]) for check in report["results"]["failed_checks"]] == []
    assert report["summary"]["passed"] >= 20
    assert report["summary"]["parsing_errors"] == 0
    assert all(check["check_result"]["suppress_comment"] for check in report["results"]["skipped_checks"])
