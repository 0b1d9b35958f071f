"""The page that replaces a forgotten password, and its links."""

from tests.functional.email_pages import (
    NEW_PASSWORD,
    THIRD_PASSWORD,
    allow_another_email,
    assert_unusable,
    get,
    login_status,
    post,
    register,
    register_and_confirm,
    request_reset_link,
)
from tests.index import Index, basic


def test_used_reset_link_is_rejected(email_index: Index) -> None:
    register_and_confirm(email_index)
    link = request_reset_link(email_index)
    assert post(email_index, "/reset", link=link, password=NEW_PASSWORD).status == 200
    assert_unusable(get(email_index, "/reset", link=link))
    assert_unusable(post(email_index, "/reset", link=link, password=THIRD_PASSWORD))
    assert login_status(email_index, basic("alice", NEW_PASSWORD)) == 200


def test_reset_email_is_sent_only_to_active_confirmed_accounts_with_the_same_response_for_everyone(
    email_index: Index,
) -> None:
    register_and_confirm(email_index)
    register(email_index, "waiting")
    register_and_confirm(email_index, "inactive")
    email_index.users.set_active("inactive", False)
    email_index.emails.clear()
    allow_another_email(email_index)
    names = ("alice", "waiting", "inactive", "nobody", "ALICE")
    pages = [post(email_index, "/forgotten", email=f"{name}@example.com") for name in names]
    assert {(page.status, page.name) for page in pages} == {(200, "email_sent")}
    assert len({page.source for page in pages}) == 1
    assert pages[0].next_steps == {"again": "/forgotten", "login": "/login"}
    assert [message.to for message in email_index.emails] == ["alice@example.com"]


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
    assert page.next_steps == {"login": "/login"}
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
