"""cfn-lint, with its rules for serverless, and checkov on the templates that are deployed.

What they must not say stands in the templates, in `Metadata`, each with its reason beside it.
"""

import json
import subprocess
from pathlib import Path

import pytest

from infra.deploy.data_template import document
from infra.deploy.package import Package
from tests.deployed.programs import environment

pytestmark = pytest.mark.xdist_group("artefact")


@pytest.fixture(scope="module")
def templates(artefact: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of both, as CloudFormation gets them."""
    folder = tmp_path_factory.mktemp("templates")
    (folder / "service.json").write_text(json.dumps(artefact.template, indent=1))
    (folder / "data.json").write_text(json.dumps(document(), indent=1))
    return folder


def test_cfn_lint_has_nothing_to_say(templates: Path) -> None:
    command: list[str | Path] = [
        environment("gates").with_name("cfn-lint"),
        "--append-rules",
        "cfn_lint_serverless.rules",
        "--template",
    ]
    ended = subprocess.run([*command, *templates.glob("*.json")], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_checkov_has_nothing_to_say(templates: Path) -> None:
    command: list[str | Path] = [
        environment("gates").with_name("checkov"),
        "--skip-download",
        "--framework",
        "cloudformation",
    ]
    ended = subprocess.run(
        [*command, "--output", "json", "--directory", templates], capture_output=True, text=True, check=False
    )
    found = json.loads(ended.stdout)
    said = [
        f"{check['resource']}: {check['check_id']} {check['check_name']}" for check in found["results"]["failed_checks"]
    ]
    assert said == []
    assert found["summary"]["passed"] >= 20, "it did not look"
    assert found["summary"]["parsing_errors"] == 0
    assert all(check["check_result"]["suppress_comment"] for check in found["results"]["skipped_checks"])
