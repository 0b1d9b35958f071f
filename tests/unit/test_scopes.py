"""The grammar of scopes, and their intersection with a role."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.roles import Role
from chalicelib.domain.scopes import MAX_SCOPES, Scope, allowed_actions, parse_scopes

ACTIONS = ("pull", "push", "delete", "*")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("repository:alice/web:pull", Scope("repository", "alice/web", ("pull",))),
        ("repository:alice/web:pull,push", Scope("repository", "alice/web", ("pull", "push"))),
        ("repository(plugin):alice/web:pull", Scope("repository", "alice/web", ("pull",))),
        ("repository:host:5000/alice/web:pull", Scope("repository", "host:5000/alice/web", ("pull",))),
        ("repository:alice/web:", Scope("repository", "alice/web", ())),
        ("repository:alice/web:pull,,pull", Scope("repository", "alice/web", ("pull",))),
        ("repository::pull", Scope("repository", "", ("pull",))),
        ("registry:catalog:*", Scope("registry", "catalog", ("*",))),
    ],
)
def test_scope_is_parsed(text: str, expected: Scope) -> None:
    assert parse_scopes([text]) == [expected]


@pytest.mark.parametrize(
    "text",
    ["x", "repository:alice/web", ":a:pull", "Repository:a/b:pull", "repository:a/b:PULL", "repository:a/b:pull push",
     "repository(:a/b:pull", "repository:a\tb:pull", "a" * 5000, "repository:a/b:pull\n"],
)  # fmt: skip
def test_malformed_scope_is_rejected(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_scopes([text])


def test_number_of_scopes_is_limited() -> None:
    texts = [f"repository:a/b{number}:pull" for number in range(MAX_SCOPES)]
    assert len(parse_scopes([" ".join(texts), *texts])) == MAX_SCOPES
    with pytest.raises(InvalidInput):
        parse_scopes([*texts, "repository:a/more:pull"])


NAMES = st.from_regex(r"[a-z]{2,5}/[a-z]{1,5}", fullmatch=True)
SCOPES = st.builds(
    Scope, st.just("repository"), NAMES, st.lists(st.sampled_from(ACTIONS), min_size=1, unique=True).map(tuple)
)


@given(st.lists(SCOPES, max_size=10), st.data())
def test_order_repetition_and_splitting_do_not_matter(scopes: list[Scope], data: st.DataObject) -> None:
    words = [f"{scope.type}:{scope.name}:{action}" for scope in scopes for action in scope.actions]
    words = data.draw(st.permutations(words))
    pieces = [" ".join(words[:2]), *words[2:], *words]

    def merged(texts: list[str]) -> dict[str, set[str]]:
        return {scope.name: set(scope.actions) for scope in parse_scopes(texts)}

    assert merged(pieces) == merged([str(scope) for scope in scopes])


@given(st.text())
def test_any_text_is_parsed_or_rejected(text: str) -> None:
    try:
        scopes = parse_scopes([text])
    except InvalidInput:
        return
    assert parse_scopes(map(str, scopes)) == scopes


@given(st.lists(st.sampled_from([*ACTIONS, "fly"])), st.sampled_from(list(Role)))
def test_actions_never_exceed_the_role(requested: list[str], role: Role) -> None:
    table = {
        Role.NONE: set(),
        Role.READ: {"pull"},
        Role.WRITE: {"pull", "push"},
        Role.ADMIN: {"pull", "push", "delete", "*"},
    }
    allowed = allowed_actions(requested, role)
    assert len(set(allowed)) == len(allowed)
    assert set(allowed) == (table[role] if "*" in requested else table[role] & set(requested))


@pytest.mark.parametrize(
    "name", ["web", "", "/web", "alice/", "alice/web/x", "Alice/web", "a/web", "alice/images", "*"]
)
def test_name_that_no_repository_can_have_is_none(name: str) -> None:
    assert Scope("repository", name, ("pull",)).repository is None
    assert Scope("registry", "alice/web", ("pull",)).repository is None
