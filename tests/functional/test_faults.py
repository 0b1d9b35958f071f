"""Failures of AWS become 503, and lose nothing. `test_fault_matrix.py` injects every fault into every call."""

import logging

import pytest

from tests.index import Index

IMAGE = {"id": "a" * 64}
BASE = "/v1/repositories/alice/web"


@pytest.mark.parametrize(
    ("operation", "method", "path"),
    [
        ("GetItem", "GET", "/v1/users/"),
        ("Query", "GET", BASE + "/images"),
        ("PutItem", "PUT", BASE),
        ("TransactWriteItems", "PUT", "/v1/repositories/alice/new"),
        ("TransactWriteItems", "DELETE", BASE),
        ("GenerateMac", "PUT", BASE),
    ],
)
def test_timeout_of_aws_is_503_and_the_repeated_request_succeeds(
    index: Index, operation: str, method: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    alice = index.create_account("alice")
    index.request("PUT", BASE, alice, json=[])
    with index.failing_calls(operation), caplog.at_level(logging.DEBUG, "waybill"):
        response = index.request(method, path, alice, json=[IMAGE], token=True)
    assert response.status == 503
    assert response.headers["retry-after"] == "2"
    assert response.json.keys() == {"error"}
    assert alice not in caplog.text, "the log contains no credentials"
    response = index.request(method, path, alice, json=[IMAGE], token=True)
    assert response.status in (200, 202)


def test_unexpected_exception_is_logged_and_becomes_500(
    index: Index, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    alice = index.create_account("alice")
    monkeypatch.setattr("chalicelib.storage.users.UserStore.get", lambda *_: 1 / 0)
    response = index.request("GET", "/v1/users/", alice)
    assert response.status == 500
    assert response.json.keys() == {"error"}
    assert "ZeroDivisionError" in caplog.text
    assert "ZeroDivisionError" not in response.json["error"]
    assert alice.split()[1] not in caplog.text, "the log contains no credentials"
