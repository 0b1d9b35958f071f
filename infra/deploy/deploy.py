"""The steps of `waybill deploy`, `rollback` and `destroy`, in their order.

Each step can be interrupted. The next run finds the state and continues.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra import command_name
from infra.deploy.cost import describe_cost
from infra.deploy.data_stack import KEY_DELETION_DAYS, DataStack
from infra.deploy.package_model import Package
from infra.deploy.releases import Release, Releases
from infra.deploy.service_template import check_values, merge_values, read_service_template
from infra.deploy.smoke import run_smoke_test
from infra.deploy.stacks import ChangeSet, Stack, Stacks
from infra.deploy.stage import DeployError, Stage
from infra.deploy.terminal import Terminal

KEY_PLACEHOLDER = "created-with-the-tables"  # in the plan of a deployment that creates the key
BOUNDARY = "waybill-boundary"  # the name of the policy in docs/guide/permissions-boundary.json
_SECRET_BYTES = 32
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
        """Deploy a package with `options`. Return the service stack, or None if the plan was not executed.

        `build` returns the package for an architecture. If the smoke test fails, the previous release is restored with
        its settings.
        """
        service = self._find_usable(self._stage.stack)
        data = self._find_usable(self._stage.data_stack)
        current = service.parameters if service else {}
        options = {**self._find_boundary(current), **options}
        values = merge_values(current, options)
        has_registries = bool(check_values(values, self._stage.region).registries)
        with self._terminal.show_step("preparing the package"):
            package = build(values["Architecture"])
        with self._terminal.show_step("uploading the release"):
            release = self._releases.add(package)
        keys = self._find_keys()
        has_token_key = has_registries or bool(keys["TokenKey"])
        passed = {**options, **self._compute_values(current, release)}
        data_changes = (
            self._data.create_import(has_token_key=has_token_key) if data is None else None
        ) or self._data.create_change_set(has_token_key=has_token_key)
        planned_keys = {
            "SigningKey": keys["SigningKey"] or KEY_PLACEHOLDER,
            "TokenKey": keys["TokenKey"] or (KEY_PLACEHOLDER if has_token_key else ""),
        }
        service_changes = self._plan(release, current, {**passed, **planned_keys})
        planned = [change_set for change_set in (data_changes, service_changes) if change_set.is_required]
        if not planned:
            self._terminal.print(f"{self._stage.stack} is up to date: nothing changes")
            return self._get_service()
        self._terminal.print_settings(merge_values(current, {}) if current else {}, values)
        for change_set in planned:
            self._terminal.print_changes(change_set.stack_name, change_set.changes)
        self._terminal.print(describe_cost(values, has_token_key=has_token_key))
        if dry_run or not confirm(f"Make these changes in account {self._stage.account}, {self._stage.region}?"):
            for change_set in planned:
                self._stacks.discard(change_set)
            self._terminal.print("nothing was changed")
            return None
        if data_changes.is_required:
            self._execute_data_changes(data_changes, has_token_key)
        if KEY_PLACEHOLDER in planned_keys.values():
            self._stacks.discard(service_changes)
            service_changes = self._plan(release, current, {**passed, **self._find_keys()})
        if service_changes.is_required:
            self._execute(service_changes)
        self._test_or_restore(service)
        return self._get_service()

    def _test_or_restore(self, previous: Stack | None) -> None:
        """Run the smoke test. If it fails, restore the release and the settings of `previous`."""
        try:
            self.run_smoke_test(self._get_service())
        except DeployError as error:
            if previous is None:
                raise
            self._terminal.print(f"the smoke test failed: {error}")
            name = previous.parameters["Release"]
            restored = {
                name: value
                for name, value in previous.parameters.items()
                if not read_service_template()["Parameters"].get(name, {}).get("NoEcho")
            }
            change_set = self._plan(self._releases.get(name), previous.parameters, restored)
            if change_set.is_required:
                self._execute(change_set)
            raise DeployError(f"release {name} and its settings are active again, because {error}") from error

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
            self._terminal.print(f"the tables are deleted; KMS deletes the keys in {KEY_DELETION_DAYS} days")
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
        url, connects_to = stack.outputs["IndexUrl"], stack.outputs.get("DomainTarget")
        if self._stage.emulator:
            url, connects_to = f"{self._stage.emulator}/_aws/execute-api/{stack.outputs['ApiId']}/$default", None
        with self._terminal.show_step("running the smoke test"):
            lines = run_smoke_test(url, connects_to)
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
        destroy = f"run `{command_name()} destroy --stage {self._stage.name} --region {self._stage.region}`"
        next_steps = {
            **dict.fromkeys(_CREATION_FAILED, destroy),
            "DELETE_FAILED": destroy,
            "UPDATE_ROLLBACK_FAILED": "choose 'Continue update rollback' in the CloudFormation console",
        }
        if stack.status in next_steps:
            reason = self._stacks.find_first_failure(stack)
            raise DeployError(
                f"{name} cannot be changed ({stack.status}), because {reason}. Fix the cause, "
                f"{next_steps[stack.status]}, and deploy again"
            )
        return stack

    def _execute_data_changes(self, change_set: ChangeSet, has_token_key: bool) -> None:
        """Execute a change set. After an import, add the resources that were not imported."""
        self._execute(change_set)
        if any(change.action == "Import" for change in change_set.changes):
            rest = self._data.create_change_set(has_token_key=has_token_key)
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
        if "RegistrySecret" not in current:
            values["RegistrySecret"] = secrets.token_urlsafe(_SECRET_BYTES)
        return values

    def _find_keys(self) -> dict[str, str]:
        """Return the ARNs of the keys, or empty texts."""
        return {"SigningKey": self._data.find_key() or "", "TokenKey": self._data.find_token_key() or ""}

    def _find_boundary(self, current: Mapping[str, str]) -> dict[str, str]:
        """Return the permissions boundary of the account, unless the stack already has one."""
        if current.get("PermissionsBoundary"):
            return {}
        arn = f"arn:{self._stage.partition}:iam::{self._stage.account}:policy/{BOUNDARY}"
        try:
            self._stage.client("iam").get_policy(PolicyArn=arn)
        except ClientError:  # it does not exist, or only administrators may see it
            return {}
        return {"PermissionsBoundary": arn}

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
