"""botocore clients with time-outs that fit a Lambda: a caller waits seconds, not the default half minute.

One session makes both clients, because a second service on one session costs 8 ms at a cold start and a session of its
own costs ten times that.
"""

from typing import Any, NamedTuple

import botocore.session
from botocore.config import Config

CONNECT_SECONDS = 1
READ_SECONDS = 3
ATTEMPTS = 3


class Clients(NamedTuple):
    """What the index speaks to. botocore ships no types: hence Any."""

    dynamodb: Any
    kms: Any


def connect(region: str) -> Clients:
    """Makes the clients, and calls nothing yet."""
    session, config = botocore.session.get_session(), _config(region)
    return Clients(session.create_client("dynamodb", config=config), session.create_client("kms", config=config))


def mail_client(region: str) -> Any:
    """SES's client, for a container that has a letter to send: made at its first one, in some 100 ms."""
    return botocore.session.get_session().create_client("ses", config=_config(region))


def _config(region: str) -> Config:
    return Config(
        region_name=region,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        max_pool_connections=64,
        parameter_validation=False,
    )
