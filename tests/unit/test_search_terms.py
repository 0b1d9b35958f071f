"""The words that find a repository, and the order of the results."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.search_terms import (
    MAX_TERMS,
    Lookup,
    Term,
    TermRank,
    parse_query,
    result_order,
    split_words,
    terms_of,
)

NAMES = st.builds(
    RepositoryName,
    st.from_regex(r"[a-z0-9_-]{2,255}", fullmatch=True),
    st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,254}", fullmatch=True),
)
WEB = RepositoryName("alice", "web-server")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("/-_. !", []),
        ("alice/foo-bar_baz.2", ["alice", "foo", "bar", "baz", "2"]),
        ("Straße WEB", ["strasse", "web"]),
        ("漢字, pages", ["漢字", "pages"]),
        ("x" * 150, ["x" * 100]),
    ],
)
def test_words_are_lower_case_and_limited(text: str, words: list[str]) -> None:
    assert list(split_words(text)) == words


def test_each_word_has_its_best_rank() -> None:
    assert terms_of(WEB, "Alice serves the web") == [
        Term(TermRank.NAME, "web-server"),
        Term(TermRank.NAME_WORD, "alice"),
        Term(TermRank.NAME_WORD, "server"),
        Term(TermRank.DESCRIPTION_WORD, "serves"),
        Term(TermRank.DESCRIPTION_WORD, "the"),
        Term(TermRank.DESCRIPTION_WORD, "web"),
    ]


@given(NAMES, st.text(max_size=255))
def test_terms_fit_a_transaction_and_a_key(name: RepositoryName, description: str) -> None:
    terms = terms_of(name, description)
    assert len(terms) <= MAX_TERMS
    assert len({term.text for term in terms}) == len(terms)
    assert terms[0] == Term(TermRank.NAME, name.name)
    assert all(len(f"{term.text} 1 {name}".encode()) <= 1024 for term in terms)


@given(NAMES)
def test_description_of_many_words_does_not_remove_words_of_the_name(name: RepositoryName) -> None:
    description = " ".join(f"w{n}" for n in range(60))
    terms = terms_of(name, description)
    assert [term for term in terms if term.rank < TermRank.DESCRIPTION_WORD] == terms_of(name, "")


@pytest.mark.parametrize(
    ("query", "lookup"),
    [
        ("we", Lookup(TermRank.NAME, "we")),
        ("web-server", Lookup(TermRank.NAME, "web-server")),
        ("ALICE/we", Lookup(TermRank.FULL_NAME, "alice/we")),
        ("alice", Lookup(TermRank.NAME_WORD, "alice")),
        ("server", Lookup(TermRank.NAME_WORD, "server")),
        ("fast", Lookup(TermRank.DESCRIPTION_WORD, "fast")),
        ("fast alice", Lookup(TermRank.NAME_WORD, "alice")),
        ("", Lookup(TermRank.FULL_NAME, "")),
        ("*", Lookup(TermRank.FULL_NAME, "")),
        ("eb", None),
        ("webs", None),
        ("alice missing", None),
    ],
)
def test_query_finds_a_repository_by_its_best_term(query: str, lookup: Lookup | None) -> None:
    parsed = parse_query(query, 8)
    assert parsed is not None
    found = parsed.find_in(WEB, "A fast server")
    assert (None if found is None else parsed.lookups()[found[0]]) == lookup


def test_query_without_words_matches_nothing() -> None:
    assert parse_query("!?", 8) is None


def test_query_uses_a_limited_number_of_words() -> None:
    parsed = parse_query(" ".join(f"w{n}" for n in range(20)), 8)
    assert parsed is not None
    assert parsed.words == tuple(f"w{n}" for n in range(8))


def test_exact_and_official_names_come_first() -> None:
    term, longer = Term(TermRank.NAME, "web"), Term(TermRank.NAME, "webs")
    expected = [
        result_order(RepositoryName("library", "web"), 0, term),
        result_order(RepositoryName("alice", "web"), 0, term),
        result_order(RepositoryName("bobby", "web"), 0, term),
        result_order(RepositoryName("library", "webs"), 0, longer),
        result_order(RepositoryName("alice", "web"), 1, Term(TermRank.NAME_WORD, "a")),
    ]
    assert sorted(expected) == expected
