"""Deletion of an organisation with everything that belongs to it."""

import time
from collections.abc import Callable

from chalicelib.accounts.organizations import MAX_LISTED, Organizations
from chalicelib.accounts.robots import Robots
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.roles import Principal
from chalicelib.repositories.service import Repositories
from chalicelib.request_log import annotate, may_take_effect
from chalicelib.storage.organizations import OrganizationStore, OrganizationUnavailable
from chalicelib.storage.quotas import AccountUnavailable
from chalicelib.storage.transactions import Conflict

MAX_SECONDS = 10  # API Gateway waits for 29 seconds, and one repository with many collaborators takes a few


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
        deadline = self._clock() + MAX_SECONDS
        self._organizations.authorize_administrator(principal, name)
        try:
            with may_take_effect(Conflict):
                self._store.start_deletion(name)
            if not self._delete_content(name, principal.username, deadline):
                return False
            self._store.delete(name, principal.username)
        except (Conflict, AccountUnavailable, OrganizationUnavailable):
            raise Unavailable("another request is changing the organisation; try again in a moment") from None
        return True

    def _delete_content(self, name: str, kept: str | None, deadline: float) -> bool:
        """Delete the repositories, the robots and all members except `kept`. Return whether nothing else is left."""
        owner = Principal(name)
        annotate(deleted_repositories=0)
        page = self._repositories.list(owner, name)
        for count, view in enumerate(page.views, start=1):
            self._repositories.delete(owner, view.repository.name, confirmed=True)
            annotate(deleted_repositories=count)
            if self._clock() > deadline:
                return False
        if page.next_name:
            return False
        self._robots.revoke_all(name)
        members = self._store.list_members(name, "", MAX_LISTED + 1)
        for username, _ in members:
            if username != kept:
                self._store.remove_member(name, username, may_be_last=True)
            if self._clock() > deadline:
                return False
        return len(members) <= MAX_LISTED
