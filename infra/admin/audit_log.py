"""Records the changes of operators in the log group of the function. `waybill audit` reads them there."""

import time
import uuid
from contextlib import suppress
from typing import Any

import click
import msgspec

from chalicelib.audit_log import log_group
from infra.admin.command import describe_error
from infra.admin.target import Target

_STREAM = "operators"


def record(index: Target, event: str, target: str, **fields: Any) -> None:
    """Record a change. `fields` must not contain a secret.

    A failure is reported on standard error, and the command continues.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    stream = {"logGroupName": log_group(index.settings.stack), "logStreamName": _STREAM}
    command = click.get_current_context().command_path
    try:
        line = {"request": str(uuid.uuid4()), "command": command, "event": event, "target": target, **fields}
        message = msgspec.json.encode({**line, "actor": index.actor}).decode()
        with suppress(index.logs.exceptions.ResourceAlreadyExistsException):
            index.logs.create_log_stream(**stream)
        index.logs.put_log_events(**stream, logEvents=[{"timestamp": int(time.time() * 1000), "message": message}])
    except (BotoCoreError, ClientError) as error:
        click.echo(f"Warning: the audit log does not contain this change: {describe_error(error)}", err=True)
