"""CloudWatch's logs, as lines."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from infra.deploy.stage import DeployError, Stage

POLL_SECONDS = 2
_OVERLAP_MS = 10_000  # lines arrive late and out of order


class Logs:
    """A stage's log groups."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._client = stage.client("logs")

    def read(self, *, minutes: int, follow: bool, access: bool) -> Iterator[str]:
        """The lines of the last `minutes`, oldest first, and those that come while `follow` lasts."""
        group = f"/waybill/{self._stage.stack}/access" if access else f"/aws/lambda/{self._stage.stack}"
        since = int((time.time() - minutes * 60) * 1000)
        told: dict[str, int] = {}
        while True:
            for event in self._events(group, since):
                known_by = event.get("eventId") or f"{event['logStreamName']} {event['timestamp']} {event['message']}"
                if known_by not in told:
                    told[known_by] = event["timestamp"]
                    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                    yield f"{at:%Y-%m-%dT%H:%M:%SZ} {event['message'].rstrip()}"
            if not follow:
                return
            since = max(since, max(told.values(), default=since) - _OVERLAP_MS)
            told = {event: at for event, at in told.items() if at >= since}
            time.sleep(POLL_SECONDS)

    def _events(self, group: str, since: int) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
        try:
            for page in pages:
                yield from page["events"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                raise DeployError(f"there is no log {group} in {self._stage.region}: is the index deployed?") from error
            raise
