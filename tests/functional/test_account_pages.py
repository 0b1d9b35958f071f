"""The pages that confirm an email address or replace a password, their links, and the forms that request emails."""

import re
import time
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.api.messages import Request
from chalicelib.domain.choices import AccountActivation
from chalicelib.security.email_links import EmailLinks, LinkPurpose
from chalicelib.security.signing import DerivedKeySigner, KmsSigner
from chalicelib.settings import Settings
from tests.index import PASSWORD, Index, Response, basic
from tests.pages import Page

HOST = "https://index.example.com"
NEW_PASSWORD = "battery staple"
THIRD_PASSWORD = "a third password"
NEXT_STEPS = {"confirm": "/confirm", "forgotten": "/forgotten"}


@pytest.fixture
def email_index(aws: None) -> Index:
    """An index whose accounts become active when their address is confirmed. It captures its emails."""
    return create_email_index()


def create_email_index() -> Index:
    return Index(
        Settings(
            account_activation=AccountActivation.EMAIL, email_sender="waybill@example.com", base_url=HOST, bcrypt_cost=4
        ),
        captures_emails=True,
    )


def register(index: Index, username: str = "alice") -> str:
    """Register, and return the Authorization header."""
    form = {"username": username, "password": PASSWORD, "email": f"{username}@example.com"}
    assert index.request("POST", "/v1/users/", json=form).status == 201
    return basic(username)


def link_in(index: Index, path: str) -> str:
    """Return the link to the page `path` in the latest email."""
    match = re.search(rf"^  {HOST}{path}\?link=(\S+)$", index.emails[-1].text, re.MULTILINE)
    assert match is not None
    return match[1]


def register_and_confirm(index: Index, username: str = "alice") -> str:
    """Register an account, confirm its address and allow another email. Return the Authorization header."""
    auth = register(index, username)
    assert post(index, "/confirm", link=link_in(index, "/confirm")).status == 200
    allow_another_email(index, username)
    return auth


def request_reset_link(index: Index, username: str = "alice") -> str:
    """Request an email for a new password, and return its link."""
    assert post(index, "/forgotten", email=f"{username}@example.com").status == 200
    return link_in(index, "/reset")


def allow_another_email(index: Index, username: str) -> None:
    """Remove the time of the last email, as if it was more than one minute ago."""
    users = index.tables.users
    users(username).update([users.emailed.remove()])


def expired_link(index: Index, purpose: LinkPurpose, *subject: str) -> str:
    """Return a link that the same index created two days ago."""
    signer = DerivedKeySigner(KmsSigner(index.aws.kms, index.settings.key))
    return EmailLinks(signer, lambda: time.time() - 2 * 86400).issue(purpose, *subject)


def get(index: Index, path: str, **query: str) -> Page:
    return Page(index.request("GET", f"{path}?{urlencode(query)}" if query else path))


def post(index: Index, path: str, **form: str) -> Page:
    return Page(post_body(index, path, urlencode(form).encode()))


def post_body(index: Index, path: str, body: bytes) -> Response:
    return index.request("POST", path, body=body, headers={"content-type": "application/x-www-form-urlencoded"})


def login_status(index: Index, auth: str) -> int:
    return index.request("GET", "/v1/users/", auth).status


def assert_unusable(page: Page) -> None:
    """The page says that the link cannot be used, and links to the forms for new ones."""
    assert (page.status, page.name) == (410, "error")
    assert page.alert
    assert page.next_steps == NEXT_STEPS


def test_get_shows_account_and_address_and_only_post_confirms(email_index: Index) -> None:
    alice = register(email_index)
    assert email_index.emails[-1].to == "alice@example.com"
    link = link_in(email_index, "/confirm")
    page = get(email_index, "/confirm", link=link)
    assert (page.status, page.name) == (200, "confirm")
    assert [value.text for value in page.root.iter("strong")] == ["alice", HOST, "alice@example.com"]
    assert page.form("/confirm").get("method") == "post"
    assert page.fields("/confirm") == {"link": link}
    for _ in range(3):
        assert email_index.request("HEAD", f"/confirm?link={link}").status == 200
        assert get(email_index, "/confirm", link=link).status == 200
    assert login_status(email_index, alice) == 403, "an email scanner opens links but does not post forms"
    page = post(email_index, "/confirm", **page.fields("/confirm"))
    assert (page.status, page.name) == (200, "confirmed")
    assert page.commands == [f"docker login {HOST}"]
    assert login_status(email_index, alice) == 200
    assert email_index.events[-1]["event"] == "email.confirmed"
    assert email_index.events[-1]["target"] == "alice"


def test_added_address_is_confirmed_like_the_first(email_index: Index) -> None:
    alice = register_and_confirm(email_index)
    assert email_index.request("PUT", "/v1/users/alice", alice, json={"email": "alice@example.org"}).status == 204
    assert email_index.emails[-1].to == "alice@example.org"
    assert "alice@example.org" in get(email_index, "/confirm", link=link_in(email_index, "/confirm")).text
    assert post(email_index, "/confirm", link=link_in(email_index, "/confirm")).status == 200
    emails = email_index.request("GET", "/v1/users/alice", alice).json["emails"]
    assert {entry["address"] for entry in emails if entry["confirmed"]} == {"alice@example.com", "alice@example.org"}


def test_confirmation_does_not_activate_an_account_that_an_administrator_deactivated(email_index: Index) -> None:
    alice = register(email_index)
    email_index.users.set_active("alice", False)
    page = post(email_index, "/confirm", link=link_in(email_index, "/confirm"))
    assert (page.status, page.name) == (200, "confirmed")
    assert page.data("account") == ["inactive"]
    assert not page.commands
    assert login_status(email_index, alice) == 403


def test_used_confirmation_link_shows_that_the_address_is_confirmed(email_index: Index) -> None:
    register(email_index)
    link = link_in(email_index, "/confirm")
    post(email_index, "/confirm", link=link)
    for page in (get(email_index, "/confirm", link=link), post(email_index, "/confirm", link=link)):
        assert (page.status, page.name, page.alert) == (410, "already_done", None)


def test_used_reset_link_is_rejected(email_index: Index) -> None:
    register_and_confirm(email_index)
    link = request_reset_link(email_index)
    assert post(email_index, "/reset", link=link, password=NEW_PASSWORD).status == 200
    assert_unusable(get(email_index, "/reset", link=link))
    assert_unusable(post(email_index, "/reset", link=link, password=THIRD_PASSWORD))
    assert login_status(email_index, basic("alice", NEW_PASSWORD)) == 200


def test_expired_links_are_rejected(email_index: Index) -> None:
    alice = register(email_index)
    user = email_index.users.get("alice")
    assert user is not None
    link = expired_link(email_index, LinkPurpose.CONFIRM, "alice", user.created.isoformat(), "alice@example.com")
    for page in (get(email_index, "/confirm", link=link), post(email_index, "/confirm", link=link)):
        assert_unusable(page)
        assert "expired" in (page.alert or "")
    link = expired_link(email_index, LinkPurpose.RESET, "alice", "0" * 32)
    for page in (get(email_index, "/reset", link=link), post(email_index, "/reset", link=link, password=NEW_PASSWORD)):
        assert_unusable(page)
        assert "expired" in (page.alert or "")
    assert login_status(email_index, alice) == 403


def test_links_and_tokens_are_accepted_only_for_their_own_purpose(email_index: Index) -> None:
    bob = register_and_confirm(email_index, "bobby")
    reset = request_reset_link(email_index, "bobby")
    alice = register(email_index)
    confirm = link_in(email_index, "/confirm")
    token = email_index.push("bobby/web", bob, "a")
    other = create_email_index()
    register(other)
    foreign = link_in(other, "/confirm")
    for path, link in (
        ("/confirm", reset),
        ("/reset", confirm),
        ("/confirm", token),
        ("/reset", token),
        ("/confirm", foreign),
        ("/reset", ""),
        ("/reset", confirm.replace("confirm", "reset", 1)),
        ("/confirm", reset.replace("reset", "confirm", 1)),
    ):
        assert_unusable(post(email_index, path, link=link, password=NEW_PASSWORD))
        if link:
            assert_unusable(get(email_index, path, link=link))
    for link in (confirm, reset):
        header = f'Token signature={link},repository="bobby/web",access=write'
        assert email_index.request("GET", "/v1/repositories/bobby/web/images", header).status == 401
    assert login_status(email_index, alice) == 403
    assert login_status(email_index, bob) == 200


@settings(max_examples=60)
@given(st.data())
def test_changed_link_is_rejected(email_index: Index, data: st.DataObject) -> None:
    if email_index.users.get("alice") is None:
        register(email_index)
    link = link_in(email_index, "/confirm")
    place = data.draw(st.integers(0, len(link) - 1))
    character = data.draw(st.sampled_from("abcXYZ019-_.") | st.characters())
    changed = link[:place] + character + link[place + data.draw(st.integers(0, 2)) :]
    if changed != link:
        assert post(email_index, "/confirm", link=changed).status == 410
        assert login_status(email_index, basic("alice")) == 403


def test_link_of_a_deleted_account_is_rejected(email_index: Index) -> None:
    alice = register(email_index)
    link = link_in(email_index, "/confirm")
    email_index.users.set_active("alice", True)
    assert email_index.request("DELETE", "/v1/users/alice", alice).status == 204
    assert_unusable(post(email_index, "/confirm", link=link))


def test_confirmation_is_sent_again_only_if_needed_with_the_same_response_for_everyone(email_index: Index) -> None:
    register_and_confirm(email_index, "bobby")
    alice = register(email_index)
    email_index.emails.clear()
    page = get(email_index, "/confirm")
    assert (page.name, page.fields("/confirm")) == ("request_email", {"email": ""})
    allow_another_email(email_index, "alice")
    pages = [post(email_index, "/confirm", email=f"{name}@example.com") for name in ("alice", "bobby", "nobody")]
    assert {(page.status, page.name) for page in pages} == {(200, "email_sent")}
    assert len({page.source for page in pages}) == 1
    assert [message.to for message in email_index.emails] == ["alice@example.com"]
    assert email_index.events[-1]["event"] == "email.requested"
    assert post(email_index, "/confirm", email="alice@example.com").status == 200
    assert len(email_index.emails) == 1, "an account receives one email per minute"
    assert post(email_index, "/confirm", link=link_in(email_index, "/confirm")).status == 200
    assert login_status(email_index, alice) == 200


def test_reset_email_is_sent_only_to_active_confirmed_accounts_with_the_same_response_for_everyone(
    email_index: Index,
) -> None:
    register_and_confirm(email_index)
    register(email_index, "waiting")
    register_and_confirm(email_index, "inactive")
    email_index.users.set_active("inactive", False)
    email_index.emails.clear()
    for name in ("waiting", "inactive"):
        allow_another_email(email_index, name)
    names = ("alice", "waiting", "inactive", "nobody", "ALICE")
    pages = [post(email_index, "/forgotten", email=f"{name}@example.com") for name in names]
    assert {(page.status, page.name) for page in pages} == {(200, "email_sent")}
    assert len({page.source for page in pages}) == 1
    assert [message.to for message in email_index.emails] == ["alice@example.com"]


@pytest.mark.parametrize("path", ["/confirm", "/forgotten"])
def test_invalid_address_is_rejected_with_the_form(email_index: Index, path: str) -> None:
    for email in ("", "alice", "alice@example.com\r\nBcc: eve@example.com", "<script>@x"):
        page = post(email_index, path, email=email)
        assert (page.status, page.name) == (400, "request_email")
        assert "email" in (page.alert or "")
        assert page.fields(path) == {"email": ""}
        assert page.form(path).find("input[@aria-invalid='true']") is not None
    assert get(email_index, path).form(path).find("input[@aria-invalid='false']") is not None


def test_new_password_replaces_the_old_one_immediately(email_index: Index) -> None:
    alice = register_and_confirm(email_index)
    assert login_status(email_index, alice) == 200, "the credentials are now in the cache"
    link = request_reset_link(email_index)
    page = get(email_index, "/reset", link=link)
    assert (page.status, page.name) == (200, "reset")
    assert page.fields("/reset") == {"link": link, "username": "alice", "password": ""}
    fields = page.form("/reset").iter("input")
    assert [field.get("autocomplete") for field in fields] == [None, "username", "new-password"]
    assert login_status(email_index, alice) == 200
    page = post(email_index, "/reset", **(page.fields("/reset") | {"password": NEW_PASSWORD}))
    assert (page.status, page.name) == (200, "password_changed")
    assert page.commands == [f"docker login {HOST}"]
    assert login_status(email_index, alice) == 401
    assert login_status(email_index, basic("alice", NEW_PASSWORD)) == 200
    event = next(event for event in email_index.events if event["event"] == "password.reset")
    assert event["target"] == "alice"


def test_new_password_ends_the_delay_after_failed_logins(email_index: Index) -> None:
    register_and_confirm(email_index)
    while login_status(email_index, basic("alice", "wrong horse")) != 429:
        pass
    link = request_reset_link(email_index)
    assert post(email_index, "/reset", link=link, password=NEW_PASSWORD).status == 200
    assert login_status(email_index, basic("alice", NEW_PASSWORD)) == 200


def test_invalid_password_is_rejected_with_the_form_and_its_link_remains_valid(email_index: Index) -> None:
    register_and_confirm(email_index)
    link = request_reset_link(email_index)
    for password, key_word in (
        ("", "5"),
        ("abcd", "5"),
        ("x" * 73, "72"),
        ("ä" * 37, "72"),
        ("a\x00bcdef", "control"),
        ("wbr_something", "wbr_"),
    ):
        page = post(email_index, "/reset", link=link, password=password)
        assert (page.status, page.name) == (400, "reset")
        assert key_word in (page.alert or "")
        assert page.fields("/reset") == {"link": link, "username": "alice", "password": ""}
        assert page.form("/reset").find("input[@aria-invalid='true']") is not None
        assert not password or password not in page.source
    assert post(email_index, "/reset", link=link, password=NEW_PASSWORD).status == 200


def test_reset_link_is_rejected_after_the_password_was_changed(email_index: Index) -> None:
    alice = register_and_confirm(email_index)
    link = request_reset_link(email_index)
    assert email_index.request("PUT", "/v1/users/alice", alice, json={"password": NEW_PASSWORD}).status == 204
    assert_unusable(post(email_index, "/reset", link=link, password=THIRD_PASSWORD))
    assert login_status(email_index, basic("alice", NEW_PASSWORD)) == 200


@pytest.mark.parametrize("path", ["/confirm", "/forgotten"])
def test_index_without_email_shows_no_form(index: Index, path: str) -> None:
    index.create_account("alice")
    for page in (get(index, path), post(index, path, email="alice@example.com")):
        assert (page.status, page.name) == (200, "email_disabled")
        assert not list(page.root.iter("form"))
        assert "/forgotten" not in page.links


FORM_PATHS = ("/confirm", "/forgotten", "/reset")


@pytest.mark.parametrize("path", FORM_PATHS)
def test_unreadable_form_is_rejected_with_a_page(email_index: Index, path: str) -> None:
    for body, status in (
        (b"email=" + b"a" * 5000, 413),
        (b"email=\xff", 400),
        (b"email=%ff", 400),
        (b"&".join(b"a%d=b" % place for place in range(20)), 400),
        (b"link=a&link=b", 400),
    ):
        page = Page(post_body(email_index, path, body))
        assert (page.status, page.name) == (status, "error")
        assert "form" in (page.alert or "")


@settings(max_examples=100)
@given(
    st.sampled_from(FORM_PATHS),
    st.binary(max_size=100)
    | st.dictionaries(st.sampled_from(["link", "email", "password"]), st.text()).map(lambda f: urlencode(f).encode())
    | st.sampled_from([b"", b"{}", b'{"link": "x"}', b"link", b"&&&", b"=", b"--x\r\n\r\n"]),
    st.sampled_from([None, "application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]),
)
def test_any_posted_body_returns_a_page(email_index: Index, path: str, body: bytes, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    page = Page(email_index.request("POST", path, body=body, headers=headers))
    assert page.status in (200, 400, 410, 413)
    assert page.status == 200 or page.alert


@settings(max_examples=100)
@given(st.sampled_from(("/confirm", "/reset")), st.text(max_size=60))
def test_any_link_returns_a_page(email_index: Index, path: str, link: str) -> None:
    assert get(email_index, path, link=link).status in (200, 410)


def test_unavailable_storage_returns_a_page_with_status_503(email_index: Index) -> None:
    register(email_index)
    link = link_in(email_index, "/confirm")
    with email_index.failing_calls("GetItem"):
        response = email_index.request("GET", f"/confirm?link={link}")
    assert response.headers["retry-after"] == "2"
    page = Page(response)
    assert (page.status, page.name) == (503, "error")
    assert page.alert
    assert get(email_index, "/confirm", link=link).status == 200


def test_internal_error_returns_a_page_without_details(
    email_index: Index, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    register(email_index)
    link = link_in(email_index, "/confirm")
    monkeypatch.setattr("chalicelib.storage.users.UserStore.get", lambda *_: 1 / 0)
    page = get(email_index, "/confirm", link=link)
    assert (page.status, page.name) == (500, "error")
    assert "request id" in (page.alert or "")
    assert "ZeroDivisionError" not in page.source
    assert "ZeroDivisionError" in caplog.text
    assert link not in caplog.text


def test_accept_header_is_ignored(email_index: Index) -> None:
    for accept in ("text/html", "application/json", "image/png", "nonsense"):
        assert Page(email_index.request("GET", "/forgotten", headers={"accept": accept})).status == 200


def test_repr_of_a_request_contains_no_secrets() -> None:
    assert "secret" not in repr(
        Request(method="GET", query={"link": "secret"}, headers={"authorization": "secret"}, body=b"secret")
    )


def test_head_returns_the_headers_of_get(email_index: Index) -> None:
    for path in FORM_PATHS:
        head, whole = email_index.request("HEAD", path), email_index.request("GET", path)
        assert (head.status, head.headers) == (whole.status, whole.headers)
