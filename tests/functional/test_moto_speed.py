"""The fast DynamoDB of the local server gives the same responses as unmodified moto."""

from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb import models as moto_models
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from infra.devserver.moto_speed import decode_item, fast_dynamodb, put_item, take_snapshot

REGION = "us-east-1"
PAIRS, SINGLES = "pairs", "singles"  # a table with a range key and an index, and a table without
Call = tuple[str, dict[str, Any]]
_INDEX_QUERY = {
    "TableName": PAIRS,
    "IndexName": "index",
    "KeyConditionExpression": "g = :g",
    "ExpressionAttributeValues": {":g": {"S": "a"}},
}

hashes = st.sampled_from(["a", "b", "ü", "\U0001f40b"])
RANGES = ["r", "ra", "rab", "rabc", "rb", "rba", "ré", "r\U0001f40b"]
ranges = st.sampled_from(RANGES)
values = st.one_of(
    st.integers(-3, 3).map(lambda number: {"N": str(number)}),
    st.sampled_from(
        [{"S": "x"}, {"B": b"\x00\xff"}, {"BOOL": True}, {"NULL": True}, {"SS": ["x", "y"]}, {"NS": ["1"]}]
    ),
    st.just({"BS": [b"\x00", b"\xff"]}),
    st.just({"L": [{"S": "x"}, {"M": {"k": {"B": b"\x01"}}}]}),
    st.just({"M": {"k": {"L": [{"N": "1"}]}}}),
)
conditions = st.sampled_from(
    [{}, {"ConditionExpression": "attribute_exists(h)"}, {"ConditionExpression": "attribute_not_exists(h)"}]
)
updates = st.one_of(
    st.builds(lambda value: {"UpdateExpression": "SET v = :v", "ExpressionAttributeValues": {":v": value}}, values),
    st.builds(
        lambda value: {"UpdateExpression": "SET g = :v", "ExpressionAttributeValues": {":v": {"S": value}}}, hashes
    ),
    st.just({"UpdateExpression": "ADD n :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}),
    st.just({"UpdateExpression": "SET n = v + :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}),
    st.sampled_from([{"UpdateExpression": "REMOVE v"}, {"UpdateExpression": "REMOVE g"}]),
)


@st.composite
def keys(draw: st.DrawFn, table: str) -> dict[str, Any]:
    key = {"h": {"S": draw(hashes)}}
    return {**key, "r": {"S": draw(ranges)}} if table == PAIRS else key


@st.composite
def writes(draw: st.DrawFn) -> Call:
    """An operation of a transaction: its kind and its parameters."""
    table, kind = draw(st.sampled_from([PAIRS, SINGLES])), draw(st.sampled_from(["Put", "Delete", "Update", "Check"]))
    key, condition = draw(keys(table)), draw(conditions)
    if draw(st.booleans()):
        condition = condition | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if condition else condition
    match kind:
        case "Put":
            item = {**key, "v": draw(values), **draw(st.fixed_dictionaries({}, optional={"g": hashes.map(_string)}))}
            return kind, {"TableName": table, "Item": item, **condition}
        case "Update":
            return kind, {"TableName": table, "Key": key, **draw(updates), **condition}
        case "Delete":
            return kind, {"TableName": table, "Key": key, **condition}
        case _:
            return "ConditionCheck", {
                "TableName": table,
                "Key": key,
                **(condition or {"ConditionExpression": "attribute_exists(v)"}),
            }


@st.composite
def queries(draw: st.DrawFn) -> Call:
    index = draw(st.booleans())
    names = {"#h": "g" if index else "h"}
    texts = {":h": draw(st.sampled_from("aaaab"))}
    condition = "#h = :h"
    match draw(st.sampled_from(["all", "begins", "between", "=", "<", "<=", ">", ">="])):
        case "all":
            pass
        case "begins":
            condition, texts[":r"], names["#r"] = f"{condition} AND begins_with(#r, :r)", draw(ranges), "r"
        case "between":
            condition, names["#r"] = f"{condition} AND #r BETWEEN :low AND :high", "r"
            texts[":low"], texts[":high"] = sorted((draw(ranges), draw(ranges)))
        case operator:
            condition, texts[":r"], names["#r"] = f"{condition} AND #r {operator} :r", draw(ranges), "r"
    query = {
        "TableName": PAIRS,
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {name: _string(text) for name, text in texts.items()},
        "ScanIndexForward": draw(st.booleans()),
        **({"IndexName": "index"} if index else {}),
        **draw(st.fixed_dictionaries({}, optional={"Limit": st.integers(1, 4)})),
    }
    if draw(st.booleans()):
        start = {"h": texts[":h"], "r": draw(ranges), **({"g": texts[":h"]} if index else {})}
        query["ExclusiveStartKey"] = {name: _string(text) for name, text in start.items()}
    if draw(st.booleans()):
        query["FilterExpression"], query["ExpressionAttributeNames"] = "attribute_exists(#v)", {**names, "#v": "n"}
    return "query", query


@st.composite
def scans(draw: st.DrawFn) -> Call:
    table = draw(st.sampled_from([PAIRS, SINGLES]))
    start = {"ExclusiveStartKey": draw(keys(table))} if draw(st.booleans()) else {}
    return "scan", {
        "TableName": table,
        **start,
        **draw(st.fixed_dictionaries({}, optional={"Limit": st.integers(1, 4)})),
    }


def _key_of(item: dict[str, Any]) -> tuple[str, str]:
    return item["h"]["S"], item.get("r", {"S": ""})["S"]


def _single(write: Call) -> Call:
    kind, parameters = write
    name = {"Put": "put_item", "Delete": "delete_item", "Update": "update_item", "ConditionCheck": "get_item"}[kind]
    kept = ("TableName", "Key") if name == "get_item" else parameters
    old = {"ReturnValues": "ALL_NEW" if kind == "Update" else "ALL_OLD"} if name != "get_item" else {}
    return name, {key: parameters[key] for key in kept} | old


def _string(text: str) -> dict[str, str]:
    return {"S": text}


transactions = st.lists(writes(), min_size=1, max_size=5).map(
    lambda items: ("transact_write_items", {"TransactItems": [dict([item]) for item in items]})
)
reads = st.lists(st.one_of(queries(), queries(), scans()), min_size=30, max_size=40)
calls = st.lists(st.one_of(writes().map(_single), transactions, queries(), scans()), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def dynamodb() -> Any:
    session = botocore.session.Session()
    session.set_credentials("unused", "unused")
    config = Config(region_name=REGION, retries={"total_max_attempts": 1}, parameter_validation=False)
    return session.create_client("dynamodb", config=config)


def _create_tables(dynamodb: Any) -> None:
    text = {"AttributeType": "S"}
    hash_key = {"AttributeName": "h", "KeyType": "HASH"}
    range_key = {"AttributeName": "r", "KeyType": "RANGE"}
    index_keys = [{"AttributeName": "g", "KeyType": "HASH"}, range_key]
    dynamodb.create_table(
        TableName=PAIRS,
        KeySchema=[hash_key, range_key],
        AttributeDefinitions=[{"AttributeName": name, **text} for name in "hrg"],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {"IndexName": "index", "KeySchema": index_keys, "Projection": {"ProjectionType": "ALL"}}
        ],
    )
    dynamodb.create_table(
        TableName=SINGLES,
        KeySchema=[hash_key],
        AttributeDefinitions=[{"AttributeName": "h", **text}],
        BillingMode="PAY_PER_REQUEST",
    )
    items = [{"h": _string("a"), "r": _string(text), "g": _string("a")} for text in RANGES]
    items += [{"h": _string("b"), "r": _string(text), "g": _string("a")} for text in RANGES[:4]]
    requests = {PAIRS: items, SINGLES: [{"h": _string("a")}, {"h": _string("b")}]}
    dynamodb.batch_write_item(
        RequestItems={table: [{"PutRequest": {"Item": item}} for item in stored] for table, stored in requests.items()}
    )


def _run(dynamodb: Any, operations: list[Call]) -> list[Any]:
    """Return the responses, and at last the content of both tables."""
    with mock_aws():
        _create_tables(dynamodb)
        return [
            _send(dynamodb, *call) for call in [*operations, *(("scan", {"TableName": t}) for t in (PAIRS, SINGLES))]
        ]


def _send(dynamodb: Any, name: str, parameters: dict[str, Any]) -> Any:
    try:
        response = getattr(dynamodb, name)(**parameters)
    except ClientError as error:
        response = error.response
    response.pop("ResponseMetadata")
    return response


@pytest.mark.exhaustive
@given(operations=calls)
@settings(max_examples=60)
def test_responses_equal_those_of_unmodified_moto(dynamodb: Any, operations: list[Call]) -> None:
    expected = _run(dynamodb, operations)
    with fast_dynamodb():
        assert _run(dynamodb, operations) == expected


@pytest.mark.exhaustive
@given(operations=st.lists(writes().map(_single), max_size=5), reads=reads)
@settings(max_examples=25)
def test_pages_equal_those_of_unmodified_moto(dynamodb: Any, operations: list[Call], reads: list[Call]) -> None:
    """Each example reads many pages, because few of them distinguish a wrong limit or start key."""
    expected = _run(dynamodb, operations + reads)
    with fast_dynamodb():
        assert _run(dynamodb, operations + reads) == expected


def test_moto_is_unmodified_after_the_block() -> None:
    owners = (Table, DynamoDBBackend, BaseJSONSerializer, moto_models)
    before = [dict(vars(owner)) for owner in owners]
    with fast_dynamodb():
        assert [dict(vars(owner)) for owner in owners] != before
    assert [dict(vars(owner)) for owner in owners] == before


@pytest.mark.exhaustive
@given(before=calls, after=calls)
@settings(max_examples=25)
def test_snapshot_does_not_change(dynamodb: Any, before: list[Call], after: list[Call]) -> None:
    with fast_dynamodb(), mock_aws():
        _create_tables(dynamodb)
        for call in before:
            _send(dynamodb, *call)
        expected = {table: dynamodb.scan(TableName=table)["Items"] for table in (PAIRS, SINGLES)}
        snapshot = take_snapshot(REGION, (PAIRS, SINGLES))
        for call in after:
            _send(dynamodb, *call)
        items = {table: [decode_item(item) for item in items] for table, items in snapshot}
        assert {table: sorted(items[table], key=_key_of) for table in items} == expected


@pytest.mark.exhaustive
@given(operations=calls)
@settings(max_examples=25)
def test_only_stored_items_use_memory(dynamodb: Any, operations: list[Call]) -> None:
    """moto adds an empty dict for each hash key that a request asks for. An index has no removed items."""
    with fast_dynamodb(), mock_aws():
        _create_tables(dynamodb)
        for call in [*operations, ("query", _INDEX_QUERY), *operations]:
            _send(dynamodb, *call)
        items = moto_models.dynamodb_backends["123456789012"][REGION].get_table(PAIRS).items
        assert all(items.values())
        stored = {id(item) for item in items.all_values() if "g" in item.attrs}  # type: ignore[attr-defined]
        index = items.find_by_attribute("g", DynamoType(_string("a")))  # type: ignore[attr-defined]
        indexed = [item for value in items._indexes["g"].items.values() for item in value]  # type: ignore[attr-defined]
        assert sorted(indexed) == sorted(stored)
        assert {id(item) for item in index} <= stored


def test_items_are_put_without_the_api(dynamodb: Any) -> None:
    item: dict[str, Any] = {
        "h": {"S": "a"},
        "b": {"B": b"\x00"},
        "s": {"BS": [b"\x01"]},
        "l": {"L": [{"M": {"k": {"B": b"\xff"}}}]},
    }
    with fast_dynamodb(), mock_aws():
        _create_tables(dynamodb)
        for text in "ab":
            dynamodb.delete_item(TableName=SINGLES, Key={"h": _string(text)})
        put_item(REGION, SINGLES, item)
        assert dynamodb.get_item(TableName=SINGLES, Key={"h": {"S": "a"}})["Item"] == item
        assert [decode_item(item) for _, items in take_snapshot(REGION, [SINGLES]) for item in items] == [item]


def test_pages_of_one_megabyte_equal_those_of_unmodified_moto(dynamodb: Any) -> None:
    def read() -> list[Any]:
        with mock_aws():
            _create_tables(dynamodb)
            for number in range(9):
                item = {"h": {"S": "c"}, "r": {"S": str(number)}, "b": {"B": bytes(300_000)}}
                dynamodb.put_item(TableName=PAIRS, Item=item)
            query = {
                "TableName": PAIRS,
                "KeyConditionExpression": "h = :h",
                "ExpressionAttributeValues": {":h": {"S": "c"}},
            }
            return [
                list(dynamodb.get_paginator("query").paginate(**query)),
                list(dynamodb.get_paginator("query").paginate(**query, ScanIndexForward=False)),
                list(dynamodb.get_paginator("scan").paginate(TableName=PAIRS)),
            ]

    def keys_of(pages: Any) -> list[list[str]]:
        return [[item["r"]["S"] for item in page["Items"]] for page in pages]

    expected = [keys_of(pages) for pages in read()]
    assert len(expected[0]) == 3
    with fast_dynamodb():
        assert [keys_of(pages) for pages in read()] == expected
