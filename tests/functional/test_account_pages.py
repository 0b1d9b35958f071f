"""The letters, their links, and the pages that these lead to."""

import re
import time
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.api.messages import Request
from chalicelib.security.email_links import EmailLinks, LinkPurpose
from chalicelib.security.signing import DerivedKeySigner, KmsSigner
from chalicelib.settings import AccountActivation, Settings
from tests.functional.test_faults import failing
from tests.index import PASSWORD, Index, Response, basic
from tests.pages import Page

HOST = "https://index.example.com"
OTHER_PASSWORD = "battery staple"


@pytest.fixture
def mailing(aws: None) -> Index:
    """An index whose accounts wait for the confirmation of their address."""
    return another()


def another() -> Index:
    wanted = Settings(
        account_activation=AccountActivation.EMAIL, email_sender="waybill@example.com", base_url=HOST, bcrypt_cost=4
    )
    return Index(wanted, captures_emails=True)


def register(index: Index, username: str = "alice") -> str:
    """Registers and gives the Authorization header."""
    form = {"username": username, "password": PASSWORD, "email": f"{username}@example.com"}
    assert index.request("POST", "/v1/users/", json=form).status == 201
    return basic(username)


def link_in(index: Index, page: str) -> str:
    """The link in the youngest letter, which leads to `page`."""
    found = re.search(rf"^  {HOST}{page}\?link=(\S+)$", index.emails[-1].text, re.MULTILINE)
    assert found is not None
    return found[1]


def confirmed(index: Index, username: str = "alice") -> str:
    """An account that is ready, and may get a letter again."""
    auth = register(index, username)
    assert post(index, "/confirm", link=link_in(index, "/confirm")).status == 200
    forget_letters(index, username)
    return auth


def forgotten(index: Index, username: str = "alice") -> str:
    """Gives the link to choose a new password."""
    assert post(index, "/forgotten", email=f"{username}@example.com").status == 200
    return link_in(index, "/reset")


def forget_letters(index: Index, username: str) -> None:
    """As if a minute had passed since the last letter to the account."""
    users = index.tables.users
    users(username).update([users.emailed.remove()])


def expired(index: Index, purpose: LinkPurpose, *subject: str) -> str:
    """A link as this very index made it two days ago."""
    signer = DerivedKeySigner(KmsSigner(index.aws.kms, index.settings.key))
    return EmailLinks(signer, lambda: time.time() - 2 * 86400).issue(purpose, *subject)


def get(index: Index, path: str, **query: str) -> Page:
    return Page(index.request("GET", f"{path}?{urlencode(query)}" if query else path))


def post(index: Index, path: str, **form: str) -> Page:
    return Page(sent(index, path, urlencode(form).encode()))


def sent(index: Index, path: str, body: bytes) -> Response:
    return index.request("POST", path, body=body, headers={"content-type": "application/x-www-form-urlencoded"})


def status(index: Index, auth: str) -> int:
    """What signing in is answered with."""
    return index.request("GET", "/v1/users/", auth).status


def test_the_letter_s_page_says_what_it_is_and_only_its_button_confirms(mailing: Index) -> None:
    alice = register(mailing)
    assert mailing.emails[-1].to == "alice@example.com"
    link = link_in(mailing, "/confirm")
    page = get(mailing, "/confirm", link=link)
    assert page.title == "Confirm your address"
    for said in ("alice", "alice@example.com", HOST, "If it is not, close this page"):
        assert said in page.text
    assert page.form("/confirm").get("method") == "post"
    assert page.fields("/confirm") == {"link": link}
    for _ in range(3):
        assert mailing.request("HEAD", f"/confirm?link={link}").status == 200
        assert get(mailing, "/confirm", link=link).status == 200
    assert status(mailing, alice) == 403, "a mail scanner follows links, and presses no button"
    page = post(mailing, "/confirm", **page.fields("/confirm"))
    assert (page.status, page.title) == (200, "Your address is confirmed")
    assert page.commands == [f"docker login {HOST}"]
    assert status(mailing, alice) == 200


def test_an_address_that_is_added_later_is_confirmed_in_the_same_way(mailing: Index) -> None:
    alice = confirmed(mailing)
    assert mailing.request("PUT", "/v1/users/alice", alice, json={"email": "alice@example.org"}).status == 204
    assert mailing.emails[-1].to == "alice@example.org"
    assert "alice@example.org" in get(mailing, "/confirm", link=link_in(mailing, "/confirm")).text
    assert post(mailing, "/confirm", link=link_in(mailing, "/confirm")).status == 200
    emails = mailing.request("GET", "/v1/users/alice", alice).json["emails"]
    assert {entry["address"] for entry in emails if entry["confirmed"]} == {"alice@example.com", "alice@example.org"}


def test_an_account_that_an_administrator_shut_stays_shut_when_its_address_is_confirmed(mailing: Index) -> None:
    alice = register(mailing)
    mailing.users.set_active("alice", False)
    page = post(mailing, "/confirm", link=link_in(mailing, "/confirm"))
    assert page.status == 200
    assert "An administrator of this index has shut the account" in page.text
    assert not page.commands
    assert status(mailing, alice) == 403


def assert_kind(page: Page, said: str) -> None:
    """A link that is of no use: why, and where there is another."""
    assert (page.status, page.title) == (410, "This link cannot be used")
    assert said in (page.alert or "")
    assert page.links["Get another link to confirm an address"] == "/confirm"
    assert page.links["Get another link to choose a new password"] == "/forgotten"


def test_a_link_that_was_used_says_so_kindly(mailing: Index) -> None:
    register(mailing)
    link = link_in(mailing, "/confirm")
    post(mailing, "/confirm", link=link)
    for page in (get(mailing, "/confirm", link=link), post(mailing, "/confirm", link=link)):
        assert (page.status, page.title, page.alert) == (410, "There is nothing left to do", None)
        assert "This address is confirmed already." in page.text
    forget_letters(mailing, "alice")
    link = forgotten(mailing)
    post(mailing, "/reset", link=link, password=OTHER_PASSWORD)
    for page in (get(mailing, "/reset", link=link), post(mailing, "/reset", link=link, password="a third one")):
        assert_kind(page, "used already")
    assert status(mailing, basic("alice", OTHER_PASSWORD)) == 200


def test_a_link_that_has_expired_says_so_kindly(mailing: Index) -> None:
    alice = register(mailing)
    user = mailing.users.get("alice")
    assert user is not None
    link = expired(mailing, LinkPurpose.CONFIRM, "alice", user.created.isoformat(), "alice@example.com")
    for page in (get(mailing, "/confirm", link=link), post(mailing, "/confirm", link=link)):
        assert_kind(page, "This link has expired.")
    link = expired(mailing, LinkPurpose.RESET, "alice", "0" * 32)
    for page in (get(mailing, "/reset", link=link), post(mailing, "/reset", link=link, password=OTHER_PASSWORD)):
        assert_kind(page, "This link has expired.")
    assert status(mailing, alice) == 403


def test_a_link_opens_nothing_but_what_it_was_made_for(mailing: Index) -> None:
    bob = confirmed(mailing, "bobby")
    reset = forgotten(mailing, "bobby")
    alice = register(mailing)
    confirm = link_in(mailing, "/confirm")
    token = mailing.push("bobby/web", bob, "a")
    other = another()
    register(other)
    foreign = link_in(other, "/confirm")
    for path, link, said in (
        ("/confirm", reset, "for something else"),
        ("/reset", confirm, "for something else"),
        ("/confirm", token, "not complete"),
        ("/reset", token, "not complete"),
        ("/confirm", foreign, "not made by this index"),
        ("/reset", "", "not complete"),
        ("/reset", confirm.replace("confirm", "reset", 1), "not made by this index"),
        ("/confirm", reset.replace("reset", "confirm", 1), "not made by this index"),
    ):
        assert_kind(post(mailing, path, link=link, password=OTHER_PASSWORD), said)
        if link:
            assert_kind(get(mailing, path, link=link), said)
    for link in (confirm, reset):
        shown = f'signature={link},repository="bobby/web",access=write'
        assert mailing.request("GET", "/v1/repositories/bobby/web/images", f"Token {shown}").status == 401
    assert status(mailing, alice) == 403
    assert status(mailing, bob) == 200


@settings(max_examples=60)
@given(st.data())
def test_no_mutated_link_opens_anything(mailing: Index, data: st.DataObject) -> None:
    if mailing.users.get("alice") is None:
        register(mailing)
    link = link_in(mailing, "/confirm")
    place = data.draw(st.integers(0, len(link) - 1))
    character = data.draw(st.sampled_from("abcXYZ019-_.") | st.characters())
    mutated = link[:place] + character + link[place + data.draw(st.integers(0, 2)) :]
    if mutated != link:
        assert post(mailing, "/confirm", link=mutated).status == 410
        assert status(mailing, basic("alice")) == 403


def test_a_link_for_an_account_that_is_gone_says_so(mailing: Index) -> None:
    alice = register(mailing)
    link = link_in(mailing, "/confirm")
    mailing.users.set_active("alice", True)
    assert mailing.request("DELETE", "/v1/users/alice", alice).status == 204
    assert_kind(post(mailing, "/confirm", link=link), "The account that this link is for is gone.")


def test_the_letter_comes_again_for_whoever_waits_and_everybody_is_told_the_same(mailing: Index) -> None:
    confirmed(mailing, "bobby")
    alice = register(mailing)
    mailing.emails.clear()
    page = get(mailing, "/confirm")
    assert page.fields("/confirm") == {"email": ""}
    assert "once more" in page.text
    forget_letters(mailing, "alice")
    answers = {post(mailing, "/confirm", email=f"{name}@example.com").source for name in ("alice", "bobby", "nobody")}
    assert len(answers) == 1
    assert "If an account waits" in answers.pop()
    assert [message.to for message in mailing.emails] == ["alice@example.com"]
    assert post(mailing, "/confirm", email="alice@example.com").status == 200
    assert len(mailing.emails) == 1, "one letter a minute is enough"
    assert post(mailing, "/confirm", link=link_in(mailing, "/confirm")).status == 200
    assert status(mailing, alice) == 200


def test_a_forgotten_password_is_mailed_about_only_where_there_is_one_and_everybody_is_told_the_same(
    mailing: Index,
) -> None:
    confirmed(mailing)
    register(mailing, "waiting")
    confirmed(mailing, "inactive")
    mailing.users.set_active("inactive", False)
    mailing.emails.clear()
    names = ("alice", "waiting", "inactive", "nobody")
    for name in ("waiting", "inactive"):
        forget_letters(mailing, name)
    answers = {post(mailing, "/forgotten", email=f"{name}@example.com").source for name in names}
    answers.add(post(mailing, "/forgotten", email="ALICE@example.com").source)
    assert len(answers) == 1
    assert [message.to for message in mailing.emails] == ["alice@example.com"]


@pytest.mark.parametrize("path", ["/confirm", "/forgotten"])
@pytest.mark.parametrize("email", ["", "alice", "alice@example.com\r\nBcc: eve@example.com", "<script>@x"])
def test_what_is_no_address_is_said_beside_the_form(mailing: Index, path: str, email: str) -> None:
    page = post(mailing, path, email=email)
    assert (page.status, page.alert) == (400, "An email is an address like name@example.com.")
    assert page.fields(path) == {"email": ""}
    assert page.form(path).find("input[@aria-invalid='true']") is not None


def test_a_new_password_replaces_the_forgotten_one_at_once(mailing: Index) -> None:
    alice = confirmed(mailing)
    assert status(mailing, alice) == 200, "and is remembered from here on"
    link = forgotten(mailing)
    page = get(mailing, "/reset", link=link)
    assert page.title == "Choose a new password"
    assert page.fields("/reset") == {"link": link, "username": "alice", "password": ""}
    assert {field.get("autocomplete") for field in page.form("/reset").iter("input")} == {
        None,
        "username",
        "new-password",
    }
    assert status(mailing, alice) == 200
    page = post(mailing, "/reset", **(page.fields("/reset") | {"password": OTHER_PASSWORD}))
    assert (page.status, page.title) == (200, "Your password is changed")
    assert page.commands == [f"docker login {HOST}"]
    assert status(mailing, alice) == 401
    assert status(mailing, basic("alice", OTHER_PASSWORD)) == 200


def test_who_has_forgotten_the_password_does_not_wait_for_having_guessed_at_it(mailing: Index) -> None:
    confirmed(mailing)
    while status(mailing, basic("alice", "wrong horse")) != 429:
        pass
    assert post(mailing, "/reset", link=forgotten(mailing), password=OTHER_PASSWORD).status == 200
    assert status(mailing, basic("alice", OTHER_PASSWORD)) == 200


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "at least 5 characters"),
        ("abcd", "at least 5 characters"),
        ("x" * 73, "at most 72 bytes"),
        ("ä" * 37, "at most 72 bytes"),
        ("a\x00bcdef", "no control characters"),
        ("wbr_something", "does not begin with wbr_"),
    ],
)
def test_a_password_that_cannot_be_is_said_above_the_form_which_keeps_its_link(
    mailing: Index, password: str, said: str
) -> None:
    confirmed(mailing)
    link = forgotten(mailing)
    page = post(mailing, "/reset", link=link, password=password)
    assert page.status == 400
    assert said in (page.alert or "")
    assert page.fields("/reset") == {"link": link, "username": "alice", "password": ""}
    assert not password or password not in page.source
    assert post(mailing, "/reset", link=link, password=OTHER_PASSWORD).status == 200


def test_a_link_to_a_new_password_is_worthless_once_the_password_was_changed_otherwise(mailing: Index) -> None:
    alice = confirmed(mailing)
    link = forgotten(mailing)
    assert mailing.request("PUT", "/v1/users/alice", alice, json={"password": OTHER_PASSWORD}).status == 204
    assert_kind(post(mailing, "/reset", link=link, password="a third one"), "the password has been changed since")


@pytest.mark.parametrize("path", ["/confirm", "/forgotten"])
def test_where_no_mail_is_sent_the_pages_say_so_and_whom_to_ask(index: Index, path: str) -> None:
    index.account("alice")
    for page in (get(index, path), post(index, path, email="alice@example.com")):
        assert page.status == 200
        assert "This index sends no mail. Ask one of its administrators" in page.text
        assert not list(page.root.iter("form"))
        assert "/forgotten" not in page.links.values()


FORMS = ("/confirm", "/forgotten", "/reset")


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"email=" + b"a" * 5000, 413),
        (b"email=\xff", 400),
        (b"email=%ff", 400),
        (b"&".join(b"a%d=b" % place for place in range(20)), 400),
        (b"link=a&link=b", 400),
    ],
)
def test_a_form_that_cannot_be_read(mailing: Index, path: str, body: bytes, expected: int) -> None:
    page = Page(sent(mailing, path, body))
    assert page.status == expected
    assert "form" in (page.alert or "")


@settings(max_examples=100)
@given(
    st.sampled_from(FORMS),
    st.binary(max_size=100)
    | st.dictionaries(st.sampled_from(["link", "email", "password"]), st.text()).map(lambda f: urlencode(f).encode())
    | st.sampled_from([b"", b"{}", b'{"link": "x"}', b"link", b"&&&", b"=", b"--x\r\n\r\n"]),
    st.sampled_from([None, "application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]),
)
def test_whatever_is_posted_gets_a_page(mailing: Index, path: str, body: bytes, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    page = Page(mailing.request("POST", path, body=body, headers=headers))
    assert page.status in (200, 400, 410, 413)
    assert page.status == 200 or page.alert


@settings(max_examples=100)
@given(st.sampled_from(("/confirm", "/reset")), st.text(max_size=60))
def test_whatever_a_link_holds_is_text_on_a_page(mailing: Index, path: str, link: str) -> None:
    assert get(mailing, path, link=link).status in (200, 410)


def test_a_part_that_does_not_answer_is_a_page_too(mailing: Index) -> None:
    register(mailing)
    link = link_in(mailing, "/confirm")
    mend = failing(mailing, "GetItem")
    response = mailing.request("GET", f"/confirm?link={link}")
    assert response.headers["retry-after"] == "2"
    page = Page(response)
    assert (page.status, page.title) == (503, "Try again in a moment")
    mend()
    assert get(mailing, "/confirm", link=link).status == 200


def test_a_fault_of_our_own_is_a_page_that_says_nothing_of_it(
    mailing: Index, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    register(mailing)
    link = link_in(mailing, "/confirm")
    monkeypatch.setattr("chalicelib.storage.users.UserStore.get", lambda *_: 1 / 0)
    page = get(mailing, "/confirm", link=link)
    assert page.status == 500
    assert "logged" in (page.alert or "")
    assert "ZeroDivisionError" in caplog.text
    assert link not in caplog.text


@pytest.mark.parametrize("accept", ["text/html", "application/json", "image/png", "nonsense"])
def test_accept_decides_nothing(mailing: Index, accept: str) -> None:
    assert Page(mailing.request("GET", "/forgotten", headers={"accept": accept})).status == 200


def test_a_request_s_repr_holds_no_link() -> None:
    assert "secret" not in repr(
        Request("GET", query={"link": "secret"}, headers={"authorization": "secret"}, body=b"secret")
    )


def test_head_has_the_headers_of_get(mailing: Index) -> None:
    for path in ("/confirm", "/forgotten", "/reset"):
        head, whole = mailing.request("HEAD", path), mailing.request("GET", path)
        assert (head.status, head.headers) == (whole.status, whole.headers)
