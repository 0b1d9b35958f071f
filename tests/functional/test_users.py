"""Registering, signing in and changing an account."""

from typing import Any

import pytest

from tests.functional.test_faults import failing
from tests.index import Index, basic

ALICE = {"username": "alice", "password": "correct horse", "email": "alice@example.com"}


def test_register_then_sign_in(index: Index) -> None:
    response = index.request("POST", "/v1/users/", json=ALICE | {"auth": ""})
    assert (response.status, response.body) == (201, b'"User Created"')
    response = index.request("GET", "/v1/users/", basic("alice"))
    assert (response.status, response.body) == (200, b'"OK"')


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
def test_a_taken_name_or_address_is_refused_in_exactly_34_bytes(index: Index, form: dict[str, object]) -> None:
    index.account("alice")
    response = index.request("POST", "/v1/users", json=form)
    assert response.status == 400
    assert response.body == b'"Username or email already exists"'
    assert len(response.body) == 34


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"username": "al"}, "4 to 30"),
        ({"username": "Alice"}, "4 to 30"),
        ({"username": "a" * 31}, "4 to 30"),
        ({"username": ""}, "4 to 30"),
        ({"username": "alice\x00"}, "4 to 30"),
        ({"username": "\N{CYRILLIC SMALL LETTER A}lice"}, "4 to 30"),
        ({"username": 7}, "username is a string"),
        ({"username": None}, "username is missing"),
        ({"password": "abcd"}, "at least 5"),
        ({"password": "x" * 73}, "72 bytes"),
        ({"password": "ä" * 37}, "72 bytes"),
        ({"password": "nul\x00byte"}, "control"),
        ({"password": ["a"]}, "password is a string"),
        ({"password": None}, "password is missing"),
        ({"email": ""}, "address"),
        ({"email": "alice"}, "address"),
        ({"email": "a@b@example.com"}, "address"),
        ({"email": "alice@example.com\r\nBcc: eve@example.com"}, "address"),
        ({"email": "a" * 250 + "@example.com"}, "address"),
        ({"email": None}, "email is missing"),
    ],
)
def test_a_field_that_breaks_its_rule_is_named(index: Index, change: dict[str, object], reason: str) -> None:
    response = index.request("POST", "/v1/users/", json=ALICE | change)
    assert response.status == 400
    assert reason in response.json["error"]
    assert index.request("GET", "/v1/users/", basic("alice")).status == 401, "nothing may have been written"


def test_wrong_password_and_unknown_user_look_the_same(index: Index) -> None:
    index.account("alice")
    wrong = index.request("GET", "/v1/users/", basic("alice", "wrong horse"))
    unknown = index.request("GET", "/v1/users/", basic("nobody"))
    assert wrong.status == 401
    assert wrong == unknown
    assert wrong.headers["www-authenticate"] == 'Basic realm="auth required", Token'


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic ", "Basic !!!", "Basic YWxpY2U=", "Basic /w==", "Bearer x", "Token x", "basic", "Basic Og==", ""],
)
def test_a_header_that_signs_nobody_in_is_401(index: Index, header: str) -> None:
    response = index.request("GET", "/v1/users/", header)
    assert response.status == 401
    assert response.json["error"]


@pytest.mark.parametrize("password", ["x" * 73, "nul\x00byte", ""])
def test_a_password_that_can_be_nobodys_is_401(index: Index, password: str) -> None:
    index.account("alice")
    assert index.request("GET", "/v1/users/", basic("alice", password)).status == 401


def test_an_inactive_account_is_told_so_only_when_the_password_is_right(index: Index) -> None:
    auth = index.account("alice", active=False)
    response = index.request("GET", "/v1/users/", auth)
    assert (response.status, response.body) == (403, b'"Account is not Active"')
    assert index.request("GET", "/v1/users/", basic("alice", "wrong horse")).status == 401


def test_a_new_password_replaces_the_old_one_at_once(index: Index) -> None:
    auth = index.account("alice")
    assert index.request("GET", "/v1/users/", auth).status == 200
    response = index.request("PUT", "/v1/users/alice/", auth, json={"password": "battery staple"})
    assert (response.status, response.body) == (204, b"")
    assert index.request("GET", "/v1/users/", auth).status == 401
    assert index.request("GET", "/v1/users/", basic("alice", "battery staple")).status == 200


def test_an_email_is_added_and_none_removed(index: Index) -> None:
    auth = index.account("alice")
    assert index.request("PUT", "/v1/users/alice", auth, json={"email": "Second@Example.com"}).status == 204
    assert index.request("PUT", "/v1/users/alice", auth, json={"email": "second@example.com"}).status == 204
    user = index.users.get("alice")
    assert user is not None
    assert user.emails == {"alice@example.com", "second@example.com"}
    response = index.request("POST", "/v1/users/", json=ALICE | {"username": "other", "email": "second@example.com"})
    assert response.body == b'"Username or email already exists"'


def test_a_password_is_hashed_anew_at_another_cost_when_its_owner_signs_in(index: Index) -> None:
    alice = index.account("alice")
    costlier = index.restarted(bcrypt_cost=5)

    def cost() -> str:
        user = index.users.get("alice")
        assert user is not None
        return user.password_hash[:7]

    assert costlier.request("GET", "/v1/users/", basic("alice", "wrong one")).status == 401
    assert cost() == "$2b$04$"
    for _ in range(2):
        assert costlier.request("GET", "/v1/users/", alice).status == 200
        assert cost() == "$2b$05$"
    assert costlier.request("GET", "/v1/users/", basic("alice", "wrong one")).status == 401


def test_a_sign_in_does_not_fail_for_a_hash_that_cannot_be_made_anew(index: Index) -> None:
    alice = index.account("alice")
    costlier = index.restarted(bcrypt_cost=5)
    mend = failing(costlier, "TransactWriteItems")
    assert costlier.request("GET", "/v1/users/", alice).status == 200
    mend()


def test_somebody_elses_address_cannot_be_added_and_the_password_stays(index: Index) -> None:
    auth = index.account("alice")
    index.account("bobby")
    response = index.request("PUT", "/v1/users/alice", auth, json={"email": "bobby@example.com", "password": "new one"})
    assert response.status == 400
    assert index.request("GET", "/v1/users/", auth).status == 200


def test_an_account_has_room_for_twenty_addresses(index: Index) -> None:
    auth = index.account("alice")
    statuses = [
        index.request("PUT", "/v1/users/alice", auth, json={"email": f"a{n}@example.com"}).status for n in range(20)
    ]
    assert statuses == [204] * 19 + [400]


def test_whose_account_can_be_changed(index: Index) -> None:
    auth = index.account("alice")
    index.account("bobby")
    sleeping = index.account("sleeper", active=False)
    change = {"password": "battery staple"}
    assert index.request("PUT", "/v1/users/alice", json=change).status == 401
    assert index.request("PUT", "/v1/users/bobby", auth, json=change).status == 403
    assert index.request("PUT", "/v1/users/nobody", auth, json=change).status == 404
    assert index.request("PUT", "/v1/users/%20", auth, json=change).status == 404
    assert index.request("PUT", "/v1/users/sleeper", sleeping, json=change).status == 403


@pytest.mark.parametrize("form", [{}, {"password": None}, {"password": "abc"}, {"email": "x"}, {"email": 5}])
def test_a_change_that_cannot_be_made_says_why(index: Index, form: dict[str, object]) -> None:
    auth = index.account("alice")
    response = index.request("PUT", "/v1/users/alice", auth, json=form)
    assert response.status == 400
    assert response.json["error"]


def test_an_account_sees_itself_and_an_administrator_everybody(index: Index) -> None:
    auth, admin = index.account("alice"), index.account("admin", admin=True)
    shown = index.request("GET", "/v1/users/alice/", auth).json
    assert shown.pop("created")
    assert shown == {
        "username": "alice",
        "emails": [{"address": "alice@example.com", "confirmed": True}],
        "active": True,
        "admin": False,
    }
    assert index.request("GET", "/v1/users/alice", admin).json["username"] == "alice"
    assert index.request("GET", "/v1/users/admin", auth).status == 403
    assert index.request("GET", "/v1/users/nobody", auth).status == 404


def test_where_registration_is_closed_old_clients_go_on_to_log_in(make_index: Any) -> None:
    index = make_index(registration="closed")
    auth = index.account("alice")
    for form in (ALICE, ALICE | {"username": "other", "email": "other@example.com"}, {}):
        response = index.request("POST", "/v1/users/", json=form)
        assert response.status == 401
        assert "www-authenticate" in response.headers
    assert index.request("GET", "/v1/users/", auth).status == 200
    assert index.users.get("other") is None


def test_an_administrator_lets_accounts_in_and_shuts_them_out(make_index: Any) -> None:
    index = make_index(account_activation="admin")
    admin = index.account("admin", admin=True)
    assert index.request("POST", "/v1/users/", json=ALICE).status == 201
    response = index.request("GET", "/v1/users/", basic("alice"))
    assert (response.status, response.body) == (403, b'"Account is not Active"')
    for active, status in ((True, 200), (False, 403), (True, 200)):
        assert index.request("PUT", "/v1/users/alice", admin, json={"active": active}).status == 204
        assert index.request("GET", "/v1/users/", basic("alice")).status == status
    assert index.request("PUT", "/v1/users/nobody", admin, json={"active": True}).status == 404
    assert index.request("PUT", "/v1/users/alice", admin, json={"password": "battery staple"}).status == 403
    assert index.request("PUT", "/v1/users/alice", admin, json={}).status == 403
    assert index.request("PUT", "/v1/users/alice", admin, json={"active": "no"}).status == 400
    both = {"active": False, "password": "battery staple"}
    assert index.request("PUT", "/v1/users/alice", admin, json=both).status == 403
    assert index.request("GET", "/v1/users/", basic("alice")).status == 200, "nothing of what is refused is done"
    assert index.request("PUT", "/v1/users/alice", basic("alice"), json={"active": True}).status == 400
