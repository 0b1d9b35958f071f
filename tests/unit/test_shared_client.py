"""PynamoDB uses our botocore client. These tests fail if an update of PynamoDB changes that."""

from types import SimpleNamespace
from typing import Any

import pytest
from pynamodb.attributes import UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from chalicelib.settings import Settings
from chalicelib.storage.shared_client import create_connection, share_client
from chalicelib.storage.tables import Tables

TABLES = ("users", "emails", "counters", "robots", "repositories", "collaborators", "images", "terms")


class RecordingClient:
    """Has the private members of a botocore client that PynamoDB uses. Records the calls."""

    def __init__(self, credentials: object = "credentials") -> None:
        self._request_signer = SimpleNamespace(_credentials=credentials)
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def _make_api_call(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((operation, arguments))
        return {
            "Attributes": {},
            "Count": 0,
            "Items": [],
            "Responses": {arguments.get("TableName", "waybill-test-counters"): []},
            "ScannedCount": 0,
            "UnprocessedKeys": {},
        }

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.calls]


@pytest.fixture
def client() -> RecordingClient:
    return RecordingClient()


@pytest.fixture
def tables(client: RecordingClient) -> Tables:
    return Tables(client, "eu-west-1", Settings(stack="waybill-test").table)


def test_models_call_our_client(tables: Tables, client: RecordingClient) -> None:
    tables.users("alice", password_hash="x").save()
    tables.users("alice").delete()
    tables.users("alice").update([tables.users.active.set(True)])
    list(tables.repositories.query("alice"))
    list(tables.repositories.scan())
    assert client.operations == ["PutItem", "DeleteItem", "UpdateItem", "Query", "Scan"]
    assert {arguments["TableName"] for _, arguments in client.calls} == {
        "waybill-test-users",
        "waybill-test-repositories",
    }


@pytest.mark.parametrize("name", TABLES)
def test_all_models_share_our_client(tables: Tables, client: RecordingClient, name: str) -> None:
    list(getattr(tables, name).scan())
    assert client.operations == ["Scan"]


def test_transaction_calls_our_client(tables: Tables, client: RecordingClient) -> None:
    with tables.transaction() as transaction:
        transaction.save(tables.users("alice", password_hash="x"))
        transaction.delete(tables.emails("alice@example.com"))
    ((operation, arguments),) = client.calls
    assert operation == "TransactWriteItems"
    assert [next(iter(item)) for item in arguments["TransactItems"]] == ["Delete", "Put"]


def test_batches_call_our_client(tables: Tables, client: RecordingClient) -> None:
    with tables.users.batch_write() as batch:
        batch.save(tables.users("alice", password_hash="x"))
    list(tables.counters.batch_get(["account alice"]))
    assert client.operations == ["BatchWriteItem", "BatchGetItem"]


def test_two_stacks_use_their_own_clients() -> None:
    clients = RecordingClient(), RecordingClient()
    stacks = [Tables(client, "eu-west-1", Settings().table) for client in clients]
    list(stacks[0].users.scan())
    assert [client.operations for client in clients] == [["Scan"], []]


def test_start_fails_if_pynamodb_ignores_our_client(monkeypatch: pytest.MonkeyPatch) -> None:
    class Item(Model):
        class Meta:
            table_name = "items"
            region = "eu-west-1"

        key = UnicodeAttribute(hash_key=True)

    monkeypatch.setattr(Connection, "client", property(lambda _: object()))
    with pytest.raises(RuntimeError, match="shared_client"):
        create_connection(RecordingClient(), "eu-west-1")
    with pytest.raises(RuntimeError, match="shared_client"):
        share_client(Item, RecordingClient())


def test_start_fails_without_credentials() -> None:
    """PynamoDB replaces a client that has no credentials."""
    with pytest.raises(RuntimeError, match="credentials"):
        create_connection(RecordingClient(credentials=None), "eu-west-1")


def test_connection_for_transactions_uses_our_client(tables: Tables, client: RecordingClient) -> None:
    with TransactWrite(connection=create_connection(client, "eu-west-1")) as write:
        write.save(tables.users("alice", password_hash="x"))
    assert client.operations == ["TransactWriteItems"]
