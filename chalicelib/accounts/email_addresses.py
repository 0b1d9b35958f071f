"""Removing an email address from an account. `Accounts.change` adds one."""

from chalicelib.accounts.service import changed_meanwhile
from chalicelib.domain.errors import InvalidInput, NotFound
from chalicelib.domain.models import User
from chalicelib.request_log import may_take_effect
from chalicelib.storage.transactions import Conflict
from chalicelib.storage.users import UserStore


class EmailAddresses:
    """The addresses of accounts. Raises Unavailable if the storage does not answer."""

    def __init__(self, users: UserStore) -> None:
        self._users = users

    def remove(self, user: User, email: str) -> None:
        """Remove an address, so that another account can claim it. Links that it has received become invalid.

        One confirmed address must remain, because a forgotten password is replaced by email. An account without a
        confirmed address keeps one that is not confirmed.

        Raises NotFound, InvalidInput for the last address, and RequestConflict.
        """
        email = email.lower()
        if email not in user.emails:
            raise NotFound("the account does not have this address")
        remaining = user.emails - {email}
        has_confirmed = bool(user.emails - user.unconfirmed)
        if not (remaining - user.unconfirmed if has_confirmed else remaining):
            raise InvalidInput("this is your last address; add and confirm another one before you remove it")
        try:
            with may_take_effect(Conflict):
                self._users.remove_email(user, email)
        except Conflict:
            raise changed_meanwhile() from None
