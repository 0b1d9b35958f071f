"""The stack with the tables and the keys. It remains when the service stack is deleted."""

import json
from typing import Any

from infra.deploy.data_template import read_data_template, resolve_name, resources
from infra.deploy.stacks import ChangeSet, Stacks
from infra.deploy.stage import Stage

KEY_DELETION_DAYS = 30  # KMS keeps a deleted key for this time, so that the deletion can be cancelled; 7 to 30


class DataStack:
    """The tables and the keys of a stage, with or without their stack."""

    def __init__(self, stage: Stage, stacks: Stacks) -> None:
        self._stage, self._stacks = stage, stacks
        self._dynamodb, self._kms = stage.client("dynamodb"), stage.client("kms")
        self._aliases = {  # of each key, by its logical name
            resource["Properties"]["TargetKeyId"]["Ref"]: resolve_name(resource["Properties"]["AliasName"], stage.stack)
            for resource in resources(with_token_key=True).values()
            if resource["Type"] == "AWS::KMS::Alias"
        }

    def create_change_set(self, *, has_token_key: bool) -> ChangeSet:
        """Return a change set with the template. `has_token_key` adds the key of bearer tokens."""
        template = read_data_template()
        if not has_token_key:  # the template itself shows what a change adds, also where conditions are not compared
            outputs = {name: output for name, output in template["Outputs"].items() if "Condition" not in output}
            template = {**template, "Resources": resources(), "Outputs": outputs}
        return self._create_change_set(template, has_token_key)

    def create_import(self, *, has_token_key: bool) -> ChangeSet | None:
        """Return a change set that imports the existing tables and keys into a new stack. None if there are none.

        CloudFormation requires a template with the imported resources only. `create_change_set` adds the others.
        """
        existing = self.find_resources()
        if not existing:
            return None
        template, declared = read_data_template(), resources(with_token_key=True)
        imported = {name: declared[name] for name in existing}
        return self._create_change_set(
            {"Parameters": template["Parameters"], "Conditions": template["Conditions"], "Resources": imported},
            has_token_key,
            ChangeSetType="IMPORT",
            ResourcesToImport=[
                {"LogicalResourceId": name, "ResourceType": imported[name]["Type"], "ResourceIdentifier": identifier}
                for name, identifier in existing.items()
            ],
        )

    def find_tables(self) -> list[str]:
        """Return the names of the existing tables."""
        return [identifier["TableName"] for identifier in self.find_resources().values() if "TableName" in identifier]

    def find_resources(self) -> dict[str, dict[str, str]]:
        """Return the resources of the template that exist, with the identifiers that CloudFormation uses."""
        existing: dict[str, dict[str, str]] = {}
        for name, resource in resources(with_token_key=True).items():
            match resource["Type"]:
                case "AWS::DynamoDB::Table":
                    table = resolve_name(resource["Properties"]["TableName"], self._stage.stack)
                    if self._find_table_status(table) is not None:
                        existing[name] = {"TableName": table}
                case "AWS::KMS::Key" if key := self._find_key(name):
                    existing[name] = {"KeyId": key.rpartition("/")[2]}
                case "AWS::KMS::Alias" if self._find_key(resource["Properties"]["TargetKeyId"]["Ref"]):
                    existing[name] = {"AliasName": resolve_name(resource["Properties"]["AliasName"], self._stage.stack)}
        return existing

    def delete_resources(self) -> None:
        """Delete the tables, and the keys after KEY_DELETION_DAYS. The stack must not exist. Can be repeated."""
        tables = self.find_tables()
        for table in tables:
            if self._find_table_status(table) != "DELETING":
                self._dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
                self._dynamodb.get_waiter("table_exists").wait(TableName=table)
                self._dynamodb.delete_table(TableName=table)
        for table in tables:
            self._dynamodb.get_waiter("table_not_exists").wait(TableName=table)
        for name, alias in self._aliases.items():
            key = self._find_key(name)
            if key is not None:
                self._kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=KEY_DELETION_DAYS)
                self._kms.delete_alias(AliasName=alias)

    def find_key(self) -> str | None:
        """Return the ARN of the signing key, or None."""
        return self._find_key("SigningKey")

    def find_token_key(self) -> str | None:
        """Return the ARN of the key of bearer tokens, or None."""
        return self._find_key("TokenKey")

    def _find_key(self, name: str) -> str | None:
        try:
            arn: str = self._kms.describe_key(KeyId=self._aliases[name])["KeyMetadata"]["Arn"]
        except self._kms.exceptions.NotFoundException:
            return None
        return arn

    def _create_change_set(self, template: dict[str, Any], has_token_key: bool, **options: Any) -> ChangeSet:
        parameters = {"Stack": self._stage.stack, "Tokens": "on" if has_token_key else "off"}
        return self._stacks.create_change_set(
            self._stage.data_stack,
            [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            TemplateBody=json.dumps(template, separators=(",", ":")),
            **options,
        )

    def _find_table_status(self, table: str) -> str | None:
        try:
            status: str = self._dynamodb.describe_table(TableName=table)["Table"]["TableStatus"]
        except self._dynamodb.exceptions.ResourceNotFoundException:
            return None
        return status
