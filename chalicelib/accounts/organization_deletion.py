"""Deletion of an organisation with everything that belongs to it."""

import time
from collections.abc import Callable

from chalicelib.accounts.deletion_steps import delete_repositories, start_deadline
from chalicelib.accounts.organizations import MAX_LISTED, Organizations
from chalicelib.accounts.robots import Robots
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.roles import Principal
from chalicelib.repositories.service import Repositories
from chalicelib.request_log import may_take_effect
from chalicelib.storage.organizations import OrganizationStore, OrganizationUnavailable
from chalicelib.storage.quotas import AccountUnavailable
from chalicelib.storage.transactions import Conflict


class OrganizationDeletion:
    """Deletes organisations. `clock` returns seconds."""

    def __init__(
        self,
        organizations: Organizations,
        store: OrganizationStore,
        repositories: Repositories,
        robots: Robots,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._organizations = organizations
        self._store = store
        self._repositories = repositories
        self._robots = robots
        self._clock = clock

    def delete(self, principal: Principal, name: str) -> bool:
        """Delete an organisation with its repositories, robots and members. Its name stays reserved.

        Returns False if one request cannot delete everything. The caller then repeats the request. The organisation is
        marked first: it then gets no new repositories, robots and members. The principal's own membership is deleted
        last, together with the organisation, so that the principal can repeat the request. Raises NotFound,
        PermissionDenied and Unavailable.
        """
        is_time_over = start_deadline(self._clock)
        self._organizations.authorize_administrator(principal, name)
        try:
            with may_take_effect(Conflict):
                self._store.start_deletion(name)
            if not self._delete_content(name, principal.username, is_time_over):
                return False
            self._store.delete(name, principal.username)
        except (Conflict, AccountUnavailable, OrganizationUnavailable):
            raise Unavailable("another request is changing the organisation; try again in a moment") from None
        return True

    def _delete_content(self, name: str, kept: str | None, is_time_over: Callable[[], bool]) -> bool:
        """Delete the repositories, the robots and all members except `kept`. Return whether nothing else is left."""
        if not delete_repositories(self._repositories, name, is_time_over):
            return False
        self._robots.revoke_all(name)
        members = self._store.list_members(name, "", MAX_LISTED + 1)
        for username, _ in members:
            if username != kept:
                self._store.remove_member(name, username, may_be_last=True)
            if is_time_over():
                return False
        return len(members) <= MAX_LISTED
