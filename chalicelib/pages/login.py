"""`/login`, `/logout` and `/register`."""

import re

from chalicelib.accounts.service import Accounts
from chalicelib.accounts.sessions import Sessions
from chalicelib.api.errors import status_of
from chalicelib.api.http import Route
from chalicelib.api.messages import Response
from chalicelib.domain.choices import AccountActivation
from chalicelib.domain.errors import AccountInactive, DomainError, NotAuthenticated
from chalicelib.domain.identifiers import MAX_PASSWORD_BYTES, MIN_PASSWORD_LENGTH, loggable_name
from chalicelib.pages.forms import check_form_error
from chalicelib.pages.guard import Guard, redirect
from chalicelib.pages.html import PageRenderer, describe_error, render
from chalicelib.pages.visit import Visit
from chalicelib.request_log import LOGIN_FAILED, annotate

HOME = "/account"
MAX_LOGIN_BYTES = 100_000  # the form can carry the input of another form, at most 25 kB of text in percent encoding
_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9_./~%?=&+-]*", re.ASCII)
_INACTIVE = {
    AccountActivation.NONE: "This account is not active. Ask an administrator of this index to activate it.",
    AccountActivation.EMAIL: "This account is not active. Open the link in the confirmation email first.",
    AccountActivation.ADMIN: "This account is not active yet. An administrator must activate it first.",
}


class LoginPages:
    """Login, logout and registration."""

    def __init__(
        self,
        guard: Guard,
        renderer: PageRenderer,
        sessions: Sessions,
        accounts: Accounts,
        activation: AccountActivation,
    ) -> None:
        self._guard = guard
        self._renderer = renderer
        self._sessions = sessions
        self._accounts = accounts
        self._activation = activation

    def routes(self) -> list[Route]:
        """Return the pages."""
        guard = self._guard
        return [
            guard.public("/login", self.show_login),
            guard.open_form("/login", self.log_in, max_bytes=MAX_LOGIN_BYTES),
            guard.form("/logout", self.log_out, allow_deletion_started=True),
            guard.public("/register", self.show_registration),
            guard.open_form("/register", self.register, "account.registered"),
        ]

    def show_login(self, visit: Visit) -> Response:
        """Return the login form. `next` is the page that follows."""
        target = _check_path(visit.request.query.get("next", HOME))
        return redirect(target) if visit.session is not None else self._guard.render_login(visit, target)

    def log_in(self, visit: Visit) -> Response:
        """Start a session with a new id, and continue where the visitor was."""
        form = visit.form
        target, username = _check_path(form.get("next", HOME)), form.get("username", "").strip().lower()
        kept = {name.removeprefix("field."): text for name, text in form.items() if name.startswith("field.")}
        fields = kept if form.get("is_post") else None
        try:
            cookie = self._sessions.start(username, form.get("password", ""), visit.request.client_ip)
        except DomainError as error:
            check_form_error(error)
            if isinstance(error, NotAuthenticated):
                annotate(event=LOGIN_FAILED, target=loggable_name(username))
            message = _INACTIVE[self._activation] if isinstance(error, AccountInactive) else describe_error(error)
            return self._guard.render_login(
                visit,
                target,
                fields,
                message=message,
                status=status_of(error),
                username=loggable_name(username),
            )
        annotate(actor=username)
        if visit.session is not None:
            self._sessions.end(visit.session)
        headers = self._guard.set_cookie(cookie)
        if fields is None:
            return redirect(target, headers)
        new = Visit(request=visit.request, session=self._guard.find_session(cookie))
        return self._guard.render_continue(new, target, fields, headers=headers)

    def log_out(self, visit: Visit) -> Response:
        """End the session. Its cookie is no longer valid, also in a copy of the browser's data."""
        self._sessions.end(visit.own_session)
        return redirect("/login", self._guard.set_cookie("", 0))

    def show_registration(self, visit: Visit) -> Response:
        """Return the form for a new account."""
        if visit.session is not None:
            return redirect(HOME)
        return self._render_registration(visit)

    def register(self, visit: Visit) -> Response:
        """Create an account. If it is active at once, start its session."""
        form = visit.form
        username = form.get("username", "").strip()
        fields = {"username": username, "password": form.get("password"), "email": form.get("email", "").strip()}
        try:
            self._accounts.register(fields, visit.request.client_ip)
        except DomainError as error:
            return self._render_registration(visit, check_form_error(error))
        if self._activation != AccountActivation.NONE:
            return self._renderer.render_page(
                visit,
                "registered",
                "Your account is created",
                next_step=render(f"registered_{self._activation}", username=username, email=fields["email"]),
            )
        cookie = self._sessions.start(username, form["password"], visit.request.client_ip)
        if visit.session is not None:
            self._sessions.end(visit.session)
        return redirect(f"{HOME}?done=registered", self._guard.set_cookie(cookie))

    def _render_registration(self, visit: Visit, error: DomainError | None = None) -> Response:
        if not self._renderer.is_registration_open:
            return self._renderer.render_page(visit, "registration_closed", "Registration is closed", 403)
        return self._renderer.render_form(
            visit,
            "register",
            "Register",
            error,
            username=visit.form.get("username", ""),
            email=visit.form.get("email", ""),
            activation=self._activation,
            activation_note=render(f"register_{self._activation}"),
            min_length=MIN_PASSWORD_LENGTH,
            max_bytes=MAX_PASSWORD_BYTES,
        )


def _check_path(text: str) -> str:
    """Return a path of this index, or the account page if `text` is anything else."""
    return text if _PATH.fullmatch(text) and len(text) < 1000 else HOME
