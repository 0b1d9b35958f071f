"""Deletion of an account with everything that belongs to it."""

import time
from collections.abc import Callable

from chalicelib.accounts.deletion_steps import delete_repositories, start_deadline
from chalicelib.accounts.organizations import Organizations
from chalicelib.accounts.robots import Robots
from chalicelib.accounts.service import Accounts
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.roles import Principal, Role
from chalicelib.repositories.service import MAX_LISTED, Repositories
from chalicelib.request_log import may_take_effect
from chalicelib.storage.collaborators import CollaboratorStore
from chalicelib.storage.transactions import Conflict
from chalicelib.storage.users import UserStore


class AccountDeletion:
    """Deletes accounts.

    `reserve_name` means that the name cannot be registered again. Another person with the name would be mistaken for
    the former owner.
    """

    def __init__(
        self,
        accounts: Accounts,
        users: UserStore,
        repositories: Repositories,
        collaborators: CollaboratorStore,
        organizations: Organizations,
        robots: Robots,
        *,
        reserve_name: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._accounts = accounts
        self._users = users
        self._repositories = repositories
        self._collaborators = collaborators
        self._organizations = organizations
        self._robots = robots
        self._reserve_name = reserve_name
        self._clock = clock

    def delete(self, principal: Principal, username: str) -> bool:
        """Delete the principal's own account, or as an administrator any account.

        Returns False if the account has more repositories or shares than one request can delete. The caller then
        repeats the request. The account leaves its organisations first, because the deletion is rejected for the last
        administrator of one. It is then marked: it can then neither log in, except to finish the deletion, nor create,
        share or join anything. The account item is deleted last, so the name stays in use until everything else is
        gone. Raises PermissionDenied, NotFound, RequestConflict and Unavailable.
        """
        is_time_over = start_deadline(self._clock)
        self._accounts.show(principal, username)
        if not self._leave_organizations(username, is_time_over):
            return False
        try:
            with may_take_effect(Conflict):
                self._users.start_deletion(username)
            if not delete_repositories(self._repositories, username, is_time_over):
                return False
            if not self._collaborators.remove_account(username, MAX_LISTED):
                return False
            self._robots.revoke_all(username)
            user = self._users.get(username)
            if user is not None:
                self._users.delete(user, reserve_name=self._reserve_name)
        except Conflict:
            raise Unavailable("another request is changing the account at the moment; try again in a moment") from None
        return True

    def _leave_organizations(self, username: str, is_time_over: Callable[[], bool]) -> bool:
        """Leave all organisations. Return False if the time is over before the last one.

        Raises RequestConflict before the first change if the account is the last administrator of one of them.
        """
        roles = self._organizations.of_account(username)
        for name in sorted(roles):
            if roles[name] is Role.ADMIN:
                self._organizations.require_other_administrator(name)
        for name in sorted(roles):
            self._organizations.leave(name, username)
            if is_time_over():
                return False
        return True
