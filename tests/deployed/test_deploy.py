"""The commands of `waybill` on an emulator: deployments, changes, rollbacks, deletions, interruptions and failures."""

import itertools
import json
import os
import re
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result
from msgspec.structs import replace

import infra.deploy.stacks
from infra.cli import cli
from infra.deploy import commands
from infra.deploy.package_model import Package
from infra.deploy.stage import DeployError
from tests.deployed import flow
from tests.deployed.ministack import DEPLOYER, REGION, Ministack, run_waybill

pytestmark = pytest.mark.xdist_group("deploy")

STACK, STAGE = "waybill-dev", ("--stage", "dev", "--region", REGION)
READS = ("Describe", "Get", "List", "Head")
Run = Callable[..., Result]


@pytest.fixture
def options(architecture: str) -> tuple[str, ...]:
    """Options for a deployment that the emulator can run fast."""
    return (*STAGE, "--yes", "--architecture", architecture, "--bcrypt-cost", "4")


@pytest.fixture
def empty(emulator: Ministack, monkeypatch: pytest.MonkeyPatch) -> Ministack:
    """The emulator without content. This process has the credentials of a deployer."""
    emulator.reset()
    for name, value in emulator.create_deployer().items():
        monkeypatch.setenv(name, value)
    return emulator


@pytest.fixture
def run(empty: Ministack, package: Package, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process, with a package that was built once."""
    monkeypatch.setattr(infra.deploy.stacks, "POLL_SECONDS", 0.05)

    def run(*arguments: str, entered: str = "", package: Package = package) -> Result:
        monkeypatch.setattr(commands, "build_package", lambda *_: package)
        return CliRunner(env={"COLUMNS": "200"}).invoke(cli, arguments, input=entered)

    return run


def create_other_release(package: Package) -> Package:
    """Return a package with the same function and another template, which has one more parameter."""
    parameters = {**package.template["Parameters"], "New": {"Type": "String", "Default": "x"}}
    return replace(package, template={**package.template, "Description": "another", "Parameters": parameters})


def list_tables(emulator: Ministack) -> list[str]:
    names: list[str] = emulator.client("dynamodb").list_tables()["TableNames"]
    return names


def find_status(emulator: Ministack, stack: str) -> str | None:
    stacks = emulator.client("cloudformation").describe_stacks()["Stacks"]
    return next((found["StackStatus"] for found in stacks if found["StackName"] == stack), None)


def output_of(result: Result) -> str:
    """Return the output of a command that must succeed."""
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.output


def error_of(result: Result) -> str:
    """Return the error message of a command that must fail. It is one line."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    match = re.search(r"^Error: (.*)\Z", result.output, re.MULTILINE | re.DOTALL)
    assert match, result.output
    message = match[1].strip()
    assert "\n" not in message
    return message


def test_one_command_deploys_a_working_index(empty: Ministack, options: tuple[str, ...]) -> None:
    process = run_waybill({name: os.environ[name] for name in DEPLOYER}, "deploy", *options)
    assert process.returncode == 0, process.stdout + process.stderr
    assert empty.read_outputs(STACK)["IndexUrl"] in process.stdout
    [bucket] = empty.client("s3").list_buckets()["Buckets"]
    files = empty.client("s3").list_objects_v2(Bucket=bucket["Name"])["Contents"]
    assert sorted(file["Key"].partition(".")[2] for file in files) == ["cdx.json", "json", "zip"]
    flow.run_all(empty.connect(STACK))


def test_second_deployment_changes_nothing(empty: Ministack, run: Run, options: tuple[str, ...]) -> None:
    output_of(run("deploy", *options))
    events = empty.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
    output_of(run("deploy", *STAGE, "--yes"))
    assert empty.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"] == events


def test_changed_setting_changes_only_the_function_and_is_kept(
    empty: Ministack, run: Run, options: tuple[str, ...]
) -> None:
    output_of(run("deploy", *options))
    output = output_of(run("deploy", *STAGE, "--token-lifetime", "600", "--yes"))
    assert re.findall(r"│ (Add|Modify|Remove) +│ (\w+) ", output) == [("Modify", "Function")]
    assert re.search(r"│ TOKEN_LIFETIME +│ 3600 +│ 600 ", output)
    output_of(run("deploy", *STAGE, "--memory", "2048", "--yes"))
    assert empty.read_function(STACK)["MemorySize"] == 2048
    assert empty.read_settings(STACK)["TOKEN_LIFETIME"] == "600"


def test_function_that_sends_email_knows_its_url(empty: Ministack, run: Run, options: tuple[str, ...]) -> None:
    output_of(run("deploy", *options, "--email-sender", "index@example.com"))
    settings = empty.read_settings(STACK)
    assert settings["BASE_URL"] == empty.read_outputs(STACK)["IndexUrl"]
    assert settings["EMAIL_SENDER"] == "index@example.com"


def test_dry_run_shows_all_changes_and_leaves_no_stack(empty: Ministack, run: Run, options: tuple[str, ...]) -> None:
    output = output_of(run("deploy", *options, "--dry-run"))
    assert "UsersTable" in output
    assert "FunctionRole" in output
    assert re.search(r"\$1\.40 a month", output)
    assert (find_status(empty, STACK), find_status(empty, f"{STACK}-data")) == (None, None)
    assert list_tables(empty) == []


def test_nothing_changes_without_confirmation(empty: Ministack, run: Run, architecture: str) -> None:
    output_of(run("deploy", *STAGE, "--architecture", architecture, entered="n\n"))
    assert list_tables(empty) == []


def test_rollback_restores_the_previous_release_and_a_second_rollback_undoes_it(
    run: Run, options: tuple[str, ...], package: Package, empty: Ministack
) -> None:
    def find_release() -> str:
        return empty.read_outputs(STACK)["Releases"].partition(",")[0]

    output_of(run("deploy", *options))
    assert STACK in error_of(run("rollback", *STAGE, "--yes"))
    first = find_release()
    output_of(run("deploy", *options, package=create_other_release(package)))
    second = find_release()
    assert first != second
    output_of(run("rollback", *STAGE, "--yes"))
    assert find_release() == first
    assert "Description" not in empty.client("cloudformation").get_template(StackName=STACK)["TemplateBody"]
    output_of(run("rollback", *STAGE, "--yes"))
    assert find_release() == second


def test_destroy_keeps_the_data_and_the_next_deployment_uses_it(
    empty: Ministack, run: Run, options: tuple[str, ...]
) -> None:
    output_of(run("deploy", *options))
    auth = flow.register(empty.connect(STACK))
    tables = list_tables(empty)
    output = output_of(run("destroy", *STAGE, "--yes"))
    assert all(table in output for table in tables)
    assert list_tables(empty) == tables
    assert find_status(empty, STACK) is None
    assert empty.client("s3").list_buckets()["Buckets"] == []
    output_of(run("deploy", *options))
    assert empty.connect(STACK).request("GET", "/v1/users/", auth).status == 200


def test_tables_and_key_without_a_stack_are_imported(empty: Ministack, run: Run, options: tuple[str, ...]) -> None:
    output_of(run("deploy", *options))
    client = empty.connect(STACK)
    auth = flow.register(client)
    path = f"/v1/repositories/{flow.username_of(auth)}/thing/images"
    flow.push(client, auth, f"{flow.username_of(auth)}/thing", ["0c0ffee"])
    token = client.request("GET", path, auth, token=True).token
    output_of(run("destroy", *STAGE, "--yes"))
    cloudformation = empty.client("cloudformation")
    cloudformation.delete_stack(StackName=f"{STACK}-data")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=f"{STACK}-data", WaiterConfig={"Delay": 1})
    assert "Import" in output_of(run("deploy", *options))
    response = empty.connect(STACK).request("GET", path, f"Token {token}")
    assert response.status == 200, response
    assert [image["id"] for image in response.json] == ["0c0ffee"]


def test_deletion_of_the_data_needs_the_name_of_the_stage(empty: Ministack, run: Run, options: tuple[str, ...]) -> None:
    output_of(run("deploy", *options))
    error_of(run("destroy", *STAGE, "--delete-data", entered="prod\n"))
    assert list_tables(empty)
    output_of(run("destroy", *STAGE, "--delete-data", entered="dev\n"))
    assert list_tables(empty) == []
    assert empty.client("kms").list_aliases()["Aliases"] == []
    output_of(run("deploy", *options))


def test_status_shows_the_settings_and_logs_shows_the_log(run: Run, options: tuple[str, ...]) -> None:
    assert STACK in error_of(run("status", *STAGE))
    assert STACK in error_of(run("logs", *STAGE))
    output_of(run("deploy", *options, "--memory", "512"))
    output = output_of(run("status", *STAGE))
    assert "settings\tMEMORY\t512" in output.splitlines()
    assert json.loads(output_of(run("status", *STAGE, "--json")))["settings"]["MEMORY"] == "512"
    assert "waybill-dev-users" in output
    assert "REPORT" in output_of(run("logs", *STAGE))


def test_audit_and_doctor_work_on_the_emulator(empty: Ministack, run: Run, options: tuple[str, ...]) -> None:
    output_of(run("deploy", *options))
    assert "is not authorized" in error_of(run("doctor", *STAGE)), "the deployer policy gives no access to data"

    def run_as_root(*arguments: str, entered: str = "") -> str:
        done = run_waybill(empty.root_credentials, *arguments, *STAGE, entered=entered)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    administrator = ("users", "create", "admin", "--email", "a@example.com", "--admin", "--password-stdin")
    run_as_root(*administrator, entered="a password\n")
    events = [json.loads(line)["event"] for line in run_as_root("audit", "--json").splitlines()]
    assert events == ["login.failed", "account.registered"], "the smoke test, and the command"
    findings = json.loads(run_as_root("doctor", "--fix", "--yes", "--json"))
    assert {finding["code"] for finding in findings} == {"backups", "time-to-live"}
    assert json.loads(run_as_root("doctor", "--json")) == []


def test_deployment_continues_after_an_interruption_at_any_call(
    empty: Ministack, run: Run, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupts the deployment after its first changing call, then after its second, until it completes."""
    interruptions = 0
    for count in itertools.count(1):
        empty.reset()
        for name, value in empty.create_deployer().items():
            monkeypatch.setenv(name, value)
        with monkeypatch.context() as patched:
            patched.setattr(boto3, "Session", create_interrupted_session(count))
            first = run("deploy", *options)
        if first.exit_code == 0:
            break
        interruptions += 1
        assert first.exit_code == 130, first.output
        output_of(run("deploy", *options))
        assert empty.read_settings(STACK)["BASE_URL"] == empty.read_outputs(STACK)["IndexUrl"], count
    assert interruptions >= 10


def test_cause_of_a_failed_deployment_is_reported_by_this_and_the_next_deployment(
    empty: Ministack, run: Run, options: tuple[str, ...], package: Package
) -> None:
    resources = {
        **package.template["Resources"],
        "Unknown": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Count": "many", "Handle": "https://example.com/", "Timeout": "1"},
        },
    }
    broken = replace(package, template={**package.template, "Resources": resources})
    cause = "Unknown (AWS::CloudFormation::WaitCondition)"
    assert cause in error_of(run("deploy", *options, package=broken))
    second = error_of(run("deploy", *options))
    assert cause in second
    assert "ROLLBACK_COMPLETE" in second
    assert "waybill destroy --stage dev --region us-east-1" in second
    output_of(run("destroy", *STAGE, "--yes"))
    output_of(run("deploy", *options))


def test_release_that_fails_its_smoke_test_is_replaced_by_the_previous_one_with_its_settings(
    empty: Ministack, run: Run, options: tuple[str, ...], package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    output_of(run("deploy", *options))
    before = empty.read_settings(STACK), empty.read_outputs(STACK)["Releases"].partition(",")[0]

    def fail(*_: object) -> list[str]:
        raise DeployError("the new release does not respond")

    with monkeypatch.context() as patched:
        patched.setattr("infra.deploy.deploy.run_smoke_test", fail)
        message = error_of(run("deploy", *options, "--token-lifetime", "600", package=create_other_release(package)))
    assert "the new release does not respond" in message
    assert (empty.read_settings(STACK), empty.read_outputs(STACK)["Releases"].partition(",")[0]) == before
    assert empty.connect(STACK).request("GET", "/v1/_ping").status == 200


def test_published_release_is_deployed_without_building(
    empty: Ministack, run: Run, options: tuple[str, ...], package: Package
) -> None:
    release = package.zip.with_name("release.zip")
    output_of(run("deploy", *options, "--release", str(release)))
    assert empty.connect(STACK).request("GET", "/v1/_ping").status == 200


def test_registries_create_their_key_later_and_keep_their_secret(
    empty: Ministack, run: Run, options: tuple[str, ...]
) -> None:
    output_of(run("deploy", *options))
    secret = empty.read_settings(STACK)["REGISTRY_SECRET"]
    assert empty.read_settings(STACK).get("TOKEN_KEY", "") == ""
    output = output_of(run("deploy", *STAGE, "--yes", "--registries", "registry.example.com"))
    assert "$2.40 a month" in output
    assert ":key/" in empty.read_settings(STACK)["TOKEN_KEY"]
    assert empty.read_settings(STACK)["REGISTRY_SECRET"] == secret
    assert secret not in output
    assert empty.connect(STACK).request("GET", "/token/certificate").status == 200


def test_policy_of_the_deployer_allows_no_escalation(empty: Ministack, run: Run, options: tuple[str, ...]) -> None:
    output_of(run("deploy", *options))
    root = empty.client("iam")
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    admin_role = root.create_role(RoleName="admin", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    empty.client("logs").create_log_group(logGroupName="/aws/lambda/another-application")
    other_api = empty.client("apigatewayv2").create_api(Name="another", ProtocolType="HTTP")["ApiId"]
    iam, functions, logs, apis = (
        boto3.client(service, region_name=REGION) for service in ("iam", "lambda", "logs", "apigatewayv2")
    )
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = empty.read_function(STACK)["Role"].rpartition("/")[2]
    denied: list[Callable[[], Any]] = [
        lambda: iam.create_role(RoleName="waybill-x", AssumeRolePolicyDocument=trust),
        lambda: iam.attach_role_policy(RoleName=role, PolicyArn=administrator),
        lambda: iam.put_role_policy(RoleName=role, PolicyName="more", PolicyDocument=trust),
        lambda: iam.delete_role_permissions_boundary(RoleName=role),
        lambda: functions.create_function(
            FunctionName="waybill-x", Runtime="python3.11", Role=admin_role, Handler="a.a", Code={"ZipFile": b"x"}
        ),
        lambda: logs.filter_log_events(logGroupName="/aws/lambda/another-application"),
        lambda: logs.delete_log_group(logGroupName="/aws/lambda/another-application"),
        lambda: apis.delete_api(ApiId=other_api),
    ]
    for number, action in enumerate(denied):
        with pytest.raises(ClientError) as error:
            action()
        assert error.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException"), number


def test_wrong_credentials_are_reported(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    assert "InvalidClientTokenId" in error_of(run("deploy", *STAGE))


def test_missing_permission_is_reported_with_the_policy(empty: Ministack, run: Run, options: tuple[str, ...]) -> None:
    statement = {"Effect": "Deny", "Action": "s3:CreateBucket", "Resource": "*"}
    empty.client("iam").put_user_policy(
        UserName="deployer",
        PolicyName="no-bucket",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    assert "docs/guide/deployer-policy.json" in error_of(run("deploy", *options))


def create_interrupted_session(count: int) -> Callable[..., Any]:
    """Return a boto3.Session that raises KeyboardInterrupt after `count` changing calls."""
    remaining = itertools.count(count - 1, -1)

    def interrupt(model: Any, **_: Any) -> None:
        if not model.name.startswith(READS) and next(remaining) == 0:
            raise KeyboardInterrupt

    original = boto3.Session

    def create_session(**arguments: Any) -> Any:
        session = original(**arguments)
        session.events.register("after-call.*.*", interrupt)
        return session

    return create_session
