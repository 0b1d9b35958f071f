"""Rendering of long descriptions: Markdown to HTML that cannot run code or load anything.

Import this module only where it is needed, because markdown-it is slow to import.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from chalicelib.pages.html import replace_controls

_SCHEMES = ("http", "https", "mailto")
_MAX_NESTING = 20  # what is in deeper lists and quotes is not shown
_MAX_TABLE_CELLS = 5_000  # more rows and columns are shown as text: 25 kB could otherwise become 65,536 empty cells
_FIRST_HEADING = 3  # the page has the levels 1 and 2


def render_markdown(text: str) -> Markup:
    """Return HTML for CommonMark with tables, without link references.

    Raw HTML is shown as text, and an image as its alternative text.
    """
    html = _create_parser(text).render(text)
    return Markup(replace_controls(html))  # nosec B704  # the parser escapes text, and HTML is off


def _create_parser(text: str) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _MAX_NESTING})
    parser.disable("reference")  # 25 kB that refer to one long link would become a page of 37 MB
    lines = text.split("\n")
    if len(lines) * max(line.count("|") for line in lines) <= _MAX_TABLE_CELLS:
        parser.enable("table")
    parser.validateLink = _is_allowed_link  # type: ignore[method-assign]  # the documented way to restrict links
    parser.add_render_rule("heading_open", _render_heading)
    parser.add_render_rule("heading_close", _render_heading)
    parser.add_render_rule("link_open", _render_link)
    parser.add_render_rule("image", _render_image)
    return parser


def _is_allowed_link(url: str) -> bool:
    """Return whether a link leads to the web or to an email address. Relative links have no meaning here."""
    try:
        return urlsplit(url.strip().lower()).scheme in _SCHEMES
    except ValueError:  # brackets without an IPv6 address
        return False


def _render_heading(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """Lower the level of a heading, so that it does not break the outline of the page."""
    token = tokens[index]
    level = min(6, int(token.tag[1]) + _FIRST_HEADING - 1)
    return f"<h{level}>" if token.nesting == 1 else f"</h{level}>\n"


def _render_link(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """Mark links as those of a user, so that search engines do not follow them and the target gets no opener."""
    tokens[index].attrSet("rel", "nofollow noopener noreferrer ugc")
    return str(self.renderToken(tokens, index, options, env))


def _render_image(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """Show the alternative text, because pages load nothing from other hosts."""
    return str(escape(self.renderInlineAsText(tokens[index].children or [], options, env)))
