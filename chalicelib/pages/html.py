"""Rendering of pages: templates, escaping, the frame and the headers of each page.

Templates are the files in `templates/`. Names in braces are replaced by values. Values are escaped unless they are
Markup. A template that uses a value in an attribute puts it in double quotes. Files are read when they are first used.
"""

import unicodedata
from base64 import b64encode
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from markupsafe import Markup
from msgspec import Struct

from chalicelib.api.errors import MethodNotAllowed, RouteNotFound, headers_of, render_unrouted, status_of
from chalicelib.api.messages import Request, Response
from chalicelib.domain.errors import AlreadyDone, AlreadyExists, DomainError, NotFound
from chalicelib.domain.identifiers import is_host
from chalicelib.pages.visit import Visit
from chalicelib.repositories.search import MAX_QUERY_LENGTH

EMPTY = Markup()
_DEFAULT_HOST = "index.example.com"
_API_PREFIXES = ("/v1/", "/v2/", "/token", "/registries")
_FOLDER = Path(__file__).parent
_ERROR_TITLES = {
    403: "Not allowed",
    404: "Not found",
    405: "This form cannot be opened",
    410: "This link does not work",
    429: "Too many attempts",
    503: "Try again in a moment",
}
_OTHER_ERROR_TITLE = "The request failed"
_API_ERRORS: dict[type[DomainError], str] = {  # their messages are for programs
    AlreadyExists: "This username or email address is taken. Choose another one, or log in to the account that has it.",
    RouteNotFound: "There is no page with this address.",
    MethodNotAllowed: "This address only receives a form. Go back and send the form again.",
}


class PageRenderer(Struct, frozen=True, kw_only=True):
    """Renders whole pages.

    Attributes:
        base_url: the configured URL of the index, without a path; empty if it is not configured.
        has_public_pages: whether visitors who have not logged in can see `/` and the pages of repositories.
        sends_email: whether email is configured.
        needs_confirmation: whether new accounts must confirm their email address.
        is_registration_open: whether everyone may register.
    """

    base_url: str
    has_public_pages: bool
    sends_email: bool
    needs_confirmation: bool
    is_registration_open: bool

    def render_page(
        self,
        visit: Visit,
        template: str,
        title: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: object,
    ) -> Response:
        """Return a page with the content of a template. Its `main` element has the template's name as `data-page`."""
        page = render(
            "page",
            name=template,
            title=title,
            style=load_file("style.css"),
            script=load_file("script.js"),
            search=self._render_search(visit),
            account=self._render_account(visit),
            content=render(template, **values),
            footer=self._render_footer(visit),
        )
        return Response(status, str(page), {**_page_headers(), **(headers or {})})

    def render_form(
        self, visit: Visit, template: str, title: str, error: DomainError | None, **values: object
    ) -> Response:
        """Return a page with a form. With an error, its message is above the form and its status is the status."""
        alert = EMPTY if error is None else render_alert(error)
        status = 200 if error is None else status_of(error)
        return self.render_page(visit, template, title, status, None, alert=alert, **values)

    def render_error(self, error: DomainError, visit: Visit | None = None) -> Response:
        """Return a page with the message of an error and a link to continue."""
        status, visit = status_of(error), visit or Visit(request=Request(method="GET"))
        if isinstance(error, AlreadyDone):
            return self.render_page(visit, "already_done", "Nothing left to do", status, message=error.message)
        return self.render_page(
            visit,
            "error",
            _ERROR_TITLES.get(status, _OTHER_ERROR_TITLE),
            status,
            headers_of(error),
            alert=render_alert(error),
            next_step=self._render_next_step(error, visit),
        )

    def render_unrouted(self, path: str, accept: str, allowed: Collection[str], visit: Visit | None = None) -> Response:
        """Return the response for a request that no route serves: a page for browsers, JSON for programs."""
        if "text/html" not in accept or path.startswith(_API_PREFIXES):
            return render_unrouted(path, accept, allowed)
        return self.render_error(MethodNotAllowed(allowed) if allowed else RouteNotFound(), visit)

    def base_url_for(self, request: Request) -> str:
        """Return the URL of the index for commands on pages.

        It is the configured URL. Without one, it comes from the Host header of the request, or is an example if the
        header is not a host.
        """
        host = request.headers.get("host", "")
        return self.base_url or f"https://{host if is_host(host) else _DEFAULT_HOST}"

    def _render_next_step(self, error: DomainError, visit: Visit) -> Markup:
        if status_of(error) == 410:
            return render("next_step_link_expired")
        if isinstance(error, NotFound) and visit.session is None:
            return render("next_step_login")
        return render("next_step_home" if self._has_home(visit) else "next_step_login")

    def _has_home(self, visit: Visit) -> bool:
        return self.has_public_pages or visit.session is not None

    def _render_search(self, visit: Visit) -> Markup:
        if not self._has_home(visit):
            return EMPTY
        query = " ".join(visit.request.query.get("q", "").split())
        return render("search_form", query=query, max_length=MAX_QUERY_LENGTH)

    def _render_account(self, visit: Visit) -> Markup:
        if visit.session is None:
            register = render("header_register") if self.is_registration_open else EMPTY
            return render("header_visitor", register=register)
        return render(
            "header_account",
            username=visit.username,
            administration=render("header_administration") if visit.principal.admin else EMPTY,
            form_token=visit.form_token,
        )

    def _render_footer(self, visit: Visit) -> Markup:
        is_visitor = visit.session is None
        return render(
            "footer",
            forgotten=render("footer_forgotten") if self.sends_email and is_visitor else EMPTY,
            confirm=render("footer_confirm") if self.sends_email and self.needs_confirmation else EMPTY,
        )


def render(template: str, /, **values: object) -> Markup:
    """Return a template with its values. Values that are not Markup are escaped."""
    text = load_file(f"templates/{template}.html")
    return text.format(**{name: _replace_controls(value) for name, value in values.items()})


def render_each(template: str, rows: Iterable[Mapping[str, object]]) -> Markup:
    """Return a template once for each row."""
    return EMPTY.join(render(template, **row) for row in rows)


def render_alert(error: DomainError) -> Markup:
    """Return the message of an error. Screen readers read it first."""
    return render("alert", message=describe_error(error))


def describe_error(error: DomainError) -> str:
    """Return the message of an error as a sentence."""
    text = _API_ERRORS.get(type(error), error.message)
    message = text[:1].upper() + text[1:]
    return message if message.endswith(".") else f"{message}."


@cache
def load_file(name: str) -> Markup:
    """Return a file of this package as Markup."""
    text = (_FOLDER / name).read_text(encoding="utf-8")
    return Markup(text)  # nosec B704  # our own file, not input


@cache
def _page_headers() -> dict[str, str]:
    """Return the headers of every page. A browser applies the stylesheet and the script, and loads nothing else."""
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src {_hash_of('style.css')}; script-src {_hash_of('script.js')}; "
            "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        # The URLs of some pages contain links from emails. Forms still send their origin to this index.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


def _hash_of(name: str) -> str:
    return f"'sha256-{b64encode(sha256(load_file(name).encode()).digest()).decode()}'"


def replace_controls(text: str) -> str:
    """Replace control characters, which HTML forbids, and characters that change the direction of text."""
    return "".join(map(_replace_control, text))


def _replace_controls(value: object) -> object:
    return value if isinstance(value, Markup) else replace_controls(str(value))


def _replace_control(character: str) -> str:
    if character in "\n\t" or character.isprintable():
        return character
    is_hidden = unicodedata.category(character) in ("Cc", "Cs") or character in _DIRECTION_CHARACTERS
    return "\N{REPLACEMENT CHARACTER}" if is_hidden else character


# The characters that change the direction of the text after them (Unicode, "Bidirectional Algorithm", 2.1 to 2.5).
_DIRECTION_CHARACTERS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
