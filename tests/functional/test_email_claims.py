"""An address belongs to the account that confirms it. Nobody can keep it from its owner without a confirmation."""

import time

import pytest

from chalicelib.accounts.email_addresses import EmailAddresses
from chalicelib.domain.errors import InvalidInput, RequestConflict
from chalicelib.security.email_links import LinkPurpose
from chalicelib.storage.users import UNCONFIRMED_CLAIM_SECONDS
from tests.email_index import confirm, create_email_index, links_to, post, register
from tests.index import PASSWORD, Index, basic

EMAIL = "owner@example.com"


@pytest.fixture
def emails(aws: None) -> Index:
    return create_email_index()


def owner_of(index: Index, email: str = EMAIL) -> str | None:
    return index.users.get_email_owner(email)


def log_in(index: Index, username: str) -> int:
    return index.request("GET", "/v1/users/", basic(username)).status


def test_unconfirmed_address_does_not_block_its_owner(emails: Index) -> None:
    assert register(emails, "squatter", EMAIL).status == 201
    assert register(emails, "owner", EMAIL).status == 201
    forget_emails(emails)
    assert post(emails, "/confirm", email=EMAIL).status == 200
    assert confirm(emails, EMAIL, -1) == 200
    assert log_in(emails, "owner") == 200
    assert owner_of(emails) == "owner"
    assert log_in(emails, "squatter") == 403


def forget_emails(index: Index) -> None:
    """Forget how many emails were sent, as after a day."""
    for item in index.tables.counters.scan():
        if item.subject.startswith("email"):
            item.delete()


def test_confirmed_address_cannot_be_claimed(emails: Index) -> None:
    assert register(emails, "owner", EMAIL).status == 201
    assert confirm(emails, EMAIL) == 200
    for address in (EMAIL, "Owner@Example.com"):
        response = register(emails, "squatter", address)
        assert (response.status, response.body) == (400, b'"Username or email already exists"')
    assert register(emails, "other").status == 201
    assert confirm(emails, "other@example.com") == 200
    assert emails.request("PUT", "/v1/users/other", basic("other"), json={"email": EMAIL}).status == 400
    assert owner_of(emails) == "owner"
    assert emails.request("GET", "/v1/users/other", basic("other")).json["emails"] == [
        {"address": "other@example.com", "confirmed": True}
    ]


def test_the_first_confirmation_wins(emails: Index) -> None:
    for username in ("first", "second"):
        assert register(emails, username, EMAIL).status == 201
        forget_emails(emails)
    assert len(links_to(emails, EMAIL)) == 2
    assert confirm(emails, EMAIL, 0) == 200
    assert confirm(emails, EMAIL, 1) == 410
    assert owner_of(emails) == "first"
    assert [log_in(emails, username) for username in ("first", "second")] == [200, 403]


def test_unconfirmed_claims_expire(emails: Index) -> None:
    assert register(emails, "owner", EMAIL).status == 201
    claim = emails.tables.emails.get(EMAIL)
    assert claim.unconfirmed
    assert claim.expires is not None
    assert 0 < claim.expires - time.time() <= UNCONFIRMED_CLAIM_SECONDS
    assert confirm(emails, EMAIL) == 200
    claim = emails.tables.emails.get(EMAIL)
    assert not claim.unconfirmed
    assert claim.expires is None, "a confirmed claim does not expire"


def test_expired_claim_can_still_be_confirmed(emails: Index) -> None:
    assert register(emails, "owner", EMAIL).status == 201
    emails.tables.emails.get(EMAIL).delete()
    assert confirm(emails, EMAIL) == 200
    assert owner_of(emails) == "owner"


def test_added_address_belongs_to_its_account_after_the_confirmation(emails: Index) -> None:
    for username in ("squatter", "owner"):
        assert register(emails, username).status == 201
        assert confirm(emails, f"{username}@example.com") == 200
        forget_emails(emails)
        path, form = f"/v1/users/{username}", {"email": "new@example.com"}
        assert emails.request("PUT", path, basic(username), json=form).status == 204
    assert confirm(emails, "new@example.com", 1) == 200
    assert owner_of(emails, "new@example.com") == "owner"
    assert confirm(emails, "new@example.com", 0) == 410


def test_claim_of_an_unconfirmed_address_does_not_replace_a_confirmed_one(emails: Index) -> None:
    assert register(emails, "owner", EMAIL).status == 201
    assert confirm(emails, EMAIL) == 200
    assert emails.request("PUT", "/v1/users/owner", basic("owner"), json={"email": EMAIL}).status == 204
    claim = emails.tables.emails.get(EMAIL)
    assert claim.username == "owner"
    assert not claim.unconfirmed
    assert owner_of(emails) == "owner"


def test_password_reset_goes_only_to_the_confirmed_owner(emails: Index) -> None:
    assert register(emails, "owner", EMAIL).status == 201
    assert confirm(emails, EMAIL) == 200
    emails.emails.clear()
    forget_emails(emails)
    assert post(emails, "/forgotten", email=EMAIL).status == 200
    assert [message.text.count("account owner") for message in emails.emails] == [1]


def test_links_to_a_removed_address_are_invalid(emails: Index) -> None:
    assert register(emails, "owner", EMAIL).status == 201
    assert confirm(emails, EMAIL) == 200
    for email in ("old@example.com", "never@example.com"):
        forget_emails(emails)
        assert emails.request("PUT", "/v1/users/owner", basic("owner"), json={"email": email}).status == 204
    assert confirm(emails, "old@example.com") == 200
    forget_emails(emails)
    assert post(emails, "/forgotten", email="old@example.com").status == 200
    addresses = EmailAddresses(emails.users)
    for email in ("old@example.com", "never@example.com"):
        addresses.remove(emails.user("owner"), email)
    (link,) = links_to(emails, "old@example.com", "/reset")
    assert post(emails, "/reset", link=link, password=PASSWORD + "!").status == 410
    assert confirm(emails, "never@example.com") == 410
    assert emails.user("owner").emails == {EMAIL}
    assert emails.request("GET", "/v1/users/", basic("owner")).status == 200


def test_link_of_a_release_with_another_subject_is_invalid(emails: Index) -> None:
    """The links for a new password did not name the address before."""
    assert register(emails, "owner", EMAIL).status == 201
    links = emails.services.email_actions._emails._links
    for purpose, page in ((LinkPurpose.RESET, "/reset"), (LinkPurpose.CONFIRM, "/confirm")):
        link = links.issue(purpose, "owner", "0" * 32)
        assert emails.request("GET", f"{page}?link={link}").status == 410
        assert post(emails, page, link=link, password=PASSWORD).status == 410


def test_last_confirmed_address_remains(emails: Index) -> None:
    assert register(emails, "owner", EMAIL).status == 201
    assert confirm(emails, EMAIL) == 200
    forget_emails(emails)
    assert emails.request("PUT", "/v1/users/owner", basic("owner"), json={"email": "b@example.com"}).status == 204
    with pytest.raises(InvalidInput):
        EmailAddresses(emails.users).remove(emails.user("owner"), EMAIL)
    assert confirm(emails, "b@example.com") == 200
    EmailAddresses(emails.users).remove(emails.user("owner"), EMAIL)
    assert emails.user("owner").emails == {"b@example.com"}


def test_address_is_not_removed_from_an_account_that_has_changed(emails: Index) -> None:
    assert register(emails, "owner", EMAIL).status == 201
    assert confirm(emails, EMAIL) == 200
    assert emails.request("PUT", "/v1/users/owner", basic("owner"), json={"email": "b@example.com"}).status == 204
    earlier = emails.user("owner")
    assert emails.request("PUT", "/v1/users/owner", basic("owner"), json={"email": "c@example.com"}).status == 204
    with pytest.raises(RequestConflict):
        EmailAddresses(emails.users).remove(earlier, "b@example.com")
    assert "b@example.com" in emails.user("owner").emails


def let_owner_confirm_a_claimed_address(emails: Index) -> None:
    """Let the account `squatter` add EMAIL without a confirmation, and its owner register and confirm it."""
    assert register(emails, "squatter").status == 201
    assert confirm(emails, "squatter@example.com") == 200
    assert emails.request("PUT", "/v1/users/squatter", basic("squatter"), json={"email": EMAIL}).status == 204
    assert register(emails, "owner", EMAIL).status == 201
    forget_emails(emails)
    assert post(emails, "/confirm", email=EMAIL).status == 200
    assert confirm(emails, EMAIL) == 200


def test_removed_claim_of_another_account_remains(emails: Index) -> None:
    let_owner_confirm_a_claimed_address(emails)
    EmailAddresses(emails.users).remove(emails.user("squatter"), EMAIL)
    assert owner_of(emails) == "owner"


def test_deleted_account_releases_only_its_own_claims(emails: Index) -> None:
    let_owner_confirm_a_claimed_address(emails)
    assert emails.request("DELETE", "/v1/users/squatter", basic("squatter")).status == 204
    assert owner_of(emails) == "owner"
    assert owner_of(emails, "squatter@example.com") is None


def test_without_confirmation_an_address_is_claimed_at_registration(index: Index) -> None:
    assert register(index, "owner", EMAIL).status == 201
    assert register(index, "other", EMAIL).status == 400
    assert index.tables.emails.get(EMAIL).expires is None


@pytest.mark.exhaustive
def test_number_of_addresses_is_limited_at_the_same_time(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction deletes an account with all its addresses, and holds 100 items."""
    alice, user = index.create_account("alice"), index.users.get("alice")
    assert user is not None
    for number in range(19):
        form = {"email": f"alice{number}@example.com"}
        assert index.request("PUT", "/v1/users/alice", alice, json=form).status == 204
    assert index.request("PUT", "/v1/users/alice", alice, json={"email": "more@example.com"}).status == 400
    monkeypatch.setattr(type(index.users), "get", lambda *_: user)  # what requests at the same time have read
    assert index.request("PUT", "/v1/users/alice", alice, json={"email": "more@example.com"}).status == 409
    assert len(index.tables.users.get("alice").emails) == 20
