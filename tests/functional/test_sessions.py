"""Sessions of the pages: login, logout, cookies, and the protection of forms against other sites."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.choices import AccountActivation, Registration
from chalicelib.security.sessions import SESSION_SECONDS, SessionCookies
from chalicelib.security.signing import DerivedKeySigner, KmsSigner
from tests.index import PASSWORD, Index, basic
from tests.pages import Page
from tests.web_session import OWN_SITE, WebSession

NEW_PASSWORD = "battery staple"
WRONG_PASSWORD = "wrong horse"  # pragma: allowlist secret
PRIVATE_PAGES = (
    "/account",
    "/account/shared",
    "/account/organizations",
    "/account/robots",
    "/account/settings",
    "/account/new",
    "/accounts",
    "/audit",
    "/organizations/ops",
    "/organizations/ops/robots",
    "/organizations/ops/settings",
)
FORMS = (
    "/logout",
    "/account/new",
    "/account/robots",
    "/account/email",
    "/account/email/remove",
    "/account/password",
    "/account/block",
    "/account/unblock",
    "/account/delete",
    "/r/alice/web/describe",
    "/r/alice/web/visibility",
    "/r/alice/web/share",
    "/r/alice/web/unshare",
    "/r/alice/web/transfer",
    "/r/alice/web/leave",
    "/r/alice/web/delete",
    "/account/robots/ci/revoke",
    "/accounts/alice/deactivate",
    "/accounts/alice/activate",
    "/account/organizations",
    "/organizations/ops/members",
    "/organizations/ops/members/remove",
    "/organizations/ops/leave",
    "/organizations/ops/robots",
    "/organizations/ops/robots/ci/revoke",
    "/organizations/ops/delete",
)


@pytest.fixture
def alice(index: Index) -> WebSession:
    index.create_account("alice")
    return WebSession.logged_in(index, "alice")


def is_logged_in(session: WebSession) -> bool:
    return session.get("/account").name == "repositories"


def test_login_stores_a_cookie_that_scripts_and_other_sites_cannot_use(alice: WebSession) -> None:
    response = alice.send("POST", "/login", username="alice", password=PASSWORD)
    assert (response.status, response.headers["location"]) == (303, "/account")
    value, *attributes = response.headers["set-cookie"].split("; ")
    assert value.startswith("__Host-waybill=1.")
    assert attributes == ["Path=/", f"Max-Age={SESSION_SECONDS}", "HttpOnly", "SameSite=Lax", "Secure"]
    assert is_logged_in(alice)


@pytest.mark.parametrize(
    ("base_url", "name", "is_secure"),
    [
        ("http://localhost:8000", "waybill=", False),
        ("http://127.0.0.1:8000", "waybill=", False),
        ("http://192.168.1.5:8000", "__Host-waybill=", True),
        ("https://index.example.com", "__Host-waybill=", True),
        ("", "__Host-waybill=", True),
    ],
)
def test_only_a_local_server_without_https_omits_secure(
    make_index: Callable[..., Index], base_url: str, name: str, is_secure: bool
) -> None:
    index = make_index(base_url=base_url)
    index.create_account("alice")
    response = WebSession(index).send("POST", "/login", username="alice", password=PASSWORD)
    assert response.headers["set-cookie"].startswith(name)
    assert ("Secure" in response.headers["set-cookie"]) is is_secure
    page = Page(index.request("GET", "/login"))
    assert page.data("warning") == (["https"] if is_secure and base_url.startswith("http:") else [])


def test_each_login_creates_a_new_session(alice: WebSession) -> None:
    """A cookie that somebody else has planted in the browser is replaced, and the session before it ends."""
    first, planted = alice.cookie, WebSession(alice.index)
    assert alice.send("POST", "/login", username="alice", password=PASSWORD).status == 303
    assert alice.cookie != first
    planted.cookie = first
    assert not is_logged_in(planted)


@pytest.mark.parametrize("path", PRIVATE_PAGES)
def test_page_without_a_session_leads_to_the_login_and_back(index: Index, path: str) -> None:
    auth = index.create_account("alice", admin=True)
    assert index.request("PUT", "/v1/organizations/ops", auth).status == 201
    visitor = WebSession(index)
    page = visitor.get(path)
    assert page.name == "login"
    assert page.fields("/login")["next"] == path
    page = visitor.post("/login", **{**page.fields("/login"), "username": "alice", "password": PASSWORD})
    assert page.name not in ("login", "error")


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "account", "/a b", "/\n"],
)
def test_login_never_leads_to_another_site(alice: WebSession, target: str) -> None:
    response = alice.send("POST", "/login", username="alice", password=PASSWORD, next=target)
    assert response.headers["location"] == "/account"


@pytest.mark.parametrize(
    ("username", "password"), [("alice", "wrong"), ("nobody", PASSWORD), ("", ""), ("Not A Name", PASSWORD)]
)
def test_wrong_credentials_start_no_session(index: Index, username: str, password: str) -> None:
    index.create_account("alice")
    visitor = WebSession(index)
    response = visitor.send("POST", "/login", username=username, password=password)
    page = Page(response)
    assert (page.status, page.name, visitor.cookie) == (401, "login", "")
    assert page.alert
    assert index.events[-1]["event"] == "login.failed"


def test_robots_cannot_log_in_to_pages(alice: WebSession) -> None:
    page = alice.submit("/account/robots", "/account/robots", name="ci")
    (token,) = [command for command in page.commands if command.startswith("wbr_")]
    response = WebSession(alice.index).send("POST", "/login", username="alice", password=token)
    assert (response.status, "set-cookie" in response.headers) == (401, False)
    assert alice.index.request("GET", "/v1/users/", basic("alice", token)).status == 200


def test_inactive_account_cannot_log_in(make_index: Callable[..., Index]) -> None:
    for activation in (AccountActivation.NONE, AccountActivation.ADMIN):
        index = make_index(account_activation=activation)
        index.create_account("alice", active=False)
        response = WebSession(index).send("POST", "/login", username="alice", password=PASSWORD)
        assert (response.status, "set-cookie" in response.headers) == (403, False)


def test_password_limits_apply_to_the_form(index: Index) -> None:
    index.create_account("alice")
    statuses = [
        WebSession(index).send("POST", "/login", username="alice", password=f"wrong {number}").status
        for number in range(8)
    ]
    assert statuses[0] == 401
    assert statuses[-1] == 429


def test_cookie_is_not_accepted_after_a_logout(alice: WebSession) -> None:
    copy = WebSession(alice.index)
    copy.cookie = alice.cookie
    assert is_logged_in(copy)
    response = alice.send("POST", "/logout", form_token=alice.form_token)
    assert (response.status, response.headers["set-cookie"].split("; ")[2]) == (303, "Max-Age=0")
    assert not is_logged_in(copy)
    assert WebSession.logged_in(alice.index, "alice"), "other sessions can start"


def test_logout_ends_only_its_own_session(alice: WebSession) -> None:
    other = WebSession.logged_in(alice.index, "alice")
    alice.send("POST", "/logout", form_token=alice.form_token)
    assert is_logged_in(other)


def test_cookie_is_not_accepted_after_a_change_of_the_password(alice: WebSession) -> None:
    other = WebSession.logged_in(alice.index, "alice")
    page = alice.submit("/account/settings", "/account/password", password=PASSWORD, new_password=NEW_PASSWORD)
    assert page.name == "password_changed"
    assert not is_logged_in(other)
    assert not is_logged_in(alice)
    assert is_logged_in(WebSession.logged_in(alice.index, "alice", NEW_PASSWORD))


def test_cookie_is_not_accepted_after_the_deletion_and_a_new_registration(make_index: Callable[..., Index]) -> None:
    index = make_index(reserve_deleted_names=False)
    auth = index.create_account("alice")
    session = WebSession.logged_in(index, "alice")
    assert index.request("DELETE", "/v1/users/alice", auth).status == 204
    assert not is_logged_in(session)
    index.create_account("alice")
    assert not is_logged_in(session)


def test_cookie_is_not_accepted_after_a_deactivation(alice: WebSession) -> None:
    alice.index.users.set_active("alice", False)
    assert not is_logged_in(alice)
    alice.index.users.set_active("alice", True)
    assert is_logged_in(alice)


def test_cookie_of_another_stage_is_not_accepted(make_index: Callable[..., Index]) -> None:
    first, second = make_index(), make_index()
    created = datetime.now(UTC)
    for index in (first, second):
        index.create_account("alice")
    item = first.tables.users.get("alice")
    second.tables.users("alice", password_hash=item.password_hash, active=True, created=item.created).save()
    session = WebSession.logged_in(first, "alice")
    session.index = second
    assert created
    assert not is_logged_in(session)


def test_expired_or_changed_cookie_is_not_accepted(alice: WebSession) -> None:
    index, value = alice.index, alice.cookie
    signer = DerivedKeySigner(KmsSigner(index.aws.kms, index.settings.key))
    old = SessionCookies(signer, lambda: time.time() - SESSION_SECONDS - 1).issue(index.user("alice"))
    fresh = SessionCookies(signer, lambda: time.time() - SESSION_SECONDS + 60).issue(index.user("alice"))
    alice.cookie = f"__Host-waybill={fresh}"
    assert is_logged_in(alice)
    changed = [
        value[:-2] + ("BB" if value.endswith("AA") else "AA"),
        value.replace("alice", "admin"),
        value.replace("=1.", "=2."),
        value + ".",
        "x" * 9000,
    ]
    for cookie in (f"__Host-waybill={old}", *changed, "__Host-waybill=", "__Host-waybill", "waybill=" + fresh):
        alice.cookie = cookie
        assert not is_logged_in(alice), cookie


@pytest.mark.parametrize("space", ["\xa0", "\x85", "\u2003", "\u3000", "\x0b", "\x1c"])
def test_cookie_with_a_name_that_browsers_do_not_protect_is_not_accepted(alice: WebSession, space: str) -> None:
    value = alice.cookie
    alice.cookie = space + value
    assert not is_logged_in(alice)
    alice.cookie = f"{value}; {value}"
    assert not is_logged_in(alice), "a name must not occur twice"
    alice.cookie = f" \t{value}"
    assert is_logged_in(alice)


def test_values_signed_for_other_purposes_are_no_cookies(alice: WebSession) -> None:
    index = alice.index
    token = index.push("alice/web", basic("alice"), "a")
    for value in (token, token.split(",")[0].removeprefix("signature="), "confirm.1.2.x.y"):
        alice.cookie = f"__Host-waybill={value}"
        assert not is_logged_in(alice)


def test_cookie_gives_no_access_to_the_api(alice: WebSession) -> None:
    alice.index.push("alice/web", basic("alice"), "a")
    for method, path in (("DELETE", "/v1/users/alice"), ("DELETE", "/v1/repositories/alice/web"), ("GET", "/v1/users")):
        assert alice.send(method, path).status == 401


FOREIGN: list[Any] = [
    pytest.param({"sec-fetch-site": "cross-site"}, id="cross-site"),
    pytest.param({"sec-fetch-site": "same-site"}, id="same-site"),
    pytest.param({"sec-fetch-site": "cross-site", "origin": "https://index.example.org"}, id="own Origin"),
    pytest.param({"origin": "https://evil.example", "host": "index.example.org"}, id="foreign Origin"),
    pytest.param({"origin": "null", "host": "index.example.org"}, id="null Origin"),
    pytest.param({"origin": "http://index.example.org", "host": "index.example.org"}, id="Origin without TLS"),
    pytest.param({}, id="no header"),
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("path", ["/login", "/register", "/account/new", "/logout"])
def test_form_of_another_site_is_rejected(alice: WebSession, path: str, headers: dict[str, str]) -> None:
    fields = {"form_token": alice.form_token, "name": "new", "visibility": "public"}
    fields |= {"username": "mallory", "password": PASSWORD, "email": "mallory@example.com"}
    response = alice.send("POST", path, headers, **fields)
    assert response.status == 403
    assert "set-cookie" not in response.headers
    assert is_logged_in(alice)
    assert alice.index.users.get("mallory") is None
    assert alice.get("/account").data("repository") == []


def test_form_with_the_own_origin_is_accepted(alice: WebSession) -> None:
    headers = {"origin": "https://index.example.org", "host": "index.example.org"}
    fields = {"form_token": alice.form_token, "name": "new", "visibility": "public"}
    assert alice.send("POST", "/account/new", headers, **fields).status == 303


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", FORMS)
def test_form_without_a_valid_token_changes_nothing(index: Index, path: str) -> None:
    auth = index.create_account("alice", admin=True)
    index.push("alice/web", auth, "a")
    session = WebSession.logged_in(index, "alice")
    old = session.form_token
    session.send("POST", "/logout", form_token=old)
    session = WebSession.logged_in(index, "alice")
    for token in ({}, {"form_token": ""}, {"form_token": old}, {"form_token": "ü"}, {"form_token": old[:-1]}):
        before = len(index.events)
        page = Page(session.send("POST", path, confirmation="alice", username="bobby", **token))
        assert (page.status, page.name) == (403, "continue")
        assert page.fields(path)["form_token"] == session.form_token
        assert len(index.events) == before
    assert is_logged_in(session)


@pytest.mark.parametrize("path", FORMS)
def test_ended_session_keeps_the_input_of_a_form(index: Index, path: str) -> None:
    index.create_account("alice", admin=True)
    visitor = WebSession(index)
    page = Page(visitor.send("POST", path, name="new", text='<b>"ü"\nline', password="secret", form_token="old"))
    assert (page.status, page.name) == (403, "login")
    fields = page.fields("/login")
    assert (fields["next"], fields["field.name"], fields["field.text"]) == (path, "new", '<b>"ü"\nline')
    assert "secret" not in page.source
    page = visitor.post("/login", **{**fields, "username": "alice", "password": WRONG_PASSWORD})
    assert (page.status, page.fields("/login")["field.name"]) == (401, "new")
    page = visitor.post("/login", **{**page.fields("/login"), "username": "alice", "password": PASSWORD})
    assert (page.status, page.name) == (200, "continue")
    token = visitor.form_token
    assert page.fields(path) == {"form_token": token, "name": "new", "text": '<b>"ü"\nline'}


def test_input_of_an_ended_session_is_stored_after_the_login(alice: WebSession) -> None:
    page = alice.get("/account/new")
    alice.cookie = ""
    page = alice.post("/account/new", **{**page.fields("/account/new"), "name": "kept", "description": "Not lost"})
    fields = {**page.fields("/login"), "username": "alice", "password": PASSWORD}
    page = alice.post("/login", **fields)
    page = alice.post("/account/new", **page.fields("/account/new"))
    assert (page.name, page.title) == ("repository", "alice/kept")
    assert "Not lost" in page.text


@pytest.mark.parametrize("body", [b"a=1&a=2", b"name=%ff", b"name=\xff", b"&".join(b"f%d=1" % n for n in range(40))])
def test_malformed_form_is_rejected_with_a_page(alice: WebSession, body: bytes) -> None:
    for path in ("/login", "/register", "/account/new", "/r/alice/web/describe"):
        response = alice.index.request("POST", path, body=body, headers={**OWN_SITE, "cookie": alice.cookie})
        page = Page(response)
        assert (page.status, page.name) == (400, "error")
        assert page.alert


@pytest.mark.parametrize("path", FORMS)
def test_oversized_form_is_rejected_with_a_page(alice: WebSession, path: str) -> None:
    response = alice.send("POST", path, form_token=alice.form_token, name="x" * 100_000)
    assert (Page(response).status, Page(response).name) == (413, "error")


def test_registration_starts_a_session(index: Index) -> None:
    visitor = WebSession(index)
    page = visitor.submit("/register", "/register", username="alice", email="alice@example.com", password=PASSWORD)
    assert (page.name, page.data("done")) == ("repositories", ["registered"])
    assert is_logged_in(visitor)
    copy = WebSession(index)
    copy.cookie = visitor.cookie
    visitor.post("/register", username="bobby", email="bobby@example.com", password=PASSWORD)
    assert is_logged_in(visitor)
    assert not is_logged_in(copy), "the session before it has ended"
    again = WebSession(index)
    page = again.submit("/register", "/register", username="alice", email="other@example.com", password=PASSWORD)
    assert (page.status, page.name, again.cookie) == (400, "register", "")
    assert page.fields("/register")["email"] == "other@example.com"
    assert PASSWORD not in page.source


def test_closed_registration_has_a_page(make_index: Callable[..., Index]) -> None:
    visitor = WebSession(make_index(registration=Registration.CLOSED))
    assert (visitor.get("/register").status, visitor.get("/register").data("registration")) == (403, ["closed"])
    page = visitor.post("/register", username="alice", email="alice@example.com", password=PASSWORD)
    assert (page.status, visitor.cookie) == (403, "")


def test_account_that_awaits_an_administrator_has_no_session(make_index: Callable[..., Index]) -> None:
    visitor = WebSession(make_index(account_activation=AccountActivation.ADMIN))
    page = visitor.submit("/register", "/register", username="alice", email="alice@example.com", password=PASSWORD)
    assert (page.name, visitor.cookie) == ("registered", "")


def test_cookies_form_tokens_and_passwords_are_in_no_log(alice: WebSession) -> None:
    index = alice.index
    token, value = alice.form_token, alice.cookie.partition("=")[2]
    alice.send("POST", "/account/new", form_token=token, name="web", visibility="public")
    alice.submit("/account/settings", "/account/password", password=WRONG_PASSWORD, new_password=NEW_PASSWORD)
    WebSession(index).send("POST", "/login", username=PASSWORD, password=WRONG_PASSWORD)
    with index.failing_calls("BatchGetItem"):
        assert alice.send("GET", "/account").status == 503
    log = "\n".join(index.lines)
    for secret in (value, value.rpartition(".")[2], token, WRONG_PASSWORD, NEW_PASSWORD, PASSWORD):
        assert secret not in log
    session = index.services.sessions.find(value)
    assert session is not None
    for secret in (value, token, session.claims.id):
        assert secret not in repr(session)
