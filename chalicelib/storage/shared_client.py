"""Makes PynamoDB use one botocore client for all tables.

PynamoDB creates a client for each model, which takes 80 to 230 ms each at the first use. It has no public option for
sharing one, so this module sets its private attribute `_client`. `tests/unit/test_shared_client.py` fails when PynamoDB
changes. No other module uses private attributes of PynamoDB.
"""

from typing import Any

from pynamodb.connection import Connection
from pynamodb.models import Model


def create_connection(client: Any, region: str) -> Connection:
    """Return a PynamoDB connection that uses `client`."""
    connection = Connection(region=region)
    _set_client(connection, client)
    return connection


def share_client(model: type[Model], client: Any) -> None:
    """Make `model` use `client`."""
    _set_client(model._get_connection().connection, client)


def _set_client(connection: Connection, client: Any) -> None:
    connection._client = client
    if connection.client is not client:
        raise RuntimeError(
            "PynamoDB does not use the shared botocore client: the client has no AWS credentials, or PynamoDB has "
            "changed; see storage/shared_client.py"
        )
