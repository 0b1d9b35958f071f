"""What keeps a deployment from beginning: each one sentence that says what to do, and nothing was made."""

import os
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from click.testing import CliRunner

from infra.cli import cli
from infra.deploy.options import consistent
from infra.deploy.package import Package
from infra.deploy.releases import Releases
from infra.deploy.smoke import smoke_test
from infra.deploy.stacks import Event, OperationFailed, Stack, Stacks
from infra.deploy.stage import DeployError, Stage

STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/waybill-dev/1"
IN_AWS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "nothing"}


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No AWS settings of whoever runs this, and no credentials looked for on a network."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def refused(*arguments: str, env: Mapping[str, str] | None = None) -> str:
    result = CliRunner(env=env).invoke(cli, ["deploy", *arguments])
    assert result.exit_code == 1, result.output
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    return result.output.removeprefix("Error: ").strip()


def stage() -> Stage:
    return Stage("dev", "eu-west-1", "123456789012", boto3.Session(region_name="eu-west-1", **CREDENTIALS))


CREDENTIALS = {"aws_access_key_id": "x", "aws_secret_access_key": "y"}


def test_a_missing_region_is_asked_for() -> None:
    assert refused(env=IN_AWS).startswith("which region? Say it with REGION=…")


def test_missing_credentials_are_asked_for() -> None:
    assert refused("--region", "eu-west-1").startswith("no AWS credentials: set AWS_PROFILE, or")


def test_a_profile_that_is_not_there_is_named() -> None:
    said = refused("--region", "eu-west-1", env={"AWS_PROFILE": "nobody"})
    assert said == "the AWS credentials cannot be used: The config profile (nobody) could not be found"


def test_an_address_where_nothing_answers_is_named() -> None:
    said = refused("--region", "eu-west-1", env={**IN_AWS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert said.startswith("nothing answers at http://127.0.0.1:9")


@pytest.mark.parametrize("name", ["x", "Prod", "a_b", "-dev", "dev-", "a" * 21])
def test_a_name_that_no_stage_can_have_is_refused(name: str) -> None:
    assert refused("--stage", name, "--region", "eu-west-1", env=IN_AWS).startswith("a stage's name is 2 to 20 of")


@pytest.mark.usefixtures("aws")
def test_a_certificate_of_another_region_is_refused() -> None:
    elsewhere = "arn:aws:acm:eu-west-1:123456789012:certificate/1"
    assert refused("--region", "eu-west-1", "--certificate", elsewhere, env=IN_AWS).startswith(
        "--certificate is the ARN of a certificate in ACM in us-east-1, the one region where CloudFront looks for it"
    )


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"DomainName": "index.example.com"}, "--domain-name needs --certificate"),
        ({"AccountActivation": "email"}, "--account-activation email needs --email-sender"),
    ],
)
def test_settings_that_cannot_go_together_are_refused(values: dict[str, str], sentence: str) -> None:
    with pytest.raises(DeployError, match=sentence):
        consistent(values)


def test_a_bucket_name_that_is_taken_by_another_account_is_said() -> None:
    deploying = stage()
    with Stubber(deploying.s3) as answers:
        answers.add_client_error("create_bucket", "BucketAlreadyExists", http_status_code=409)
        with pytest.raises(
            DeployError, match="waybill-dev-artefacts-123456789012-eu-west-1 belongs to another account"
        ):
            Releases(deploying).add(Package(None, "", None, {}, None, 0, 0))  # type: ignore[arg-type]


def event(resource: str, status: str, reason: str = "") -> dict[str, Any]:
    own = resource == "waybill-dev"
    return {
        "StackId": STACK_ID,
        "StackName": "waybill-dev",
        "EventId": f"{resource} {status}",
        "Timestamp": "2025-01-01T00:00:00Z",
        "LogicalResourceId": resource,
        "PhysicalResourceId": STACK_ID if own else resource,
        "ResourceType": "AWS::CloudFormation::Stack" if own else "AWS::SNS::Topic",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


FAILED_UPDATE = [
    event("waybill-dev", "UPDATE_COMPLETE", "an operation before"),
    event("waybill-dev", "UPDATE_IN_PROGRESS", "User Initiated"),
    event("First", "UPDATE_IN_PROGRESS"),
    event("Second", "UPDATE_IN_PROGRESS"),
    event("First", "UPDATE_FAILED", "the first cause"),
    event("Second", "UPDATE_FAILED", "Resource update cancelled"),
    event("waybill-dev", "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to update: [First, Second]."),
    event("Third", "UPDATE_FAILED", "a consequence of the rollback"),
    event("waybill-dev", "UPDATE_ROLLBACK_COMPLETE"),
]


def test_the_first_failure_is_told_and_not_what_followed_from_it() -> None:
    client = stage().cloudformation
    told: list[Event] = []
    with Stubber(client) as answers:
        answers.add_response("describe_stack_events", {"StackEvents": FAILED_UPDATE[::-1]})
        with pytest.raises(OperationFailed) as failure:
            Stacks(client).join(Stack(STACK_ID, "waybill-dev", "UPDATE_IN_PROGRESS", {}, {}), told.append)
    assert str(failure.value) == "waybill-dev: First (AWS::SNS::Topic) failed: the first cause"
    assert [seen.resource for seen in told][:3] == ["waybill-dev", "First", "Second"]
    assert len(told) == len(FAILED_UPDATE) - 1, "an earlier operation's events are not this one's"


def test_events_are_told_once_each_as_they_come() -> None:
    client = stage().cloudformation
    told: list[str] = []
    whole = [
        event("waybill-dev", "UPDATE_IN_PROGRESS"),
        event("First", "UPDATE_COMPLETE"),
        event("waybill-dev", "UPDATE_COMPLETE"),
    ]
    with Stubber(client) as answers:
        for seen in (1, 1, 2, 3):
            answers.add_response("describe_stack_events", {"StackEvents": whole[:seen][::-1]})
        stacks = Stacks(client, pause=lambda _: None)
        stacks.join(
            Stack(STACK_ID, "waybill-dev", "UPDATE_IN_PROGRESS", {}, {}),
            lambda seen: told.append(f"{seen.resource} {seen.status}"),
        )
    assert told == ["waybill-dev UPDATE_IN_PROGRESS", "First UPDATE_COMPLETE", "waybill-dev UPDATE_COMPLETE"]


def test_a_smoke_test_that_fails_says_what_it_saw() -> None:
    with pytest.raises(DeployError, match=r"http://127.0.0.1:9/v1/_ping does not do what it should: no answer"):
        smoke_test("http://127.0.0.1:9", tries=2, pause=lambda _: None)


def test_a_smoke_test_asks_over_http_and_reads_no_file() -> None:
    with pytest.raises(DeployError, match="no answer: unknown url type: file"):
        smoke_test("file:///etc", tries=1)
