"""The pages to confirm an email address and to choose a new password, and the forms that request these emails.

A GET request never changes anything, because email scanners open links. Only a posted form changes something.
"""

import time
from collections.abc import Callable

from msgspec import Struct

from chalicelib.accounts.email_actions import EmailActions
from chalicelib.api.http import Route
from chalicelib.api.messages import Response
from chalicelib.domain.errors import DomainError, InvalidInput
from chalicelib.domain.identifiers import MAX_PASSWORD_BYTES, MIN_PASSWORD_LENGTH, check_email
from chalicelib.pages.guard import Guard
from chalicelib.pages.html import PageRenderer, render
from chalicelib.pages.visit import Visit
from chalicelib.request_log import annotate

# The duration of each request for an email. Sending takes less time, except for the first email of some containers.
# API Gateway limits how many of these requests run at once (infra/deploy/service.yaml).
EMAIL_REQUEST_SECONDS = 2.0


class EmailForm(Struct, frozen=True, kw_only=True):
    """The texts of a form that requests an email.

    Attributes:
        path: the path of the page; the form posts to the same path.
        title: the title of the page.
        introduction: what to enter and what happens.
        alternative: what to do if the index does not send email.
        condition: when an email is sent. Everyone who posts the form reads this.
    """

    path: str
    title: str
    introduction: str
    alternative: str
    condition: str


CONFIRMATION = EmailForm(
    path="/confirm",
    title="Confirm your email address",
    introduction="Enter your email address to receive the email with the confirmation link again.",
    alternative="Ask an administrator of this index to activate your account.",
    condition="If an account needs confirmation of this address, you will receive an email with a link.",
)
PASSWORD_RESET = EmailForm(
    path="/forgotten",
    title="Forgot your password?",
    introduction="Enter your email address to receive an email with a link. On its page you choose a new password.",
    alternative="Ask an administrator of this index for a new password.",
    condition="If an active account has confirmed this address, you will receive an email with a link. On its page you "
    "choose a new password.",
)


class AccountPages:
    """`/confirm`, `/forgotten` and `/reset`."""

    def __init__(self, guard: Guard, renderer: PageRenderer, actions: EmailActions) -> None:
        self._guard = guard
        self._actions = actions
        self._renderer = renderer

    def routes(self) -> list[Route]:
        """Return the pages."""
        return [
            self._guard.public("/confirm", self.show_confirmation),
            self._guard.email_form("/confirm", self.confirm, "email.confirmed"),
            self._guard.public("/forgotten", self.show_reset_request),
            self._guard.email_form("/forgotten", self.request_reset, "email.requested"),
            self._guard.public("/reset", self.show_reset),
            self._guard.email_form("/reset", self.reset, "password.reset"),
        ]

    def show_confirmation(self, visit: Visit) -> Response:
        """Return the button that confirms the address of a link. Without a link, return the form that requests one."""
        link = visit.request.query.get("link")
        if not link:
            return self._render_email_form(visit, CONFIRMATION)
        user, email = self._actions.check_confirmation(link)
        return self._renderer.render_page(
            visit,
            "confirm",
            CONFIRMATION.title,
            username=user.username,
            base_url=self._renderer.base_url_for(visit.request),
            email=email,
            link=link,
        )

    def confirm(self, visit: Visit) -> Response:
        """Confirm the address of a link. If the form has an address instead of a link, send the link again."""
        form = visit.form
        if "link" not in form:
            annotate(event="email.requested")
            return self._request_email(visit, CONFIRMATION, self._actions.resend_confirmation)
        user = self._actions.confirm(form["link"])
        annotate(target=user.username)
        return self._renderer.render_page(
            visit,
            "confirmed",
            "Your email address is confirmed",
            username=user.username,
            next_step=render("next_login") if user.active else render("account_inactive"),
        )

    def show_reset_request(self, visit: Visit) -> Response:
        """Return the form that requests a link for a new password."""
        return self._render_email_form(visit, PASSWORD_RESET)

    def request_reset(self, visit: Visit) -> Response:
        """Send a link for a new password."""
        return self._request_email(visit, PASSWORD_RESET, self._actions.request_password_reset)

    def show_reset(self, visit: Visit) -> Response:
        """Return the form for a new password."""
        return self._render_reset_form(visit, visit.request.query.get("link", ""))

    def reset(self, visit: Visit) -> Response:
        """Replace the password. If the password breaks a rule, return the form again with the same link."""
        form = visit.form
        link = form.get("link", "")
        try:
            username = self._actions.reset_password(link, form.get("password", ""), visit.request.client_ip)
        except InvalidInput as error:
            return self._render_reset_form(visit, link, error)
        annotate(target=username)
        return self._renderer.render_page(
            visit,
            "password_changed",
            "Your password is changed",
            username=username,
            next_step=render("next_login"),
        )

    def _request_email(self, visit: Visit, email_form: EmailForm, send: Callable[[str], None]) -> Response:
        """Send an email, and return the same page after the same time for every address.

        Neither the page nor the duration reveals whether an account has the address.
        """
        if not self._renderer.sends_email:
            return self._render_email_form(visit, email_form)
        start = time.monotonic()
        try:
            send(check_email(visit.form.get("email", "")))
        except InvalidInput as error:
            return self._render_email_form(visit, email_form, error)
        time.sleep(max(0.0, start + EMAIL_REQUEST_SECONDS - time.monotonic()))
        return self._renderer.render_page(
            visit, "email_sent", "Check your inbox", condition=email_form.condition, path=email_form.path
        )

    def _render_email_form(self, visit: Visit, email_form: EmailForm, error: DomainError | None = None) -> Response:
        if not self._renderer.sends_email:
            return self._renderer.render_page(
                visit, "email_disabled", email_form.title, alternative=email_form.alternative
            )
        return self._render_form(
            visit, "request_email", email_form.title, error, path=email_form.path, introduction=email_form.introduction
        )

    def _render_reset_form(self, visit: Visit, link: str, error: DomainError | None = None) -> Response:
        return self._render_form(
            visit,
            "reset",
            "Choose a new password",
            error,
            link=link,
            username=self._actions.check_password_reset(link).username,
            min_length=MIN_PASSWORD_LENGTH,
            max_bytes=MAX_PASSWORD_BYTES,
        )

    def _render_form(
        self, visit: Visit, template: str, title: str, error: DomainError | None, **values: object
    ) -> Response:
        """Return a page with a form. With an error, its message is above the form and its status is the status."""
        is_invalid = "false" if error is None else "true"
        return self._renderer.render_form(visit, template, title, error, is_invalid=is_invalid, **values)
