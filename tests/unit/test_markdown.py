"""Long descriptions cannot run code, load anything, or break the page."""

import sys
from typing import Any

import pytest
from html5lib import HTMLParser
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.identifiers import MAX_LONG_DESCRIPTION_BYTES
from chalicelib.pages.markdown import render_markdown

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "text <b onmouseover=alert(1)>bold</b>",
    "<!-- -->\n<iframe src='//evil.example'></iframe>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](/logout)",
    "[x](#main)",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    "![x](https://evil.example/pixel.png)",
    "![x](data:image/svg+xml,<svg onload=alert(1)>)",
    '![" onerror="alert(1)](https://evil.example/x)',
    '[x](https://example.com/" onclick="alert(1))',
    '```" onclick="alert(1)\ncode\n```',
    "</section></main><h1>title</h1>",
    "<https://[:]>",
    "[x](http://[v][::1])",
]
PATTERNS = {
    "lists": "- ",
    "quotes": "> ",
    "numbers": "1. ",
    "brackets": "[",
    "images": "![",
    "links": "[a](b",
    "emphasis": "*a_ ",
    "entities": "&",
    "ticks": "`a",
    "rows": "|a\n|-\n",
}
MAX_CALLS_PER_BYTE = 200


def parse(text: str) -> Any:
    html = f"<!DOCTYPE html><title>x</title><section>{render_markdown(text)}</section>"
    return HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)


@pytest.mark.parametrize("text", HOSTILE)
def test_description_cannot_run_code_or_load_anything(text: str) -> None:
    elements = list(parse(text).iter())
    allowed = {"html", "head", "title", "body", "section", "p", "a", "pre", "code"}
    assert {element.tag for element in elements} <= allowed
    for element in elements:
        assert set(element.keys()) <= {"href", "rel", "class"}
        assert element.get("href", "https://").startswith("https://")


@pytest.mark.parametrize("url", ["http://example.com", "https://example.com/a?b=c", "mailto:alice@example.com"])
def test_links_to_the_web_and_to_addresses_are_links(url: str) -> None:
    (link,) = parse(f"[text]({url})").iter("a")
    assert (link.get("href"), link.text) == (url, "text")
    assert "nofollow" in link.get("rel")
    assert "noopener" in link.get("rel")


def test_headings_are_below_those_of_the_page() -> None:
    root = parse("# one\n\n## two\n\n###### six")
    assert [element.tag for element in root.iter() if element.tag[0] == "h" and element.tag[1:].isdigit()] == [
        "h3",
        "h4",
        "h6",
    ]


def test_image_is_shown_as_its_alternative_text() -> None:
    root = parse("[![build <passing>](https://example.com/badge.svg)](https://example.com)")
    assert [link.text for link in root.iter("a")] == ["build <passing>"]


def test_tables_lists_and_code_are_rendered() -> None:
    tags = {element.tag for element in parse("|a|b|\n|-|-|\n|1|2|\n\n- x\n\n```\ncode\n```\n\n> quote").iter()}
    assert {"table", "th", "td", "ul", "li", "pre", "code", "blockquote"} <= tags


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", PATTERNS)
def test_work_for_the_longest_description_is_bounded(name: str) -> None:
    """The number of function calls grows with the length, not with its square or the depth of lists."""
    text = (PATTERNS[name] * MAX_LONG_DESCRIPTION_BYTES)[:MAX_LONG_DESCRIPTION_BYTES]
    calls, half = count_calls(text), count_calls(text[: len(text) // 2])
    assert calls < MAX_CALLS_PER_BYTE * len(text)
    assert calls < 2.5 * half + 10_000
    assert len(render_markdown(text)) < 20 * len(text)


def count_calls(text: str) -> int:
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    previous = sys.getprofile()
    sys.setprofile(count)
    try:
        render_markdown(text)
    finally:
        sys.setprofile(previous)
    return calls


def test_wide_table_is_shown_as_text() -> None:
    text = "|a" * 300 + "|\n" + "|-" * 300 + "|\n" + "|\n" * 5000
    assert "<table" not in render_markdown(text)


def test_link_references_cannot_make_a_page_large() -> None:
    text = f"[a]: http://x/{'y' * 12_000}\n\n" + "[a] " * 3_100
    assert len(render_markdown(text)) < 2 * len(text)


def test_characters_that_change_the_direction_of_text_are_replaced() -> None:
    for text in ("a\u202eb", "a&#x202e;b", "`a\u2066b`"):
        html = render_markdown(text)
        assert "\u202e" not in html
        assert "\u2066" not in html


PIECES = [*"[]()<>:/h@.#`*_-|!\\ \n1a", "http://", "https://[", "&#x"]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_text_is_rendered(text: str) -> None:
    parse(text)
