"""Similar spellings: homoglyphs in names, encoded paths, and repeated keys, parameters and headers."""

import unicodedata

import pytest

from tests.index import PASSWORD, Index, basic
from tests.lambda_events import send

ALREADY_EXISTS = b'"Username or email already exists"'
HOMOGLYPHS = [
    "Alice",
    "ALICE",
    "alice ",
    " alice",
    "alice.",
    "alice\0",
    "alice\n",
    "alice/",
    "alice%00",
    "%61lice",
    "alice\N{ZERO WIDTH SPACE}",
    "ali\N{SOFT HYPHEN}ce",
    "\N{RIGHT-TO-LEFT OVERRIDE}ecila",
    "alice\N{COMBINING ACUTE ACCENT}",
    "alic\N{LATIN SMALL LETTER E WITH ACUTE}",
    "\N{CYRILLIC SMALL LETTER A}lice",
    "al\N{LATIN SMALL LETTER DOTLESS I}ce",
    "al\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}ce",
    "\N{FULLWIDTH LATIN SMALL LETTER A}lice",
    "\N{MATHEMATICAL BOLD SMALL A}lice",
    "ali\N{ROMAN NUMERAL ONE HUNDRED}e",
    "al\N{SUPERSCRIPT LATIN SMALL LETTER I}ce",
]
EMAILS = [
    "ALICE@EXAMPLE.COM",
    "Alice@Example.Com",
]
INVALID_EMAILS = [
    "alice@example.com.",
    "alice@example.com ",
    "alice@example\N{IDEOGRAPHIC FULL STOP}com",
    "alice\N{FULLWIDTH COMMERCIAL AT}example.com",
    "\N{FULLWIDTH LATIN SMALL LETTER A}lice@example.com",
    "alice@ex\N{CYRILLIC SMALL LETTER A}mple.com",
    "alice@exam\N{SOFT HYPHEN}ple.com",
    "al\N{LATIN SMALL LETTER DOTLESS I}ce@example.com",
    "alice@example.com\N{ZERO WIDTH SPACE}",
    "alice@\N{KELVIN SIGN}example.com",
]


@pytest.fixture
def alice(index: Index) -> str:
    """The Authorization header of an account with a private repository."""
    auth = index.create_account("alice", admin=True)
    index.push("alice/web", auth, "a")
    assert index.request("PUT", "/v1/namespaces/alice/repositories/web", auth, json={"private": True}).status == 204
    return auth


def find_usernames(index: Index) -> set[str]:
    return {item.username for item in index.tables.users.scan()}


def test_homoglyph_of_a_username_is_rejected(index: Index, alice: str) -> None:
    namespaces, repository = "/v1/namespaces/{namespace}/repositories", "/v1/repositories/{namespace}/{repository}"
    for name in HOMOGLYPHS:
        form = {"username": name, "password": PASSWORD, "email": "other@example.com"}
        assert index.request("POST", "/v1/users/", json=form).status == 400, ascii(name)
        assert index.request("GET", "/v1/users/", basic(name)).status == 401, ascii(name)
        if "/" in name:
            continue  # the path is decoded before the function finds the endpoint
        shown = send(index, "GET", "/v1/users/{username}", parameters={"username": name}, headers=_header(alice))
        assert shown.status == 404, ascii(name)
        for method, path in (("PUT", repository), ("GET", repository + "/images"), ("GET", namespaces)):
            parameters = {"namespace": name, "repository": "web"}
            response = send(index, method, path, parameters=parameters, headers=_header(alice), body=b"[]")
            assert response.status == 400, ascii(name)
    assert find_usernames(index) == {"alice"}
    assert {item.namespace for item in index.tables.repositories.scan()} == {"alice"}


@pytest.mark.parametrize("email", EMAILS)
def test_email_in_another_case_is_the_same_email(index: Index, alice: str, email: str) -> None:
    form = {"username": "bobby", "password": PASSWORD, "email": email}
    assert index.request("POST", "/v1/users/", json=form).body == ALREADY_EXISTS
    bobby = index.create_account("bobby")
    assert index.request("PUT", "/v1/users/bobby", bobby, json={"email": email}).body == ALREADY_EXISTS
    assert index.request("PUT", "/v1/users/alice", alice, json={"email": email}).status == 204
    assert [item["address"] for item in index.request("GET", "/v1/users/alice", alice).json["emails"]] == [
        "alice@example.com"
    ]


def test_homoglyph_of_an_email_is_rejected(index: Index, alice: str) -> None:
    for email in INVALID_EMAILS:
        form = {"username": "bobby", "password": PASSWORD, "email": email}
        response = index.request("POST", "/v1/users/", json=form)
        assert (response.status, "email" in response.json["error"]) == (400, True), ascii(email)
    assert find_usernames(index) == {"alice"}


def test_only_canonically_equal_passwords_are_equal(index: Index) -> None:
    """The normal form is NFC. NFKC would make several passwords valid that people see as different."""
    composed, decomposed = unicodedata.normalize("NFC", "pässword"), unicodedata.normalize("NFD", "pässword")
    index.create_account("alice", password=composed)
    for equal in (composed, decomposed):
        assert index.request("GET", "/v1/users/", basic("alice", equal)).status == 200
    for other in (composed.upper(), f"{composed} ", "\N{FULLWIDTH LATIN SMALL LETTER P}" + composed[1:]):
        assert index.request("GET", "/v1/users/", basic("alice", other)).status == 401


ENCODED = [  # the gateway decodes a path once, so that `web%2f` is `web/`, which is another form of `web`
    "%2e%2e",
    "%252e%252e",
    "..%2f..%2f",
    "%c0%ae%c0%ae",
    "%c0%af",
    "%e0%80%af",
    "%fc%80%80%80%80%af",
    "%2561",
    "web%252f",
    "web%5c",
    "web%3fq",
    "web%23",
    "web%00",
    "%u0077eb",
    "web+",
    "web%20",
    "web%09",
    "%ef%bc%8e%ef%bc%8e",
    "w%cc%81eb",
]


def test_encoded_path_is_rejected(index: Index, alice: str) -> None:
    for path in ("alice/{}", "{}/web", "{}"):
        for encoded in ENCODED:
            for method, tail in (("PUT", ""), ("DELETE", ""), ("PUT", "/images"), ("GET", "/images")):
                target = f"/v1/repositories/{path.format(encoded)}{tail}"
                assert index.request(method, target, alice, json=[]).status in (400, 404), target
    assert {str(item.repository) for item in index.tables.images.scan()} == {"alice/web"}
    assert index.ids("alice/web", alice) == ["a"]


def test_decoded_path_variable_is_rejected(index: Index, alice: str) -> None:
    for decoded in (
        "..",
        ".",
        "../web",
        "a/b",
        "%2e%2e",
        "%2f",
        "web\0",
        "\ufffd",
        "we b",
        "web;x=1",
    ):
        for name in ("namespace", "repository"):
            for method, tail in (("PUT", ""), ("DELETE", ""), ("GET", "/images"), ("GET", "/layer/{image}/access")):
                parameters = {"namespace": "alice", "repository": "web", "image": "a"} | {name: decoded}
                path = "/v1/repositories/{namespace}/{repository}" + tail
                response = send(index, method, path, parameters=parameters, headers=_header(alice), body=b"[]")
                assert response.status in (400, 404), (method, parameters)
    assert index.ids("alice/web", alice) == ["a"]


def test_last_value_of_a_repeated_key_is_checked_and_used(index: Index, alice: str) -> None:
    valid = b'"password":"correct horse","email":"new@example.com"'
    for names, status in (
        (b'"username":"fresh","username":"alice"', 400),
        (b'"username":"fresh","username":"Bad!"', 400),
        (b'"username":"alice","username":"fresh"', 201),
    ):
        assert index.request("POST", "/v1/users/", body=b"{%b,%b}" % (names, valid)).status == status
    assert find_usernames(index) == {"alice", "fresh"}

    images = "/v1/repositories/alice/web/images"
    assert index.request("PUT", images, alice, body=b'[{"id":"b","id":"BAD"}]').status == 400
    assert index.request("PUT", images, alice, body=b'[{"id":"BAD","id":"b"}]').status == 204
    assert index.ids("alice/web", alice) == ["a", "b"]

    collaborators = "/v1/namespaces/alice/repositories/web/collaborators"
    body = b'{"access":"admin","access":"read"}'
    assert index.request("PUT", f"{collaborators}/fresh", alice, body=body).status == 204
    assert index.request("GET", collaborators, alice).json == [{"username": "fresh", "access": "read"}]


def test_last_value_of_a_repeated_parameter_is_checked_and_used(index: Index) -> None:
    assert index.request("GET", "/v1/search?q=one&q=two").json["query"] == "two"
    assert index.request("GET", "/v1/search?n=0&n=7").json["page_size"] == 7
    assert index.request("GET", "/v1/search?n=7&n=0").status == 400
    assert index.request("GET", "/v1/search?page=1&page=" + "9" * 5000).status == 400


def test_joined_authorization_headers_are_rejected(index: Index, alice: str) -> None:
    """A proxy can join repeated headers into one value."""
    index.create_account("bobby")
    token = index.push("alice/web", alice)
    images = "/v1/repositories/alice/web/images"
    for first, second in (
        (alice, basic("bobby")),
        (alice, alice),
        (f"Token {token}", alice),
        (alice, f"Token {token}"),
        (f"Token {token}", f"Token {token}"),
        ("", alice),
    ):
        assert index.request("GET", images, f"{first}, {second}").status == 401
    headers = {"x-docker-token": "true, true"}
    assert "x-docker-token" not in index.request("GET", images, alice, headers=headers).headers


def _header(authorization: str) -> dict[str, str]:
    return {"authorization": authorization}
