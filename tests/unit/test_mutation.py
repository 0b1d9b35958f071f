"""What `make mutation` accepts: what is explained, as it is explained."""

from tests.mutation import EXPLAINED, complaints, explanations

PAGE = """\
## A reason

```diff
@@ chalicelib.domain.identifiers.f
- return a
+ return b
@@ chalicelib.domain.identifiers.f
- return a
+ return c
```
"""
F, G = (
    ("chalicelib.domain.identifiers.f", "return a", "return b"),
    ("chalicelib.domain.identifiers.f", "return a", "return c"),
)


def test_a_survivor_passes_only_with_its_explanation() -> None:
    assert explanations(PAGE) == [F, G]
    assert complaints([G, F], explanations(PAGE)) == []
    assert complaints([F, G], [F]) == ["\nnot noticed:\n@@ chalicelib.domain.identifiers.f\n- return a\n+ return c"]


def test_the_same_change_twice_takes_two_explanations() -> None:
    assert len(complaints([F, F], [F])) == 1
    assert complaints([F, F], [F, F]) == []


def test_an_explanation_goes_when_its_mutant_does() -> None:
    assert complaints([F], [F, G]) == [
        "\nexplained, and not there:\n@@ chalicelib.domain.identifiers.f\n- return a\n+ return c"
    ]


def test_the_page_has_all_that_it_shows() -> None:
    page = EXPLAINED.read_text()
    assert len(explanations(page)) == page.count("\n@@ ") > 0
