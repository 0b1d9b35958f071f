"""Registration, login, and changes of accounts."""

from tests.conftest import MakeIndex
from tests.index import Index, basic

ALICE = {"username": "alice", "password": "correct horse", "email": "alice@example.com"}


def test_registered_account_can_log_in(index: Index) -> None:
    response = index.request("POST", "/v1/users/", json=ALICE | {"auth": ""})
    assert (response.status, response.body) == (201, b'"User Created"')
    response = index.request("GET", "/v1/users/", basic("alice"))
    assert (response.status, response.body) == (200, b'"OK"')


def test_wrong_password_and_unknown_user_have_the_same_response(index: Index) -> None:
    index.create_account("alice")
    wrong = index.request("GET", "/v1/users/", basic("alice", "wrong horse"))
    unknown = index.request("GET", "/v1/users/", basic("nobody"))
    assert wrong.status == 401
    assert wrong == unknown
    assert wrong.headers["www-authenticate"] == 'Basic realm="auth required", Token'


def test_inactive_account_is_403_only_with_the_right_password(index: Index) -> None:
    auth = index.create_account("alice", active=False)
    response = index.request("GET", "/v1/users/", auth)
    assert (response.status, response.body) == (403, b'"Account is not Active"')
    assert index.request("GET", "/v1/users/", basic("alice", "wrong horse")).status == 401


def test_new_password_replaces_the_old_one_at_once(index: Index) -> None:
    auth = index.create_account("alice")
    assert index.request("GET", "/v1/users/", auth).status == 200
    response = index.request("PUT", "/v1/users/alice/", auth, json={"password": "battery staple"})
    assert (response.status, response.body) == (204, b"")
    assert index.request("GET", "/v1/users/", auth).status == 401
    assert index.request("GET", "/v1/users/", basic("alice", "battery staple")).status == 200


def test_email_is_added_and_none_is_removed(index: Index) -> None:
    auth = index.create_account("alice")
    assert index.request("PUT", "/v1/users/alice", auth, json={"email": "Second@Example.com"}).status == 204
    assert index.request("PUT", "/v1/users/alice", auth, json={"email": "second@example.com"}).status == 204
    user = index.users.get("alice")
    assert user is not None
    assert user.emails == {"alice@example.com", "second@example.com"}
    response = index.request("POST", "/v1/users/", json=ALICE | {"username": "other", "email": "second@example.com"})
    assert response.body == b'"Username or email already exists"'


def test_login_replaces_a_hash_of_another_cost(index: Index) -> None:
    alice = index.create_account("alice")
    costlier = index.restart(bcrypt_cost=5)

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


def test_login_succeeds_even_if_the_hash_cannot_be_replaced(index: Index) -> None:
    alice = index.create_account("alice")
    costlier = index.restart(bcrypt_cost=5)
    with costlier.failing_calls("TransactWriteItems"):
        assert costlier.request("GET", "/v1/users/", alice).status == 200


def test_email_of_another_account_is_rejected_and_the_password_stays(index: Index) -> None:
    auth = index.create_account("alice")
    index.create_account("bobby")
    response = index.request("PUT", "/v1/users/alice", auth, json={"email": "bobby@example.com", "password": "new one"})
    assert response.status == 400
    assert index.request("GET", "/v1/users/", auth).status == 200


def test_account_can_have_20_emails(index: Index) -> None:
    auth = index.create_account("alice")
    statuses = [
        index.request("PUT", "/v1/users/alice", auth, json={"email": f"a{n}@example.com"}).status for n in range(20)
    ]
    assert statuses == [204] * 19 + [400]


def test_only_the_active_owner_can_change_an_account(index: Index) -> None:
    auth = index.create_account("alice")
    index.create_account("bobby")
    inactive = index.create_account("inactive", active=False)
    change = {"password": "battery staple"}
    assert index.request("PUT", "/v1/users/alice", json=change).status == 401
    assert index.request("PUT", "/v1/users/bobby", auth, json=change).status == 403
    assert index.request("PUT", "/v1/users/nobody", auth, json=change).status == 404
    assert index.request("PUT", "/v1/users/%20", auth, json=change).status == 404
    assert index.request("PUT", "/v1/users/inactive", inactive, json=change).status == 403


def test_account_is_shown_to_its_owner_and_to_administrators(index: Index) -> None:
    auth, admin = index.create_account("alice"), index.create_account("admin", admin=True)
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


def test_closed_registration_is_401_so_that_old_clients_log_in(make_index: MakeIndex) -> None:
    index = make_index(registration="closed")
    auth = index.create_account("alice")
    for form in (ALICE, ALICE | {"username": "other", "email": "other@example.com"}, {}):
        response = index.request("POST", "/v1/users/", json=form)
        assert response.status == 401
        assert "www-authenticate" in response.headers
    assert index.request("GET", "/v1/users/", auth).status == 200
    assert index.users.get("other") is None


def test_administrator_can_activate_and_deactivate_accounts(make_index: MakeIndex) -> None:
    index = make_index(account_activation="admin")
    admin = index.create_account("admin", admin=True)
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
    assert index.request("GET", "/v1/users/", basic("alice")).status == 200  # a rejected request changes nothing
    assert index.request("PUT", "/v1/users/alice", basic("alice"), json={"active": True}).status == 400
