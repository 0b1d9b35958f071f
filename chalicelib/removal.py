"""Removing an account: everything that is its goes, in an order that can be broken off and taken up again."""

from chalicelib.access import Caller
from chalicelib.accounts import Accounts
from chalicelib.errors import Unavailable
from chalicelib.repositories import LISTED_AT_MOST, Repositories
from chalicelib.robots import Robots
from chalicelib.store.collaborators import CollaboratorStore
from chalicelib.store.tables import ConditionFailed
from chalicelib.store.users import UserStore


class Removal:
    """Removes accounts. `keep_name` keeps the name from being taken by somebody else, who would be taken for them."""

    def __init__(
        self,
        accounts: Accounts,
        users: UserStore,
        repositories: Repositories,
        collaborators: CollaboratorStore,
        robots: Robots,
        *,
        keep_name: bool,
    ) -> None:
        self._accounts = accounts
        self._users = users
        self._repositories = repositories
        self._collaborators = collaborators
        self._robots = robots
        self._keep_name = keep_name

    def remove(self, caller: Caller, username: str) -> bool:
        """Removes the caller's own account, or for an administrator anybody's. False when it has more repositories than
        one request gets through: ask again.

        The account is shut first: from then on it signs in to nothing but its own removal, and creates and shares
        nothing. Its item goes last, so its name is not free before everything in it is gone.
        Raises Forbidden, NotFound and Unavailable.
        """
        self._accounts.show(caller, username)
        try:
            self._users.begin_removal(username)
            owner = Caller(username)
            found = self._repositories.list(owner, username)
            for shown in found:
                self._repositories.delete(owner, shown.repository.name, final=True)
            if len(found) == LISTED_AT_MOST:
                return False
            self._collaborators.forget_account(username)
            self._robots.forget_account(username)
            user = self._users.get(username)
            if user is not None:
                self._users.remove(user, keep_name=self._keep_name)
        except ConditionFailed:
            raise Unavailable(
                "the account is being changed by somebody else right now; try again in a moment"
            ) from None
        return True
