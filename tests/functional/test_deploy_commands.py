"""Errors before and during a deployment. Each message is one sentence that names the cause."""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from click.testing import CliRunner

import infra.deploy.package
import infra.deploy.stacks
from infra import project_version
from infra.cli import cli
from infra.deploy.commands import _check_environment
from infra.deploy.package_model import Package, PackageError
from infra.deploy.release_file import read_release, write_release
from infra.deploy.releases import Releases
from infra.deploy.smoke import run_smoke_test
from infra.deploy.stacks import Event, OperationFailed, Stack, Stacks
from infra.deploy.stage import DeployError, Stage
from infra.region import MISSING_REGION

STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/waybill-dev/1"
CHANGE_SET_ID = "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/waybill/1"
IN_AWS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "nothing"}
CREDENTIALS = {"aws_access_key_id": "x", "aws_secret_access_key": "y"}


@pytest.fixture(autouse=True)
def no_aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the AWS settings of this machine, and do not search the network for credentials."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(infra.deploy.stacks, "POLL_SECONDS", 0)


def fail_to_deploy(*arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Return the error message of `waybill deploy`, which is one line."""
    result = CliRunner(env=env).invoke(cli, ["deploy", *arguments])
    assert result.exit_code == 1, result.output
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    return result.output.removeprefix("Error: ").strip()


def create_stage() -> Stage:
    return Stage("dev", "eu-west-1", "123456789012", boto3.Session(region_name="eu-west-1", **CREDENTIALS))


def test_version_is_the_one_in_pyproject() -> None:
    result = CliRunner().invoke(cli, ["--version"])
    assert result.exit_code == 0
    assert project_version() in result.output


def test_missing_region_is_reported() -> None:
    assert "AWS_REGION" in fail_to_deploy(env=IN_AWS)


def test_missing_credentials_are_reported() -> None:
    assert "AWS_PROFILE" in fail_to_deploy("--region", "eu-west-1")


def test_missing_profile_is_named() -> None:
    assert "nobody" in fail_to_deploy("--region", "eu-west-1", env={"AWS_PROFILE": "nobody"})


def test_unreachable_endpoint_is_named() -> None:
    url = "http://127.0.0.1:9"
    assert url in fail_to_deploy("--region", "eu-west-1", env={**IN_AWS, "AWS_ENDPOINT_URL": url})


@pytest.mark.parametrize("name", ["x", "Prod", "a_b", "-dev", "dev-", "a" * 21])
def test_invalid_stage_name_is_rejected(name: str) -> None:
    assert repr(name) in fail_to_deploy("--stage", name, "--region", "eu-west-1", env=IN_AWS)


@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-1", "us-gov-east-1"])
def test_bucket_name_has_at_most_63_characters(region: str) -> None:
    assert len(Stage("a" * 20, region, "123456789012", None).bucket) <= 63


@pytest.mark.exhaustive
@pytest.mark.parametrize("command", ["deploy", "status", "logs", "rollback", "destroy", "users", "doctor", "audit"])
def test_each_command_uses_aws_region(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    arguments = {"users": ["users", "list"]}.get(command, [command])
    environment = {**IN_AWS, "AWS_REGION": "eu-west-1"}
    with_region = CliRunner(env=environment).invoke(cli, [*arguments, "--stage", "dev"])
    without = CliRunner(env=IN_AWS).invoke(cli, [*arguments, "--stage", "dev"])
    assert MISSING_REGION not in with_region.output
    assert MISSING_REGION in without.output


@pytest.mark.exhaustive
@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("option", "value"),
    [("--registry-endpoints", "http://r.example.com"), ("--token-lifetime", "59"), ("--signer", "none")],
)
def test_invalid_setting_is_rejected_before_anything_is_created(option: str, value: str) -> None:
    result = CliRunner(env=IN_AWS).invoke(cli, ["deploy", "--region", "eu-west-1", "--yes", option, value])
    assert result.exit_code == 1
    assert option.removeprefix("--").replace("-", "_").upper() in result.output
    session = boto3.Session(region_name="eu-west-1", **CREDENTIALS)
    assert session.client("s3").list_buckets()["Buckets"] == []
    assert session.client("cloudformation").describe_stacks()["Stacks"] == []


def test_release_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path, package = write_test_release(tmp_path)
    read = read_release(path, tmp_path / "read", "arm64")
    assert (read.sha256, read.template, read.architecture) == (package.sha256, package.template, "arm64")
    assert read.zip.read_bytes() == package.zip.read_bytes()
    assert read.sbom.read_bytes() == package.sbom.read_bytes()


def test_release_for_another_processor_is_rejected(tmp_path: Path) -> None:
    path, _ = write_test_release(tmp_path)
    with pytest.raises(PackageError, match="--architecture arm64"):
        read_release(path, tmp_path / "read", "x86_64")


def test_damaged_release_is_rejected(tmp_path: Path) -> None:
    path, _ = write_test_release(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"the code", b"bad code"))
    with pytest.raises(PackageError, match=r"release\.zip"):
        read_release(path, tmp_path / "read", "arm64")


def write_test_release(folder: Path) -> tuple[Path, Package]:
    (folder / "waybill.zip").write_bytes(b"the code")
    (folder / "waybill.cdx.json").write_bytes(b"{}")
    sha256 = hashlib.sha256(b"the code").hexdigest()
    package = Package(folder / "waybill.zip", sha256, folder / "waybill.cdx.json", {"Resources": {}}, "arm64")
    write_release(package, folder / "release.zip")
    return folder / "release.zip", package


def test_package_contains_only_files_that_git_tracks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chalicelib").mkdir()
    for name in ("app.py", "chalicelib/tracked.py", "chalicelib/.env", "chalicelib/untracked.py"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(infra.deploy.package, "ROOT", tmp_path)
    for command in (["init", "-q"], ["add", "app.py", "chalicelib/tracked.py"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    assert infra.deploy.package._list_sources() == ["app.py", "chalicelib/tracked.py"]


def test_environment_of_a_deployment_contains_no_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DeployError, match="REGISTRATION"):
        _check_environment({"REGISTRTION": "closed"})
    _check_environment({"REGISTRATION": "closed", "PATH": "/bin", "STACK": "waybill-dev"})
    (warning,) = capsys.readouterr().err.splitlines()
    assert "--registration" in warning


def test_bucket_of_another_account_is_named() -> None:
    stage = create_stage()
    s3 = stage.client("s3")
    with Stubber(s3) as stub:
        stub.add_client_error("create_bucket", "BucketAlreadyExists", http_status_code=409)
        with pytest.raises(DeployError, match="waybill-dev-123456789012-eu-west-1"):
            Releases(stage, s3).add(Package(None, "", None, {}, "arm64"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "reason", ["The submitted information didn't contain changes.", "No updates are to be performed."]
)
def test_change_set_without_changes_is_deleted(reason: str) -> None:
    client = create_stage().client("cloudformation")
    with Stubber(client) as stub:
        add_change_set(stub, "FAILED", reason)
        stub.add_response("delete_change_set", {})
        stub.add_response("describe_stacks", {"Stacks": [describe_stack()]})
        assert not Stacks(client).create_change_set("waybill-dev", []).is_required
        stub.assert_no_pending_responses()


def test_reason_of_a_failed_change_set_is_reported() -> None:
    client = create_stage().client("cloudformation")
    with Stubber(client) as stub:
        add_change_set(stub, "FAILED", "Template error: a wrong reference")
        stub.add_response("delete_change_set", {})
        stub.add_response("describe_stacks", {"Stacks": [describe_stack()]})
        with pytest.raises(DeployError, match="Template error: a wrong reference"):
            Stacks(client).create_change_set("waybill-dev", [])


def describe_stack() -> dict[str, Any]:
    return {
        "StackId": STACK_ID,
        "StackName": "waybill-dev",
        "StackStatus": "UPDATE_COMPLETE",
        "CreationTime": "2025-01-01T00:00:00Z",
    }


def add_change_set(stub: Stubber, status: str, reason: str) -> None:
    """Add the responses for a change set that first is in progress and then has `status`."""
    stub.add_response("describe_stacks", {"Stacks": [describe_stack()]})
    stub.add_response("create_change_set", {"Id": CHANGE_SET_ID, "StackId": STACK_ID})
    stub.add_response("describe_change_set", {"Status": "CREATE_IN_PROGRESS"})
    stub.add_response("describe_change_set", {"Status": status, "StatusReason": reason})


def describe_event(resource: str, status: str, reason: str = "") -> dict[str, Any]:
    is_stack = resource == "waybill-dev"
    return {
        "StackId": STACK_ID,
        "StackName": "waybill-dev",
        "EventId": f"{resource} {status}",
        "Timestamp": "2025-01-01T00:00:00Z",
        "LogicalResourceId": resource,
        "PhysicalResourceId": STACK_ID if is_stack else resource,
        "ResourceType": "AWS::CloudFormation::Stack" if is_stack else "AWS::SNS::Topic",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


FAILED_UPDATE = [
    describe_event("waybill-dev", "UPDATE_COMPLETE", "an earlier operation"),
    describe_event("waybill-dev", "UPDATE_IN_PROGRESS", "User Initiated"),
    describe_event("First", "UPDATE_IN_PROGRESS"),
    describe_event("Second", "UPDATE_IN_PROGRESS"),
    describe_event("First", "UPDATE_FAILED", "the first cause"),
    describe_event("Second", "UPDATE_FAILED", "Resource update cancelled"),
    describe_event(
        "waybill-dev", "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to update: [First]."
    ),
    describe_event("Third", "UPDATE_FAILED", "a consequence of the rollback"),
    describe_event("waybill-dev", "UPDATE_ROLLBACK_COMPLETE"),
]


def follow(*responses: list[dict[str, Any]]) -> list[Event]:
    """Follow an update whose events are `responses`, oldest first. Return the events that are printed."""
    client = create_stage().client("cloudformation")
    events: list[Event] = []
    with Stubber(client) as stub:
        for response in responses:
            stub.add_response("describe_stack_events", {"StackEvents": response[::-1]})
        try:
            Stacks(client).follow(Stack(STACK_ID, "waybill-dev", "UPDATE_IN_PROGRESS", {}, {}), events.append)
        finally:
            stub.assert_no_pending_responses()
    return events


def test_first_failure_is_reported_instead_of_its_consequences() -> None:
    with pytest.raises(OperationFailed) as failure:
        follow(FAILED_UPDATE)
    assert "First" in str(failure.value)
    assert "the first cause" in str(failure.value)
    assert "consequence" not in str(failure.value)


def test_each_event_is_printed_once() -> None:
    events = [
        describe_event("waybill-dev", "UPDATE_COMPLETE", "an earlier operation"),
        describe_event("waybill-dev", "UPDATE_IN_PROGRESS"),
        describe_event("First", "UPDATE_COMPLETE"),
        describe_event("waybill-dev", "UPDATE_COMPLETE"),
    ]
    printed = follow(*(events[:count] for count in (2, 2, 3, 4)))
    assert [(event.resource, event.status) for event in printed] == [
        ("waybill-dev", "UPDATE_IN_PROGRESS"),
        ("First", "UPDATE_COMPLETE"),
        ("waybill-dev", "UPDATE_COMPLETE"),
    ]


def test_failed_smoke_test_names_the_url() -> None:
    with pytest.raises(DeployError, match=r"http://127.0.0.1:9/v1/_ping"):
        run_smoke_test("http://127.0.0.1:9", attempts=2, sleep=lambda _: None)


def test_smoke_test_does_not_read_files() -> None:
    with pytest.raises(DeployError, match="not an HTTP URL"):
        run_smoke_test("file:///etc", attempts=1)
