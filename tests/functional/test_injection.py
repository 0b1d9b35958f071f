"""What somebody writes is never a line of a header or of a letter's head."""

import json
import re
from itertools import product
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from chalicelib.bootstrap import Services
from chalicelib.settings import AccountActivation, Settings
from tests.index import PASSWORD, Index, Response, basic
from tests.lambda_events import send

pytestmark = pytest.mark.exhaustive

MARK = "injected"
BREAKS = ("\r\n", "\n", "\r", "\0", "\x0b", "\x0c", "\x85", "\N{LINE SEPARATOR}", "\N{PARAGRAPH SEPARATOR}")
EVIL = [f"a{line_break}X-{MARK}: {MARK}" for line_break in (*BREAKS, "%0d%0a")]
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
MAIL = Settings(
    account_activation=AccountActivation.EMAIL,
    email_sender="waybill@example.com",
    base_url="https://index.example.com",
    bcrypt_cost=4,
)


@pytest.fixture
def index(aws: None) -> Index:
    """Where every route can answer, letters included."""
    return Index(
        Settings(**{**{name: getattr(MAIL, name) for name in MAIL.__slots__}, "bcrypt_cost": 4}), captures_emails=True
    )


def assert_clean(response: Response) -> None:
    """No header's name or value has anything but what a header may have, or what somebody has written."""
    assert response.status != 500, response
    for name, value in response.headers.items():
        assert re.fullmatch(r"[a-z0-9-]+", name), response
        assert re.fullmatch(r"[\x20-\x7e]*", value), response
        assert MARK not in name + value, response


def test_nothing_that_a_request_says_becomes_a_header(index: Index) -> None:
    """Each of these in each variable of each route's path, in its query and headers, in its body, and in a token."""
    alice, tried, tokens = index.account("alice"), 0, 0
    token = index.push("alice/web", alice, "a")
    asks = {"authorization": alice, "x-docker-token": "true"}
    own = {"namespace": "alice", "repository": "web", "username": "alice"}
    deletions_last = sorted(
        Services(MAIL).routes, key=lambda route: (route.method == "DELETE", route.path == "/v1/users/{username}")
    )
    for route, evil in product(deletions_last, EVIL):
        names = re.findall(r"\{(\w+)\}", route.path)
        fine = {name: own.get(name, "a") for name in names}
        form = urlencode({"email": f"{evil}@example.com", "link": evil, "password": evil}).encode()
        fields = dict.fromkeys(("username", "password", "email", "access", "description", "id", "checksum"), evil)
        requests: list[dict[str, Any]] = [
            *({"headers": asks, "parameters": fine | {variable: evil}} for variable in names),
            {"headers": dict.fromkeys(HEADERS, evil) | asks, "query": {key: [evil] for key in QUERY}},
            {"headers": asks, "body": form},
            {"headers": asks, "body": json.dumps([fields] if route.path.startswith(LISTS) else fields).encode()},
            {"headers": dict.fromkeys(HEADERS, evil)},
            *(
                {"headers": {"authorization": f"Token {shown}", "x-docker-token": "true"}}
                for shown in (
                    f'{token},extra="{evil}"',
                    f"{token},extra={evil}",
                    f'{evil}="1",{token}',
                    f"{token},{evil}",
                )
            ),
        ]
        for request in requests:
            response = send(index, route.method, route.path, **{"parameters": fine, **request})
            assert_clean(response)
            tokens += "x-docker-token" in response.headers
        tried += len(requests)
    print(f"{tried} requests that try to write a header; {tokens} replies with a token")
    assert tokens > 50, "those are the headers that hold what a request has said"


def test_who_shows_a_token_gets_back_what_was_issued_and_nothing_that_was_added(index: Index) -> None:
    token = index.push("alice/web", index.account("alice"), "a")
    images = "/v1/repositories/alice/web/images"
    for shown in (
        token,
        f"Token {token}",
        f"{token},extra=1",
        f'extra="a b",{token}',
        f"{token},extra={'x' * 8000}",
        ",".join(reversed(token.split(","))),
    ):
        response = index.request("GET", images, f"Token {shown}", token=True)
        assert (response.status, response.token) == (200, token)
        assert response.headers["www-authenticate"] == f"Token {token}"


def test_the_host_that_a_request_names_is_in_no_letter_and_no_header(index: Index) -> None:
    form = {"username": "alice", "password": PASSWORD, "email": "alice@example.com"}
    hosts = dict.fromkeys(("host", "x-forwarded-host", "x-forwarded-proto", "origin", "referer"), f"{MARK}.example")
    assert_clean(index.request("POST", "/v1/users/", json=form, headers=hosts))
    assert_clean(index.request("GET", "/", headers=hosts))
    (message,) = index.emails
    assert "https://index.example.com/confirm?link=" in message.text
    assert MARK not in message.text


ADDRESSES = [
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


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_more_than_one_address_gets_no_letter(index: Index, address: str) -> None:
    alice = index.account("alice")
    form = {"username": "carol", "password": PASSWORD, "email": address}
    assert index.request("POST", "/v1/users/", json=form).status == 400
    assert index.request("PUT", "/v1/users/alice", alice, json={"email": address}).status == 400
    for page in ("/forgotten", "/confirm"):
        assert index.request("POST", page, body=urlencode({"email": address}).encode()).status == 400
    assert index.emails == []


@pytest.mark.parametrize("line_break", BREAKS)
def test_a_name_that_is_more_than_a_name_is_in_no_letter(index: Index, line_break: str) -> None:
    form = {"username": f"alice{line_break}Bcc: eve", "password": PASSWORD, "email": "alice@example.com"}
    assert index.request("POST", "/v1/users/", json=form).status == 400
    assert index.emails == []


def test_a_letter_s_head_says_nothing_that_anybody_wrote_but_the_address(index: Index) -> None:
    form = {"username": "alice", "password": PASSWORD, "email": "al.ice+x!#$%&'*/=?^_`{|}~-@example.com"}
    assert index.request("POST", "/v1/users/", json=form).status == 201
    (message,) = index.emails
    assert (message.to, message.subject) == (form["email"], "Confirm your address")
    assert index.request("GET", "/v1/users/", basic("alice")).status == 403


def test_a_path_that_hides_a_line_s_end_names_no_repository(index: Index) -> None:
    alice = index.account("alice", admin=True)
    for evil in EVIL:
        for path in (quote(f"alice/{evil}"), quote(quote(evil)), f"alice/{quote(quote(evil))}"):
            response = index.request("PUT", f"/v1/repositories/{path}", alice, json=[], token=True)
            assert response.status in (400, 404)
            assert_clean(response)
    assert not list(index.tables.images.scan())
