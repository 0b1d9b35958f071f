"""Sending emails with Amazon SES. The local server prints emails instead."""

from collections.abc import Callable
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from chalicelib.domain.errors import Unavailable


class EmailMessage(Struct, frozen=True):
    """An email in plain text. The text contains a link that gives access to an account, so `repr` omits it."""

    to: str
    subject: str
    text: str

    def __repr__(self) -> str:
        return f"EmailMessage(to={self.to!r}, subject={self.subject!r})"


class Mailer(Protocol):
    """Sends emails."""

    def send(self, message: EmailMessage) -> None:
        """Send an email. Raises Unavailable if that is not possible."""


class SesMailer:
    """Sends emails with Amazon SES.

    Args:
        create_client: returns a botocore client for SES. It is called for the first email, because few containers send
            one.
        sender: the address in the From header.
    """

    def __init__(self, create_client: Callable[[], Any], sender: str) -> None:
        self._create_client = create_client
        self._sender = sender

    def send(self, message: EmailMessage) -> None:
        """Send an email with one SendEmail call."""
        try:
            self._create_client().send_email(
                Source=self._sender,
                Destination={"ToAddresses": [message.to]},
                Message={
                    "Subject": {"Data": message.subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": message.text, "Charset": "UTF-8"}},
                },
            )
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("the index cannot send email at the moment; try again in a moment") from error
