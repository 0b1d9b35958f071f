"""The pages with which people manage their account and its robots, and administrators all accounts."""

from collections.abc import Callable

import pytest

from chalicelib.accounts import deletion_steps
from chalicelib.domain.choices import AccountActivation
from tests.index import PASSWORD, Index, basic
from tests.pages import Page
from tests.web_session import WebSession

NEW_PASSWORD = "battery staple"
WRONG_PASSWORD = "wrong horse"  # pragma: allowlist secret


@pytest.fixture
def alice(index: Index) -> WebSession:
    index.create_account("alice")
    return WebSession.logged_in(index, "alice")


def test_robot_is_created_and_its_token_is_shown_once(alice: WebSession) -> None:
    index = alice.index
    index.push("alice/web", basic("alice"), "a")
    page = alice.submit(
        "/account/robots", "/account/robots", name="ci", access="write", repositories="web\nlibrary/redis", days="30"
    )
    assert (page.status, page.name) == (201, "robot_created")
    (token,) = [command for command in page.commands if command.startswith("wbr_")]
    assert sum(token in command for command in page.commands) == 1, "no command that the history of a shell keeps"
    logins = [command for command in page.commands if "--password-stdin" in command]
    assert [command.split()[:4] for command in logins] == [
        ["echo", '"$TOKEN"', "|", tool] for tool in ("docker", "podman")
    ]
    assert index.request("GET", "/v1/users/", basic("alice", token)).status == 200
    (robot,) = index.request("GET", "/v1/users/alice/robots", basic("alice")).json
    assert (robot["access"], robot["repositories"]) == ("write", ["alice/web", "library/redis"])
    assert robot["expires"] is not None
    page = alice.get("/account/robots")
    assert page.data("robot") == ["ci"]
    assert token not in page.source
    assert token not in "\n".join(index.lines)
    page = alice.post("/account/robots/ci/revoke", form_token=alice.form_token)
    assert (page.data("done"), page.data("robot")) == (["revoked"], [])
    assert index.request("GET", "/v1/users/", basic("alice", token)).status == 401


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"name": "Not a name"}, 400),
        ({"name": "ci", "access": "admin"}, 400),
        ({"name": "ci", "days": "99999"}, 400),
        ({"name": "ci", "days": "<b>"}, 400),
        ({"name": "ci", "repositories": "Not/A/Name"}, 400),
        ({"name": "taken"}, 409),
    ],
)
def test_robot_that_cannot_be_created_keeps_the_input(alice: WebSession, fields: dict[str, str], status: int) -> None:
    alice.submit("/account/robots", "/account/robots", name="taken")
    page = alice.submit("/account/robots", "/account/robots", **fields)
    assert (page.status, page.name) == (status, "robots")
    assert page.alert
    assert page.fields("/account/robots")["name"] == fields["name"]


def test_unknown_robot_is_not_found(alice: WebSession) -> None:
    assert alice.post("/account/robots/none/revoke", form_token=alice.form_token).status == 404


def test_email_address_is_added(alice: WebSession) -> None:
    page = alice.submit("/account/settings", "/account/email", email="second@example.com", email_password=PASSWORD)
    assert page.data("done") == ["email"]
    assert page.data("email") == ["alice@example.com", "second@example.com"]
    page = alice.submit("/account/settings", "/account/email", email="not an address", email_password=PASSWORD)
    assert (page.status, page.fields("/account/email")["email"]) == (400, "not an address")


def test_robot_is_not_created_without_the_password(alice: WebSession) -> None:
    """The token would outlive the session whose cookie was copied."""
    for password in ("", WRONG_PASSWORD):
        page = alice.submit("/account/robots", "/account/robots", name="ci", password=password)
        assert (page.status, page.fields("/account/robots")["name"]) == (400, "ci")
    assert alice.index.services.robots.of_account("alice") == []


def test_address_is_not_added_without_the_password(alice: WebSession) -> None:
    """A copied cookie must not lead to a password that is reset by email."""
    for password in ("", WRONG_PASSWORD):
        page = alice.submit("/account/settings", "/account/email", email="thief@example.com", email_password=password)
        assert page.status == 400
    assert alice.index.user("alice").emails == {"alice@example.com"}
    assert alice.index.users.get_email_owner("thief@example.com") is None


def remove_address(session: WebSession, email: str, password: str = PASSWORD) -> Page:
    return session.submit("/account/settings", "/account/email/remove", removed=email, removal_password=password)


def test_address_is_removed_and_free_again(alice: WebSession) -> None:
    alice.submit("/account/settings", "/account/email", email="second@example.com", email_password=PASSWORD)
    page = remove_address(alice, "second@example.com", WRONG_PASSWORD)
    assert (page.status, page.data("email")) == (400, ["alice@example.com", "second@example.com"])
    page = remove_address(alice, "second@example.com")
    assert (page.data("done"), page.data("email")) == (["email_removed"], ["alice@example.com"])
    assert alice.index.users.get_email_owner("second@example.com") is None
    assert "/account/email/remove" not in page.actions, "the last address remains"
    for email, status in (("alice@example.com", 400), ("second@example.com", 404), ("", 404)):
        fields = {"form_token": alice.form_token, "removed": email, "removal_password": PASSWORD}
        assert alice.post("/account/email/remove", **fields).status == status
    assert alice.index.user("alice").emails == {"alice@example.com"}
    changed = [event["changed"] for event in alice.index.events if event["event"] == "account.changed"]
    assert changed == [["email"], ["email"]]


def test_account_is_blocked_and_unblocked(alice: WebSession) -> None:
    alice.index.create_account("bobby")
    page = alice.submit("/account/settings", "/account/block", blocked="bobby")
    assert (page.data("done"), page.data("blocked")) == (["blocked"], ["bobby"])
    assert alice.index.user("alice").blocked == {"bobby"}
    event = next(event for event in alice.index.events if event["event"] == "account.blocked")
    assert (event["actor"], event["target"]) == ("alice", "bobby")
    page = alice.post("/account/unblock", form_token=alice.form_token, blocked="bobby")
    assert (page.data("done"), page.data("blocked")) == (["unblocked"], [])
    for path, name, status in (("/account/block", "alice", 400), ("/account/unblock", "bobby", 404)):
        page = alice.post(path, form_token=alice.form_token, blocked=name)
        assert (page.status, page.name, page.fields("/account/block")["blocked"]) == (status, "account_settings", name)


def test_change_of_the_password_needs_the_current_one(alice: WebSession) -> None:
    for fields in (
        {"password": WRONG_PASSWORD, "new_password": NEW_PASSWORD},
        {"password": PASSWORD, "new_password": "x"},
    ):
        page = alice.submit("/account/settings", "/account/password", **fields)
        assert (page.status, page.name) == (400, "account_settings")
        assert fields["new_password"] not in page.source or len(fields["new_password"]) == 1
    assert alice.index.request("GET", "/v1/users/", basic("alice")).status == 200


def test_account_is_deleted_with_its_name_and_password(alice: WebSession) -> None:
    index = alice.index
    index.push("alice/web", basic("alice"), "a")
    for fields in (
        {"confirmation": "bobby", "deletion_password": PASSWORD},
        {"confirmation": "alice", "deletion_password": WRONG_PASSWORD},
        {},
    ):
        assert alice.submit("/account/settings", "/account/delete", **fields).status == 400
        assert index.users.get("alice") is not None
    page = alice.submit("/account/settings", "/account/delete", confirmation="alice", deletion_password=PASSWORD)
    assert page.name == "account_deleted"
    assert page.headers["set-cookie"].split("; ")[2] == "Max-Age=0"
    assert index.users.get("alice") is None
    assert WebSession(index).get("/r/alice/web").status == 404


def test_interrupted_deletion_continues_and_everything_else_is_closed(
    alice: WebSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = alice.index
    for name in ("web", "db"):
        index.push(f"alice/{name}", basic("alice"), "a")
    monkeypatch.setattr(deletion_steps, "MAX_SECONDS", -1)
    page = alice.submit("/account/settings", "/account/delete", confirmation="alice", deletion_password=PASSWORD)
    assert page.name == "deletion_started"
    for path in ("/account", "/account/new", "/account/robots"):
        assert alice.get(path).name == "deletion_started"
    response = alice.send("POST", "/account/robots", form_token=page.fields("/account/delete")["form_token"], name="ci")
    assert (response.status, alice.location) == (303, "/account/settings")
    alice = WebSession.logged_in(index, "alice")
    monkeypatch.undo()
    page = alice.submit("/account/settings", "/account/delete", confirmation="alice", deletion_password=PASSWORD)
    assert page.name == "account_deleted"


def test_administrator_lists_activates_and_deactivates_accounts(make_index: Callable[..., Index]) -> None:
    index = make_index(account_activation=AccountActivation.ADMIN)
    index.create_account("admin", admin=True)
    index.create_account("alice", active=False)
    admin = WebSession.logged_in(index, "admin")
    page = admin.get("/accounts")
    assert dict(zip(page.data("account"), page.data("active"), strict=True)) == {
        "admin": "active",
        "alice": "not active",
    }
    assert page.root.find(".//button[@form='activation'][@formaction='/accounts/alice/activate']") is not None
    page = admin.post("/accounts/alice/activate", **page.fields("/accounts"))
    assert (page.data("done"), page.data("active")) == (["activated"], ["active"])
    alice = WebSession.logged_in(index, "alice")
    page = admin.get("/accounts")
    assert "/accounts/alice/deactivate" in page.links, "a page asks before an account is deactivated"
    page = admin.submit("/accounts/alice/deactivate", "/accounts/alice/deactivate")
    assert (page.data("done"), page.data("active")) == (["deactivated"], ["not active"])
    assert alice.get("/account").name == "login"
    page = admin.get("/accounts?username=nobody")
    assert page.status == 404
    assert "nobody" in (page.alert or "")


def test_others_cannot_see_or_change_accounts(alice: WebSession) -> None:
    alice.index.create_account("bobby")
    assert alice.get("/accounts").status == 403
    assert alice.get("/accounts?username=bobby").status == 403
    assert alice.get("/accounts/bobby/deactivate").status == 403
    assert alice.send("POST", "/accounts/bobby/deactivate", form_token=alice.form_token).status == 403
    assert alice.index.user("bobby").active


def test_list_of_accounts_has_several_pages(index: Index) -> None:
    index.create_account("admin", admin=True)
    stored = index.tables.users.get("admin")
    with index.tables.users.batch_write() as batch:
        for number in range(150):
            batch.save(
                index.tables.users(f"user{number:03}", password_hash=stored.password_hash, created=stored.created)
            )
    admin = WebSession.logged_in(index, "admin")
    page, seen = admin.get("/accounts"), set[str]()
    while True:
        seen.update(page.data("account"))
        target = page.link_with_rel("next")
        if target is None:
            break
        page = admin.get(target)
    assert len(seen) == 151


@pytest.mark.parametrize("path", ["/nothing", "/accounts/alice", "/r", "/r/a/b/c/d", "/account/", "/login/x"])
def test_unknown_path_is_a_page_for_browsers_and_json_for_programs(index: Index, path: str) -> None:
    response = index.request("GET", path, headers={"accept": "text/html,*/*;q=0.8"})
    if path == "/account/":
        assert response.status == 303
        return
    page = Page(response)
    assert (page.status, page.name) == (404, "error")
    assert "/" in page.links
    assert b"docs/" not in response.body
    assert index.request("GET", path).json["error"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/logout", "POST"),
        ("PUT", "/login", "GET, HEAD, POST"),
        ("DELETE", "/account", "GET, HEAD"),
        ("GET", "/r/alice/web/delete", "POST"),
        ("PATCH", "/v1/users/alice", "DELETE, GET, HEAD, PUT"),
    ],
)
def test_wrong_method_is_405_with_the_allowed_ones(index: Index, method: str, path: str, allowed: str) -> None:
    response = index.request(method, path, headers={"accept": "text/html"})
    assert (response.status, response.headers["allow"]) == (405, allowed)
    if not path.startswith("/v1/"):
        assert Page(response).name == "error"
    assert index.request(method, path).json["error"]


def test_api_reference_is_a_page_and_a_document(index: Index) -> None:
    page = Page(index.request("GET", "/api"))
    assert page.name == "api"
    assert "/openapi.yaml" in page.links
    response = index.request("GET", "/openapi.yaml")
    assert response.headers["content-type"].startswith("application/yaml")
    assert response.body.startswith(b"openapi: 3.1.0")


def test_added_address_must_be_confirmed_if_the_index_requires_it(make_index: Callable[..., Index]) -> None:
    index = make_index(
        account_activation=AccountActivation.EMAIL, email_sender="a@example.com", base_url="https://i.example.com"
    )
    index.create_account("alice")
    session = WebSession.logged_in(index, "alice")
    for email, done in (("new@example.com", "email_unconfirmed"), ("alice@example.com", "email")):
        page = session.submit("/account/settings", "/account/email", email=email, email_password=PASSWORD)
        assert page.data("done") == [done]
    visitor = WebSession(index)
    page = visitor.submit("/register", "/register", username="bobby", email="bobby@example.com", password=PASSWORD)
    assert (page.name, page.next_steps["confirm"], visitor.cookie) == ("registered", "/confirm", "")
