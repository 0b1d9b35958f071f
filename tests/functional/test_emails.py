"""Letters as SES gets them: who they are to, what they say, and what happens when they cannot be sent."""

import logging
from typing import Any

import pytest
from moto.ses.models import ses_backends

from chalicelib.aws import create_ses_client
from tests.index import Index, basic

ACCOUNT = "123456789012"  # moto's
SENDER = "index@example.com"
ALICE = {"username": "alice", "password": "correct horse", "email": "Alice@example.com"}


def sent() -> list[Any]:
    """What SES was given, oldest first."""
    return list(ses_backends[ACCOUNT]["us-east-1"].sent_messages)


@pytest.fixture
def mailing(make_index: Any) -> Index:
    """An index whose accounts wait for their address, and that SES knows."""
    index: Index = make_index(account_activation="email", email_sender=SENDER, base_url="https://index.example.com")
    create_ses_client("us-east-1").verify_email_identity(EmailAddress=SENDER)
    return index


def test_registering_sends_a_link_to_the_address(mailing: Index) -> None:
    assert mailing.request("POST", "/v1/users/", json=ALICE).status == 201
    (message,) = sent()
    assert message.source == SENDER
    assert message.destinations["ToAddresses"] == ["alice@example.com"]
    assert "https://index.example.com/confirm?link=confirm." in message.body
    assert "account alice" in message.body
    assert "correct horse" not in message.body
    response = mailing.request("GET", "/v1/users/", basic("alice"))
    assert (response.status, response.body) == (403, b'"Account is not Active"')


def test_an_added_address_is_confirmed_in_the_same_way(mailing: Index) -> None:
    auth = mailing.account("alice")
    assert mailing.request("PUT", "/v1/users/alice", auth, json={"email": "second@example.com"}).status == 204
    assert [message.destinations["ToAddresses"] for message in sent()] == [["second@example.com"]]
    shown = mailing.request("GET", "/v1/users/alice", auth).json["emails"]
    assert shown == [
        {"address": "alice@example.com", "confirmed": True},
        {"address": "second@example.com", "confirmed": False},
    ]
    assert mailing.request("PUT", "/v1/users/alice", auth, json={"email": "alice@example.com"}).status == 204
    assert len(sent()) == 1, "what is confirmed stays so"


def test_a_letter_that_cannot_be_sent_undoes_nothing_and_is_logged_without_its_link(
    make_index: Any, caplog: pytest.LogCaptureFixture
) -> None:
    index = make_index(account_activation="email", email_sender=SENDER, base_url="https://index.example.com")
    with caplog.at_level(logging.DEBUG, "waybill"):  # SES does not know the sender
        assert index.request("POST", "/v1/users/", json=ALICE).status == 201
    assert "could not be sent" in caplog.text
    assert "link=" not in caplog.text
    assert index.users.get("alice") is not None
    assert sent() == []


def test_where_no_mail_confirms_an_address_none_is_sent(make_index: Any) -> None:
    index = make_index(email_sender=SENDER, base_url="https://index.example.com")
    assert index.request("POST", "/v1/users/", json=ALICE).status == 201
    assert index.request("GET", "/v1/users/", basic("alice")).status == 200
    assert sent() == []
