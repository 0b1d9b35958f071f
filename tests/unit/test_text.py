"""Normal forms and control characters of passwords, descriptions and searches."""

import unicodedata

import pytest

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.identifiers import RepositoryName, check_description, check_long_description, check_password
from chalicelib.domain.search_terms import parse_query, terms_of
from chalicelib.domain.text import fold_case, is_one_line, is_text, normalize
from chalicelib.security.passwords import Passwords

ORDINARY = [
    "ideographic\u3000space",
    "no-break\u00a0space",
    "Persian \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # a zero-width non-joiner
    "family \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "caf\u00e9 noir",
    "cafe\u0301 noir",
    "soft\u00adhyphen",
    "private \ue000 use",
]
CONTROLS = [
    "nul \0",
    "line\nfeed",
    "tab\t.",
    "bell \a",
    "delete \x7f",
    "next line \x85",
    "lone \ud800",
    "escape \x1b[0m",
]
LINE_ENDS = ["separator \u2028", "paragraph \u2029"]
COMPOSED, DECOMPOSED = "caf\u00e9 \u00c5ngstr\u00f6m", "cafe\u0301 A\u030angstro\u0308m"


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_accepted(text: str) -> None:
    assert is_one_line(text)
    assert check_password(text) == check_description(text) == check_long_description(text) == normalize(text)


@pytest.mark.parametrize("text", CONTROLS + LINE_ENDS)
def test_control_characters_are_rejected(text: str) -> None:
    assert not is_one_line(text)
    for check in (check_password, check_description):
        with pytest.raises(InvalidInput):
            check(text)


@pytest.mark.parametrize("text", CONTROLS)
def test_long_description_accepts_only_tabs_and_line_ends(text: str) -> None:
    assert is_text(text) is (text in ("line\nfeed", "tab\t."))


def test_long_description_has_line_feeds_and_a_limit_in_bytes() -> None:
    assert check_long_description("a\r\nb\rc") == "a\nb\nc"
    assert check_long_description("\u00e9" * 12_500)
    with pytest.raises(InvalidInput):
        check_long_description("\u00e9" * 12_501)


def test_composed_and_decomposed_passwords_are_equal() -> None:
    passwords = Passwords(4)
    for stored, entered in ((COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)):
        stored_hash = passwords.hash(check_password(stored))
        assert Passwords(4).verify(entered, stored_hash)
        assert Passwords(4).verify(stored, stored_hash)
        passwords.verify(stored, stored_hash)
        assert passwords.is_cached(entered, stored_hash)
    assert not passwords.verify("cafe Angstrom", stored_hash)


def test_length_of_a_password_is_that_of_the_normal_form() -> None:
    assert check_password("e\u0301" * 24) == "\u00e9" * 24
    with pytest.raises(InvalidInput):
        check_password("e\u0301" * 4)


def test_composed_and_decomposed_search_terms_are_equal() -> None:
    name = RepositoryName("alice", "web")
    assert terms_of(name, COMPOSED) == terms_of(name, DECOMPOSED)
    query = parse_query(DECOMPOSED.upper(), 8)
    assert query is not None
    assert query == parse_query(COMPOSED, 8)
    assert query.find_in(name, COMPOSED)


@pytest.mark.parametrize("text", ["\u01f0", "\u0130", "\u00df", "\u1e9e", "\u03c2", "A\u0345", "\ufb01"])
def test_folded_text_is_in_the_normal_form(text: str) -> None:
    folded = fold_case(text)
    assert folded == unicodedata.normalize("NFC", folded)
    assert folded == fold_case(unicodedata.normalize("NFD", text)) == fold_case(folded)
