"""What an operator changes, in the index's own journal: `audit` reads it back with what everybody else changed."""

import json
import time
import uuid
from contextlib import suppress
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from infra.admin.command import sentence
from infra.admin.target import Target

EVENT_MARK = '"event":'  # what stands in a line that has one, and in no other (chalicelib/request_log.py)
_STREAM = "operators"


def log_group(stack: str) -> str:
    """Where a stack's function writes."""
    return f"/aws/lambda/{stack}"


def record(index: Target, event: str, on: str, **facts: Any) -> None:
    """Notes a change: who, what, on what. Never a secret.

    It is made all the same where it cannot be noted; the operator is told on standard error.
    """
    where = {"logGroupName": log_group(index.settings.stack), "logStreamName": _STREAM}
    try:
        line = {"request": str(uuid.uuid4()), "from": "python -m infra", "event": event, "on": on, **facts}
        message = json.dumps({**line, "who": index.operator})
        with suppress(index.logs.exceptions.ResourceAlreadyExistsException):
            index.logs.create_log_stream(**where)
        index.logs.put_log_events(**where, logEvents=[{"timestamp": int(time.time() * 1000), "message": message}])
    except (BotoCoreError, ClientError) as error:
        click.echo(f"Not noted in the journal {where['logGroupName']}: {sentence(error)}", err=True)
