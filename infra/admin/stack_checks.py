"""The checks of `waybill doctor` for the tables, the signing key and the settings of the function.

A fix turns on what the template turns on. It needs permissions that other commands do not need. Everything else is
changed by a deployment or by a person.
"""

from collections.abc import Iterator
from functools import partial

from botocore.exceptions import ClientError

from chalicelib.settings import Settings
from chalicelib.settings_table import SettingsError
from infra.admin.finding import Finding
from infra.admin.target import Target
from infra.deploy.data_template import Table, resources, tables

_ENABLE = "turn it on, as in infra/deploy/data.yaml"


def check_stack(index: Target) -> Iterator[Finding]:
    """Compare the stack with the template."""
    for table in tables().values():
        yield from _check_table(index, table)
    yield from _check_key(index)
    yield from _check_function(index)


def _check_table(index: Target, table: Table) -> Iterator[Finding]:
    dynamodb, name = index.aws.dynamodb, index.settings.table(table.name)
    subject = f"table {name}"
    description = dynamodb.describe_table(TableName=name)["Table"]
    keys = tuple(key["AttributeName"] for key in description["KeySchema"])
    if keys != table.keys:
        problem = f"the key is {', '.join(keys)}, but must be {', '.join(table.keys)}"
        yield Finding("table-key", subject, problem, "create the table from infra/deploy/data.yaml")
    indexes = {index["IndexName"] for index in description.get("GlobalSecondaryIndexes", ())}
    for declared in table.properties.get("GlobalSecondaryIndexes", ()):
        if declared["IndexName"] not in indexes:
            problem = f"the index {declared['IndexName']} is missing"
            yield Finding("table-index", subject, problem, "run: waybill deploy")
    if not description.get("DeletionProtectionEnabled"):
        fix = partial(dynamodb.update_table, TableName=name, DeletionProtectionEnabled=True)
        yield Finding("deletion-protection", subject, "deletion protection is off", _ENABLE, fix)
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    if backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] != "ENABLED":
        recovery = {"PointInTimeRecoveryEnabled": True}
        fix = partial(dynamodb.update_continuous_backups, TableName=name, PointInTimeRecoverySpecification=recovery)
        yield Finding("backups", subject, "point-in-time recovery is off", _ENABLE, fix)
    if table.expires is not None:
        expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        if expiry["TimeToLiveStatus"] not in ("ENABLED", "ENABLING") or expiry.get("AttributeName") != table.expires:
            problem = f"time to live by {table.expires} is off, so that expired items are never deleted"
            specification = {"Enabled": True, "AttributeName": table.expires}
            fix = partial(dynamodb.update_time_to_live, TableName=name, TimeToLiveSpecification=specification)
            # Time to live by another attribute must be turned off first, which takes up to an hour.
            is_off = expiry["TimeToLiveStatus"] == "DISABLED"
            yield Finding("time-to-live", subject, problem, _ENABLE, fix if is_off else None)


def _check_key(index: Target) -> Iterator[Finding]:
    subject = f"key {index.settings.key}"
    try:
        key = index.aws.kms.describe_key(KeyId=index.settings.key)["KeyMetadata"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotFoundException":
            raise
        problem = "the signing key does not exist, so that no tokens are issued"
        yield Finding("key-missing", subject, problem, "run: waybill deploy")
        return
    (declared,) = (item["Properties"] for item in resources().values() if item["Type"] == "AWS::KMS::Key")
    for name in ("KeySpec", "KeyUsage"):
        if key.get(name) != declared[name]:
            problem = f"{name} is {key.get(name)}, but must be {declared[name]}"
            yield Finding("key-type", subject, problem, "change the alias to a key of the right type")
    if key["KeyState"] != "Enabled":
        problem = f"the state is {key['KeyState']}, so that no tokens are issued"
        yield Finding("key-state", subject, problem, "enable the key in KMS, or cancel its deletion")


def _check_function(index: Target) -> Iterator[Finding]:
    variables = index.get_function_variables()
    if variables is None:
        return
    subject = f"function {index.settings.stack}"
    try:
        stack = Settings.from_environment(variables).stack
    except SettingsError as error:
        problem = f"the function cannot start: {error}"
        yield Finding("settings-invalid", subject, problem, "run waybill deploy with a valid setting")
        return
    if stack != index.settings.stack:
        yield Finding("settings-stack", subject, f"STACK is {stack}, another index", "run: waybill deploy")
