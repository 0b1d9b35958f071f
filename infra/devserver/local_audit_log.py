"""The audit log of the local server. `waybill audit` reads it in the same place as on AWS: in CloudWatch Logs."""

import time
from typing import Any

import botocore.session

from chalicelib.audit_log import EVENT_MARK, log_group

_STREAM = "local"


class LocalAuditLog:
    """Keeps the lines of the request log that have an event, in moto's CloudWatch Logs.

    Other lines are dropped, because the server prints a line for each request itself.
    """

    def __init__(self, stack: str, region: str) -> None:
        self._logs: Any = botocore.session.get_session().create_client("logs", region_name=region)
        self._stream = {"logGroupName": log_group(stack), "logStreamName": _STREAM}
        self._logs.create_log_group(logGroupName=log_group(stack))
        self._logs.create_log_stream(**self._stream)

    def write(self, line: str) -> None:
        """Add a line of the request log."""
        if EVENT_MARK in line:
            event = {"timestamp": int(time.time() * 1000), "message": line}
            self._logs.put_log_events(**self._stream, logEvents=[event])
