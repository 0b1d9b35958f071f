"""The function's role on an emulator that enforces IAM: it is sufficient, and each of its actions is necessary."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import Struct

from tests.deployed import flow
from tests.deployed.ministack import REGION, Ministack, run_waybill

pytestmark = pytest.mark.xdist_group("role")

STACK, SENDER = "waybill-role", "index@example.com"
REGISTRY = {"REGISTRIES": "registry.example.com", "RESERVE_DELETED_NAMES": "true"}
NO_REGISTRY = {"REGISTRIES": "", "RESERVE_DELETED_NAMES": "false"}  # REGISTRIES excludes RESERVE_DELETED_NAMES=false
NOT_ENFORCED = {"logs:CreateLogStream", "logs:PutLogEvents"}  # the emulator writes logs without the role

NOT_IN_FLOW = {("Counters", "dynamodb:DeleteItem")}  # only a reset of a password needs it, with a link from an email


class Role(Struct, frozen=True):
    """The role of the deployed function. `policies` are its documents by name."""

    emulator: Ministack
    name: str
    policies: dict[str, Any]

    def list_actions(self) -> Iterator[tuple[str, int, str]]:
        """Yield each action as (policy, index of its statement, action)."""
        for policy, document in self.policies.items():
            for place, statement in enumerate(document["Statement"]):
                for action in as_list(statement["Action"]):
                    yield policy, place, action

    def remove(self, policy: str, place: int, action: str) -> None:
        """Remove one action."""
        document = copy.deepcopy(self.policies[policy])
        statement = document["Statement"][place]
        statement["Action"] = [other for other in as_list(statement["Action"]) if other != action]
        if not statement["Action"]:
            document["Statement"].remove(statement)
        self._write(policy, document)

    def restore(self) -> None:
        """Write the deployed policies."""
        for policy, document in self.policies.items():
            self._write(policy, document)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Change variables of the function."""
        environment = {"Variables": self.emulator.read_settings(STACK) | variables}
        self.emulator.client("lambda").update_function_configuration(FunctionName=STACK, Environment=environment)

    def read_log(self) -> str:
        """Return the log of the function."""
        pages = self.emulator.client("logs").get_paginator("filter_log_events")
        events = pages.paginate(logGroupName=f"/aws/lambda/{STACK}")
        return "\n".join(event["message"] for page in events for event in page["events"])

    def _write(self, policy: str, document: Any) -> None:
        """Write a policy and stop all containers, because a cached value needs no permission."""
        iam, key = self.emulator.client("iam"), {"RoleName": self.name, "PolicyName": policy}
        if document["Statement"]:
            iam.put_role_policy(**key, PolicyDocument=json.dumps(document))
        else:
            iam.delete_role_policy(**key)
        stack = self.emulator.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        parameters = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack["Parameters"]}
        self.emulator.client("lambda").update_function_code(
            FunctionName=STACK, S3Bucket=parameters["ReleaseBucket"], S3Key=f"{parameters['Release']}.zip"
        )


@pytest.fixture(scope="module")
def role(emulator: Ministack, architecture: str) -> Role:
    """The role of a deployment whose settings need every action."""
    emulator.client("ses").verify_email_identity(EmailAddress=SENDER)
    options = ("--stage", "role", "--region", REGION, "--yes", "--architecture", architecture, "--bcrypt-cost", "4")
    settings = ("--account-activation", "email", "--email-sender", SENDER, "--registries", "registry.example.com")
    single_use = ("--token-single-use", "true")
    process = run_waybill(emulator.create_deployer(), "deploy", *options, *settings, *single_use)
    assert process.returncode == 0, process.stdout + process.stderr
    name = emulator.read_function(STACK)["Role"].rpartition("/")[2]
    iam = emulator.client("iam")
    policies = {
        policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    }
    policies["email"]["Statement"][0]["Resource"] = "*"  # the emulator does not know the identity of a SendEmail
    del policies["email"]["Statement"][0]["Condition"]  # nor its ses:FromAddress
    role = Role(emulator, name, policies)
    role.restore()
    return role


def test_role_is_sufficient_and_each_action_is_necessary(role: Role) -> None:
    flow.run_all(role.emulator.connect(STACK))
    unnecessary = [entry for entry in role.list_actions() if not is_necessary(role, *entry)]
    role.set_variables(NO_REGISTRY)
    flow.run_all(role.emulator.connect(STACK))
    unnecessary = [entry for entry in unnecessary if not is_necessary(role, *entry)]
    role.set_variables(REGISTRY)
    assert not unnecessary
    flow.run_all(role.emulator.connect(STACK))


def is_necessary(role: Role, policy: str, place: int, action: str) -> bool:
    """Return whether the typical requests fail without an action, because of that action."""
    if action in NOT_ENFORCED or (role.policies[policy]["Statement"][place]["Sid"], action) in NOT_IN_FLOW:
        return True
    role.remove(policy, place, action)
    try:
        flow.run_all(role.emulator.connect(STACK))
    except AssertionError as failure:
        if f"not authorized to perform: {action}" not in role.read_log():
            raise AssertionError(f"without {action} there was another error") from failure
        return True
    finally:
        role.restore()
    return False


def as_list(actions: str | list[str]) -> list[str]:
    return [actions] if isinstance(actions, str) else actions
