"""Accounts: registration, changes and activation."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import structs

from chalicelib.accounts.emails import AccountEmails
from chalicelib.accounts.login_throttle import LoginThrottle
from chalicelib.accounts.organizations import Organizations
from chalicelib.domain.choices import AccountActivation
from chalicelib.domain.errors import (
    AlreadyExists,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    RequestConflict,
)
from chalicelib.domain.identifiers import (
    LIBRARY,
    check_email,
    check_namespace,
    check_password,
    check_username,
    is_username,
)
from chalicelib.domain.models import User
from chalicelib.domain.roles import Principal, require_administrator
from chalicelib.request_log import annotate, may_take_effect
from chalicelib.security.passwords import Passwords
from chalicelib.storage.collaborators import CollaboratorStore
from chalicelib.storage.repositories import RepositoryStore
from chalicelib.storage.transactions import Conflict
from chalicelib.storage.users import UserStore

MAX_EMAILS = 20
MAX_BLOCKED = 100
MAX_LISTED_ACCOUNTS = 50


class Accounts:
    """The operations on accounts. Methods raise Unavailable if the storage does not answer.

    Args:
        users: the accounts.
        repositories: the repositories, to protect namespaces without an account.
        collaborators: the shares, to leave those of a blocked namespace.
        organizations: the organisations, to leave a blocked one.
        passwords: hashes and verifies passwords.
        emails: sends emails.
        throttle: limits registrations.
        activation: what a new account needs before it can log in.
        is_registration_open: whether everyone may register.
    """

    def __init__(
        self,
        users: UserStore,
        repositories: RepositoryStore,
        collaborators: CollaboratorStore,
        organizations: Organizations,
        passwords: Passwords,
        emails: AccountEmails,
        throttle: LoginThrottle,
        *,
        activation: AccountActivation = AccountActivation.NONE,
        is_registration_open: bool = True,
    ) -> None:
        self._users = users
        self._repositories = repositories
        self._collaborators = collaborators
        self._organizations = organizations
        self._passwords = passwords
        self._emails = emails
        self._throttle = throttle
        self._activation = activation
        self._is_registration_open = is_registration_open

    def register(self, form: Mapping[str, Any], client_ip: str = "") -> None:
        """Create the account that `form` (username, password, email) requests. Other keys are ignored.

        The errors have this order. `docker login` up to 1.10 always registers first and then logs in, so a taken
        username is checked first and is not counted. A registration is counted before anything else is revealed or
        computed.

        Raises:
            NotAuthenticated: registration is closed.
            AlreadyExists: the username is taken.
            InvalidInput: a field breaks a rule.
            RateLimited: there were too many registrations from the network of `client_ip`.
            AlreadyExists: the email address is taken.
        """
        if not self._is_registration_open:
            raise NotAuthenticated("registration is closed; ask an administrator for an account")
        username, password, email = self._parse_registration(form)
        self._throttle.reserve_registration(client_ip)
        self._require_unused(username, email)
        needs_confirmation = self._activation == AccountActivation.EMAIL
        user = User(
            username=username,
            password_hash=self._passwords.hash(password),
            emails=frozenset({email}),
            unconfirmed=frozenset({email}) if needs_confirmation else frozenset(),
            active=self._activation == AccountActivation.NONE,
            awaiting_confirmation=needs_confirmation,
            created=datetime.now(UTC),
        )
        annotate(target=username)
        self._store(user)
        if needs_confirmation:
            self._emails.send_confirmation(user, email)

    def create(self, form: Mapping[str, Any], *, admin: bool = False) -> None:
        """Create an active account with a confirmed address. Only operators may do this.

        Raises AlreadyExists and InvalidInput.
        """
        username, password, email = self._parse_registration(form)
        self._require_unused(username, email)
        password_hash, now = self._passwords.hash(password), datetime.now(UTC)
        self._store(
            User(username=username, password_hash=password_hash, emails=frozenset({email}), admin=admin, created=now)
        )

    def show(self, principal: Principal, username: str) -> User:
        """Return an account, for the account itself and for administrators. Raises PermissionDenied and NotFound."""
        if principal.robot is not None:
            raise PermissionDenied("robots cannot manage accounts; log in with the password of the account")
        user = self._users.get(username) if is_username(username) else None
        if user is None:
            raise NotFound(f"there is no account {username!r}")
        if principal.username != username and not principal.admin:
            raise PermissionDenied("you can only manage your own account")
        return user

    def list_page(self, principal: Principal, after: str = "") -> tuple[list[User], str]:
        """Return a page of all accounts, and the name after which the next page starts, or "" on the last page.

        Only for administrators. The pages are in no order. Raises PermissionDenied and InvalidInput.
        """
        require_administrator(principal, "see all accounts")
        users, next_name = self._users.list_page(check_username(after) if after else "", MAX_LISTED_ACCOUNTS)
        return sorted(users, key=lambda user: user.username), next_name

    def find(self, principal: Principal, username: str) -> User:
        """Return any account. Only for administrators. Raises PermissionDenied and NotFound."""
        require_administrator(principal, "see all accounts")
        return self.show(principal, username)

    def show_own(self, principal: Principal, username: str) -> User:
        """Return the principal's own account. Raises PermissionDenied, also for administrators, and NotFound."""
        user = self.show(principal, username)
        if user.username != principal.username:
            raise PermissionDenied("only the account itself can do this")
        return user

    def change(self, principal: Principal, username: str, form: Mapping[str, Any]) -> None:
        """Replace the password and add the email address in `form`. An administrator can set `active` of any account.

        Raises PermissionDenied, NotFound, InvalidInput, RequestConflict, and AlreadyExists for an address of another
        account.
        """
        user = self.show(principal, username)
        active = form.get("active") if principal.admin else None
        if active is not None and not isinstance(active, bool):
            raise InvalidInput("active must be true or false")
        has_own_fields = form.get("password") is not None or form.get("email") is not None
        if principal.username != username and (has_own_fields or active is None):
            raise PermissionDenied("administrators can change only 'active' on other users' accounts")
        if not has_own_fields and active is None:
            raise InvalidInput("the body must contain a password, an email, or both")
        password = check_password(_text(form, "password")) if form.get("password") is not None else None
        email = check_email(_text(form, "email")).lower() if form.get("email") is not None else None
        if email is not None and len(user.emails | {email}) > MAX_EMAILS:
            raise InvalidInput(f"an account can have at most {MAX_EMAILS} email addresses")
        needs_confirmation = self._activation == AccountActivation.EMAIL
        password_hash = None if password is None else self._passwords.hash(password)
        try:
            with may_take_effect(Conflict):
                self._users.change(
                    user, password_hash=password_hash, email=email, unconfirmed=needs_confirmation, active=active
                )
        except Conflict:
            if email is not None and self._users.get_email_owner(email, confirmed=True) not in (None, username):
                raise AlreadyExists from None
            raise changed_meanwhile() from None
        if email is not None and needs_confirmation and email not in user.emails - user.unconfirmed:
            changed = structs.replace(user, emails=user.emails | {email}, unconfirmed=user.unconfirmed | {email})
            self._emails.send_confirmation(changed, email)

    def list_blocked(self, principal: Principal, username: str) -> list[str]:
        """Return the accounts and organisations that cannot share with this account, by name."""
        return sorted(self.show_own(principal, username).blocked)

    def block(self, principal: Principal, username: str, blocked: str) -> None:
        """Keep another account or organisation from sharing with this one, and leave what it has shared.

        The last administrator of an organisation leaves too: a stranger may have made the account an administrator.
        Raises InvalidInput and NotFound.
        """
        self.show_own(principal, username)
        if blocked == username:
            raise InvalidInput("an account cannot block itself")
        try:
            with may_take_effect(Conflict, InvalidInput):
                self._users.block(username, check_namespace(blocked), MAX_BLOCKED)
        except Conflict:
            self.show_own(principal, username)
            raise InvalidInput(f"an account can block at most {MAX_BLOCKED} others; unblock one first") from None
        for repository, generation in self._collaborators.of_account(username, blocked).repositories:
            self._collaborators.remove(repository, generation, username)
        self._organizations.leave(blocked, username, may_be_last=True)

    def unblock(self, principal: Principal, username: str, blocked: str) -> None:
        """Allow another account to share repositories with this one again. Raises NotFound."""
        if blocked not in self.show_own(principal, username).blocked:
            raise NotFound(f"{blocked!r} is not blocked")
        try:
            with may_take_effect(Conflict):
                self._users.unblock(username, blocked)
        except Conflict:
            raise NotFound(f"there is no account {username!r}") from None

    def set_active(self, username: str, active: bool) -> None:
        """Activate or deactivate an account, with effect for its next request. Raises NotFound."""
        try:
            self._users.set_active(username, active)
        except Conflict:
            raise NotFound(f"there is no account {username!r}") from None

    def set_admin(self, username: str, admin: bool) -> None:
        """Make an account an administrator, or revoke that, with effect for its next request. Raises NotFound."""
        try:
            self._users.set_admin(username, admin)
        except Conflict:
            raise NotFound(f"there is no account {username!r}") from None

    def set_password(self, username: str, password: str) -> None:
        """Replace a password without knowing the old one. Raises NotFound, InvalidInput and RequestConflict."""
        user = self._users.get(username) if is_username(username) else None
        if user is None:
            raise NotFound(f"there is no account {username!r}")
        try:
            self._users.change(user, password_hash=self._passwords.hash(check_password(password)))
        except Conflict:
            raise changed_meanwhile() from None

    def _parse_registration(self, form: Mapping[str, Any]) -> tuple[str, str, str]:
        """Return the username, the password and the email address.

        Raises AlreadyExists for a taken username, then InvalidInput.
        """
        if self._is_taken(form.get("username")):
            raise AlreadyExists
        return (
            check_username(_text(form, "username")),
            check_password(_text(form, "password")),
            check_email(_text(form, "email")).lower(),
        )

    def _require_unused(self, username: str, email: str) -> None:
        """Raise AlreadyExists if the address has an owner, or if there are repositories in the namespace.

        Repositories without an account can only come from an import. Their namespace must not be given to anyone.
        """
        if self._users.get_email_owner(email, confirmed=True) is not None or self._repositories.has_any(username):
            raise AlreadyExists

    def _store(self, user: User) -> None:
        try:
            with may_take_effect(Conflict):
                self._users.create(user)
        except Conflict:
            raise AlreadyExists from None

    def _is_taken(self, username: object) -> bool:
        """Return whether the name is in use. `library` is. An invalid name cannot be, so it costs no look-up."""
        if not isinstance(username, str) or not is_username(username):
            return False
        return username == LIBRARY or self._users.is_taken(username)


def changed_meanwhile() -> RequestConflict:
    """Return the error of a change that another request has overtaken."""
    return RequestConflict("another request has changed the account at the same time; check it and try again")


def _text(form: Mapping[str, Any], field: str) -> str:
    value = form.get(field)
    if value is None:
        raise InvalidInput(f"{field} is missing")
    if not isinstance(value, str):
        raise InvalidInput(f"{field} must be a string")
    return value
