"""`/accounts`: all accounts, for administrators of the index."""

from markupsafe import Markup

from chalicelib.accounts.service import Accounts
from chalicelib.api.http import Route
from chalicelib.api.messages import Response
from chalicelib.domain.models import User
from chalicelib.pages.frame import render_next, render_notice
from chalicelib.pages.guard import Guard, redirect
from chalicelib.pages.html import EMPTY, PageRenderer, render, render_each
from chalicelib.pages.texts import render_time
from chalicelib.pages.visit import Visit
from chalicelib.request_log import annotate


class AdministrationPages:
    """The list of accounts, and the forms that activate and deactivate one."""

    def __init__(self, guard: Guard, renderer: PageRenderer, accounts: Accounts) -> None:
        self._guard = guard
        self._renderer = renderer
        self._accounts = accounts

    def routes(self) -> list[Route]:
        """Return the page and the forms."""
        guard, account = self._guard, "/accounts/{username}"
        return [
            guard.private("/accounts", self.show),
            guard.private(account + "/deactivate", self.show_deactivation),
            guard.form(account + "/activate", lambda visit: self.set_active(visit, active=True), "account.changed"),
            guard.form(account + "/deactivate", lambda visit: self.set_active(visit, active=False), "account.changed"),
        ]

    def show(self, visit: Visit) -> Response:
        """Return a page of the accounts, or the account that the query names."""
        username = visit.request.query.get("username", "").strip()
        if username:
            users, next_name = [self._accounts.find(visit.principal, username)], ""
        else:
            users, next_name = self._accounts.list_page(visit.principal, visit.request.query.get("after", ""))
        rows = ({**_describe(user), "action": _render_action(visit, user)} for user in users)
        return self._renderer.render_page(
            visit,
            "accounts",
            "All accounts",
            notice=render_notice(visit),
            alert=EMPTY,
            username=username,
            form_token=visit.form_token,
            rows=render_each("account", rows),
            pagination=render_next("/accounts", after=next_name) if next_name else EMPTY,
        )

    def show_deactivation(self, visit: Visit) -> Response:
        """Return the button that deactivates an account, with the consequences."""
        username = self._accounts.find(visit.principal, visit.request.parameters["username"]).username
        title = f"Deactivate {username}?"
        return self._renderer.render_page(visit, "deactivation", title, username=username, form_token=visit.form_token)

    def set_active(self, visit: Visit, *, active: bool) -> Response:
        """Activate or deactivate an account."""
        username = visit.request.parameters["username"]
        annotate(changed=["active"])
        self._accounts.change(visit.principal, username, {"active": active})
        return redirect(f"/accounts?username={username}&done={'activated' if active else 'deactivated'}")


def _describe(user: User) -> dict[str, object]:
    return {
        "username": user.username,
        "badges": render("badge", kind="administrator") if user.admin else EMPTY,
        "state": "active" if user.active else "in deletion" if user.deletion_started else "not active",
        "created": render_time(user.created),
        "date": f"{user.created:%Y-%m-%d}",
    }


def _render_action(visit: Visit, user: User) -> Markup:
    if user.username == visit.username:
        return EMPTY
    action = "account_deactivate" if user.active else "account_activate"
    return render(action, username=user.username)
