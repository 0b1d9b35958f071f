"""An operator's commands on an emulator: deploy, again, with a change, back, away, and what goes wrong between."""

import dataclasses
import itertools
import json
import os
import re
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from infra.cli import cli
from infra.deploy import commands
from infra.deploy.package import Package
from tests.deployed import flow
from tests.deployed.ministack import DEPLOYER, REGION, Ministack, infra

pytestmark = pytest.mark.xdist_group("deploy")

STACK, STAGE = "waybill-dev", ("--stage", "dev", "--region", REGION)
READS = ("Describe", "Get", "List", "Head")
Run = Callable[..., Result]


@pytest.fixture
def options(machine: str) -> tuple[str, ...]:
    """What makes a deployment that the emulator can run, quickly."""
    return (*STAGE, "--yes", "--architecture", machine, "--bcrypt-cost", "4")


@pytest.fixture
def empty(emulator: Ministack, monkeypatch: pytest.MonkeyPatch) -> Ministack:
    """The emulator with nothing in it, and this process with a deployer's credentials for it."""
    emulator.reset()
    for name, value in emulator.deployer().items():
        monkeypatch.setenv(name, value)
    return emulator


@pytest.fixture
def run(empty: Ministack, artefact: Package, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in this process, with an artefact that was made once."""
    monkeypatch.setattr(commands, "package", lambda *_: artefact)

    def run(*arguments: str, said: str = "", package: Package = artefact) -> Result:
        monkeypatch.setattr(commands, "package", lambda *_: package)
        return CliRunner(env={"COLUMNS": "200"}).invoke(cli, arguments, input=said)

    return run


def other_release(artefact: Package) -> Package:
    """Another release: the same function behind a template that differs by a word, and has a parameter more."""
    more = {**artefact.template["Parameters"], "New": {"Type": "String", "Default": "x"}}
    return dataclasses.replace(artefact, template={**artefact.template, "Description": "another", "Parameters": more})


def tables(emulator: Ministack) -> list[str]:
    names: list[str] = emulator.client("dynamodb").list_tables()["TableNames"]
    return names


def status(emulator: Ministack, stack: str) -> str | None:
    stacks = emulator.client("cloudformation").describe_stacks()["Stacks"]
    return next((found["StackStatus"] for found in stacks if found["StackName"] == stack), None)


def succeeded(result: Result) -> str:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.output


def failed(result: Result) -> str:
    """The one sentence that an operator gets."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    said = re.search(r"^Error: (.*)\Z", result.output, re.MULTILINE | re.DOTALL)
    assert said, result.output
    sentence = said[1].strip()
    assert "\n" not in sentence
    return sentence


def test_one_command_deploys_an_index_that_a_client_and_a_registry_can_use(
    empty: Ministack, options: tuple[str, ...]
) -> None:
    deployed = infra({name: os.environ[name] for name in DEPLOYER}, "deploy", *options)
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    assert "a login with a wrong password is refused" in deployed.stdout
    assert "The index is at https://" in deployed.stdout
    [bucket] = empty.client("s3").list_buckets()["Buckets"]
    release = empty.client("s3").list_objects_v2(Bucket=bucket["Name"])["Contents"]
    assert sorted(file["Key"].partition(".")[2] for file in release) == ["cdx.json", "json", "zip"]
    flow.whole_life(empty.index(STACK))


def test_deploying_again_says_that_nothing_changes_and_changes_nothing(
    empty: Ministack, run: Run, options: tuple[str, ...]
) -> None:
    succeeded(run("deploy", *options))
    before = empty.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
    assert f"{STACK} is as it should be: nothing to change" in succeeded(run("deploy", *STAGE, "--yes"))
    assert empty.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"] == before


def test_one_changed_setting_changes_the_function_alone_and_stays(
    empty: Ministack, run: Run, options: tuple[str, ...]
) -> None:
    succeeded(run("deploy", *options))
    described = succeeded(run("deploy", *STAGE, "--token-lifetime", "600", "--yes"))
    assert re.findall(r"│ (\w+) +│ (\w+) ", described) == [("Modify", "APIHandler")]
    succeeded(run("deploy", *STAGE, "--memory", "2048", "--yes"))
    function = empty.client("lambda").get_function_configuration(FunctionName=STACK)
    assert function["MemorySize"] == 2048
    assert function["Environment"]["Variables"]["TOKEN_LIFETIME"] == "600"


def test_the_function_is_told_its_own_address_before_it_may_send_mail(
    empty: Ministack, run: Run, options: tuple[str, ...]
) -> None:
    succeeded(run("deploy", *options, "--email-sender", "index@example.com"))
    outputs = empty.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    address = next(output["OutputValue"] for output in outputs if output["OutputKey"] == "Address")
    variables = empty.client("lambda").get_function_configuration(FunctionName=STACK)["Environment"]["Variables"]
    assert (variables["BASE_URL"], variables["EMAIL_SENDER"]) == (address, "index@example.com")


def test_a_dry_run_shows_every_change_and_leaves_no_stack(empty: Ministack, run: Run, options: tuple[str, ...]) -> None:
    described = succeeded(run("deploy", *options, "--dry-run"))
    assert "UsersTable" in described
    assert "APIHandler" in described
    assert (status(empty, STACK), status(empty, f"{STACK}-data")) == (None, None)
    assert tables(empty) == []


def test_a_change_that_is_not_confirmed_is_not_made(empty: Ministack, run: Run, machine: str) -> None:
    declined = run("deploy", *STAGE, "--architecture", machine, said="n\n")
    assert "nothing was changed" in succeeded(declined)
    assert tables(empty) == []


def test_a_rollback_brings_back_the_release_before_and_another_undoes_it(
    run: Run, options: tuple[str, ...], artefact: Package, empty: Ministack
) -> None:
    def running() -> str:
        outputs = empty.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
        releases: str = next(output["OutputValue"] for output in outputs if output["OutputKey"] == "Releases")
        return releases.partition(",")[0]

    succeeded(run("deploy", *options))
    assert "has had one release only" in failed(run("rollback", *STAGE, "--yes"))
    first = running()
    succeeded(run("deploy", *options, package=other_release(artefact)))
    second = running()
    assert first != second
    succeeded(run("rollback", *STAGE, "--yes"))
    assert running() == first
    assert "Description" not in empty.client("cloudformation").get_template(StackName=STACK)["TemplateBody"]
    succeeded(run("rollback", *STAGE, "--yes"))
    assert running() == second


def test_destroy_leaves_the_data_and_the_next_deployment_takes_it_back(
    empty: Ministack, run: Run, options: tuple[str, ...]
) -> None:
    succeeded(run("deploy", *options))
    auth = flow.login(empty.index(STACK))
    kept = tables(empty)
    said = succeeded(run("destroy", *STAGE, "--yes"))
    assert all(table in said for table in kept)
    assert tables(empty) == kept
    assert status(empty, STACK) is None
    assert empty.client("s3").list_buckets()["Buckets"] == []
    succeeded(run("deploy", *options))
    assert empty.index(STACK).request("GET", "/v1/users/", auth).status == 200


def test_tables_and_key_whose_stack_is_gone_are_taken_into_a_new_one(
    empty: Ministack, run: Run, options: tuple[str, ...]
) -> None:
    succeeded(run("deploy", *options))
    client = empty.index(STACK)
    auth = flow.login(client)
    flow.push(client, auth, f"{flow.name_of(auth)}/thing", ["0c0ffee"])
    token = client.request("GET", f"/v1/repositories/{flow.name_of(auth)}/thing/images", auth, token=True).token
    succeeded(run("destroy", *STAGE, "--yes"))
    cloudformation = empty.client("cloudformation")
    cloudformation.delete_stack(StackName=f"{STACK}-data")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=f"{STACK}-data", WaiterConfig={"Delay": 1})
    assert "Import" in succeeded(run("deploy", *options))
    client = empty.index(STACK)
    response = client.request("GET", f"/v1/repositories/{flow.name_of(auth)}/thing/images", f"Token {token}")
    assert response.status == 200, response
    assert [image["id"] for image in response.json] == ["0c0ffee"]


def test_deleting_the_data_needs_the_stages_name_and_leaves_nothing(
    empty: Ministack, run: Run, options: tuple[str, ...]
) -> None:
    succeeded(run("deploy", *options))
    assert "nothing was deleted" in failed(run("destroy", *STAGE, "--delete-data", said="prod\n"))
    assert tables(empty)
    succeeded(run("destroy", *STAGE, "--delete-data", said="dev\n"))
    assert tables(empty) == []
    assert empty.client("kms").list_aliases()["Aliases"] == []
    succeeded(run("deploy", *options))


def test_status_and_logs_show_what_stands(run: Run, options: tuple[str, ...]) -> None:
    assert "there is no waybill-dev in us-east-1" in failed(run("status", *STAGE))
    assert "is the index deployed?" in failed(run("logs", *STAGE))
    succeeded(run("deploy", *options, "--memory", "512"))
    shown = succeeded(run("status", *STAGE))
    assert re.search(r"Memory +│ 512 ", shown)
    assert "waybill-dev-users" in shown
    assert "REPORT" in succeeded(run("logs", *STAGE))


def test_an_interruption_after_any_call_that_changes_something_is_mended_by_running_again(
    empty: Ministack, run: Run, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One interruption for each call: after the first, the second, …, until there are no more to interrupt after."""
    interruptions = 0
    for allowed in itertools.count(1):
        empty.reset()
        for name, value in empty.deployer().items():
            monkeypatch.setenv(name, value)
        with monkeypatch.context() as patched:
            patched.setattr(boto3, "Session", interrupted_after(allowed))
            first = run("deploy", *options)
        if first.exit_code == 0:
            break
        interruptions += 1
        assert first.exit_code == 130, first.output
        assert "the same command again" in first.output
        address = re.search(r"The index is at (\S+)", succeeded(run("deploy", *options)))
        function = empty.client("lambda").get_function_configuration(FunctionName=STACK)
        assert address is not None, allowed
        assert function["Environment"]["Variables"]["BASE_URL"] == address[1], allowed
    assert interruptions >= 10


def test_what_makes_a_deployment_fail_is_said_then_and_when_it_is_tried_again(
    empty: Ministack, run: Run, options: tuple[str, ...]
) -> None:
    cloudfront = empty.client("cloudfront")
    in_the_way = cloudfront.create_function(
        Name=f"{STACK}-challenge",
        FunctionConfig={"Comment": "somebody else's", "Runtime": "cloudfront-js-2.0"},
        FunctionCode=b"function handler(event) { return event.response; }",
    )
    why = "RestoreChallenge (AWS::CloudFront::Function) failed: "
    assert failed(run("deploy", *options)).startswith(f"{STACK}: {why}")
    again = failed(run("deploy", *options))
    assert again.startswith(f"{STACK} never came up (ROLLBACK_COMPLETE), because {why}")
    assert "make destroy STAGE=dev REGION=us-east-1" in again
    cloudfront.delete_function(Name=f"{STACK}-challenge", IfMatch=in_the_way["ETag"])
    succeeded(run("destroy", *STAGE, "--yes"))
    succeeded(run("deploy", *options))


def test_wrong_credentials_are_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    assert failed(run("deploy", *STAGE)).startswith("AWS does not accept these credentials (InvalidClientTokenId)")


def test_a_missing_permission_is_one_sentence(empty: Ministack, run: Run, options: tuple[str, ...]) -> None:
    empty.client("iam").put_user_policy(
        UserName="deployer",
        PolicyName="no-bucket",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:CreateBucket", "Resource": "*"}]}
        ),
    )
    said = failed(run("deploy", *options))
    assert said.startswith("the credentials lack a permission; docs/guide/deployer-policy.json has all of them.")


def interrupted_after(allowed: int) -> Callable[..., Any]:
    """A boto3.Session after whose `allowed` changing calls somebody presses Ctrl-C."""
    left = itertools.count(allowed - 1, -1)

    def interrupt(model: Any, **_: Any) -> None:
        if not model.name.startswith(READS) and next(left) == 0:
            raise KeyboardInterrupt

    original = boto3.Session

    def session(**asked: Any) -> Any:
        made = original(**asked)
        made.events.register("after-call.*.*", interrupt)
        return made

    return session
