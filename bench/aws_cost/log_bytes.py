"""The bytes that CloudWatch charges for the logs of a request: the request log and API Gateway's access log."""

import re
from collections.abc import Iterable
from functools import cache

import yaml

from bench.aws_cost.prices import LOG_LINE_BYTES
from infra.deploy.service_template import SERVICE_TEMPLATE

_TYPICAL_VALUES = {
    "requestId": "JKJaXmPLvHcESHA=",
    "identity.sourceIp": "203.0.113.100",
    "responseLatency": "12",
    "error.responseType": "-",
}


def count_log_bytes(lines: Iterable[str], method: str, path: str, status: int) -> int:
    """Return the bytes of a request that wrote `lines` to the request log.

    The line of the access log has the format of the template. The time in milliseconds always has the
    same length, so that the load of this machine does not change the result.
    """
    values = {**_TYPICAL_VALUES, "httpMethod": method, "path": path.partition("?")[0], "status": str(status)}
    access_line = re.sub(r"\$context\.([a-zA-Z.]+)", lambda match: values[match[1]], _read_access_format())
    request_lines = [re.sub(r'"ms":[\d.]+', '"ms":12.0', line) for line in lines]
    return sum(len(line.encode()) + LOG_LINE_BYTES for line in (*request_lines, access_line))


@cache
def _read_access_format() -> str:
    template = yaml.safe_load(SERVICE_TEMPLATE.read_text())
    access_format: str = template["Resources"]["Stage"]["Properties"]["AccessLogSettings"]["Format"]
    return access_format.strip()
