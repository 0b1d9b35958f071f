"""What the pages for people share: their frame, their headers, and that whatever is put into them is escaped."""

import html
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from chalicelib.api.errors import headers_of, status_of
from chalicelib.api.messages import Request, Response
from chalicelib.domain.errors import AlreadyDone, DomainError, InvalidInput, TooLarge
from chalicelib.domain.identifiers import is_host
from chalicelib.pages.style import POLICY, STYLE

MAX_FORM_BYTES = 4096  # a link has some 1,100
_MAX_FORM_FIELDS = 8
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",  # addresses of pages hold links from mails
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


class _Escaping(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return value if isinstance(value, Markup) else _escaped(str(value))


_FORMATTER = _Escaping()


def markup(template: str, /, **values: object) -> Markup:
    """`template` with `values` in its braces, escaped unless they are Markup. Attributes stand in double quotes."""
    return Markup(_FORMATTER.vformat(template, (), values))


def joined(services: Iterable[Markup]) -> Markup:
    """One behind the other."""
    return Markup("".join(services))


NOTHING = Markup()
_TITLES = {404: "There is nothing here", 410: "This link cannot be used", 503: "Try again in a moment"}
_OTHER_TITLE = "That did not work"
_WAYS_ON = {
    404: Markup('<p><a href="/">Search the public repositories</a></p>'),
    410: Markup("""<ul>
<li><a href="/confirm">Get another link to confirm an address</a></li>
<li><a href="/forgotten">Get another link to choose a new password</a></li>
</ul>"""),
}
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - Waybill</title>
<style>{style}</style>
</head>
<body>
<header>{home}</header>
<main>
<h1>{title}</h1>
{content}
</main>
<footer>{ways}</footer>
</body>
</html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRenderer:
    """The index as its pages know it.

    Attributes:
        base_url: its own `https://host`, or empty where nobody has set it.
        has_public_pages: whether `/` is served.
        sends_mail: whether letters are sent.
    """

    base_url: str
    has_public_pages: bool
    sends_email: bool

    def page(
        self, title: str, content: Markup, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """A whole page."""
        body = markup(_PAGE, title=title, style=Markup(STYLE), home=self._home(), content=content, ways=self._ways())
        return Response(status, body, {**_HEADERS, **(headers or {})})

    def render_error(self, error: DomainError) -> Response:
        """How people are refused: in a sentence, and with a way on."""
        if isinstance(error, AlreadyDone):
            said = markup("<p>{message}</p>", message=error.message)
            return self.page("There is nothing left to do", said, status_of(error))
        title = _TITLES.get(status_of(error), _OTHER_TITLE)
        way_on = _WAYS_ON.get(status_of(error), NOTHING)
        return self.page(title, Markup(alert(error) + way_on), status_of(error), headers_of(error))

    def address(self, request: Request) -> str:
        """The index's `https://host`: as it was set, else as the request calls it, else made up."""
        host = request.headers.get("host", "")
        return self.base_url or f"https://{host if is_host(host) else 'index.example.com'}"

    def _home(self) -> Markup:
        return markup('<a href="/">Waybill</a>') if self.has_public_pages else markup("Waybill")

    def _ways(self) -> Markup:
        if not self.sends_email:
            return markup("<p>Waybill, a Docker index.</p>")
        return markup(
            '<nav class="links" aria-label="Your account"><a href="/forgotten">Forgotten your password?</a>'
            '<a href="/confirm">No letter to confirm your address?</a></nav>'
        )


def alert(error: DomainError) -> Markup:
    """A refusal's message as a sentence that screen readers read out first."""
    message = error.message[:1].upper() + error.message[1:]
    return markup('<p role="alert">{message}{stop}</p>', message=message, stop="" if message.endswith(".") else ".")


def command(line: str) -> Markup:
    """A command to copy."""
    return markup("<pre><code>{line}</code></pre>", line=line)


def decode_form(request: Request) -> dict[str, str]:
    """The fields of a form that was posted. Raises InvalidInput and TooLarge."""
    if len(request.body) > MAX_FORM_BYTES:
        raise TooLarge(f"a form has at most {MAX_FORM_BYTES} bytes")
    try:
        fields = parse_qs(
            request.body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FORM_FIELDS
        )
    except ValueError:  # UnicodeDecodeError is one
        raise InvalidInput("the form cannot be read: it is no UTF-8, or has too many fields") from None
    if any(len(values) > 1 for values in fields.values()):
        raise InvalidInput("the form cannot be read: a field comes twice")
    return {name: value for name, (value,) in fields.items()}


def _escaped(text: str) -> str:
    """Also without what HTML has no place for (control characters) or nobody sees (those that turn text around)."""
    return html.escape(
        "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    )
