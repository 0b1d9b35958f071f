"""Header injection: no text of a request becomes a header of a response or of an email."""

import json
import re
from itertools import product
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from chalicelib.domain.choices import AccountActivation
from chalicelib.settings import Settings
from tests.index import PASSWORD, Index, Response, basic
from tests.lambda_events import send

MARK = "injected"
BREAKS = ("\r\n", "\n", "\r", "\0", "\x0b", "\x0c", "\x85", "\N{LINE SEPARATOR}", "\N{PARAGRAPH SEPARATOR}")
INJECTIONS = [f"a{line_break}X-{MARK}: {MARK}" for line_break in (*BREAKS, "%0d%0a")]
LISTS = "/v1/repositories"
QUERY = ("q", "n", "page", "after", "link")
HEADERS = (
    "authorization",
    "x-docker-token",
    "host",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
    "x-amzn-trace-id",
    "x-amzn-requestid",
    "x-waybill-front",
    "origin",
    "accept",
    "content-type",
    "content-encoding",
    "user-agent",
)
SETTINGS = Settings(
    account_activation=AccountActivation.EMAIL,
    email_sender="waybill@example.com",
    base_url="https://index.example.com",
    bcrypt_cost=4,
)


@pytest.fixture(scope="module")
def module_index(module_aws: None) -> Index:
    index = Index(SETTINGS, captures_emails=True)
    index.create_account("bobby")
    return index


@pytest.fixture
def index(module_index: Index) -> Index:
    """An index that sends emails. All tests of this module share it, and each uses its own account."""
    module_index.emails.clear()
    for counter in list(module_index.tables.counters.scan()):
        counter.delete()
    return module_index


def assert_clean(response: Response) -> None:
    """Check that the headers have only permitted characters, and nothing of the request."""
    assert response.status != 500, response
    for name, value in response.headers.items():
        assert re.fullmatch(r"[a-z0-9-]+", name), response
        assert re.fullmatch(r"[\x20-\x7e]*", value), response
        is_login = response.status == 303 and value.startswith("/login?next=%2F")  # it carries the path, encoded
        assert is_login or MARK not in name + value, response


@pytest.mark.exhaustive
def test_text_of_a_request_never_becomes_a_header(index: Index) -> None:
    """Each injection is tried in each path variable, in the query, the headers and the body, and in a token."""
    alice, requests_sent, tokens = index.create_account("alice"), 0, 0
    token = index.push("alice/web", alice, "a")
    credentials = {"authorization": alice, "x-docker-token": "true"}
    names_of_alice = {"namespace": "alice", "repository": "web", "username": "alice"}
    deletions_last = sorted(
        index.services.routes, key=lambda route: (route.method == "DELETE", route.path == "/v1/users/{username}")
    )
    for route, injection in product(deletions_last, INJECTIONS):
        names = re.findall(r"\{(\w+)\}", route.path)
        valid = {name: names_of_alice.get(name, "a") for name in names}
        form = urlencode({"email": f"{injection}@example.com", "link": injection, "password": injection}).encode()
        fields = dict.fromkeys(("username", "password", "email", "access", "description", "id", "checksum"), injection)
        requests: list[dict[str, Any]] = [
            *({"headers": credentials, "parameters": valid | {variable: injection}} for variable in names),
            {"headers": dict.fromkeys(HEADERS, injection) | credentials, "query": {key: [injection] for key in QUERY}},
            {"headers": credentials, "body": form},
            {"headers": credentials, "body": json.dumps([fields] if route.path.startswith(LISTS) else fields).encode()},
            {"headers": dict.fromkeys(HEADERS, injection)},
            *(
                {"headers": {"authorization": f"Token {presented}", "x-docker-token": "true"}}
                for presented in (
                    f'{token},extra="{injection}"',
                    f"{token},extra={injection}",
                    f'{injection}="1",{token}',
                    f"{token},{injection}",
                )
            ),
        ]
        for request in requests:
            response = send(index, route.method, route.path, **{"parameters": valid, **request})
            assert_clean(response)
            tokens += "x-docker-token" in response.headers
        requests_sent += len(requests)
    print(f"{requests_sent} requests with an injection; {tokens} responses with a token")
    assert tokens > 50  # responses whose headers contain a text of the request


def test_returned_token_has_nothing_that_the_client_added(index: Index) -> None:
    token = index.push("carol/web", index.create_account("carol"), "a")
    images = "/v1/repositories/carol/web/images"
    for presented in (
        token,
        f"Token {token}",
        f"{token},extra=1",
        f'extra="a b",{token}',
        f"{token},extra={'x' * 8000}",
        ",".join(reversed(token.split(","))),
    ):
        response = index.request("GET", images, f"Token {presented}", token=True)
        assert (response.status, response.token) == (200, token)
        assert response.headers["www-authenticate"] == f"Token {token}"


def test_host_of_a_request_is_in_no_email_and_no_header(index: Index) -> None:
    form = {"username": "dave", "password": PASSWORD, "email": "dave@example.com"}
    hosts = dict.fromkeys(("host", "x-forwarded-host", "x-forwarded-proto", "origin", "referer"), f"{MARK}.example")
    assert_clean(index.request("POST", "/v1/users/", json=form, headers=hosts))
    assert_clean(index.request("GET", "/", headers=hosts))
    (message,) = index.emails
    assert "https://index.example.com/confirm?link=" in message.text
    assert MARK not in message.text


INVALID_EMAILS = [
    *(f"alice@example.com{line_break}Bcc: eve@example.com" for line_break in BREAKS),
    *(f"{line_break}alice@example.com" for line_break in BREAKS),
    *(f"alice{line_break}@example.com" for line_break in BREAKS),
    "Alice <alice@example.com>",
    '"Alice\r\nBcc: eve@example.com" <alice@example.com>',
    '"a b"@example.com',
    '"a\\\r\n b"@example.com',
    "alice@example.com, eve@example.com",
    "alice@example.com;eve@example.com",
    "alice@example.com eve@example.com",
    "<alice@example.com>",
    "alice@example.com (eve)",
    "alice@[192.0.2.1]",
    "alice@example.com.",
    "alice@example..com",
    "=?utf-8?q?alice=0d=0aBcc:eve?=@example.com\r\n",
    "mailto:alice@example.com?bcc=eve@example.com ",
    "alice%0d%0aBcc:eve@example.com",
]


@pytest.mark.parametrize("email", INVALID_EMAILS)
def test_invalid_email_gets_no_message(index: Index, email: str) -> None:
    form = {"username": "newcomer", "password": PASSWORD, "email": email}
    assert index.request("POST", "/v1/users/", json=form).status == 400
    assert index.request("PUT", "/v1/users/bobby", basic("bobby"), json={"email": email}).status == 400
    for page in ("/forgotten", "/confirm"):
        assert index.request("POST", page, body=urlencode({"email": email}).encode()).status == 400
    assert index.emails == []


@pytest.mark.parametrize("line_break", BREAKS)
def test_username_with_a_line_break_is_in_no_email(index: Index, line_break: str) -> None:
    form = {"username": f"newcomer{line_break}Bcc: eve", "password": PASSWORD, "email": "newcomer@example.com"}
    assert index.request("POST", "/v1/users/", json=form).status == 400
    assert index.emails == []


def test_headers_of_an_email_contain_no_text_of_the_user_except_the_address(index: Index) -> None:
    form = {"username": "erin", "password": PASSWORD, "email": "er.in+x!#$%&'*/=?^_`{|}~-@example.com"}
    assert index.request("POST", "/v1/users/", json=form).status == 201
    (message,) = index.emails
    assert message.to == form["email"]
    assert "erin" not in message.subject
    assert index.request("GET", "/v1/users/", basic("erin")).status == 403


def test_path_with_an_encoded_line_break_is_rejected(index: Index) -> None:
    frank = index.create_account("frank", admin=True)
    stored = {item.repository for item in index.tables.images.scan()}
    for injection in INJECTIONS:
        for path in (quote(f"frank/{injection}"), quote(quote(injection)), f"frank/{quote(quote(injection))}"):
            response = index.request("PUT", f"/v1/repositories/{path}", frank, json=[], token=True)
            assert response.status in (400, 404)
            assert_clean(response)
    assert {item.repository for item in index.tables.images.scan()} == stored
