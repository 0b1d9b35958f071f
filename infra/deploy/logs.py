"""The log groups of a stage in CloudWatch."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from infra.deploy.stage import DeployError, Stage

POLL_SECONDS = 2
_OVERLAP_MS = 10_000  # lines can arrive late and out of order


def read_log(stage: Stage, *, minutes: int, follow: bool, access: bool) -> Iterator[str]:
    """Yield the lines of the last `minutes`, oldest first. With `follow`, continue with new lines.

    `access` selects the access log of API Gateway instead of the log of the function. Raises DeployError.
    """
    client = stage.client("logs")
    group = f"/aws/vendedlogs/{stage.stack}/access" if access else f"/aws/lambda/{stage.stack}"
    start = int((time.time() - minutes * 60) * 1000)
    printed: dict[str, int] = {}
    while True:
        for event in _read_events(client, group, start):
            event_id = event.get("eventId") or f"{event['logStreamName']} {event['timestamp']} {event['message']}"
            if event_id not in printed:
                printed[event_id] = event["timestamp"]
                at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                yield f"{at:%Y-%m-%dT%H:%M:%SZ} {event['message'].rstrip()}"
        if not follow:
            return
        start = max(start, max(printed.values(), default=start) - _OVERLAP_MS)
        printed = {event_id: at for event_id, at in printed.items() if at >= start}
        time.sleep(POLL_SECONDS)


def _read_events(client: Any, group: str, start: int) -> Iterator[dict[str, Any]]:
    try:
        for page in client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start):
            yield from page["events"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            raise DeployError(f"the log group {group} does not exist: deploy the index first") from error
        raise
