"""AWS's API at one path of the local server."""

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infra.devserver import ENDPOINT_PATH
from infra.devserver.aws_endpoint import AwsEndpoint
from tests.index import Index, Response, basic

Send = Callable[..., Response]


@pytest.fixture
def admin(index: Index) -> str:
    return index.create_account("admin", admin=True)


@pytest.fixture
def send(index: Index) -> Send:
    endpoint = AwsEndpoint(_serve_teapot, index.services.login, index.settings)

    def send(
        auth: str | None = None, target: str = "", body: Any = None, *, method: str = "POST", path: str = ENDPOINT_PATH
    ) -> Response:
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_X_AMZ_TARGET": target,
            "wsgi.input": io.BytesIO(json.dumps(body).encode()),
        }
        started: list[Any] = []
        if auth is not None:
            environ["HTTP_AUTHORIZATION"] = auth
        content = b"".join(endpoint(environ, lambda status, headers: started.extend((status, headers))))
        return Response(int(started[0][:3]), {name.lower(): value for name, value in started[1]}, content)

    return send


def _serve_teapot(_: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("418 I'm a Teapot", [])
    return [b"inner"]


def test_other_paths_are_passed_on(send: Send) -> None:
    assert send(path="/v1/_ping").body == b"inner"
    assert send(path=ENDPOINT_PATH + "x").status == 418


def test_only_administrators_are_admitted(index: Index, send: Send, admin: str) -> None:
    index.create_account("deputy", admin=True, active=False)
    cases = [
        (None, 401),
        ("", 401),
        ("Bearer x", 401),
        ("Basic !", 401),
        (basic("admin", "wrong"), 401),
        (basic("deputy"), 403),
        (index.create_account("alice"), 403),
        (admin, 200),
    ]
    for auth, status in cases:
        response = send(auth, method="GET")
        assert response.status == status, auth
        response = send(auth, "DynamoDB_20120810.ListTables", {})
        assert response.status == status, auth
    assert response.headers["content-length"] == str(len(response.body))
    assert set(send(admin, method="GET").json) == {"stack", "region", "variables"}


def test_bodies_are_passed_on_unchanged(index: Index, send: Send, admin: str) -> None:
    table, key = index.settings.table("images"), {"repository": {"S": "a/b"}, "segment": {"S": "1"}}
    item = {**key, "packed": {"B": "AP8="}, "expires": {"N": "9007199254740993"}}
    assert send(admin, "DynamoDB_20120810.PutItem", {"TableName": table, "Item": item}).json == {}
    response = send(admin, "DynamoDB_20120810.GetItem", {"TableName": table, "Key": key})
    assert response.json == {"Item": item}
    assert response.headers["content-type"].startswith("application/x-amz-json-")
    assert index.aws.dynamodb.get_item(TableName=table, Key=key)["Item"]["packed"] == {"B": b"\x00\xff"}
    batch = {"RequestItems": {table: {"Keys": [key]}}}
    assert send(admin, "DynamoDB_20120810.BatchGetItem", batch).json["Responses"] == {table: [item]}
    assert send(admin, "TrentService.ListAliases", {}).json["Aliases"]
    assert send(admin, "Logs_20140328.DescribeLogGroups", {}).json["logGroups"] == []


def test_errors_of_aws_are_passed_on(send: Send, admin: str) -> None:
    response = send(admin, "DynamoDB_20120810.GetItem", {"TableName": "missing", "Key": {"a": {"S": "b"}}})
    assert response.status == 400
    assert "ResourceNotFoundException" in response.json["__type"]
    bodies: tuple[Any, ...] = (None, [], "text")
    for body in bodies:
        assert send(admin, "DynamoDB_20120810.ListTables", body).status == 400


@pytest.mark.parametrize(
    "target", ["", "DynamoDB_20120810", "DynamoDB_20120810.", "DynamoDB_20120810.meta", "AmazonSQS.ListQueues", "a.b.c"]
)
def test_other_services_and_operations_are_404(send: Send, admin: str, target: str) -> None:
    assert send(admin, target, {}).status == 404
    assert send(admin, "DynamoDB_20120810.ListTables", {}, method="PUT").status == 404


def test_concurrent_calls_get_their_own_responses(index: Index, send: Send, admin: str) -> None:
    table = index.settings.table("emails")

    def exchange(number: int) -> Any:
        key = {"address": {"S": f"{number}@example.com"}}
        item = {**key, "username": {"S": f"user{number}"}}
        assert send(admin, "DynamoDB_20120810.PutItem", {"TableName": table, "Item": item}).status == 200
        return send(admin, "DynamoDB_20120810.GetItem", {"TableName": table, "Key": key}).json["Item"]["username"]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(exchange, range(64))) == [{"S": f"user{number}"} for number in range(64)]
