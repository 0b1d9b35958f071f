"""The pages that letters lead to: confirm an address, choose a new password. And those that ask for such a letter.

A GET changes nothing, whatever link it carries: mail scanners follow links. Forms post.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.accounts.email_actions import EmailActions
from chalicelib.api.errors import status_of
from chalicelib.api.http import Route
from chalicelib.api.messages import Request, Response
from chalicelib.domain.errors import DomainError, InvalidInput
from chalicelib.domain.identifiers import MAX_PASSWORD_BYTES, MIN_PASSWORD_LENGTH, check_email
from chalicelib.pages.html import NOTHING, Markup, PageRenderer, alert, command, decode_form, markup
from chalicelib.request_log import annotate

# From when it was asked, for every address. Sending a letter takes less, but for a container's first one on a bad day.
# API Gateway lets few of these through at once (infra/deploy/service.yaml).
ANSWERED_AFTER_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A letter to ask for, in the words of its page.

    Attributes:
        path: where the form is, and posts to.
        title: the page's.
        why: what the letter is for.
        without_mail: what to ask an administrator for where no mail is sent.
        answer: what everybody is told who has asked, whoever has an account.
    """

    path: str
    title: str
    why: str
    without_mail: str
    answer: str


CONFIRMATION = Wish(
    path="/confirm",
    title="Confirm your address",
    why="Your account waits until you have confirmed its address? Get the letter with the link once more.",
    without_mail="to activate your account",
    answer="If an account waits for this address to be confirmed, a letter with the link is on its way.",
)
RESET = Wish(
    path="/forgotten",
    title="Forgotten your password?",
    why="Get a letter with a link to choose a new one.",
    without_mail="for a new password",
    answer="If an account has this address, a letter with a link to choose a new password is on its way.",
)


class AccountPages:
    """`/confirm`, `/forgotten` and `/reset`."""

    def __init__(self, actions: EmailActions, renderer: PageRenderer) -> None:
        self._actions = actions
        self._renderer = renderer

    def routes(self) -> list[Route]:
        """What this serves, and where."""
        return [
            Route(method, path, handler, self._renderer.render_error, event)
            for method, path, handler, event in (
                ("GET", "/confirm", self.show_confirmation, None),
                ("POST", "/confirm", self.confirm, "address.confirmed"),
                ("GET", "/forgotten", self.show_forgotten, None),
                ("POST", "/forgotten", self.mail_reset, "email.requested"),
                ("GET", "/reset", self.show_reset, None),
                ("POST", "/reset", self.reset, "password.reset"),
            )
        ]

    def show_confirmation(self, request: Request) -> Response:
        """What a link would confirm, and the button that does; without a link, where to get one."""
        link = request.query.get("link")
        if not link:
            return self._ask(CONFIRMATION)
        user, address = self._actions.check_confirmation(link)
        return self._renderer.page(
            CONFIRMATION.title,
            markup(
                """<p>The account <strong>{username}</strong> at <strong>{index}</strong> was given the address
<strong>{address}</strong>.</p>
<p>If that is you, press the button. If it is not, close this page: nothing happens without the button.</p>
<form method="post" action="/confirm">
<input type="hidden" name="link" value="{link}">
<button>Yes, this is my address</button>
</form>""",
                username=user.username,
                index=self._renderer.address(request),
                address=address,
                link=link,
            ),
        )

    def confirm(self, request: Request) -> Response:
        """Confirms; or, with an address instead of a link, mails the link again."""
        form = decode_form(request)
        if "link" not in form:
            annotate(event="email.requested")
            return self._mail(CONFIRMATION, self._actions.resend_confirmation, form)
        user = self._actions.confirm(form["link"])
        annotate(on=user.username)
        shut = markup("<p>An administrator of this index has shut the account: ask one to activate it.</p>")
        return self._renderer.page(
            "Your address is confirmed",
            markup(
                "<p>It belongs to the account <strong>{username}</strong>.</p>{way_on}",
                username=user.username,
                way_on=self._how_to_log_in(request) if user.active else shut,
            ),
        )

    def show_forgotten(self, request: Request) -> Response:
        """Where to get a link to choose a new password."""
        return self._ask(RESET)

    def mail_reset(self, request: Request) -> Response:
        """Mails that link."""
        return self._mail(RESET, self._actions.request_password_reset, decode_form(request))

    def show_reset(self, request: Request) -> Response:
        """The form for a new password."""
        return self._choose(request.query.get("link", ""))

    def reset(self, request: Request) -> Response:
        """Replaces the password; shows the form again, with its link, for one that cannot be."""
        form = decode_form(request)
        link = form.get("link", "")
        try:
            username = self._actions.reset_password(link, form.get("password", ""), request.client_ip)
        except InvalidInput as error:
            return self._choose(link, error)
        annotate(on=username)
        return self._renderer.page(
            "Your password is changed",
            markup(
                "<p>The account <strong>{username}</strong> has its new password from now on.</p>{way_on}",
                username=username,
                way_on=self._how_to_log_in(request),
            ),
        )

    def _choose(self, link: str, error: DomainError | None = None) -> Response:
        return self._form(
            "Choose a new password",
            """<form method="post" action="/reset">
<input type="hidden" name="link" value="{link}">
<label for="username">Account</label>
<input id="username" name="username" value="{username}" autocomplete="username" readonly>
<label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required minlength="{least}"
 aria-describedby="rules"{invalid}>
<p id="rules" class="quiet">{least} characters or more, up to {most} bytes: ä takes two, most emoji four.</p>
<button>Change the password</button>
</form>""",
            error,
            link=link,
            username=self._actions.check_password_reset(link).username,
            least=MIN_PASSWORD_LENGTH,
            most=MAX_PASSWORD_BYTES,
        )

    def _ask(self, wish: Wish, error: DomainError | None = None) -> Response:
        if not self._renderer.sends_email:
            return self._renderer.page(
                wish.title,
                markup(
                    "<p>This index sends no mail. Ask one of its administrators {wish}.</p>"
                    "<p>Whoever told you of this index knows who they are.</p>",
                    wish=wish.without_mail,
                ),
            )
        return self._form(
            wish.title,
            """<p>{why}</p>
<form method="post" action="{path}">
<label for="email">E-mail address of your account</label>
<input id="email" name="email" type="email" autocomplete="email" required{invalid}>
<button>Send the letter</button>
</form>""",
            error,
            why=wish.why,
            path=wish.path,
        )

    def _mail(self, wish: Wish, send: Callable[[str], None], form: dict[str, str]) -> Response:
        """The same answer for every address, after the same time: who has an account is nobody else's business."""
        if not self._renderer.sends_email:
            return self._ask(wish)
        began = time.monotonic()
        try:
            send(check_email(form.get("email", "")))
        except InvalidInput as error:
            return self._ask(wish, error)
        time.sleep(max(0.0, began + ANSWERED_AFTER_SECONDS - time.monotonic()))
        return self._renderer.page(
            "Look into your mail",
            markup(
                "<p>{answer}</p><p>It may take some minutes, and may be taken for spam. An account gets one letter a "
                "minute at most.</p>",
                answer=wish.answer,
            ),
        )

    def _form(self, title: str, template: str, error: DomainError | None, **values: object) -> Response:
        """A page with a form; behind a `refusal` the same once more, with what was wrong."""
        if error is None:
            return self._renderer.page(title, markup(template, invalid=NOTHING, **values))
        content = markup(template, invalid=Markup(' aria-invalid="true"'), **values)
        return self._renderer.page(title, Markup(alert(error) + content), status_of(error))

    def _how_to_log_in(self, request: Request) -> Markup:
        return markup("<p>Log in:</p>{command}", command=command(f"docker login {self._renderer.address(request)}"))
