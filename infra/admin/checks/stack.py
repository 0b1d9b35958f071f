"""Tables, key and settings: what the template declares, against what stands there."""

from collections.abc import Iterator
from functools import partial

from botocore.exceptions import ClientError

from chalicelib.settings import Settings, SettingsError
from infra.admin.checks.finding import Finding
from infra.admin.target import Target
from infra.deploy.data_template import Table, resources, tables


def check_stack(index: Target) -> Iterator[Finding]:
    """The tables' safeguards, the signing key and the function's settings."""
    for table in tables().values():
        yield from _check_table(index, table)
    yield from _check_key(index)
    yield from _check_settings(index)


def _check_table(index: Target, table: Table) -> Iterator[Finding]:
    dynamodb, name = index.aws.dynamodb, index.settings.table(table.name)
    about = f"table {name}"
    described = dynamodb.describe_table(TableName=name)["Table"]
    keys = tuple(key["AttributeName"] for key in described["KeySchema"])
    if keys != table.keys:
        yield Finding(
            about, f"its key is {', '.join(keys)}, not {', '.join(table.keys)}", "it is no table of Waybill's"
        )
    wanted = {made["IndexName"] for made in table.properties.get("GlobalSecondaryIndexes", ())}
    for missing in sorted(wanted - {made["IndexName"] for made in described.get("GlobalSecondaryIndexes", ())}):
        yield Finding(about, f"its index {missing} is missing", "deploy again")
    if not described.get("DeletionProtectionEnabled"):
        yield Finding(
            about,
            "it can be deleted by mistake",
            "protect it from deletion",
            partial(dynamodb.update_table, TableName=name, DeletionProtectionEnabled=True),
        )
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    if backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] != "ENABLED":
        yield Finding(
            about,
            "there is no way back to an earlier time",
            "turn point-in-time recovery on",
            partial(
                dynamodb.update_continuous_backups,
                TableName=name,
                PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
            ),
        )
    if table.expires is not None:
        expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        if expiry["TimeToLiveStatus"] not in ("ENABLED", "ENABLING") or expiry.get("AttributeName") != table.expires:
            yield Finding(
                about,
                "what is past its time stays for ever",
                f"let DynamoDB forget by {table.expires}",
                partial(
                    dynamodb.update_time_to_live,
                    TableName=name,
                    TimeToLiveSpecification={"Enabled": True, "AttributeName": table.expires},
                ),
            )


def _check_key(index: Target) -> Iterator[Finding]:
    about = f"key {index.settings.key}"
    try:
        key = index.aws.kms.describe_key(KeyId=index.settings.key)["KeyMetadata"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotFoundException":
            raise
        yield Finding(about, "there is no such key, so that no token is issued", "deploy again")
        return
    (declared,) = (made["Properties"] for made in resources().values() if made["Type"] == "AWS::KMS::Key")
    for name in ("KeySpec", "KeyUsage"):
        if key.get(name) != declared[name]:
            yield Finding(
                about, f"its {name} is {key.get(name)}, not {declared[name]}", "let the alias name another key"
            )
    if key["KeyState"] != "Enabled":
        yield Finding(
            about,
            f"it is {key['KeyState']}, so that no token is issued",
            "enable it in KMS, or cancel its deletion, unless that was meant",
        )


def _check_settings(index: Target) -> Iterator[Finding]:
    variables = index.function_variables()
    if variables is None:
        return
    about = f"function {index.settings.stack}"
    try:
        settings = Settings.from_environment(variables)
    except SettingsError as error:
        yield Finding(about, f"it cannot start: {error}", "deploy again with another setting")
        return
    if settings.stack != index.settings.stack:
        yield Finding(about, f"its STACK is {settings.stack}: it serves another index", "deploy again")
