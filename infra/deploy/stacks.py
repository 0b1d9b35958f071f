"""CloudFormation: change sets that are shown before they are executed, and operations whose events are printed."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError, WaiterError
from msgspec import Struct
from msgspec.structs import replace

from infra.deploy.stage import DeployError

POLL_SECONDS = 1
_CHANGE_SET_SECONDS = 600  # AWS needs less than a minute
_CAPABILITIES = ["CAPABILITY_IAM"]
_FIRST_STATUSES = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS")
_CONSEQUENCES = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")
_STACK = "AWS::CloudFormation::Stack"


class Stack(Struct, frozen=True):
    """The state of a stack."""

    id: str
    name: str
    status: str
    parameters: dict[str, str]
    outputs: dict[str, str]
    changed: Any = None

    @property
    def exists(self) -> bool:
        """False for the empty stack that a change set for a new stack creates before it is executed."""
        return self.status != "REVIEW_IN_PROGRESS"

    @property
    def is_busy(self) -> bool:
        """Whether an operation is running."""
        return self.exists and self.status.endswith("_IN_PROGRESS")


class Change(Struct, frozen=True):
    """A change of one resource.

    Attributes:
        action: Add, Modify, Remove or Import.
        resource: the logical name.
        type: the type, such as AWS::SNS::Topic.
        replacement: True, False, Conditional or ''.
        is_certain: false if CloudFormation only evaluates the resource again, because it refers to a changed one.
    """

    action: str
    resource: str
    type: str
    replacement: str = ""
    is_certain: bool = True


class ChangeSet(Struct, frozen=True):
    """A change set.

    Attributes:
        id: its ARN.
        stack_id: the ARN of the stack.
        stack_name: the name of the stack.
        is_new_stack: whether the change set creates the stack.
        changes: the changes. They are empty if only outputs change.
        is_required: false if the stack is up to date. The change set has then been deleted.
    """

    id: str
    stack_id: str
    stack_name: str
    is_new_stack: bool
    changes: tuple[Change, ...] = ()
    is_required: bool = True

    @property
    def _key(self) -> dict[str, str]:
        """IAM checks the permission on the stack, so each call names the stack too."""
        return {"StackName": self.stack_id, "ChangeSetName": self.id}


class Event(Struct, frozen=True):
    """An event of one resource."""

    resource: str
    type: str
    status: str
    reason: str

    @property
    def is_failure(self) -> bool:
        """False also for a resource that was cancelled because another one failed."""
        return self.status.endswith("_FAILED") and not self.reason.startswith(_CONSEQUENCES)


Watcher = Callable[[Event], None]


class OperationFailed(DeployError):
    """An operation failed. The message contains the reason of the first failed event, which caused the others."""


class Stacks:
    """The stacks of an account and region, through a boto3 client for CloudFormation."""

    def __init__(self, cloudformation: Any) -> None:
        self._client = cloudformation

    def find(self, name: str) -> Stack | None:
        """Return the stack with this name or ARN, or None."""
        try:
            stack = self._client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in error.response["Error"].get("Message", ""):
                return None
            raise
        if stack["StackStatus"] == "DELETE_COMPLETE":
            return None
        return Stack(
            stack["StackId"],
            stack["StackName"],
            stack["StackStatus"],
            {p["ParameterKey"]: p.get("ParameterValue", "") for p in stack.get("Parameters", [])},
            {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])},
            stack.get("LastUpdatedTime") or stack.get("CreationTime"),
        )

    def create_change_set(self, name: str, parameters: list[dict[str, Any]], **template: Any) -> ChangeSet:
        """Create a change set and wait for it. `template` contains the template and the resources to import.

        A change set without changes is deleted. Raises DeployError.
        """
        stack = self.find(name)
        is_new = stack is None or not stack.exists
        created = self._client.create_change_set(
            StackName=name,
            ChangeSetName=f"waybill-{uuid4().hex[:12]}",
            Parameters=parameters,
            Capabilities=_CAPABILITIES,
            **{"ChangeSetType": "CREATE" if is_new else "UPDATE", **template},
        )
        change_set = ChangeSet(created["Id"], created["StackId"], name, is_new)
        limits = {"Delay": POLL_SECONDS, "MaxAttempts": _CHANGE_SET_SECONDS}
        try:
            self._client.get_waiter("change_set_create_complete").wait(**change_set._key, WaiterConfig=limits)
        except WaiterError as error:
            self.discard(change_set)
            reason = error.last_response.get("StatusReason", "")
            if "contain changes" in reason or "No updates are to be performed" in reason:
                return replace(change_set, is_required=False)
            raise DeployError(f"CloudFormation cannot change {name}: {reason or error}") from error
        pages = self._client.get_paginator("describe_change_set").paginate(**change_set._key)
        changes = (_parse_change(change["ResourceChange"]) for page in pages for change in page.get("Changes", []))
        return replace(change_set, changes=tuple(changes))

    def discard(self, change_set: ChangeSet) -> None:
        """Delete a change set that is not executed, and the empty stack that it may have created."""
        self._client.delete_change_set(**change_set._key)
        stack = self.find(change_set.stack_id)
        if change_set.is_new_stack and stack is not None and not stack.exists:
            self._client.delete_stack(StackName=change_set.stack_id)

    def execute(self, change_set: ChangeSet, watch: Watcher) -> None:
        """Execute a change set and wait for the end. Raises OperationFailed."""
        token = f"waybill-{uuid4().hex}"
        self._client.execute_change_set(**change_set._key, ClientRequestToken=token)
        self._follow(change_set.stack_id, change_set.stack_name, watch, token)

    def delete(self, stack: Stack, watch: Watcher) -> None:
        """Delete a stack and wait for the end. Raises OperationFailed."""
        token = f"waybill-{uuid4().hex}"
        self._client.delete_stack(StackName=stack.id, ClientRequestToken=token)
        self._follow(stack.id, stack.name, watch, token)

    def follow(self, stack: Stack, watch: Watcher) -> None:
        """Wait for the end of the running operation, which another command started. Raises OperationFailed."""
        self._follow(stack.id, stack.name, watch, None)

    def find_first_failure(self, stack: Stack) -> str:
        """Return the reason why the last operation failed."""
        return _find_first_failure(self._read_last_operation(stack.id)[1])

    def _follow(self, stack_id: str, name: str, watch: Watcher, token: str | None) -> None:
        """Pass each event to `watch` until the operation ends: the one with this token, or the last one.

        The waiters of botocore do not return events, so this loop replaces them here.
        """
        count = 0
        while True:
            actual_token, events = self._read_last_operation(stack_id)
            if token in (None, actual_token):
                for event in events[count:]:
                    watch(event)
                count = len(events)
                last = next((e for e in reversed(events) if (e.type, e.resource) == (_STACK, name)), None)
                if last is not None and not last.status.endswith("_IN_PROGRESS"):
                    if last.status.endswith("_COMPLETE") and "ROLLBACK" not in last.status:
                        return
                    raise OperationFailed(f"{name}: {_find_first_failure(events)}")
            time.sleep(POLL_SECONDS)

    def _read_last_operation(self, stack_id: str) -> tuple[str | None, list[Event]]:
        """Return the token of the last operation and its events, oldest first."""
        events: list[Event] = []
        for event in self._read_events(stack_id):
            events.append(
                Event(
                    event["LogicalResourceId"],
                    event["ResourceType"],
                    event["ResourceStatus"],
                    event.get("ResourceStatusReason", ""),
                )
            )
            if event["PhysicalResourceId"] == stack_id and event["ResourceStatus"] in _FIRST_STATUSES:
                return event.get("ClientRequestToken"), events[::-1]
        return None, events[::-1]

    def _read_events(self, stack_id: str) -> Iterator[dict[str, Any]]:
        """Yield the events, newest first."""
        for page in self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
            yield from page["StackEvents"]


def _parse_change(resource: dict[str, Any]) -> Change:
    details = resource.get("Details", [])
    return Change(
        resource["Action"],
        resource["LogicalResourceId"],
        resource["ResourceType"],
        resource.get("Replacement", ""),
        resource["Action"] != "Modify" or any(detail.get("Evaluation") != "Dynamic" for detail in details),
    )


def _find_first_failure(events: list[Event]) -> str:
    failure = next((event for event in events if event.is_failure and event.type != _STACK), None)
    if failure is not None:
        return f"{failure.resource} ({failure.type}) failed: {failure.reason or failure.status}"
    reasons = [event.reason for event in events if event.type == _STACK and event.reason]
    return reasons[0] if reasons else "CloudFormation gives no reason for the failure"
