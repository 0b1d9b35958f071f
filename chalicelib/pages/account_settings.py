"""`/account/settings`: email addresses, the password, and the deletion of the account."""

from collections.abc import Callable

from markupsafe import Markup

from chalicelib.accounts.deletion import AccountDeletion
from chalicelib.accounts.email_addresses import EmailAddresses
from chalicelib.accounts.service import Accounts
from chalicelib.accounts.sessions import Sessions
from chalicelib.api.http import Route
from chalicelib.api.messages import Response
from chalicelib.domain.errors import DomainError, InvalidInput
from chalicelib.domain.identifiers import MAX_PASSWORD_BYTES, MIN_PASSWORD_LENGTH, is_namespace, loggable_name
from chalicelib.domain.roles import Principal
from chalicelib.pages.forms import check_form_error
from chalicelib.pages.frame import render_account_tabs, render_notice, render_options
from chalicelib.pages.guard import Guard, redirect
from chalicelib.pages.html import EMPTY, PageRenderer, render, render_each
from chalicelib.pages.visit import Visit
from chalicelib.request_log import annotate


class AccountSettingsPages:
    """The settings of the account that has logged in."""

    def __init__(
        self,
        guard: Guard,
        renderer: PageRenderer,
        sessions: Sessions,
        accounts: Accounts,
        addresses: EmailAddresses,
        deletion: AccountDeletion,
    ) -> None:
        self._guard = guard
        self._renderer = renderer
        self._sessions = sessions
        self._accounts = accounts
        self._addresses = addresses
        self._deletion = deletion

    def routes(self) -> list[Route]:
        """Return the page and the forms."""
        guard = self._guard
        return [
            guard.private("/account/settings", self.show, allow_deletion_started=True),
            guard.form("/account/email", self.add_email, "account.changed"),
            guard.form("/account/email/remove", self.remove_email, "account.changed"),
            guard.form("/account/password", self.change_password, "account.changed"),
            guard.form("/account/block", self.block, "account.blocked"),
            guard.form("/account/unblock", self.unblock, "account.unblocked"),
            guard.form("/account/delete", self.delete, "account.deleted", allow_deletion_started=True),
        ]

    def show(self, visit: Visit) -> Response:
        """Return the forms."""
        return self._render(visit)

    def add_email(self, visit: Visit) -> Response:
        """Add an email address. It needs the password, because an address can receive a link for a new password."""
        annotate(target=visit.username, changed=["email"])
        user, email = visit.own_session.user, visit.form.get("email", "").strip()
        try:
            self._confirm_password(visit, "email_password")
            self._accounts.change(visit.principal, visit.username, {"email": email})
        except DomainError as error:
            return self._render(visit, check_form_error(error))
        is_confirmed = not self._renderer.needs_confirmation or email.lower() in user.emails - user.unconfirmed
        done = "email" if is_confirmed else "email_unconfirmed"
        return redirect(f"/account/settings?done={done}")

    def remove_email(self, visit: Visit) -> Response:
        """Remove an email address. It needs the password, as the addition does."""
        annotate(target=visit.username, changed=["email"])
        try:
            self._confirm_password(visit, "removal_password")
            self._addresses.remove(visit.own_session.user, visit.form.get("removed", ""))
        except DomainError as error:
            return self._render(visit, check_form_error(error))
        return redirect("/account/settings?done=email_removed")

    def change_password(self, visit: Visit) -> Response:
        """Replace the password. It ends all sessions, so the browser logs in again."""
        annotate(target=visit.username, changed=["password"])
        try:
            self._confirm_password(visit, "password")
            self._accounts.change(visit.principal, visit.username, {"password": visit.form.get("new_password", "")})
        except DomainError as error:
            return self._render(visit, check_form_error(error))
        return self._renderer.render_page(
            Visit(request=visit.request),
            "password_changed",
            "Your password is changed",
            200,
            self._guard.set_cookie("", 0),
            username=visit.username,
            next_step=render("next_login"),
        )

    def block(self, visit: Visit) -> Response:
        """Keep another account or organisation from sharing with this one."""
        return self._change_blocked(visit, self._accounts.block, "blocked")

    def unblock(self, visit: Visit) -> Response:
        """Allow another account or organisation to share with this one again."""
        return self._change_blocked(visit, self._accounts.unblock, "unblocked")

    def delete(self, visit: Visit) -> Response:
        """Delete the account, if the form repeats its name and its password."""
        annotate(target=visit.username)
        try:
            if visit.form.get("confirmation", "").strip() != visit.username:
                raise InvalidInput(f"type {visit.username} to confirm the deletion; nothing was deleted")
            self._confirm_password(visit, "deletion_password")
            is_complete = self._deletion.delete(visit.own_session.principal, visit.username)
        except DomainError as error:
            return self._render(visit, check_form_error(error))
        if not is_complete:
            return redirect("/account/settings")
        return self._renderer.render_page(
            Visit(request=visit.request),
            "account_deleted",
            "Your account is deleted",
            200,
            self._guard.set_cookie("", 0),
            username=visit.username,
        )

    def _confirm_password(self, visit: Visit, field: str) -> None:
        self._sessions.require_password(visit.own_session, visit.form.get(field, ""), visit.request.client_ip)

    def _change_blocked(self, visit: Visit, change: Callable[[Principal, str, str], None], done: str) -> Response:
        blocked = visit.form.get("blocked", "").strip()
        annotate(target=loggable_name(blocked, is_namespace))
        try:
            change(visit.principal, visit.username, blocked)
        except DomainError as error:
            return self._render(visit, check_form_error(error))
        return redirect(f"/account/settings?done={done}")

    def _render(self, visit: Visit, error: DomainError | None = None) -> Response:
        user = visit.own_session.user
        deletion = render("account_deletion", username=user.username, form_token=visit.form_token)
        if user.deletion_started:
            return self._renderer.render_form(visit, "deletion_started", "Account settings", error, deletion=deletion)
        addresses = sorted(user.emails)
        emails = (
            render("email_unconfirmed" if email in user.unconfirmed else "email_confirmed", email=email)
            for email in addresses
        )
        return self._renderer.render_form(
            visit,
            "account_settings",
            "Account settings",
            error,
            notice=render_notice(visit),
            tabs=render_account_tabs("/account/settings"),
            username=user.username,
            form_token=visit.form_token,
            emails=Markup().join(emails),
            email_removal=render(
                "email_removal",
                username=user.username,
                form_token=visit.form_token,
                options=render_options(((email, email) for email in addresses), visit.form.get("removed", "")),
            )
            if len(addresses) > 1
            else EMPTY,
            email=visit.form.get("email", ""),
            min_length=MIN_PASSWORD_LENGTH,
            max_bytes=MAX_PASSWORD_BYTES,
            blocked=render_each(
                "blocked", ({"name": name, "form_token": visit.form_token} for name in sorted(user.blocked))
            ),
            blocked_name=visit.form.get("blocked", ""),
            deletion=deletion,
        )
