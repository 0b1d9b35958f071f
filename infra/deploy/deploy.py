"""The steps of `waybill deploy`, `rollback` and `destroy`, in their order.

Each step can be interrupted. The next run finds the state and continues.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from infra.deploy.data_stack import KEY_DELETION_DAYS, DataStack
from infra.deploy.package import Package
from infra.deploy.releases import Release, Releases
from infra.deploy.service_template import check_combination, option_parameters
from infra.deploy.smoke import run_smoke_test
from infra.deploy.stacks import ChangeSet, Stack, Stacks
from infra.deploy.stage import DeployError, Stage
from infra.deploy.terminal import Terminal

KEY_PLACEHOLDER = "created-with-the-tables"  # in the plan of a first deployment, which has no signing key yet
_CREATION_FAILED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED")

Confirm = Callable[[str], bool]


class Operations:
    """Changes a stage. Every method raises DeployError."""

    def __init__(self, stage: Stage, terminal: Terminal) -> None:
        self._stage = stage
        self._terminal = terminal
        self._stacks = Stacks(stage.client("cloudformation"))
        self._data = DataStack(stage, self._stacks)
        self._releases = Releases(stage, stage.client("s3"))

    def deploy(
        self, build: Callable[[str], Package], options: Mapping[str, str], confirm: Confirm, *, dry_run: bool
    ) -> Stack | None:
        """Deploy the sources with `options`. Return the service stack, or None if the plan was not executed.

        `build` builds the package for an architecture.
        """
        service = self._find_usable(self._stage.stack)
        data = self._find_usable(self._stage.data_stack)
        current = service.parameters if service else {}
        check_combination({**current, **options})
        with self._terminal.show_step("building the package"):
            architecture = option_parameters()["Architecture"]["Default"]
            package = build({"Architecture": architecture, **current, **options}["Architecture"])
        with self._terminal.show_step("uploading the release"):
            release = self._releases.add(package)
        values = {**options, **self._compute_values(current, release)}
        key = self._data.find_key()
        data_changes = (self._data.create_import() if data is None else None) or self._data.create_change_set()
        service_changes = self._plan(release, current, {**values, "SigningKey": key or KEY_PLACEHOLDER})
        planned = [change_set for change_set in (data_changes, service_changes) if change_set.is_required]
        if not planned:
            self._terminal.print(f"{self._stage.stack} is up to date: nothing changes")
            return self._set_base_url(self._get_service())
        for change_set in planned:
            self._terminal.print_changes(change_set.stack_name, change_set.changes)
        if dry_run or not confirm("Make these changes?"):
            for change_set in planned:
                self._stacks.discard(change_set)
            self._terminal.print("nothing was changed")
            return None
        if data_changes.is_required:
            self._execute_data_changes(data_changes)
        if key is None:
            self._stacks.discard(service_changes)
            service_changes = self._plan(release, current, {**values, "SigningKey": self._data.find_key() or ""})
        if service_changes.is_required:
            self._execute(service_changes)
        return self._set_base_url(self._get_service())

    def rollback(self, confirm: Confirm) -> Stack | None:
        """Restore the previous release with its template. The settings remain. A second rollback undoes the first.

        Return the service stack, or None without confirmation.
        """
        service = self._find_usable(self._stage.stack)
        if service is None:
            raise DeployError(f"{self._stage.stack} does not exist in {self._stage.region}")
        name = service.parameters["PreviousRelease"]
        if not self._releases.exists(name):
            raise DeployError(f"{self._stage.stack} has no previous release")
        values = {"Release": name, "PreviousRelease": service.parameters["Release"]}
        change_set = self._plan(self._releases.get(name), service.parameters, values)
        self._terminal.print_changes(change_set.stack_name, change_set.changes)
        if not confirm(f"Restore release {name}?"):
            self._stacks.discard(change_set)
            return None
        self._execute(change_set)
        return self._get_service()

    def destroy(self, *, delete_data: bool) -> None:
        """Delete the service stack and the releases. With `delete_data`, delete the tables and the key too."""
        for name in [self._stage.stack, *([self._stage.data_stack] if delete_data else [])]:
            self._delete(self._find_idle(name))
        with self._terminal.show_step("deleting the releases"):
            self._releases.delete_all()
        self._terminal.print(f"{self._stage.stack} is deleted in {self._stage.region}")
        if delete_data:
            with self._terminal.show_step("deleting the tables"):
                self._data.delete_resources()
            self._terminal.print(f"the tables are deleted; KMS deletes the signing key in {KEY_DELETION_DAYS} days")
            return
        data = self._stacks.find(self._stage.data_stack)
        if data is not None and data.status in _CREATION_FAILED:
            self._delete(data)
        tables, key = self._data.find_tables(), self._data.find_key()
        if tables:
            self._terminal.print(f"the stack {self._stage.data_stack} still has the tables {', '.join(tables)}")
            self._terminal.print(f"and the signing key {key}. The next deployment of {self._stage.name} uses them.")
            self._terminal.print("`waybill destroy --delete-data` deletes them.")

    def find(self) -> tuple[Stack | None, Stack | None]:
        """Return the service stack and the data stack."""
        return self._stacks.find(self._stage.stack), self._stacks.find(self._stage.data_stack)

    def run_smoke_test(self, stack: Stack) -> None:
        """Check that the deployed index responds."""
        # The name of the distribution works before DNS has an entry for a custom domain.
        url = f"https://{stack.outputs['DistributionDomain']}"
        if self._stage.emulator:
            url = f"{self._stage.emulator}/_aws/execute-api/{stack.outputs['RestAPIId']}/v"
        with self._terminal.show_step("running the smoke test"):
            lines = run_smoke_test(url)
        for line in lines:
            self._terminal.print(f"  {line}")

    def _find_idle(self, name: str) -> Stack | None:
        """Return the stack after the end of its running operation."""
        stack = self._stacks.find(name)
        if stack is not None and stack.is_busy:
            self._terminal.print(f"{name} is {stack.status} because of an earlier command; waiting for its end")
            with self._terminal.show_progress(name) as watch:
                try:
                    self._stacks.follow(stack, watch)
                except DeployError as failure:
                    self._terminal.print(f"it failed: {failure}")
            stack = self._stacks.find(name)
        return stack

    def _find_usable(self, name: str) -> Stack | None:
        """Return the stack, or None if it does not exist. Raises DeployError if it cannot be changed."""
        stack = self._find_idle(name)
        if stack is None or not stack.exists:
            return None
        variables = f"STAGE={self._stage.name} REGION={self._stage.region}"
        next_steps = {
            **dict.fromkeys(_CREATION_FAILED, f"run `make destroy {variables}`"),
            "DELETE_FAILED": f"run `make destroy {variables}`",
            "UPDATE_ROLLBACK_FAILED": "choose 'Continue update rollback' in the CloudFormation console",
        }
        if stack.status in next_steps:
            reason = self._stacks.find_first_failure(stack)
            raise DeployError(
                f"{name} cannot be changed ({stack.status}), because {reason}. Fix the cause, "
                f"{next_steps[stack.status]}, and deploy again"
            )
        return stack

    def _execute_data_changes(self, change_set: ChangeSet) -> None:
        """Execute a change set. After an import, add the resources that were not imported."""
        self._execute(change_set)
        if any(change.action == "Import" for change in change_set.changes):
            rest = self._data.create_change_set()
            if rest.is_required:
                self._execute(rest)

    def _plan(self, release: Release, current: Mapping[str, str], values: Mapping[str, str]) -> ChangeSet:
        """Return a change set of the service stack. A parameter without a value keeps its current one."""
        parameters: list[dict[str, Any]] = []
        for name in sorted(release.parameters):
            if name in values:
                parameters.append({"ParameterKey": name, "ParameterValue": values[name]})
            elif name in current:
                parameters.append({"ParameterKey": name, "UsePreviousValue": True})
        return self._stacks.create_change_set(self._stage.stack, parameters, TemplateURL=release.template_url)

    def _compute_values(self, current: Mapping[str, str], release: Release) -> dict[str, str]:
        values = {"Stack": self._stage.stack, "ReleaseBucket": release.bucket, "Release": release.name}
        if current.get("Release") not in (None, release.name):
            values["PreviousRelease"] = current["Release"]
        if "FrontProof" not in current:
            values["FrontProof"] = secrets.token_urlsafe(32)
        if "AccountLogRole" not in current:
            account = self._stage.client("apigateway").get_account()
            values["AccountLogRole"] = "present" if account.get("cloudwatchRoleArn") else "create"
        return values

    def _set_base_url(self, stack: Stack) -> Stack:
        """Pass the URL of the index to the function. CloudFront creates it, so it is not known before."""
        url = stack.outputs["IndexUrl"]
        if stack.parameters["DomainName"] or stack.parameters["BaseUrl"] == url:
            return stack
        release = self._releases.get(stack.parameters["Release"])
        self._execute(self._plan(release, stack.parameters, {"BaseUrl": url}))
        return self._get_service()

    def _get_service(self) -> Stack:
        stack = self._stacks.find(self._stage.stack)
        if stack is None:
            raise DeployError(f"{self._stage.stack} was deleted by another command: deploy again")
        return stack

    def _execute(self, change_set: ChangeSet) -> None:
        with self._terminal.show_progress(change_set.stack_name) as watch:
            self._stacks.execute(change_set, watch)

    def _delete(self, stack: Stack | None) -> None:
        if stack is not None:
            with self._terminal.show_progress(f"deleting {stack.name}") as watch:
                self._stacks.delete(stack, watch)
