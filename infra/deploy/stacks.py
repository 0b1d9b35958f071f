"""CloudFormation: change sets that are shown before they are made, and operations that are followed to their end."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from infra.deploy.stage import DeployError

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
_BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS")
_CONSEQUENCES = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")
_STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack as it stands."""

    id: str
    name: str
    status: str
    parameters: dict[str, str]
    outputs: dict[str, str]
    changed: Any = None

    @property
    def exists(self) -> bool:
        """Whether anything was ever made of it: a change set that was never executed leaves an empty shell."""
        return self.status != "REVIEW_IN_PROGRESS"

    @property
    def busy(self) -> bool:
        """Whether an operation is under way."""
        return self.exists and self.status.endswith("_IN_PROGRESS")


@dataclass(frozen=True, slots=True)
class Change:
    """What a change set does to one resource.

    It is not `certain` where CloudFormation only looks again, because something that the resource refers to changes.
    """

    action: str
    resource: str
    type: str
    replacement: str = ""
    certain: bool = True


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A described change set, not `needed` where the stack is as it should be.

    One that changes nothing but outputs has no `changes`, and is needed.
    """

    id: str
    stack_id: str
    stack_name: str
    new_stack: bool
    changes: list[Change] = field(default_factory=list)
    required: bool = True


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to one resource."""

    resource: str
    type: str
    status: str
    reason: str

    @property
    def failed(self) -> bool:
        """Whether this is a failure of its own, and not the consequence of another."""
        return self.status.endswith("_FAILED") and not self.reason.startswith(_CONSEQUENCES)


Watcher = Callable[[Event], None]


class OperationFailed(DeployError):
    """An operation ended badly. The message has the reason of the first event that failed: the rest follow from it."""


class Stacks:
    """`pause` waits between two looks; it is given how many there were."""

    def __init__(self, cloudformation: Any, pause: Callable[[int], None] | None = None) -> None:
        self._client = cloudformation
        self._pause = pause or _pause

    def find(self, name: str) -> Stack | None:
        """The stack of this name, or with this id; None where there is none."""
        try:
            found = self._client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in error.response["Error"].get("Message", ""):
                return None
            raise
        if found["StackStatus"] == "DELETE_COMPLETE":
            return None
        return Stack(
            found["StackId"],
            found["StackName"],
            found["StackStatus"],
            {p["ParameterKey"]: p.get("ParameterValue", "") for p in found.get("Parameters", [])},
            {o["OutputKey"]: o["OutputValue"] for o in found.get("Outputs", [])},
            found.get("LastUpdatedTime") or found.get("CreationTime"),
        )

    def describe_change(self, name: str, parameters: list[dict[str, Any]], **template: Any) -> ChangeSet:
        """Makes a change set and waits for its description. `template` says where the template is, and what to import.

        One without changes is removed again. Raises DeployError.
        """
        stack = self.find(name)
        new = stack is None or not stack.exists
        asked = {"ChangeSetType": "CREATE" if new else "UPDATE", **template}
        made = self._client.create_change_set(
            StackName=name,
            ChangeSetName=f"waybill-{uuid4().hex[:12]}",
            Parameters=parameters,
            Capabilities=CAPABILITIES,
            **asked,
        )
        described = ChangeSet(made["Id"], made["StackId"], name, new)
        for looks in range(10**6):
            status, reason, changes = self._read_change_set(described)
            if status == "CREATE_COMPLETE":
                return replace(described, changes=changes)
            if status == "FAILED":
                self.discard(described)
                if "contain changes" in reason or "No updates are to be performed" in reason:
                    return replace(described, required=False)
                raise DeployError(f"CloudFormation cannot change {name}: {reason}")
            self._pause(looks)
        raise AssertionError

    def _read_change_set(self, change: ChangeSet) -> tuple[str, str, list[Change]]:
        changes: list[Change] = []
        page: dict[str, Any] = {"NextToken": None}
        while "NextToken" in page:
            token = {"NextToken": page["NextToken"]} if page["NextToken"] else {}
            page = self._client.describe_change_set(**_named(change), **token)
            for described in page.get("Changes", []):
                resource = described["ResourceChange"]
                changes.append(
                    Change(
                        resource["Action"],
                        resource["LogicalResourceId"],
                        resource["ResourceType"],
                        resource.get("Replacement", ""),
                        _is_certain(resource),
                    )
                )
        return page["Status"], page.get("StatusReason", ""), changes

    def discard(self, change: ChangeSet) -> None:
        """Removes a change set that will not be executed, and the empty shell of a stack that it may have made."""
        self._client.delete_change_set(**_named(change))
        stack = self.find(change.stack_id)
        if change.new_stack and stack is not None and not stack.exists:
            self._client.delete_stack(StackName=change.stack_id)

    def execute(self, change: ChangeSet, watch: Watcher) -> None:
        """Executes a change set and follows it to its end. Raises OperationFailed."""
        token = f"waybill-{uuid4().hex}"
        self._client.execute_change_set(**_named(change), ClientRequestToken=token)
        self._follow(change.stack_id, change.stack_name, watch, token)

    def delete(self, stack: Stack, watch: Watcher) -> None:
        """Deletes a stack and follows it to its end. Raises OperationFailed."""
        token = f"waybill-{uuid4().hex}"
        self._client.delete_stack(StackName=stack.id, ClientRequestToken=token)
        self._follow(stack.id, stack.name, watch, token)

    def join(self, stack: Stack, watch: Watcher) -> None:
        """Follows the operation that is under way on `stack`, whoever began it. Raises OperationFailed."""
        self._follow(stack.id, stack.name, watch, None)

    def first_failure(self, stack: Stack) -> str:
        """Why the last operation on `stack` failed."""
        return _first_failure(self._operation(stack.id)[1])

    def _follow(self, stack_id: str, name: str, watch: Watcher, token: str | None) -> None:
        """Tells `watch` of each event until the operation ends: the one with this token, or the newest."""
        told = 0
        for looks in range(10**6):
            began_by, events = self._operation(stack_id)
            if token is not None and began_by != token:
                events = []
            for event in events[told:]:
                watch(event)
            told = max(told, len(events))
            last = next((e for e in reversed(events) if e.type == _STACK and e.resource == name), None)
            if last is not None and not last.status.endswith("_IN_PROGRESS"):
                if last.status.endswith("_COMPLETE") and "ROLLBACK" not in last.status:
                    return
                raise OperationFailed(f"{name}: {_first_failure(events)}")
            self._pause(looks)

    def _operation(self, stack_id: str) -> tuple[str | None, list[Event]]:
        """The newest operation: the token that it began with, and its events, oldest first."""
        events: list[Event] = []
        for event in self._newest_first(stack_id):
            events.append(
                Event(
                    event["LogicalResourceId"],
                    event["ResourceType"],
                    event["ResourceStatus"],
                    event.get("ResourceStatusReason", ""),
                )
            )
            if event["PhysicalResourceId"] == stack_id and event["ResourceStatus"] in _BEGINNINGS:
                return event.get("ClientRequestToken"), events[::-1]
        return None, events[::-1]

    def _newest_first(self, stack_id: str) -> Iterator[dict[str, Any]]:
        for page in self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
            yield from page["StackEvents"]


def _named(change: ChangeSet) -> dict[str, str]:
    """How CloudFormation knows a change set. It asks for permission on the stack, so that is said too."""
    return {"StackName": change.stack_id, "ChangeSetName": change.id}


def _is_certain(resource: dict[str, Any]) -> bool:
    details = resource.get("Details", [])
    return resource["Action"] != "Modify" or any(detail.get("Evaluation") != "Dynamic" for detail in details)


def _first_failure(events: list[Event]) -> str:
    failures = [event for event in events if event.failed]
    own = next((event for event in failures if event.type != _STACK), None)
    if own is not None:
        return f"{own.resource} ({own.type}) failed: {own.reason or own.status}"
    reasons = [event.reason for event in events if event.type == _STACK and event.reason]
    return reasons[0] if reasons else "it failed, and CloudFormation gives no reason"


def _pause(looks: int) -> None:
    """Short at first, for what takes a moment; then every two seconds."""
    time.sleep(min(0.1 * 1.5**looks, 2) if looks < 20 else 2)
