"""The page that confirms an email address, and its links."""

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.security.email_links import LinkPurpose
from tests.functional.email_pages import (
    HOST,
    NEW_PASSWORD,
    allow_another_email,
    assert_unusable,
    create_email_index,
    expired_link,
    get,
    link_in,
    login_status,
    post,
    register,
    register_and_confirm,
    request_reset_link,
)
from tests.index import Index, basic


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
    assert page.next_steps == {"login": "/login"}
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
    character = data.draw(st.sampled_from("abcXYZ019-_.") | st.characters(codec="utf-8"))
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
    allow_another_email(email_index)
    pages = [post(email_index, "/confirm", email=f"{name}@example.com") for name in ("alice", "bobby", "nobody")]
    assert {(page.status, page.name) for page in pages} == {(200, "email_sent")}
    assert len({page.source for page in pages}) == 1
    assert [message.to for message in email_index.emails] == ["alice@example.com"]
    assert email_index.events[-1]["event"] == "email.requested"
    assert post(email_index, "/confirm", email="alice@example.com").status == 200
    assert len(email_index.emails) == 1, "an account receives one email per minute"
    assert post(email_index, "/confirm", link=link_in(email_index, "/confirm")).status == 200
    assert login_status(email_index, alice) == 200
