"""Organisations and their members."""

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

from chalicelib.accounts.login_throttle import LoginThrottle
from chalicelib.domain.errors import DomainError, NotFound, PermissionDenied, RequestConflict
from chalicelib.domain.identifiers import check_organization, check_username, is_namespace, is_username
from chalicelib.domain.models import Organization
from chalicelib.domain.roles import Principal, Role, organization_role_of
from chalicelib.repositories.conflicts import retry_on_conflict
from chalicelib.request_log import may_take_effect
from chalicelib.storage.collaborators import CollaboratorStore
from chalicelib.storage.organizations import OrganizationStore, OrganizationUnavailable
from chalicelib.storage.quotas import AccountUnavailable
from chalicelib.storage.repositories import RepositoryStore
from chalicelib.storage.transactions import Conflict
from chalicelib.storage.users import UserStore

MAX_LISTED = 100


class OrganizationView(Struct, frozen=True):
    """An organisation, and the role of the principal who asked for it."""

    organization: Organization
    role: Role


class MemberPage(Struct, frozen=True):
    """A part of a list of names with roles, by name. `next_name` is "" on the last page."""

    members: list[tuple[str, Role]]
    next_name: str = ""


class Organizations:
    """The operations on organisations. Methods raise Unavailable if the storage does not answer.

    Args:
        store: the organisations and their members.
        users: the accounts.
        collaborators: the roles of accounts.
        repositories: the repositories, to protect namespaces without an owner.
        throttle: limits how many organisations an account creates.
        is_creation_open: whether everyone may create an organisation, or only administrators of the index.
    """

    def __init__(
        self,
        store: OrganizationStore,
        users: UserStore,
        collaborators: CollaboratorStore,
        repositories: RepositoryStore,
        throttle: LoginThrottle,
        *,
        is_creation_open: bool = True,
    ) -> None:
        self._store = store
        self._users = users
        self._collaborators = collaborators
        self._repositories = repositories
        self._throttle = throttle
        self._is_creation_open = is_creation_open

    def create(self, principal: Principal, name: str, administrator: str | None = None) -> None:
        """Create an organisation with one administrator: the principal, or the account that an operator names.

        Raises InvalidInput, PermissionDenied, RateLimited, and RequestConflict if the name is in use or reserved.
        """
        if not self.can_create(principal):
            raise PermissionDenied("only administrators of the index can create organisations")
        check_organization(name)
        username = administrator or principal.username or ""
        if not principal.admin:
            self._throttle.reserve_organization(username)
        # A transaction cannot write one item twice, and repositories without an owner can only come from an import.
        if name == username or self._repositories.has_any(name):
            raise RequestConflict(f"the name {name} is in use; choose another one")
        try:
            with may_take_effect(Conflict, AccountUnavailable):
                self._store.create(name, username, datetime.now(UTC))
        except Conflict:
            raise RequestConflict(f"the name {name} is in use; choose another one") from None
        except AccountUnavailable:
            raise self._explain_account(name, username) from None

    def can_create(self, principal: Principal) -> bool:
        """Return whether the principal may create organisations."""
        return principal.robot is None and (principal.admin or self._is_creation_open)

    def show(self, principal: Principal, name: str) -> OrganizationView:
        """Return an organisation, for its members and administrators of the index. Two reads."""
        return self._authorize(principal, name, Role.READ)

    def list_of_account(self, principal: Principal, after: str = "") -> MemberPage:
        """Return the organisations of the principal's own account with its roles, at most MAX_LISTED after a name."""
        if principal.username is None or principal.robot is not None:
            return MemberPage([])
        roles = self.of_account(principal.username)
        return _page(sorted((name, role) for name, role in roles.items() if name > after))

    def list_members(self, principal: Principal, name: str, after: str = "") -> MemberPage:
        """Return the members with their roles, at most MAX_LISTED after a username."""
        return self.show_members(principal, name, after)[1]

    def show_members(self, principal: Principal, name: str, after: str = "") -> tuple[OrganizationView, MemberPage]:
        """Return what `show` and `list_members` return. Three reads."""
        view = self._authorize(principal, name, Role.READ)
        if after:
            check_username(after)
        return view, _page(self._store.list_members(name, after, MAX_LISTED + 1))

    def put_member(self, principal: Principal, name: str, username: str, role: Role) -> None:
        """Add a member, or change the role of a member.

        Raises NotFound, PermissionDenied, and RequestConflict if the organisation would lose its last administrator.
        """
        self._authorize(principal, name, Role.ADMIN)
        if not is_username(username):
            raise NotFound(f"there is no account {username!r}")

        def attempt() -> None:
            with may_take_effect(Conflict, AccountUnavailable, OrganizationUnavailable):
                self._store.put_member(name, username, role)

        try:
            retry_on_conflict(attempt)
        except AccountUnavailable:
            raise self._explain_account(name, username) from None
        except OrganizationUnavailable:
            raise self._explain(name) from None

    def remove_member(self, principal: Principal, name: str, username: str) -> None:
        """Remove a member. The next request of the account is denied. Members can remove themselves.

        Raises NotFound, PermissionDenied, and RequestConflict if the organisation would lose its last administrator.
        """
        is_self = principal.username == username
        self._authorize(principal, name, Role.READ if is_self else Role.ADMIN)
        if not is_username(username) or self._store.get_role(name, username) is Role.NONE:
            raise NotFound(f"{username!r} is not a member of {name}")
        self.leave(name, username)

    def of_account(self, username: str) -> Mapping[str, Role]:
        """Return the organisations of an account and its roles. One Query; a quota bounds the number."""
        return self._collaborators.of_account(username).organizations

    def require_other_administrator(self, name: str) -> None:
        """Raise RequestConflict if an organisation has only one administrator. One read."""
        organization = self._store.get(name)
        if organization is not None and organization.administrators == 1:
            raise _last_administrator(name)

    def leave(self, name: str, username: str, *, may_be_last: bool = False) -> None:
        """Remove an account from an organisation, if it is a member.

        Raises RequestConflict if the organisation would lose its last administrator, unless `may_be_last`.
        """

        def attempt() -> None:
            with may_take_effect(Conflict, OrganizationUnavailable):
                self._store.remove_member(name, username, may_be_last=may_be_last)

        try:
            retry_on_conflict(attempt)
        except OrganizationUnavailable:
            raise self._explain(name) from None

    def authorize_administrator(self, principal: Principal, name: str) -> Organization:
        """Return an organisation, if the principal may manage it. Raises NotFound and PermissionDenied."""
        return self._authorize(principal, name, Role.ADMIN).organization

    def _authorize(self, principal: Principal, name: str, required: Role) -> OrganizationView:
        """Return the organisation and the role of the principal. Two reads. Raises NotFound and PermissionDenied."""
        if principal.robot is not None:
            raise PermissionDenied("robots cannot manage organisations; log in with the password of an account")
        organization = self._store.get(name) if is_namespace(name) else None
        if organization is None:
            raise NotFound(f"there is no organisation {name!r}")
        member = Role.NONE if principal.username is None else self._store.get_role(name, principal.username)
        role = organization_role_of(principal, member)
        if role < required:
            raise PermissionDenied(f"your role in {name} is {role.word}; this request needs {required.word}")
        return OrganizationView(organization, role)

    def _explain(self, name: str) -> DomainError:
        """Return the reason why the members of an organisation could not change."""
        organization = self._store.get(name)
        if organization is None:
            return NotFound(f"there is no organisation {name!r}")
        if organization.deletion_started:
            return RequestConflict(f"{name} is being deleted")
        if organization.administrators == 1:
            return _last_administrator(name)
        return RequestConflict(
            f"{name} has {organization.members} members, and cannot have more; or another request has changed it at "
            "the same time"
        )

    def _explain_account(self, name: str, username: str) -> DomainError:
        """Return the reason why an account cannot become a member."""
        user = self._users.get(username) if is_username(username) else None
        if user is None or user.deletion_started or not user.active:  # others may not learn which
            return NotFound(f"there is no account {username!r}")
        if name in user.blocked:
            return PermissionDenied(f"{username} does not accept a membership in {name}")
        return PermissionDenied(f"{username} is a member of too many organisations; it must leave one first")


def _page(members: list[tuple[str, Role]]) -> MemberPage:
    shown = members[:MAX_LISTED]
    return MemberPage(shown, shown[-1][0] if len(members) > MAX_LISTED else "")


def _last_administrator(name: str) -> RequestConflict:
    return RequestConflict(
        f"{name} needs an administrator: make another member an administrator first, or delete the organisation"
    )
