"""The words that find a repository."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.search_terms import (
    ALL_REPOSITORIES,
    MAX_TERMS,
    TermRank,
    best_rank,
    split_words,
    terms_of,
)

NAMES = st.builds(
    RepositoryName,
    st.from_regex(r"[a-z0-9_-]{2,255}", fullmatch=True),
    st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,254}", fullmatch=True),
)


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


def test_words_of_the_name_have_a_better_rank_than_words_of_the_description() -> None:
    assert terms_of(RepositoryName("alice", "web"), "Alice serves the web") == {
        ALL_REPOSITORIES: TermRank.NAME,
        "alice": TermRank.NAME,
        "web": TermRank.NAME,
        "serves": TermRank.DESCRIPTION,
        "the": TermRank.DESCRIPTION,
    }


@given(NAMES, st.text(max_size=255))
def test_terms_fit_a_transaction_and_a_key(name: RepositoryName, description: str) -> None:
    terms = terms_of(name, description)
    assert len(terms) <= MAX_TERMS
    assert next(iter(terms)) == ALL_REPOSITORIES
    assert all(len(f"{term} {name}".encode()) <= 1024 for term in terms)


@given(NAMES)
def test_description_of_many_words_does_not_remove_words_of_the_name(name: RepositoryName) -> None:
    description = " ".join(f"w{n}" for n in range(60))
    terms = terms_of(name, description)
    assert {term for term, rank in terms.items() if rank is TermRank.NAME} == set(terms_of(name, ""))


@pytest.mark.parametrize(
    ("prefix", "rank"),
    [("we", TermRank.NAME), ("serv", TermRank.DESCRIPTION), ("eb", None), ("", TermRank.NAME), ("webs", None)],
)
def test_best_rank_is_that_of_the_best_term_with_the_prefix(prefix: str, rank: TermRank | None) -> None:
    terms = terms_of(RepositoryName("alice", "web"), "serves well")
    assert best_rank(terms, prefix) is rank
