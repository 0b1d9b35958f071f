"""Two spellings of one thing: names that look alike, paths that hide something, and what comes twice."""

import unicodedata

import pytest

from tests.index import PASSWORD, Index, basic
from tests.lambda_events import send

TAKEN = b'"Username or email already exists"'
ALICES = [
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
ADDRESSES = [
    "ALICE@EXAMPLE.COM",
    "Alice@Example.Com",
]
NO_ADDRESSES = [
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
    """Has an account, and a repository that nobody else may read."""
    auth = index.account("alice", admin=True)
    index.push("alice/web", auth, "a")
    assert index.request("PUT", "/v1/namespaces/alice/repositories/web", auth, json={"private": True}).status == 204
    return auth


def accounts(index: Index) -> set[str]:
    return {item.username for item in index.tables.users.scan()}


def test_a_name_that_looks_like_another_is_nobody_s(index: Index, alice: str) -> None:
    namespaces, repository = "/v1/namespaces/{namespace}/repositories", "/v1/repositories/{namespace}/{repository}"
    for name in ALICES:
        form = {"username": name, "password": PASSWORD, "email": "other@example.com"}
        assert index.request("POST", "/v1/users/", json=form).status == 400, ascii(name)
        assert index.request("GET", "/v1/users/", basic(name)).status == 401, ascii(name)
        shown = send(index, "GET", "/v1/users/{username}", parameters={"username": name}, headers=_as(alice))
        assert shown.status == 404, ascii(name)
        for method, path in (("PUT", repository), ("GET", repository + "/images"), ("GET", namespaces)):
            where = {"namespace": name, "repository": "web"}
            response = send(index, method, path, parameters=where, headers=_as(alice), body=b"[]")
            assert response.status == 400, ascii(name)
    assert accounts(index) == {"alice"}
    assert {item.namespace for item in index.tables.repositories.scan()} == {"alice"}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_in_another_case_is_the_same_address(index: Index, alice: str, address: str) -> None:
    form = {"username": "bobby", "password": PASSWORD, "email": address}
    assert index.request("POST", "/v1/users/", json=form).body == TAKEN
    bobby = index.account("bobby")
    assert index.request("PUT", "/v1/users/bobby", bobby, json={"email": address}).body == TAKEN
    assert index.request("PUT", "/v1/users/alice", alice, json={"email": address}).status == 204
    assert [item["address"] for item in index.request("GET", "/v1/users/alice", alice).json["emails"]] == [
        "alice@example.com"
    ]


def test_an_address_that_only_looks_like_one_is_none(index: Index, alice: str) -> None:
    for address in NO_ADDRESSES:
        form = {"username": "bobby", "password": PASSWORD, "email": address}
        response = index.request("POST", "/v1/users/", json=form)
        assert (response.status, "address" in response.json["error"]) == (400, True), ascii(address)
    assert accounts(index) == {"alice"}


def test_a_password_is_its_bytes_and_nothing_is_normalised(index: Index) -> None:
    """Else some would have many passwords. What differs to a keyboard differs here, too."""
    composed, apart = unicodedata.normalize("NFC", "pässword"), unicodedata.normalize("NFD", "pässword")
    index.account("alice", password=composed)
    assert index.request("GET", "/v1/users/", basic("alice", composed)).status == 200
    for other in (apart, composed.upper(), f"{composed} ", "\N{FULLWIDTH LATIN SMALL LETTER P}" + composed[1:]):
        assert index.request("GET", "/v1/users/", basic("alice", other)).status == 401


HIDDEN = [
    "%2e%2e",
    "%252e%252e",
    "..%2f..%2f",
    "%c0%ae%c0%ae",
    "%c0%af",
    "%e0%80%af",
    "%fc%80%80%80%80%af",
    "%2561",
    "web%2f",
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


def test_a_path_that_hides_something_leads_nowhere(index: Index, alice: str) -> None:
    for path in ("alice/{}", "{}/web", "{}"):
        for hidden in HIDDEN:
            for method, tail in (("PUT", ""), ("DELETE", ""), ("PUT", "/images"), ("GET", "/images")):
                target = f"/v1/repositories/{path.format(hidden)}{tail}"
                assert index.request(method, target, alice, json=[]).status in (400, 404), target
    assert {str(item.repository) for item in index.tables.images.scan()} == {"alice/web"}
    assert index.ids("alice/web", alice) == ["a"]


def test_nor_does_one_that_the_gateway_has_decoded(index: Index, alice: str) -> None:
    for decoded in (
        "..",
        ".",
        "../web",
        "a/b",
        "web/images",
        "%2e%2e",
        "%2f",
        "web\0",
        "\ufffd",
        "",
        "we b",
        "web;x=1",
    ):
        for name in ("namespace", "repository"):
            for method, tail in (("PUT", ""), ("DELETE", ""), ("GET", "/images"), ("GET", "/layer/{image}/access")):
                where = {"namespace": "alice", "repository": "web", "image": "a"} | {name: decoded}
                path = "/v1/repositories/{namespace}/{repository}" + tail
                response = send(index, method, path, parameters=where, headers=_as(alice), body=b"[]")
                assert response.status in (400, 404), (method, where)
    assert index.ids("alice/web", alice) == ["a"]


def test_of_a_key_that_comes_twice_the_last_is_what_is_checked_and_what_is_done(index: Index, alice: str) -> None:
    fine = b'"password":"correct horse","email":"new@example.com"'
    for names, status in (
        (b'"username":"fresh","username":"alice"', 400),
        (b'"username":"fresh","username":"Bad!"', 400),
        (b'"username":"alice","username":"fresh"', 201),
    ):
        assert index.request("POST", "/v1/users/", body=b"{%b,%b}" % (names, fine)).status == status
    assert accounts(index) == {"alice", "fresh"}

    images = "/v1/repositories/alice/web/images"
    assert index.request("PUT", images, alice, body=b'[{"id":"b","id":"BAD"}]').status == 400
    assert index.request("PUT", images, alice, body=b'[{"id":"BAD","id":"b"}]').status == 204
    assert index.ids("alice/web", alice) == ["a", "b"]

    people = "/v1/namespaces/alice/repositories/web/collaborators"
    body = b'{"access":"admin","access":"read"}'
    assert index.request("PUT", f"{people}/fresh", alice, body=body).status == 204
    assert index.request("GET", people, alice).json == [{"username": "fresh", "access": "read"}]


def test_of_a_parameter_that_comes_twice_the_last_is_what_is_checked_and_what_is_shown(index: Index) -> None:
    assert index.request("GET", "/v1/search?q=one&q=two").json["query"] == "two"
    assert index.request("GET", "/v1/search?n=0&n=7").json["page_size"] == 7
    assert index.request("GET", "/v1/search?n=7&n=0").status == 400
    assert index.request("GET", "/v1/search?page=1&page=" + "9" * 5000).status == 400


def test_two_authorizations_in_one_are_none(index: Index, alice: str) -> None:
    """A server before the index may join what came twice; then nothing of it is taken."""
    index.account("bobby")
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


def _as(authorization: str) -> dict[str, str]:
    return {"authorization": authorization}
