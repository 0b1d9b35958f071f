"""The emails of the index: confirmation of an address, and choice of a new password."""

import hashlib
import hmac
import logging

from chalicelib.accounts.email_limits import EmailLimits
from chalicelib.accounts.mailer import EmailMessage, Mailer
from chalicelib.domain.errors import InvalidLink, LinkExpired, Unavailable
from chalicelib.domain.models import User
from chalicelib.security.email_links import EmailLinks, LinkPurpose
from chalicelib.storage.users import UserStore

logger = logging.getLogger("waybill")


class AccountEmails:
    """Sends emails and verifies their links.

    Args:
        users: the accounts.
        links: creates and verifies links.
        mailer: sends emails; None if email is not configured.
        limits: limits the number of emails.
        base_url: the URL of the index, such as `https://index.example.com`. Links start with it. It never comes from a
            request, because a client can send any Host header.
    """

    def __init__(
        self,
        users: UserStore,
        links: EmailLinks,
        mailer: Mailer | None,
        limits: EmailLimits,
        base_url: str,
    ) -> None:
        self._users = users
        self._links = links
        self._mailer = mailer
        self._limits = limits
        self._base_url = base_url

    @property
    def is_enabled(self) -> bool:
        """Whether email is configured."""
        return self._mailer is not None

    def send_confirmation(self, user: User, email: str) -> None:
        """Send the link that confirms an address. A failure is logged; the user can request the email again."""
        link = self._links.issue(LinkPurpose.CONFIRM, user.username, user.created.isoformat(), email)
        self._send(
            user,
            email,
            "Confirm your email address",
            f"""Someone entered this address for the account {user.username} at {self._base_url}.

If it was you, open this page within 24 hours and press the button:

  {self._base_url}/confirm?link={link}

If it was not you, ignore this email. The address will not be used.
""",
        )

    def send_password_reset(self, user: User, email: str) -> None:
        """Send the link that replaces the password once. A failure is logged."""
        link = self._links.issue(LinkPurpose.RESET, user.username, _password_mark(user), email)
        self._send(
            user,
            email,
            "Choose a new password",
            f"""Someone requested a new password for the account {user.username} at {self._base_url}.

If it was you, open this page within one hour and choose a new password:

  {self._base_url}/reset?link={link}

If it was not you, ignore this email. Your password does not change.
""",
        )

    def verify_confirmation(self, link: str) -> tuple[User, str]:
        """Return the account and the address of a confirmation link. Raises InvalidLink or LinkExpired."""
        username, created, email = self._verify(LinkPurpose.CONFIRM, link)
        user = self._users.get(username)
        if user is None or user.created.isoformat() != created or email not in user.emails:
            raise LinkExpired("The account of this link no longer exists, or it no longer has this address.")
        return user, email

    def verify_password_reset(self, link: str) -> User:
        """Return the account of a password link.

        Raises InvalidLink, also if the password has been replaced since, or the address has been removed.
        """
        username, mark, email = self._verify(LinkPurpose.RESET, link)
        user = self._users.get(username)
        if user is None or user.deletion_started or not hmac.compare_digest(_password_mark(user), mark):
            raise InvalidLink("This link was used before, or the password has changed since.")
        if email not in user.emails - user.unconfirmed:
            raise InvalidLink("The account no longer has the address that received this link.")
        return user

    def _verify(self, purpose: LinkPurpose, link: str) -> tuple[str, str, str]:
        """Return the subject of a link. Raises InvalidLink, also if a release with other subjects has sent the link."""
        match self._links.verify(purpose, link):
            case (username, mark, email):
                return username, mark, email
        raise InvalidLink("This link was sent before the index was upgraded.")

    def _send(self, user: User, email: str, subject: str, text: str) -> None:
        """Send an email within the limits. It follows a change that has taken effect, so a failure is only logged."""
        if self._mailer is None:
            return
        try:
            if self._limits.reserve(user.username, email, is_confirmed=email not in user.unconfirmed):
                self._mailer.send(EmailMessage(email, subject, text))
        except Unavailable as error:
            logger.error("an email to an address of %s could not be sent: %r", user.username, error.__cause__)


def _password_mark(user: User) -> str:
    """Return a value that changes with the password, so that a new password invalidates all links."""
    return hashlib.sha256(b"waybill reset\0" + user.password_hash.encode()).hexdigest()[:32]
