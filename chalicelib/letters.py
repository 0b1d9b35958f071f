"""The two letters that an index writes: confirm this address, and choose a new password."""

import hashlib
import hmac
import logging
import time
from collections.abc import Callable

from chalicelib.errors import Gone, Unavailable
from chalicelib.links import InvalidLink, Links, Purpose
from chalicelib.mail import Letter, Mailer
from chalicelib.store.users import User, UserStore

SECONDS_BETWEEN_MAILS = 60  # to one account, however often somebody asks
logger = logging.getLogger("waybill")


class Letters:
    """Writes letters and reads what their links say.

    Args:
        users: whom letters are about.
        links: makes and checks the links.
        mailer: sends the letters; None where mail is not configured, and none is sent.
        address: the index's own, `https://index.example.com`, which links begin with. Never taken from a request: its
            Host header is whatever the sender likes.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        users: UserStore,
        links: Links,
        mailer: Mailer | None,
        address: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._users = users
        self._links = links
        self._mailer = mailer
        self._address = address
        self._clock = clock

    @property
    def can_be_sent(self) -> bool:
        """Whether mail is configured."""
        return self._mailer is not None

    def ask_to_confirm(self, user: User, address: str) -> None:
        """Mails the link that confirms `address`. A mail that cannot be sent is logged and can be asked for again."""
        link = self._links.issue(Purpose.CONFIRM, user.username, user.created.isoformat(), address)
        self._send(
            user,
            address,
            "Confirm your address",
            f"""Somebody, hopefully you, gave this address for the account {user.username} at {self._address}.

To confirm that it is yours, open this page within a day and press its button:

  {self._address}/confirm?link={link}

If it was not you, do nothing: without you the address is not used.
""",
        )

    def offer_reset(self, user: User, address: str) -> None:
        """Mails the link that chooses a new password, once."""
        link = self._links.issue(Purpose.RESET, user.username, _mark(user))
        self._send(
            user,
            address,
            "Choose a new password",
            f"""Somebody, hopefully you, has forgotten the password of the account {user.username} at {self._address}.

To choose a new one, open this page within an hour:

  {self._address}/reset?link={link}

If it was not you, do nothing: the password stays as it is.
""",
        )

    def confirmed(self, link: str) -> tuple[User, str]:
        """The account and the address that a confirmation link is for. Raises InvalidLink, and Gone where the account
        is gone.
        """
        username, created, address = self._links.check(Purpose.CONFIRM, link)
        user = self._users.get(username)
        if user is None or user.created.isoformat() != created or address not in user.emails:
            raise Gone("The account that this link is for is gone.")
        return user, address

    def to_reset(self, link: str) -> User:
        """The account whose password a link may replace. Raises InvalidLink, also when it was replaced since."""
        username, mark = self._links.check(Purpose.RESET, link)
        user = self._users.get(username)
        if user is None or user.leaving or not hmac.compare_digest(_mark(user), mark):
            raise InvalidLink("This link was used already, or the password has been changed since.")
        return user

    def _send(self, user: User, address: str, subject: str, text: str) -> None:
        if self._mailer is None or not self._users.note_mail(user.username, self._clock(), SECONDS_BETWEEN_MAILS):
            return
        try:
            self._mailer.send(Letter(address, subject, text))
        except Unavailable as error:
            logger.error("a letter to an address of %s could not be sent: %r", user.username, error.__cause__)


def _mark(user: User) -> str:
    """Stands for the account's present password: a new one makes every link to replace it worthless."""
    return hashlib.sha256(b"waybill reset\0" + user.password_hash.encode()).hexdigest()[:32]
