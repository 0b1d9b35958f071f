"""AWS in this process: calls from threads do not disturb each other, memory does not grow, and nothing remains."""

import gc
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.handlers import BUILTIN_HANDLERS
from moto.core.model_instances import model_data

from chalicelib.aws import Clients, create_clients
from chalicelib.settings import Settings
from infra.admin.export_format import Item
from infra.devserver.data_file import DataFile
from infra.devserver.moto_aws import (
    count_writes,
    create_stack,
    load_items,
    local_aws,
    put_items,
    read_items,
    take_snapshot,
)
from infra.devserver.moto_lock import LOCK

SETTINGS = Settings(stack="test-local")
TABLE = SETTINGS.table("emails")


@pytest.fixture
def clients(aws: None) -> Clients:
    clients = create_clients(SETTINGS.region)
    create_stack(clients, SETTINGS.stack)
    return clients


def _item(number: int) -> dict[str, Any]:
    return {"address": {"S": f"{number}@example.com"}, "username": {"S": "alice"}}


def _fail_transaction(dynamodb: Any, number: int) -> None:
    """Put an item, and cancel the transaction with a condition that is false."""
    put = {"TableName": TABLE, "Item": _item(1000 + number), "ConditionExpression": "attribute_exists(address)"}
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        dynamodb.transact_write_items(TransactItems=[{"Put": put}])


@pytest.mark.exhaustive
def test_failed_transactions_do_not_remove_writes_of_other_threads(clients: Clients) -> None:
    """Each new client uses the lock. moto alone loses acknowledged writes here."""
    others = [create_clients(SETTINGS.region).dynamodb for _ in range(3)]

    def write(number: int) -> None:
        dynamodb = [clients.dynamodb, *others][number % 4]
        if number % 2:
            _fail_transaction(dynamodb, number)
        else:
            dynamodb.put_item(TableName=TABLE, Item=_item(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(400)))
    stored = {item["address"]["S"] for _, item in read_items(clients, SETTINGS)}
    assert stored == {f"{number}@example.com" for number in range(0, 400, 2)}


@pytest.mark.exhaustive
@pytest.mark.parametrize("event", ["before-send", "before-parse", "response-received"])
@pytest.mark.parametrize("name", ["dynamodb", "dynamodb.*", "dynamodb.PutItem"])
def test_lock_is_released_after_each_failure(clients: Clients, event: str, name: str) -> None:
    def fail(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="DynamoDB")

    clients.dynamodb.meta.events.register(f"{event}.{name}", fail)
    with pytest.raises(ReadTimeoutError):
        clients.dynamodb.put_item(TableName=TABLE, Item=_item(1))
    assert _is_lock_free()


def test_lock_is_released_after_an_error_of_dynamodb(clients: Clients) -> None:
    with pytest.raises(ClientError):
        clients.dynamodb.get_item(TableName="missing", Key={"address": {"S": "x"}})
    assert _is_lock_free()


def test_only_calls_that_may_write_are_counted(clients: Clients) -> None:
    before = count_writes()
    clients.dynamodb.get_item(TableName=TABLE, Key={"address": {"S": "x"}})
    clients.dynamodb.describe_table(TableName=TABLE)
    read_items(clients, SETTINGS)
    assert count_writes() == before
    clients.dynamodb.put_item(TableName=TABLE, Item=_item(1))
    _fail_transaction(clients.dynamodb, 1)
    assert count_writes() == before + 2


@pytest.mark.exhaustive
def test_moto_keeps_no_copies(clients: Clients) -> None:
    """moto records all objects that it creates, and it copies tables for transactions."""
    from moto.dynamodb.models.dynamo_type import Item as MotoItem

    for number in range(50):
        clients.dynamodb.put_item(TableName=TABLE, Item=_item(number % 5))
        _fail_transaction(clients.dynamodb, number)
        clients.dynamodb.get_item(TableName=TABLE, Key={"address": {"S": "1@example.com"}})
    assert not any(model.instances_tracked for model in model_data["dynamodb"].values())  # type: ignore[attr-defined]
    gc.collect()
    assert sum(isinstance(kept, MotoItem) for kept in gc.get_objects()) < 5 + 10


def test_items_can_be_put_and_read(clients: Clients) -> None:
    items: list[Item] = [("emails", _item(number)) for number in range(60)]
    items.append(("images", {"repository": {"S": "a/b"}, "segment": {"S": "1"}, "packed": {"B": b"\x00\xff"}}))
    put_items(clients, SETTINGS, items)
    assert sorted(read_items(clients, SETTINGS), key=str) == sorted(items, key=str)
    assert sorted(take_snapshot(SETTINGS), key=str) == sorted(items, key=str)


def test_items_can_be_loaded_without_the_api(clients: Clients) -> None:
    items: list[Item] = [("emails", _item(1)), ("images", {"repository": {"S": "a"}, "segment": {"S": "1"}})]
    load_items(SETTINGS, items)
    assert sorted(read_items(clients, SETTINGS), key=str) == sorted(items, key=str)


@pytest.mark.exhaustive
def test_nothing_remains_after_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    handlers = list(BUILTIN_HANDLERS)
    with local_aws():
        assert "AWS_ENDPOINT_URL_DYNAMODB" not in os.environ
        clients = create_clients(SETTINGS.region)
        create_stack(clients, SETTINGS.stack)
        with local_aws():
            assert len(BUILTIN_HANDLERS) == len(handlers) + 3
        assert len(BUILTIN_HANDLERS) == len(handlers) + 3
        assert clients.dynamodb.list_tables()["TableNames"]
    assert handlers == BUILTIN_HANDLERS
    assert os.environ["AWS_ENDPOINT_URL_DYNAMODB"] == "http://127.0.0.1:9"
    with local_aws():
        assert create_clients(SETTINGS.region).dynamodb.list_tables()["TableNames"] == []


def test_save_without_changes_reads_nothing(clients: Clients, tmp_path: Path) -> None:
    data_file, calls = DataFile(tmp_path / "index.jsonl", clients, SETTINGS), []
    assert data_file.save()
    clients.dynamodb.meta.events.register("before-call", lambda model, **_: calls.append(model.name))
    assert not data_file.save()
    assert calls == []


def _is_lock_free() -> bool:
    """Return whether another thread can get the lock."""
    acquired: list[bool] = []

    def acquire() -> None:
        with LOCK.held():
            acquired.append(True)

    thread = Thread(target=acquire, daemon=True)
    thread.start()
    thread.join(timeout=10)
    return bool(acquired)
