"""What the links in emails do: confirm an address, and replace a forgotten password."""

from msgspec import structs

from chalicelib.accounts.emails import AccountEmails
from chalicelib.accounts.login_throttle import LoginThrottle
from chalicelib.domain.errors import AlreadyDone, LinkExpired
from chalicelib.domain.identifiers import check_password, is_email
from chalicelib.domain.models import User
from chalicelib.security.passwords import Passwords
from chalicelib.storage.transactions import Conflict
from chalicelib.storage.users import UserStore


class EmailActions:
    """Requests emails, and carries out the actions of their links. Methods raise Unavailable if storage fails."""

    def __init__(self, users: UserStore, passwords: Passwords, emails: AccountEmails, throttle: LoginThrottle) -> None:
        self._users = users
        self._passwords = passwords
        self._emails = emails
        self._throttle = throttle

    @property
    def sends_email(self) -> bool:
        """Whether email is configured."""
        return self._emails.is_enabled

    def resend_confirmation(self, email: str) -> None:
        """Send the confirmation link again if the address needs it. The caller does not learn whether it does."""
        user = self._find_owner(email)
        if user is not None and email.lower() in user.unconfirmed:
            self._emails.send_confirmation(user, email.lower())

    def check_confirmation(self, link: str) -> tuple[User, str]:
        """Return the account and the address of a confirmation link.

        Changes nothing, because email scanners open links. Raises LinkExpired, and AlreadyDone if the address is
        confirmed.
        """
        user, email = self._emails.verify_confirmation(link)
        if email not in user.unconfirmed:
            raise AlreadyDone("This address is already confirmed.")
        return user, email

    def confirm(self, link: str) -> User:
        """Confirm the address of a link, and return the changed account. Raises the errors of `check_confirmation`."""
        user, email = self.check_confirmation(link)
        try:
            self._users.confirm(user, email)
        except Conflict:
            raise AlreadyDone("This address has just been confirmed.") from None
        return structs.replace(user, active=user.active or user.awaiting_confirmation)

    def request_password_reset(self, email: str) -> None:
        """Send a link for a new password if this is a confirmed address of an active account.

        The caller does not learn whether it is.
        """
        user = self._find_owner(email)
        if user is not None and user.active and not user.deletion_started and email.lower() not in user.unconfirmed:
            self._emails.send_password_reset(user, email.lower())

    def check_password_reset(self, link: str) -> User:
        """Return the account of a link for a new password. Changes nothing. Raises LinkExpired."""
        return self._emails.verify_password_reset(link)

    def reset_password(self, link: str, password: str, client_ip: str = "") -> str:
        """Replace the password of the account of a link, once. Return the username.

        The owner who has guessed before, in the network of `client_ip`, need not wait to log in.

        Raises LinkExpired for a link that is no longer valid, and InvalidInput for a password that breaks a rule.
        """
        user = self.check_password_reset(link)
        password_hash = self._passwords.hash(check_password(password))
        self._throttle.reset_account(user.username, client_ip)  # before the change, because the link works only once
        try:
            self._users.change(user, password_hash=password_hash)
        except Conflict:
            raise LinkExpired("This link was used before, or the password has changed since.") from None
        return user.username

    def _find_owner(self, email: str) -> User | None:
        username = self._users.get_email_owner(email.lower()) if is_email(email) else None
        return None if username is None else self._users.get(username)
