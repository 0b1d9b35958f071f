"""Any text is shown as text on the public pages."""

from unicodedata import category, normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.functional.filling import fill
from tests.functional.test_public_pages import HOSTILE_TEXTS, describe, get
from tests.index import Index, basic


def replace_controls(text: str) -> str:
    """Replace what HTML forbids and what changes the direction of text."""
    hidden = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    return "".join("\ufffd" if category(c) in ("Cc", "Cs") or c in hidden else c for c in text)


@pytest.mark.exhaustive
@settings(max_examples=80)
@given(st.text(max_size=60) | st.sampled_from(HOSTILE_TEXTS))
def test_any_search_text_is_shown_as_text(index: Index, query: str) -> None:
    if not index.calls:
        fill(index, ["alice/web"])
    page = get(index, q=query)
    plain = get(index, q="web" if page.data("repository") else "nothing")
    shown = replace_controls(normalize("NFC", " ".join(query.split())))
    assert page.fields("/") == {"q": shown}
    assert shown in page.title
    assert page.shape == plain.shape


@pytest.mark.exhaustive
@settings(max_examples=80)
@given(st.text(min_size=1, max_size=60).filter(str.isprintable) | st.sampled_from(HOSTILE_TEXTS))
def test_any_description_is_shown_as_text(index: Index, description: str) -> None:
    alice = basic("alice")
    if index.users.get("alice") is None:
        index.push("alice/web", index.create_account("alice"), "a")
    pages = []
    for text in ("plain", description):
        describe(index, "alice/web", alice, description=text)
        pages.append((get(index, "/r/alice/web"), get(index, q="alice")))
    (plain, plain_results), (page, results) = pages
    shown = normalize("NFC", description)
    assert page.root.findtext(".//p[@class='description']") == shown
    assert results.root.findtext(".//p[@class='description']") == shown
    assert page.shape == plain.shape
    assert results.shape == plain_results.shape


@pytest.mark.parametrize("query", HOSTILE_TEXTS)
def test_hostile_search_text_is_shown_as_text(index: Index, query: str) -> None:
    page = get(index, q=query)
    assert page.fields("/") == {"q": " ".join(query.split())}
    assert page.shape == get(index, q="nothing").shape
