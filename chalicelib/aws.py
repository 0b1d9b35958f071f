"""botocore clients whose timeouts suit Lambda: a client waits for seconds, not for botocore's 60 seconds.

One session creates both clients. A second service in one session takes 8 ms at a cold start; a second session takes ten
times as long.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from botocore.config import Config
from botocore.handlers import BUILTIN_HANDLERS
from botocore.session import Session

SERVICES = ("dynamodb", "kms", "logs", "ses")  # the package contains the descriptions of these services only
CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 3
LOG_READ_TIMEOUT_SECONDS = 5
MAX_ATTEMPTS = 3
LOG_MAX_ATTEMPTS = 2  # API Gateway waits for 30 seconds
ROOT_CERTIFICATES = Path(__file__).with_name("amazon_root_certificates.pem")


class Clients(NamedTuple):
    """The botocore clients of the index. botocore has no type annotations, so the type is Any."""

    dynamodb: Any
    kms: Any


def create_clients(region: str) -> Clients:
    """Return new clients. This calls nothing yet."""
    session, options = _create_session(), _create_options(region)
    return Clients(session.create_client("dynamodb", **options), session.create_client("kms", **options))


def create_ses_client(region: str) -> Any:
    """Return a new client for SES. It takes about 100 ms, so a container creates it for its first email."""
    return _create_session().create_client("ses", **_create_options(region))


def create_logs_client(region: str) -> Any:
    """Return a new client for CloudWatch Logs. Only the audit page needs it. A search of the log takes seconds."""
    options = _create_options(region)
    retries = {"total_max_attempts": LOG_MAX_ATTEMPTS, "mode": "standard"}
    options["config"] = options["config"].merge(Config(read_timeout=LOG_READ_TIMEOUT_SECONDS, retries=retries))
    return _create_session().create_client("logs", **options)


def find_root_certificates(region: str, environment: Mapping[str, str]) -> str | None:
    """Return the file of root certificates for the services of a region. None means botocore's own file.

    Each client loads its file when it connects. The 126 certificates of botocore's file take 22 ms, the five of Amazon
    1 ms. AWS uses other root certificates in China. AWS_CA_BUNDLE takes precedence, for example for a proxy.
    """
    if region.startswith("cn-") or environment.get("AWS_CA_BUNDLE"):
        return None
    return str(ROOT_CERTIFICATES)


def concerns_our_services(event: str) -> bool:
    """Return whether a built-in handler for `event`, such as `before-call.s3.PutObject`, can concern our services."""
    kind, _, rest = event.partition(".")
    return kind != "docs" and rest.partition(".")[0] in ("", "*", *SERVICES)


def _create_session() -> Session:
    """Return a session without botocore's hundred handlers for other services.

    Their registration takes 6 % of a cold start, and each call looks for them. A test fails when botocore's list of
    handlers changes.
    """
    session = Session(include_builtin_handlers=False)
    for event, handler, *_ in BUILTIN_HANDLERS:
        if concerns_our_services(event):
            session.register(event, handler)
    return session


def _create_options(region: str) -> dict[str, Any]:
    return {"config": _create_config(region), "verify": find_root_certificates(region, os.environ)}


def _create_config(region: str) -> Config:
    return Config(
        region_name=region,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"total_max_attempts": MAX_ATTEMPTS, "mode": "standard"},
        max_pool_connections=64,
        parameter_validation=False,  # PynamoDB has validated the parameters
        user_agent="waybill",  # botocore would assemble its own for each call, which takes an eighth of the time
    )
