"""When AWS does not answer: 503, said plainly, and nothing lost. The exhaustive harness is another matter."""

import logging
from collections.abc import Callable

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.index import Index

A = "a" * 64
BASE = "/v1/repositories/alice/web"


def failing(index: Index, operation: str) -> Callable[[], None]:
    """Makes every `operation` time out, until the function that it gives is called."""

    def fail(**_: object) -> None:
        raise ReadTimeoutError(endpoint_url="the store")

    events = [client.meta.events for client in index.aws]
    for emitter in events:
        emitter.register(f"before-send.*.{operation}", fail, unique_id="fail")

    def mend() -> None:
        for emitter in events:
            emitter.unregister(f"before-send.*.{operation}", fail, unique_id="fail")

    return mend


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
def test_a_part_that_does_not_answer_is_503(
    index: Index, operation: str, method: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    alice = index.account("alice")
    index.request("PUT", BASE, alice, json=[])
    mend = failing(index, operation)
    with caplog.at_level(logging.DEBUG, "waybill"):
        response = index.request(method, path, alice, json=[{"id": A}], token=True)
    assert response.status == 503
    assert response.headers["retry-after"] == "2"
    assert "try again" in response.json["error"]
    assert alice not in caplog.text
    mend()
    response = index.request(method, path, alice, json=[{"id": A}], token=True)
    assert response.status in (200, 202), "repeating the request gives the right end"


def test_a_fault_of_our_own_is_said_in_json_and_logged(
    index: Index, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    alice = index.account("alice")
    monkeypatch.setattr("chalicelib.storage.users.UserStore.get", lambda *_: 1 / 0)
    response = index.request("GET", "/v1/users/", alice)
    assert response.status == 500
    assert "logged" in response.json["error"]
    assert "ZeroDivisionError" in caplog.text
    assert alice.split()[1] not in caplog.text
