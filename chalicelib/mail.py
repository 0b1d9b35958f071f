"""Sending mail: what a letter is, and SES. The local server prints letters instead (infra/local)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail in plain text. The text holds a link that is as good as a password for a while."""

    to: str
    subject: str
    text: str = field(repr=False)


class Mailer(Protocol):
    """Sends letters. Raises Unavailable when it cannot."""

    def send(self, letter: Letter) -> None:
        """Hands the letter on."""


class SesMailer:
    """Amazon SES. `client` makes its client, at the first letter: nearly every container never sends one."""

    def __init__(self, client: Callable[[], Any], sender: str) -> None:
        self._client = client
        self._sender = sender

    def send(self, letter: Letter) -> None:
        """One SendEmail."""
        try:
            self._client().send_email(
                Source=self._sender,
                Destination={"ToAddresses": [letter.to]},
                Message={
                    "Subject": {"Data": letter.subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": letter.text, "Charset": "UTF-8"}},
                },
            )
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("the index cannot send mail right now; try again in a moment") from error
