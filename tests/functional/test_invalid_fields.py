"""Invalid fields and parameters: the response is a 400 that names the field, and nothing is stored."""

from collections.abc import Iterator

import pytest

from tests.conftest import create_index
from tests.index import Index, basic

ALICE = {"username": "alice", "password": "correct horse", "email": "alice@example.com"}
NEW = {"username": "newcomer", "password": "correct horse", "email": "newcomer@example.com"}
ROBOTS = "/v1/users/alice/robots"
WEB = "/v1/namespaces/alice/repositories/web"


@pytest.fixture(scope="module")
def index(module_aws: None) -> Index:
    """One index for all tests of this module, with alice, bobby and the private repository alice/web."""
    index = create_index()
    for username in ("alice", "bobby"):
        index.create_account(username)
    index.push("alice/web", basic("alice"))
    assert index.request("PUT", WEB, basic("alice"), json={"private": True}).status == 204
    return index


@pytest.fixture(autouse=True)
def no_login_delays(index: Index) -> Iterator[None]:
    """Delete the counters of failed logins after each test."""
    yield
    for counter in list(index.tables.counters.scan()):
        counter.delete()


@pytest.mark.parametrize(
    "form",
    [
        ALICE,
        ALICE | {"email": "other@example.com"},
        ALICE | {"username": "somebody", "email": "ALICE@Example.com"},
        {"username": "alice"},
        ALICE | {"password": "x", "email": 7},
        {"username": "library", "password": "correct horse", "email": "x@example.com"},
    ],
    ids=["same", "name", "email", "name alone", "name and bad fields", "library"],
)
def test_existing_username_or_email_is_rejected_with_34_bytes(index: Index, form: dict[str, object]) -> None:
    response = index.request("POST", "/v1/users", json=form)
    assert response.status == 400
    assert response.body == b'"Username or email already exists"'
    assert len(response.body) == 34


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"username": "al"}, "username"),
        ({"username": "Alice"}, "username"),
        ({"username": "a" * 31}, "username"),
        ({"username": ""}, "username"),
        ({"username": "alice\x00"}, "username"),
        ({"username": "\N{CYRILLIC SMALL LETTER A}lice"}, "username"),
        ({"username": 7}, "username"),
        ({"username": None}, "username"),
        ({"password": "abcd"}, "at least 5"),
        ({"password": "x" * 73}, "72 bytes"),
        ({"password": "ä" * 37}, "72 bytes"),
        ({"password": "nul\x00byte"}, "control"),
        ({"password": ["a"]}, "password"),
        ({"password": None}, "password"),
        ({"email": ""}, "email"),
        ({"email": "alice"}, "email"),
        ({"email": "a@b@example.com"}, "email"),
        ({"email": "alice@example.com\r\nBcc: eve@example.com"}, "email"),
        ({"email": "a" * 250 + "@example.com"}, "email"),
        ({"email": None}, "email"),
    ],
)
def test_error_names_the_invalid_field(index: Index, change: dict[str, object], reason: str) -> None:
    response = index.request("POST", "/v1/users/", json=NEW | change)
    assert response.status == 400
    assert reason in response.json["error"]
    assert index.request("GET", "/v1/users/", basic("newcomer")).status == 401  # nothing was stored


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic ", "Basic !!!", "Basic YWxpY2U=", "Basic /w==", "Bearer x", "Token x", "basic", "Basic Og==", ""],
)
def test_invalid_authorization_header_is_401(index: Index, header: str) -> None:
    response = index.request("GET", "/v1/users/", header)
    assert response.status == 401
    assert response.json["error"]


@pytest.mark.parametrize("password", ["x" * 73, "nul\x00byte", ""])
def test_impossible_password_is_401(index: Index, password: str) -> None:
    assert index.request("GET", "/v1/users/", basic("alice", password)).status == 401


@pytest.mark.parametrize("form", [{}, {"password": None}, {"password": "abc"}, {"email": "x"}, {"email": 5}])
def test_invalid_change_of_an_account_is_rejected(index: Index, form: dict[str, object]) -> None:
    response = index.request("PUT", "/v1/users/alice", basic("alice"), json=form)
    assert response.status == 400
    assert response.json["error"]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("CI", {"access": "read"}),
        ("-", {"access": "read"}),
        ("x" * 41, {"access": "read"}),
        ("ci", {}),
        ("ci", {"access": "admin"}),
        ("ci", {"access": "read", "repositories": []}),
        ("ci", {"access": "read", "repositories": ["Alice/web"]}),
        ("ci", {"access": "read", "repositories": [f"alice/web{n}" for n in range(101)]}),
        ("ci", {"access": "read", "expires_in": 0}),
        ("ci", {"access": "read", "expires_in": -5}),
        ("ci", {"access": "read", "expires_in": 10**12}),
        ("ci", {"access": "read", "expires_in": "soon"}),
    ],
)
def test_invalid_robot_is_rejected(index: Index, name: str, form: dict[str, object]) -> None:
    response = index.request("PUT", f"{ROBOTS}/{name}", basic("alice"), json=form)
    assert response.status == 400
    assert response.json["error"]
    assert index.request("GET", ROBOTS, basic("alice")).json == []


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"description": None},
        {"description": 7},
        {"private": "yes"},
        {"description": "x" * 256},
        {"description": "a\nb"},
    ],
)
def test_invalid_change_of_a_repository_is_rejected(index: Index, form: dict[str, object]) -> None:
    response = index.request("PUT", WEB, basic("alice"), json=form)
    assert response.status == 400
    assert response.json["error"]


@pytest.mark.parametrize(
    ("username", "access", "status"),
    [("nobody", "read", 404), ("Bobby", "read", 404), ("alice", "read", 400), ("bobby", "owner", 400)],
)
def test_invalid_collaborator_is_rejected(index: Index, username: str, access: str, status: int) -> None:
    response = index.request("PUT", f"{WEB}/collaborators/{username}", basic("alice"), json={"access": access})
    assert response.status == status
    assert response.json["error"]
    assert list(index.tables.collaborators.scan()) == []


@pytest.mark.parametrize(
    "query", ["n=0", "n=-1", "n=x", "page=0", "page=1.5", "n=%C2%B2", "page=99999999", "q=" + "x" * 300]
)
def test_invalid_parameter_of_a_search_is_rejected(index: Index, query: str) -> None:
    response = index.request("GET", f"/v1/search?{query}")
    assert response.status == 400
    assert response.json["error"]
