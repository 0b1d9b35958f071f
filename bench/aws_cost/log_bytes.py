"""What a request leaves in the logs, in bytes as CloudWatch charges them: the journal's line and API Gateway's."""

import re
from collections.abc import Iterable
from functools import cache

import yaml

from bench.aws_cost.prices import LOG_EVENT_BYTES
from infra.deploy.package import SERVICE_TEMPLATE

_TYPICAL = {
    "requestId": "01234567-89ab-cdef-0123-456789abcdef",
    "identity.sourceIp": "203.0.113.100",
    "responseLatency": "12",
    "error.responseType": "-",
}


def bytes_logged(journal: Iterable[str], method: str, path: str, status: int) -> int:
    """Of a request that left the lines `journal`, with API Gateway's line as the template has it, without traces."""
    values = {**_TYPICAL, "httpMethod": method, "path": path.partition("?")[0], "status": str(status)}
    access = re.sub(r"\$context\.([a-zA-Z.]+)", lambda found: values[found[1]], _access_format())
    lines = [re.sub(r'"ms":[\d.]+', '"ms":12.0', line) for line in journal]  # how busy this machine is costs nothing
    return sum(len(line.encode()) + LOG_EVENT_BYTES for line in (*lines, access))


@cache
def _access_format() -> str:
    template = yaml.safe_load(SERVICE_TEMPLATE.read_text())
    written: str = template["Resources"]["RestAPI"]["Properties"]["AccessLogSetting"]["Format"]["Fn::Sub"][0]
    return written.strip().replace("${Trace}", "")
