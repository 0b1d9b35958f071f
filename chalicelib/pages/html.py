"""Rendering of pages: templates, escaping, the frame and the headers of each page, and parsing of forms.

Templates are the files in `templates/`. Names in braces are replaced by values. Values are escaped unless they are
Markup. A template that uses a value in an attribute puts it in double quotes.
"""

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs

from markupsafe import Markup
from msgspec import Struct

from chalicelib.api.errors import headers_of, status_of
from chalicelib.api.messages import Request, Response
from chalicelib.domain.errors import AlreadyDone, DomainError, InvalidInput, TooLarge
from chalicelib.domain.identifiers import is_host

EMPTY = Markup()
MAX_FORM_BYTES = 4096  # the longest link has about 1,100
_MAX_FORM_FIELDS = 8
_DEFAULT_HOST = "index.example.com"
_FOLDER = Path(__file__).parent
_ERROR_TITLES = {404: "Not found", 410: "This link does not work", 503: "Try again in a moment"}
_OTHER_ERROR_TITLE = "The request failed"
_NEXT_STEPS = {404: "next_step_not_found", 410: "next_step_link_expired"}


class PageRenderer(Struct, frozen=True, kw_only=True):
    """Renders whole pages.

    Attributes:
        base_url: the configured URL of the index, without a path; empty if it is not configured.
        has_public_pages: whether `/` is a page.
        sends_email: whether email is configured.
    """

    base_url: str
    has_public_pages: bool
    sends_email: bool

    def render_page(
        self, template: str, title: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: object
    ) -> Response:
        """Return a page with the content of a template. Its `main` element has the template's name as `data-page`."""
        page = render(
            "page",
            name=template,
            title=title,
            style=_load_style(),
            header=render("home_link") if self.has_public_pages else "Waybill",
            content=render(template, **values),
            footer=render("footer_with_email" if self.sends_email else "footer"),
        )
        return Response(status, str(page), {**_page_headers(), **(headers or {})})

    def render_error(self, error: DomainError) -> Response:
        """Return a page with the message of an error and, if there is one, a link to the next step."""
        status = status_of(error)
        if isinstance(error, AlreadyDone):
            return self.render_page("already_done", "Nothing left to do", status, message=error.message)
        return self.render_page(
            "error",
            _ERROR_TITLES.get(status, _OTHER_ERROR_TITLE),
            status,
            headers_of(error),
            alert=render_alert(error),
            next_step=render(_NEXT_STEPS[status]) if status in _NEXT_STEPS else EMPTY,
        )

    def base_url_for(self, request: Request) -> str:
        """Return the URL of the index for commands on pages.

        It is the configured URL. Without one, it comes from the Host header of the request, or is an example if the
        header is not a host.
        """
        host = request.headers.get("host", "")
        return self.base_url or f"https://{host if is_host(host) else _DEFAULT_HOST}"


def render(template: str, /, **values: object) -> Markup:
    """Return a template with its values. Values that are not Markup are escaped."""
    return _load_template(template).format(**{name: _replace_unprintable(value) for name, value in values.items()})


def render_alert(error: DomainError) -> Markup:
    """Return the message of an error as a sentence. Screen readers read it first."""
    message = error.message[:1].upper() + error.message[1:]
    return render("alert", message=message if message.endswith(".") else f"{message}.")


def decode_form(request: Request) -> dict[str, str]:
    """Return the fields of a posted form. The size is checked before it is parsed. Raises InvalidInput and TooLarge."""
    if len(request.body) > MAX_FORM_BYTES:
        raise TooLarge(f"a form can have at most {MAX_FORM_BYTES} bytes")
    try:
        fields = parse_qs(
            request.body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FORM_FIELDS
        )
    except ValueError:  # includes UnicodeDecodeError
        raise InvalidInput(
            f"the form is invalid: it must be UTF-8 and have at most {_MAX_FORM_FIELDS} fields"
        ) from None
    if any(len(values) > 1 for values in fields.values()):
        raise InvalidInput("the form is invalid: it contains a field more than once")
    return {name: value for name, (value,) in fields.items()}


@cache
def _load_template(name: str) -> Markup:
    text = (_FOLDER / "templates" / f"{name}.html").read_text(encoding="utf-8")
    return Markup(text)  # nosec B704  # our own file, not input


@cache
def _load_style() -> Markup:
    text = (_FOLDER / "style.css").read_text(encoding="utf-8")
    return Markup(text)  # nosec B704  # our own file, not input


@cache
def _page_headers() -> dict[str, str]:
    """Return the headers of every page. A browser applies the stylesheet and loads nothing else."""
    style_hash = b64encode(sha256(_load_style().encode()).digest()).decode()
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{style_hash}'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        ),
        "Referrer-Policy": "no-referrer",  # the URLs of some pages contain links from emails
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


def _replace_unprintable(value: object) -> object:
    """Replace control characters, which HTML forbids, and characters that change the direction of text."""
    if isinstance(value, Markup):
        return value
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in str(value))
