"""The data stack: tables and key. It outlives the index; tables that outlived the stack itself are taken back in."""

import json
from typing import Any

from botocore.exceptions import ClientError

from infra.deploy.data_template import document, named, resources
from infra.deploy.stacks import ChangeSet, Stacks
from infra.deploy.stage import Stage

KEY_DAYS = 30  # how long KMS keeps a key that is to be deleted, in case it was a mistake; 7 to 30


class Data:
    """A stage's tables and key."""

    def __init__(self, stage: Stage, stacks: Stacks) -> None:
        self._stage, self._stacks = stage, stacks
        self._dynamodb, self._kms = stage.client("dynamodb"), stage.client("kms")

    def describe_change(self) -> ChangeSet:
        """What the template would change. Tables and key that a stack left behind are brought in first."""
        return self._change(document())

    def describe_adoption(self) -> ChangeSet | None:
        """How tables and key that are there without their stack come into one. None where nothing is left over.

        CloudFormation imports into a template that has nothing but what is imported; the rest is the next change's.
        """
        left = self.left_over()
        if not left:
            return None
        imported = {name: resources()[name] for name in left}
        importing = [
            {"LogicalResourceId": name, "ResourceType": imported[name]["Type"], "ResourceIdentifier": identifier}
            for name, identifier in left.items()
        ]
        return self._change(
            {"Parameters": document()["Parameters"], "Resources": imported},
            ChangeSetType="IMPORT",
            ResourcesToImport=importing,
        )

    def tables(self) -> list[str]:
        """The names of this stage's tables that exist."""
        return [identifier["TableName"] for identifier in self.left_over().values() if "TableName" in identifier]

    def left_over(self) -> dict[str, dict[str, str]]:
        """Which of the template's resources exist, stack or no stack, each with what CloudFormation knows it by."""
        found: dict[str, dict[str, str]] = {}
        key = self.key()
        for name, resource in resources().items():
            match resource["Type"]:
                case "AWS::DynamoDB::Table":
                    table = named(resource["Properties"]["TableName"], self._stage.stack)
                    if self._status(table) is not None:
                        found[name] = {"TableName": table}
                case "AWS::KMS::Key" if key is not None:
                    found[name] = {"KeyId": key.rpartition("/")[2]}
                case "AWS::KMS::Alias" if key is not None:
                    found[name] = {"AliasName": self._alias}
        return found

    def delete(self) -> None:
        """Deletes the tables for good, and the key after KEY_DAYS. The stack must be gone. May be repeated."""
        tables = self.tables()
        for table in tables:
            if self._status(table) != "DELETING":
                self._dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
                self._dynamodb.get_waiter("table_exists").wait(TableName=table)
                self._dynamodb.delete_table(TableName=table)
        for table in tables:
            self._dynamodb.get_waiter("table_not_exists").wait(TableName=table)
        key = self.key()
        if key is not None:
            self._kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=KEY_DAYS)
            self._kms.delete_alias(AliasName=self._alias)

    def key(self) -> str | None:
        """The signing key's ARN; None where there is none."""
        try:
            key: str = self._kms.describe_key(KeyId=self._alias)["KeyMetadata"]["Arn"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "NotFoundException":
                raise
            return None
        return key

    @property
    def _alias(self) -> str:
        return f"alias/{self._stage.stack}"

    def _change(self, template: dict[str, Any], **asked: Any) -> ChangeSet:
        return self._stacks.describe_change(
            self._stage.data_stack,
            [{"ParameterKey": "Stack", "ParameterValue": self._stage.stack}],
            TemplateBody=json.dumps(template, separators=(",", ":")),
            **asked,
        )

    def _status(self, table: str) -> str | None:
        """The table's status; None where there is no such table."""
        try:
            status: str = self._dynamodb.describe_table(TableName=table)["Table"]["TableStatus"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return None
        return status
