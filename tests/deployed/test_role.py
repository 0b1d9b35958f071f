"""The function's role on an emulator that enforces it: it suffices, and nothing in it is too much."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.deployed import flow
from tests.deployed.ministack import REGION, Ministack, infra

pytestmark = pytest.mark.xdist_group("role")

STACK, SENDER = "waybill-role", "index@example.com"
# Lambda writes the log as the role; the emulator writes it as itself, and asks nobody.
NOT_ENFORCED = {"logs:CreateLogStream", "logs:PutLogEvents"}


@dataclass(frozen=True)
class Role:
    """The role of the deployed function."""

    emulator: Ministack
    name: str
    policies: dict[str, Any]

    def actions(self) -> Iterator[tuple[str, int, str]]:
        """Every action as (policy, place of its statement, action)."""
        for policy, document in self.policies.items():
            for place, statement in enumerate(document["Statement"]):
                for action in _listed(statement["Action"]):
                    yield policy, place, action

    def without(self, policy: str, place: int, action: str) -> None:
        """Takes one action away."""
        document = copy.deepcopy(self.policies[policy])
        statement = document["Statement"][place]
        statement["Action"] = [kept for kept in _listed(statement["Action"]) if kept != action]
        if not statement["Action"]:
            document["Statement"].remove(statement)
        self._put(policy, document)

    def restore(self) -> None:
        """As it was deployed."""
        for policy, document in self.policies.items():
            self._put(policy, document)

    def log(self) -> str:
        """What the function has logged."""
        pages = self.emulator.client("logs").get_paginator("filter_log_events")
        found = pages.paginate(logGroupName=f"/aws/lambda/{STACK}")
        return "\n".join(event["message"] for page in found for event in page["events"])

    def _put(self, policy: str, document: Any) -> None:
        """Writes the policy and ends the running containers: what they hold in memory needs no permission."""
        iam, named = self.emulator.client("iam"), {"RoleName": self.name, "PolicyName": policy}
        if document["Statement"]:
            iam.put_role_policy(**named, PolicyDocument=json.dumps(document))
        else:
            iam.delete_role_policy(**named)
        stack = self.emulator.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        parameters = {given["ParameterKey"]: given["ParameterValue"] for given in stack["Parameters"]}
        self.emulator.client("lambda").update_function_code(
            FunctionName=STACK, S3Bucket=parameters["ArtefactBucket"], S3Key=f"{parameters['Release']}.zip"
        )


@pytest.fixture(scope="module")
def role(emulator: Ministack, machine: str) -> Role:
    """A deployment, whole."""
    emulator.client("ses").verify_email_identity(EmailAddress=SENDER)
    options = ("--stage", "role", "--region", REGION, "--yes", "--architecture", machine, "--bcrypt-cost", "4")
    every_action = ("--account-activation", "email", "--email-sender", SENDER, "--reserve-deleted-names", "false")
    deployed = infra(emulator.deployer(), "deploy", *options, *every_action)
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    function = emulator.client("lambda").get_function_configuration(FunctionName=STACK)
    name = function["Role"].rpartition("/")[2]
    iam = emulator.client("iam")
    policies = {
        policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    }
    policies["mail"]["Statement"][0]["Resource"] = "*"  # the emulator does not see which identity SendEmail is for
    whole = Role(emulator, name, policies)
    whole.restore()
    return whole


def test_the_role_suffices_and_each_of_its_actions_is_needed(role: Role) -> None:
    client = role.emulator.index(STACK)
    flow.whole_life(client)
    needless = []
    for policy, place, action in role.actions():
        if action in NOT_ENFORCED:
            continue
        role.without(policy, place, action)
        try:
            flow.whole_life(client)
        except AssertionError as failure:
            if f"not authorized to perform: {action}" not in role.log():
                raise AssertionError(f"without {action} it failed otherwise") from failure
        else:
            needless.append(f"{policy} {place} {action}")
        finally:
            role.restore()
    assert not needless
    flow.whole_life(client)


def _listed(actions: str | list[str]) -> list[str]:
    return [actions] if isinstance(actions, str) else actions
