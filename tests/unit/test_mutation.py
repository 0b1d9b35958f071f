"""The rules for explanations of surviving mutants (`make mutation`)."""

from tests.mutation import EXPLANATIONS, find_problems, parse_explanations

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
FIRST, SECOND = (
    ("chalicelib.domain.identifiers.f", "return a", "return b"),
    ("chalicelib.domain.identifiers.f", "return a", "return c"),
)


def test_survivor_needs_an_explanation() -> None:
    assert parse_explanations(PAGE) == [FIRST, SECOND]
    assert find_problems([SECOND, FIRST], parse_explanations(PAGE)) == []
    [problem] = find_problems([FIRST, SECOND], [FIRST])
    assert problem.endswith("@@ chalicelib.domain.identifiers.f\n- return a\n+ return c")


def test_same_change_in_two_places_needs_two_explanations() -> None:
    assert len(find_problems([FIRST, FIRST], [FIRST])) == 1
    assert find_problems([FIRST, FIRST], [FIRST, FIRST]) == []


def test_explanation_without_a_survivor_is_a_problem() -> None:
    [problem] = find_problems([FIRST], [FIRST, SECOND])
    assert problem.endswith("@@ chalicelib.domain.identifiers.f\n- return a\n+ return c")
    assert problem != find_problems([FIRST, SECOND], [FIRST])[0]


def test_page_contains_only_well_formed_explanations() -> None:
    page = EXPLANATIONS.read_text()
    assert len(parse_explanations(page)) == page.count("\n@@ ") > 0
