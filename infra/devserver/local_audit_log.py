"""The journal's events on this machine: where `python -m infra audit` looks for them on AWS too."""

import time
from typing import Any

import botocore.session

from infra.admin.audit_log import EVENT_MARK, log_group

_STREAM = "local"


class LocalAuditLog:
    """Keeps what has an event in moto's CloudWatch. The other lines say what the server's own say, and are dropped."""

    def __init__(self, stack: str, region: str) -> None:
        self._logs: Any = botocore.session.get_session().create_client("logs", region_name=region)
        self._where = {"logGroupName": log_group(stack), "logStreamName": _STREAM}
        self._logs.create_log_group(logGroupName=log_group(stack))
        self._logs.create_log_stream(**self._where)

    def write(self, line: str) -> None:
        """Takes one line."""
        if EVENT_MARK in line:
            self._logs.put_log_events(
                **self._where, logEvents=[{"timestamp": int(time.time() * 1000), "message": line}]
            )
