"""The order of things: what `deploy`, `rollback` and `destroy` do, one step after the other.

Every step may be cut short: the next run finds what is there and goes on from it.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from infra.deploy.data_stack import KEY_DAYS, Data
from infra.deploy.options import consistent, parameters
from infra.deploy.package import Package
from infra.deploy.releases import Release, Releases
from infra.deploy.smoke import smoke_test
from infra.deploy.stacks import ChangeSet, Stack, Stacks
from infra.deploy.stage import DeployError, Stage
from infra.deploy.terminal import Terminal

NOT_YET = "made-with-the-tables"  # stands for the signing key's ARN until there is one
_NEVER_CAME_UP = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED")

Confirm = Callable[[str], bool]


class Operations:
    """What can be done to a stage. Every method raises DeployError."""

    def __init__(self, stage: Stage, terminal: Terminal) -> None:
        self._stage = stage
        self._terminal = terminal
        self._stacks = Stacks(stage.cloudformation)
        self._data = Data(stage, self._stacks)
        self._releases = Releases(stage)

    def deploy(
        self, make_package: Callable[[str], Package], chosen: Mapping[str, str], confirm: Confirm, *, dry_run: bool
    ) -> Stack | None:
        """Brings the stage to what the sources and `chosen` say. None when that was not confirmed, or only shown."""
        service = self._settled(self._stage.stack)
        data = self._settled(self._stage.data_stack)
        before = service.parameters if service else {}
        settings = {**before, **chosen}
        consistent(settings)
        with self._terminal.waiting("packaging"):
            package = make_package(settings.get("Architecture", parameters()["Architecture"]["Default"]))
        with self._terminal.waiting("uploading"):
            release = self._releases.add(package)
        values = {**chosen, **self._filled_in(before, release)}
        data_change = self._describe_data(data)
        key = self._data.key()
        change = self._describe_service(release, before, values, key)
        planned = [planned for planned in (data_change, change) if planned.required]
        if not planned:
            self._terminal.say(f"{self._stage.stack} is as it should be: nothing to change")
            return self._told_its_address(self._standing())
        for each in planned:
            self._terminal.changes(each.stack_name, each.changes)
        if dry_run or not confirm("Make these changes?"):
            for each in planned:
                self._stacks.discard(each)
            self._terminal.say("nothing was changed")
            return None
        if data_change.required:
            self._bring_data(data_change)
        if key is None:
            self._stacks.discard(change)
            change = self._describe_service(release, before, values, self._data.key())
        if change.required:
            self._execute(change)
        return self._told_its_address(self._standing())

    def rollback(self, confirm: Confirm) -> Stack | None:
        """Brings back the release that ran before, template included; settings stay. Another one undoes that."""
        service = self._settled(self._stage.stack)
        if service is None:
            raise DeployError(f"there is no {self._stage.stack} in {self._stage.region}")
        name = service.parameters["ReleaseBefore"]
        if not self._releases.has(name):
            raise DeployError(f"{self._stage.stack} has had one release only: there is none to go back to")
        values = {"Release": name, "ReleaseBefore": service.parameters["Release"]}
        change = self._describe(self._releases.find(name), service.parameters, values)
        self._terminal.changes(change.stack_name, change.changes)
        if not confirm(f"Go back to release {name}?"):
            self._stacks.discard(change)
            return None
        self._execute(change)
        return self._standing()

    def destroy(self, *, delete_data: bool) -> None:
        """Takes the index away, and its tables and key where `delete_data` says so. What is gone is no error."""
        for name in [self._stage.stack, *([self._stage.data_stack] if delete_data else [])]:
            self._delete(self._quiet(name))
        with self._terminal.waiting("deleting the releases"):
            self._releases.remove_all()
        self._terminal.say(f"there is no {self._stage.stack} in {self._stage.region} now")
        if delete_data:
            with self._terminal.waiting("deleting the tables"):
                self._data.delete()
            self._terminal.say(f"the tables are gone; KMS deletes the signing key in {KEY_DAYS} days")
            return
        data = self._stacks.find(self._stage.data_stack)
        if data is not None and data.status in _NEVER_CAME_UP:
            self._delete(data)
        tables, key = self._data.tables(), self._data.key()
        if tables:
            self._terminal.say(f"kept, in the stack {self._stage.data_stack}: the tables {', '.join(tables)}")
            self._terminal.say(f"and the signing key {key}. Deploying {self._stage.name} again takes them back;")
            self._terminal.say("destroy with --delete-data deletes them.")

    def find(self) -> tuple[Stack | None, Stack | None]:
        """The stacks of function and data."""
        return self._stacks.find(self._stage.stack), self._stacks.find(self._stage.data_stack)

    def check(self, stack: Stack) -> None:
        """The smoke test."""
        with self._terminal.waiting("asking it what docker would ask"):
            seen = smoke_test(self.reachable(stack))
        for line in seen:
            self._terminal.say(f"  {line}")

    def reachable(self, stack: Stack) -> str:
        """Where this machine reaches the index, whether or not a domain of one's own points to it yet."""
        if self._stage.emulator:
            return f"{self._stage.emulator}/_aws/execute-api/{stack.outputs['RestAPIId']}/v"
        return f"https://{stack.outputs['FrontDoorName']}"

    def _quiet(self, name: str) -> Stack | None:
        """The stack, once nothing is under way on it."""
        stack = self._stacks.find(name)
        if stack is not None and stack.busy:
            self._terminal.say(f"{name} is {stack.status}: an earlier command goes on; waiting for its end")
            with self._terminal.progress(name) as watch:
                try:
                    self._stacks.join(stack, watch)
                except DeployError as failure:
                    self._terminal.say(f"it failed: {failure}")
            stack = self._stacks.find(name)
        return stack

    def _settled(self, name: str) -> Stack | None:
        """The stack, where it can be changed; None where there is none yet. Raises DeployError with the way out."""
        stack = self._quiet(name)
        if stack is None or not stack.exists:
            return None
        if stack.status in _NEVER_CAME_UP:
            raise DeployError(
                f"{name} never came up ({stack.status}), because {self._stacks.first_failure(stack)}. Mend that, "
                f"remove its remains with `make destroy {self._said()}`, and deploy again"
            )
        if stack.status == "UPDATE_ROLLBACK_FAILED":
            raise DeployError(
                f"{name} could not be brought back to what it was, because {self._stacks.first_failure(stack)}. Mend "
                "that, choose 'Continue update rollback' in CloudFormation's console, and deploy again"
            )
        if stack.status == "DELETE_FAILED":
            raise DeployError(
                f"{name} is half deleted, because {self._stacks.first_failure(stack)}. Mend that, finish with "
                f"`make destroy {self._said()}`, and deploy again"
            )
        return stack

    def _said(self) -> str:
        return f"STAGE={self._stage.name} REGION={self._stage.region}"

    def _describe_data(self, data: Stack | None) -> ChangeSet:
        adoption = self._data.describe_adoption() if data is None else None
        return adoption or self._data.describe_change()

    def _bring_data(self, change: ChangeSet) -> None:
        """Executes `change`; after an adoption, whatever the template has beyond what was taken in."""
        self._execute(change)
        if any(each.action == "Import" for each in change.changes):
            rest = self._data.describe_change()
            if rest.required:
                self._execute(rest)

    def _describe_service(
        self, release: Release, before: Mapping[str, str], values: Mapping[str, str], key: str | None
    ) -> ChangeSet:
        return self._describe(release, before, {**values, "SigningKey": key or NOT_YET})

    def _describe(self, release: Release, before: Mapping[str, str], values: Mapping[str, str]) -> ChangeSet:
        asked: list[dict[str, Any]] = []
        for name in sorted(release.parameters):
            if name in values:
                asked.append({"ParameterKey": name, "ParameterValue": values[name]})
            elif name in before:
                asked.append({"ParameterKey": name, "UsePreviousValue": True})
        return self._stacks.describe_change(self._stage.stack, asked, TemplateURL=release.template_url)

    def _filled_in(self, before: Mapping[str, str], release: Release) -> dict[str, str]:
        values = {"Stack": self._stage.stack, "ArtefactBucket": release.bucket, "Release": release.name}
        if before.get("Release") not in (None, release.name):
            values["ReleaseBefore"] = before["Release"]
        if "FrontProof" not in before:
            values["FrontProof"] = secrets.token_urlsafe(32)
        if "AccountLogRole" not in before:
            values["AccountLogRole"] = "present" if self._gateway_may_log() else "create"
        return values

    def _gateway_may_log(self) -> bool:
        """Whether API Gateway has a role for its logs in this region."""
        return bool(self._stage.client("apigateway").get_account().get("cloudwatchRoleArn"))

    def _execute(self, change: ChangeSet) -> None:
        with self._terminal.progress(change.stack_name) as watch:
            self._stacks.execute(change, watch)

    def _standing(self) -> Stack:
        stack = self._stacks.find(self._stage.stack)
        if stack is None:
            raise DeployError(f"{self._stage.stack} was deleted meanwhile: deploy again")
        return stack

    def _told_its_address(self, stack: Stack) -> Stack:
        """Tells the function where the index is: CloudFront's name is known only once it stands. Mails need it."""
        values = {"BaseUrl": stack.outputs["Address"]}
        if stack.parameters["DomainName"] or stack.parameters["BaseUrl"] == values["BaseUrl"]:
            return stack
        release = self._releases.find(stack.parameters["Release"])
        self._execute(self._describe(release, stack.parameters, values))
        return self._standing()

    def _delete(self, stack: Stack | None) -> None:
        if stack is not None:
            with self._terminal.progress(f"deleting {stack.name}") as watch:
                self._stacks.delete(stack, watch)
