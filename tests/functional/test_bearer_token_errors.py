"""Errors of `/token`: bad input, wrong credentials, limits and faults. They have the format of registries."""

import pytest

from tests.conftest import MakeIndex
from tests.index import Index, Response, basic
from tests.registries import FORM, create_registry_index, get_token, post_token


@pytest.fixture
def index(make_index: MakeIndex) -> Index:
    """An index with registries and the account alice."""
    index = create_registry_index(make_index)
    index.create_account("alice")
    return index


def error_code(response: Response) -> tuple[int, str]:
    (error,) = response.json["errors"]
    assert error["message"]
    return response.status, error["code"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "UNSUPPORTED"),
        ("service=unknown.example.com", 400, "UNSUPPORTED"),
        ("service=registry.local&scope=repository", 400, "UNSUPPORTED"),
        ("service=registry.local&scope=repository:alice/web", 400, "UNSUPPORTED"),
        ("service=registry.local&scope=repository:alice/web:PULL", 400, "UNSUPPORTED"),
        ("service=registry.local&scope=%00", 400, "UNSUPPORTED"),
        ("service=registry.local&scope=repository:alice/team/web:pull", 403, "DENIED"),
        ("service=registry.local&scope=" + "+".join(f"repository:a/b{n}:pull" for n in range(21)), 400, "UNSUPPORTED"),
        ("service=registry.local&scope=repository:alice/" + "a" * 4096 + ":pull", 400, "UNSUPPORTED"),
    ],
)
def test_bad_query_is_rejected(index: Index, query: str, status: int, code: str) -> None:
    assert error_code(index.request("GET", f"/token?{query}")) == (status, code)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\xff\xfe", 400),
        (b'{"grant_type": "password"}', 400),
        (b"grant_type=refresh_token&refresh_token=x&service=registry.local", 400),
        (b"grant_type=client_credentials&service=registry.local", 400),
        (b"grant_type=password&service=registry.local", 400),
        (b"grant_type=password&username=alice&password=x&service=other", 400),
        (b"grant_type=password&username=alice&password=wrong+horse&service=registry.local", 401),
        (b"grant_type=password&username=alice&password=&service=registry.local", 401),
        (b"grant_type=password&" + b"&".join(b"a=1" for _ in range(100)), 400),
        (b"x=" + b"y" * 20_000, 413),
    ],
)
def test_bad_form_is_rejected(index: Index, body: bytes, status: int) -> None:
    response = index.request("POST", "/token", body=body, headers=FORM)
    assert error_code(response)[0] == status
    assert b'token":' not in response.body


def test_wrong_credentials_and_inactive_accounts_are_rejected(index: Index) -> None:
    index.create_account("frank", active=False)
    assert error_code(get_token(index, auth=basic("alice", "wrong horse"))) == (401, "UNAUTHORIZED")
    assert error_code(get_token(index, auth="Bearer x")) == (401, "UNAUTHORIZED")
    assert error_code(get_token(index, auth="Basic !")) == (401, "UNAUTHORIZED")
    assert error_code(get_token(index, auth=basic("frank"))) == (403, "DENIED")
    assert error_code(get_token(index, auth=basic("alice", "wbr_ci_" + "0" * 64))) == (401, "UNAUTHORIZED")


def test_second_attempt_of_containerd_counts_once(index: Index) -> None:
    wrong = basic("alice", "wrong horse")

    def count() -> list[str]:
        return sorted(str(item.attribute_values) for item in index.tables.counters.scan())

    assert post_token(index, username="alice", password="wrong horse").status == 401  # pragma: allowlist secret
    once = count()
    assert get_token(index, auth=wrong).status == 401
    assert count() == once
    assert get_token(index, auth=wrong).status == 401
    assert count() != once


def test_many_failures_are_throttled(index: Index) -> None:
    statuses = [get_token(index, auth=basic("alice", f"wrong {number}")).status for number in range(12)]
    assert set(statuses) == {401, 429}
    response = get_token(index, auth=basic("alice", "wrong again"))
    assert error_code(response) == (429, "TOOMANYREQUESTS")
    assert int(response.headers["retry-after"]) > 0


def test_scopes_that_exceed_one_message_of_kms_are_rejected(index: Index) -> None:
    scopes = [f"repository:alice/{code * 200}:pull,push" for code in "abcdefghijkl"]
    assert error_code(get_token(index, *scopes, auth=basic("alice")))[0] == 400


@pytest.mark.parametrize("operation", ["GetItem", "Sign", "GetPublicKey"])
def test_fault_gives_503_and_no_token(index: Index, operation: str) -> None:
    cold = index.restart()
    with cold.failing_calls(operation):
        response = get_token(cold, "repository:alice/web:pull", auth=basic("alice"))
    assert error_code(response)[0] == 503
    assert get_token(cold, "repository:alice/web:pull", auth=basic("alice")).status == 200
