"""botocore clients with time-outs that fit a Lambda: a caller waits seconds, not the default half minute.

One session makes both clients, because a second service on one session costs 8 ms at a cold start and a session of its
own costs ten times that.
"""

from typing import Any, NamedTuple

from botocore.config import Config
from botocore.handlers import BUILTIN_HANDLERS
from botocore.session import Session

SERVICES = ("dynamodb", "kms", "ses")  # the zip has descriptions of these alone (infra/package.py)
CONNECT_SECONDS = 1
READ_SECONDS = 3
ATTEMPTS = 3


class Clients(NamedTuple):
    """What the index speaks to. botocore ships no types: hence Any."""

    dynamodb: Any
    kms: Any


def connect(region: str) -> Clients:
    """Makes the clients, and calls nothing yet."""
    session, config = _session(), _config(region)
    return Clients(session.create_client("dynamodb", config=config), session.create_client("kms", config=config))


def mail_client(region: str) -> Any:
    """SES's client, for a container that has a letter to send: made at its first one, in some 100 ms."""
    return _session().create_client("ses", config=_config(region))


def is_for_us(event: str) -> bool:
    """Whether a handler of botocore's own for `event` (`before-call.s3.PutObject`) ever hears of our services."""
    kind, _, rest = event.partition(".")
    return kind != "docs" and rest.partition(".")[0] in ("", "*", *SERVICES)


def _session() -> Session:
    """A session without the hundred handlers that botocore has for other services: registering them takes a fifteenth
    of a cold start, and each call asks for them.
    """
    session = Session(include_builtin_handlers=False)
    for event, handler, *_ in BUILTIN_HANDLERS:
        if is_for_us(event):
            session.register(event, handler)
    return session


def _config(region: str) -> Config:
    return Config(
        region_name=region,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        max_pool_connections=64,
        parameter_validation=False,  # PynamoDB has checked what it sends
        user_agent="waybill",  # botocore's own is put together anew for each call, in an eighth of its time
    )
