"""Rendering of long descriptions: Markdown to HTML that cannot run code or load anything.

Import this module only where it is needed, because markdown-it is slow to import.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_SCHEMES = ("http", "https", "mailto")
_MAX_NESTING = 20  # deeper lists and quotes are shown as text; each level multiplies the work of the parser
_FIRST_HEADING = 3  # the page has the levels 1 and 2


def render_markdown(text: str) -> Markup:
    """Return HTML for CommonMark with tables. Raw HTML is shown as text, and images are shown as links."""
    return Markup(_create_parser().render(text))  # nosec B704  # the parser escapes text, and HTML is off


def _create_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _MAX_NESTING}).enable("table")
    parser.disable("image")
    parser.validateLink = _is_allowed_link  # type: ignore[method-assign]  # the documented way to restrict links
    parser.add_render_rule("heading_open", _render_heading)
    parser.add_render_rule("heading_close", _render_heading)
    parser.add_render_rule("link_open", _render_link)
    return parser


def _is_allowed_link(url: str) -> bool:
    """Return whether a link leads to the web or to an email address. Relative links have no meaning here."""
    return urlsplit(url.strip().lower()).scheme in _SCHEMES


def _render_heading(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """Lower the level of a heading, so that it does not break the outline of the page."""
    token = tokens[index]
    level = min(6, int(token.tag[1]) + _FIRST_HEADING - 1)
    return f"<h{level}>" if token.nesting == 1 else f"</h{level}>\n"


def _render_link(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """Mark links as those of a user, so that search engines do not follow them and the target gets no opener."""
    tokens[index].attrSet("rel", "nofollow noopener noreferrer ugc")
    return str(self.renderToken(tokens, index, options, env))
