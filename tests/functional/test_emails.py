"""Emails that SES receives: recipient, content, and the effect of a failure."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from moto.ses.models import ses_backends

from chalicelib.aws import create_ses_client
from chalicelib.domain.choices import AccountActivation
from tests.index import Index, basic

MOTO_ACCOUNT = "123456789012"
SENDER = "index@example.com"
BASE_URL = "https://index.example.com"
ALICE = {"username": "alice", "password": "correct horse", "email": "Alice@example.com"}


def sent_emails() -> list[Any]:
    """Return the emails that SES received, oldest first."""
    return list(ses_backends[MOTO_ACCOUNT]["us-east-1"].sent_messages)


@pytest.fixture
def unverified_index(make_index: Callable[..., Index]) -> Index:
    """An index whose accounts become active when their address is confirmed. SES does not accept its sender."""
    return make_index(account_activation=AccountActivation.EMAIL, email_sender=SENDER, base_url=BASE_URL)


@pytest.fixture
def ses_index(unverified_index: Index) -> Index:
    """The same index with a sender that SES accepts."""
    create_ses_client("us-east-1").verify_email_identity(EmailAddress=SENDER)
    return unverified_index


def test_registration_sends_a_confirmation_link_to_the_address(ses_index: Index) -> None:
    assert ses_index.request("POST", "/v1/users/", json=ALICE).status == 201
    (message,) = sent_emails()
    assert message.source == SENDER
    assert message.destinations["ToAddresses"] == ["alice@example.com"]
    assert f"{BASE_URL}/confirm?link=confirm." in message.body
    assert "account alice" in message.body
    assert "correct horse" not in message.body
    response = ses_index.request("GET", "/v1/users/", basic("alice"))
    assert (response.status, response.body) == (403, b'"Account is not Active"')


def test_only_an_unconfirmed_address_receives_a_confirmation_link(ses_index: Index) -> None:
    auth = ses_index.create_account("alice")
    assert ses_index.request("PUT", "/v1/users/alice", auth, json={"email": "second@example.com"}).status == 204
    assert [message.destinations["ToAddresses"] for message in sent_emails()] == [["second@example.com"]]
    emails = ses_index.request("GET", "/v1/users/alice", auth).json["emails"]
    assert emails == [
        {"address": "alice@example.com", "confirmed": True},
        {"address": "second@example.com", "confirmed": False},
    ]
    assert ses_index.request("PUT", "/v1/users/alice", auth, json={"email": "alice@example.com"}).status == 204
    assert len(sent_emails()) == 1


def test_failure_of_ses_is_logged_without_the_link_and_does_not_prevent_registration(
    unverified_index: Index, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "waybill"):
        assert unverified_index.request("POST", "/v1/users/", json=ALICE).status == 201
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "alice" in record.getMessage()
    assert "link=" not in caplog.text
    assert unverified_index.users.get("alice") is not None
    assert sent_emails() == []


def test_registration_sends_no_email_if_accounts_need_no_confirmation(make_index: Callable[..., Index]) -> None:
    index = make_index(email_sender=SENDER, base_url=BASE_URL)
    assert index.request("POST", "/v1/users/", json=ALICE).status == 201
    assert index.request("GET", "/v1/users/", basic("alice")).status == 200
    assert sent_emails() == []
