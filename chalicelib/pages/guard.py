"""Who may open a page: the session of the cookie, and the checks of posted forms.

Pages never decide about permissions. The guard only finds the account, and the services decide.
"""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from chalicelib.accounts.sessions import SESSION_SECONDS, Session, Sessions
from chalicelib.api.http import Route
from chalicelib.api.messages import Request, Response
from chalicelib.domain.errors import DomainError
from chalicelib.pages.forms import MAX_FORM_BYTES, check_form_error, decode_form, require_own_origin
from chalicelib.pages.frame import is_local_host
from chalicelib.pages.html import PageRenderer, render, render_each
from chalicelib.pages.visit import Visit
from chalicelib.request_log import annotate

Page = Callable[[Visit], Response]
FORM_TOKEN = "form_token"  # the name of the field
_FORM_EXPIRED = "This form belongs to an earlier login. Check your input and send it again."
_SESSION_ENDED = "Your session has ended. Log in again to continue. Your input is kept."


class Guard:
    """Creates the routes of pages.

    Args:
        sessions: finds the session of a cookie.
        renderer: renders the pages.
    """

    def __init__(self, sessions: Sessions, renderer: PageRenderer) -> None:
        self._sessions = sessions
        self._renderer = renderer
        self._is_secure = not _is_local(renderer.base_url)
        self._cookie = "__Host-waybill" if self._is_secure else "waybill"

    def public(self, path: str, show: Page) -> Route:
        """Return the route of a page that everyone can open."""
        return self._route("GET", path, lambda request: self._show(self.visit(request), show))

    def public_if_allowed(self, path: str, show: Page) -> Route:
        """Return the route of a page that needs a login if PUBLIC_PAGES is false. It is then like an unknown path."""

        def handle(request: Request) -> Response:
            visit = self.visit(request)
            if visit.session is None and not self._renderer.has_public_pages:
                return self._renderer.render_unrouted(path, request.headers.get("accept", ""), ())
            return self._show(visit, show)

        return self._route("GET", path, handle)

    def private(self, path: str, show: Page, *, allow_deletion_started: bool = False) -> Route:
        """Return the route of a page that needs a login. A visitor is sent to the login page and back."""

        def handle(request: Request) -> Response:
            visit = self.visit(request)
            if visit.session is None:
                target = path.format(**request.parameters)
                return redirect(f"/login?{urlencode({'next': target})}")
            if visit.session.user.deletion_started and not allow_deletion_started:
                return redirect("/account/settings")
            return self._show(visit, show)

        return self._route("GET", path, handle)

    def open_form(self, path: str, act: Page, event: str | None = None, max_bytes: int = MAX_FORM_BYTES) -> Route:
        """Return the route of a form that a visitor can post. Only its origin is checked."""

        def handle(request: Request) -> Response:
            require_own_origin(request.headers, self._renderer.base_url_for(request))
            visit = self.visit(request)
            return self._show(Visit(request=request, session=visit.session, form=decode_form(request, max_bytes)), act)

        return self._route("POST", path, handle, event)

    def email_form(self, path: str, act: Page, event: str) -> Route:
        """Return the route of a form that needs no login and no origin: a link from an email, or an address, is enough.

        A page of another site can only cause an email that its author could request as well.
        """

        def handle(request: Request) -> Response:
            visit = self.visit(request)
            return self._show(Visit(request=request, session=visit.session, form=decode_form(request)), act)

        return self._route("POST", path, handle, event)

    def form(
        self,
        path: str,
        act: Page,
        event: str | None = None,
        *,
        max_bytes: int = MAX_FORM_BYTES,
        allow_deletion_started: bool = False,
    ) -> Route:
        """Return the route of a form that needs a login. Its origin and its form token are checked.

        If the session has ended, the response is a login form that keeps the input.
        """

        def handle(request: Request) -> Response:
            require_own_origin(request.headers, self._renderer.base_url_for(request))
            form = decode_form(request, max_bytes)
            token = form.pop(FORM_TOKEN, "")
            target = path.format(**request.parameters)
            visit = Visit(request=request, session=self._find_session(request), form=form)
            if visit.session is None:
                return self.render_login(visit, target, form, message=_SESSION_ENDED, status=403)
            if not visit.session.is_form_token(token):
                return self.render_continue(visit, target, form, status=403)
            if visit.session.user.deletion_started and not allow_deletion_started:
                return redirect("/account/settings")
            return self._show(visit, act)

        return self._route("POST", path, handle, event)

    def visit(self, request: Request) -> Visit:
        """Return the visit of a request. One read if it has a cookie of this index."""
        return Visit(request=request, session=self._find_session(request))

    def render_login(
        self,
        visit: Visit,
        target: str,
        fields: Mapping[str, str] | None = None,
        *,
        message: str = "",
        status: int = 200,
        username: str = "",
    ) -> Response:
        """Return the login form. After the login, the browser opens `target`, or offers to post `fields` to it."""
        kept = [{"name": f"field.{name}", "value": value} for name, value in _without_passwords(fields or {}).items()]
        return self._renderer.render_page(
            visit,
            "login",
            "Log in",
            status,
            alert=render("alert", message=message) if message else "",
            cookie_warning=render("login_needs_https") if self._cannot_store_cookie(visit) else "",
            target=target,
            is_post="" if fields is None else "yes",
            fields=render_each("hidden_field", kept),
            username=username,
            forgotten=render("login_forgotten") if self._renderer.sends_email else "",
            register=render("login_register") if self._renderer.is_registration_open else "",
        )

    def render_continue(
        self,
        visit: Visit,
        target: str,
        fields: Mapping[str, str],
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Return a page that posts `fields` to `target` again, with the form token of the session."""
        kept = [{"name": name, "value": value} for name, value in _without_passwords(fields).items()]
        return self._renderer.render_page(
            visit,
            "continue",
            "Send your input again",
            status,
            headers,
            message=_FORM_EXPIRED if status != 200 else "You are logged in. Your input is kept.",
            target=target,
            form_token=visit.form_token,
            fields=render_each("hidden_field", kept),
        )

    def set_cookie(self, value: str, seconds: int = SESSION_SECONDS) -> dict[str, str]:
        """Return the header that stores a cookie, or with 0 seconds deletes it."""
        secure = "; Secure" if self._is_secure else ""
        return {"Set-Cookie": f"{self._cookie}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"}

    def find_session(self, cookie: str) -> Session | None:
        """Return the session of the value of a cookie."""
        return self._sessions.find(cookie)

    def _find_session(self, request: Request) -> Session | None:
        value = _read_cookie(request.headers.get("cookie", ""), self._cookie)
        session = self._sessions.find(value) if value else None
        if session is not None:
            annotate(actor=session.user.username)
        return session

    def _show(self, visit: Visit, show: Page) -> Response:
        """Return the page. An error of the request is a page with the account of the session."""
        try:
            return show(visit)
        except DomainError as error:
            return self._renderer.render_error(check_form_error(error), visit)

    def _route(self, method: str, path: str, handler: Callable[[Request], Response], event: str | None = None) -> Route:
        return Route(method, path, handler, self._renderer.render_error, event)

    def _cannot_store_cookie(self, visit: Visit) -> bool:
        """Return whether browsers will reject the cookie, because the index is not served over HTTPS."""
        return self._is_secure and self._renderer.base_url_for(visit.request).startswith("http:")


def redirect(path: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a redirect to a path of this index. The browser opens it with GET."""
    return Response(303, "", {"Location": path, "Cache-Control": "no-store", **(headers or {})})


def _is_local(base_url: str) -> bool:
    scheme, _, host = base_url.partition("://")
    return scheme == "http" and is_local_host(host)


def _read_cookie(header: str, name: str) -> str:
    """Return the cookie with this name, or "" if there is none or more than one.

    Only spaces and tabs are removed (RFC 6265, 5.2). A browser does not protect `__Host-` after another character.
    """
    pairs = (pair.strip(" \t").partition("=") for pair in header.split(";"))
    values = [value for key, _, value in pairs if key == name]
    return values[0] if len(values) == 1 else ""


def _without_passwords(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if "password" not in name and name != FORM_TOKEN}
