"""Search: matches, order, pages, visibility and bounded cost."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.bootstrap import Services
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository
from chalicelib.domain.roles import ANONYMOUS, Principal, Robot, Role
from chalicelib.repositories.search import MAX_CALLS
from chalicelib.storage.search_terms import MAX_ITEM_BYTES, SearchTermStore
from tests.index import Index, basic
from tests.stored_repositories import GENERATION, remove_repositories, store_repositories

MAX_UNITS = 30
MORE_THAN_ANY_BOUND = 180


def search(index: Index, query: str = "", auth: str | None = None, **options: int) -> list[str]:
    """Return the names of one page of results."""
    response = index.request("GET", f"/v1/search?{urlencode({'q': query, **options})}", auth)
    assert response.status == 200, response
    return [result["name"] for result in response.json["results"]]


class Cost:
    """The calls to DynamoDB and their read units, counted from the sizes of the items."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.units = 0.0

    def add(self, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
        self.calls.append(model.name)
        if model.name == "Query":
            self.units += max(1, -(-sum(map(_size_of, parsed["Items"])) // 4096))
        for items in parsed.get("Responses", {}).values():
            self.units += sum(-(-_size_of(item) // 4096) for item in items)
        if model.name == "GetItem":
            self.units += -(-_size_of(parsed.get("Item", {})) // 4096)


def _size_of(item: Mapping[str, Mapping[str, Any]]) -> int:
    return sum(len(name) + len(str(value).encode()) for name, kind in item.items() for value in kind.values())


@contextmanager
def counted(index: Index) -> Iterator[Cost]:
    cost, events = Cost(), index.aws.dynamodb.meta.events
    events.register("after-call.dynamodb.*", cost.add, unique_id="cost")
    try:
        yield cost
    finally:
        events.unregister("after-call.dynamodb.*", cost.add, unique_id="cost")


def test_response_has_the_format_that_clients_read(index: Index) -> None:
    store_repositories(index, ["foo/bar", "library/barn"])
    common = {"description": "", "star_count": 0, "is_trusted": False, "is_automated": False}
    assert index.request("GET", "/v1/search?q=bar&n=25&page=1").json == {
        "num_pages": 1,
        "num_results": 2,
        "page": 1,
        "page_size": 25,
        "query": "bar",
        "results": [
            {"name": "foo/bar", "is_official": False, **common},
            {"name": "barn", "is_official": True, **common},
        ],
    }


QUERY_CASES = {
    "foo": True,
    "bar": True,
    "baz": True,
    "b": True,
    "BAZ": True,
    "foo-bar_baz": True,
    "foo-b": True,
    "alice": True,
    "alice/": True,
    "alice/foo-bar_baz": True,
    "Alice/Foo": True,
    "foo baz": True,
    "baz  alice": True,
    "foo*": True,
    "alice/*": True,
    "": True,
    " ": True,
    "*": True,
    "**": True,
    "foo nope": False,
    "az": False,
    "foobar": False,
    "bob/foo": False,
    "/": False,
    "-": False,
    "*-*": False,
}


def test_queries_find_the_beginnings_of_names_and_words(index: Index) -> None:
    store_repositories(index, ["alice/foo-bar_baz"])
    found = {query: search(index, query) == ["alice/foo-bar_baz"] for query in QUERY_CASES}
    assert found == QUERY_CASES


def test_asterisk_lists_everything(index: Index) -> None:
    store_repositories(index, ["alice/b", "alice/a", "library/c"])
    for query in ("", "*", "**", " * "):
        assert search(index, query) == ["c", "alice/a", "alice/b"]


def test_asterisk_after_a_word_changes_nothing(index: Index) -> None:
    store_repositories(index, ["alice/web", "alice/web-tools", "bobby/toolbox-web", "bobby/other"])
    assert search(index, "web*") == search(index, "web") == ["alice/web", "alice/web-tools", "bobby/toolbox-web"]


def test_results_are_ranked(index: Index) -> None:
    names = ["zoe/web", "library/web", "aaaa/web-tools", "aaaa/the-web", "web2/x", "aaaa/pages"]
    store_repositories(index, names, {"aaaa/pages": "serves the web"})
    assert search(index, "web") == ["web", "zoe/web", "aaaa/web-tools", "aaaa/the-web", "web2/x", "aaaa/pages"]
    assert search(index, "zoe/web") == ["zoe/web"]
    assert search(index, "aaaa web") == ["aaaa/pages", "aaaa/the-web", "aaaa/web-tools"]


def test_exact_name_is_first_among_more_matches_than_any_bound(index: Index) -> None:
    store_repositories(index, [f"aaaa/web-{number:04}" for number in range(MORE_THAN_ANY_BOUND)])
    store_repositories(index, ["library/web", "zzzz/web"])
    assert search(index, "web", n=2) == ["web", "zzzz/web"]
    assert search(index, "web*", n=2) == ["web", "zzzz/web"]


def test_exact_full_name_is_first_among_more_matches_than_any_bound(index: Index) -> None:
    store_repositories(index, [f"zzzz/a-{number:04}" for number in range(MORE_THAN_ANY_BOUND)])
    store_repositories(index, ["zzzz/web", "zzzz/web-2"])
    assert search(index, "zzzz/web", n=2) == ["zzzz/web", "zzzz/web-2"]
    assert search(index, "ZZZZ/WEB", n=1) == ["zzzz/web"]


def test_exact_long_name_is_first_among_names_with_the_same_beginning(index: Index) -> None:
    beginning = "w" * 250
    store_repositories(index, [f"aaaa/{beginning}{number:04}" for number in range(60)])
    store_repositories(index, [f"zzzz/{beginning}zzzzz"])
    assert search(index, f"{beginning}zzzzz", n=1) == [f"zzzz/{beginning}zzzzz"]
    assert search(index, f"zzzz/{beginning}", n=1) == [f"zzzz/{beginning}zzzzz"]


def test_exact_name_of_many_words_is_found(index: Index) -> None:
    namespace, name = "a_b_c_d_e_f_g_h_i_j_k_l_m_n_o", "p-q-r-s-t-u-v-w-x-y-z"
    store_repositories(index, [f"{namespace}/{name}"])
    assert search(index, name) == search(index, f"{namespace}/{name}") == [f"{namespace}/{name}"]


def test_pages_are_parts_of_one_list(index: Index) -> None:
    names = [f"alice/web{number:03}" for number in range(60)]
    store_repositories(index, names)
    for size in (7, 25, 60, 100):
        found: list[str] = []
        for page in range(1, 60 // size + 2):
            response = index.request("GET", f"/v1/search?q=web&n={size}&page={page}").json
            found += [result["name"] for result in response["results"]]
            assert (response["page"], response["page_size"]) == (page, size)
            assert response["num_results"] <= 60
            assert response["num_pages"] >= min(page + 1, -(-60 // size)), "there is a next page until the last one"
        assert found == names


@pytest.mark.exhaustive
def test_pages_beyond_the_bound_are_empty_and_those_before_are_stable(index: Index) -> None:
    names = [f"alice/web-{number:04}" for number in range(MORE_THAN_ANY_BOUND)]
    store_repositories(index, names)
    found = [name for page in range(1, 9) for name in search(index, "web", page=page)]
    assert found == names[: len(found)]
    assert 100 <= len(found) < MORE_THAN_ANY_BOUND
    assert found == [name for page in (1, 2) for name in search(index, "web", page=page, n=100)]
    assert search(index, "web", page=999_999, n=100) == []


def test_invalid_parameters_are_rejected(index: Index) -> None:
    for query in ("n=0", "n=-1", "n=x", "page=0", "page=1.5", "n=%C2%B2", "page=99999999", "q=" + "x" * 300):
        response = index.request("GET", f"/v1/search?{query}")
        assert response.status == 400
        assert response.json["error"]


def test_page_size_has_a_maximum(index: Index) -> None:
    assert index.request("GET", "/v1/search?q=web&n=500").json["page_size"] == 100


def test_wrong_credentials_are_rejected(index: Index) -> None:
    auth = index.create_account("alice")
    assert index.request("GET", "/v1/search?q=x", auth).status == 200
    assert index.request("GET", "/v1/search?q=x", basic("alice", "wrong horse")).status == 401


def test_terms_follow_a_repository_through_its_changes(index: Index) -> None:
    alice, path = index.create_account("alice"), "/v1/namespaces/alice/repositories/web"
    index.push("alice/web", alice)
    for form, found, not_found in (
        ({"description": "serves pages"}, ["web", "pages"], ["books"]),
        ({"description": "serves books"}, ["web", "books"], ["pages"]),
        ({"private": True}, [], ["web", "books"]),
        ({"private": False}, ["web", "books"], ["pages"]),
    ):
        assert index.request("PUT", path, alice, json=form).status == 204
        assert [search(index, query) for query in found] == [["alice/web"]] * len(found)
        assert [search(index, query) for query in not_found] == [[]] * len(not_found)
        assert search(index, "serves", alice) == ["alice/web"]
    assert index.request("DELETE", "/v1/repositories/alice/web", alice).status == 202
    assert search(index, "web") == search(index, "", alice) == []
    assert not list(index.tables.terms.scan())
    index.push("alice/web", alice)
    assert search(index, "web") == ["alice/web"]


def test_description_without_spaces_is_found_by_its_beginning(index: Index) -> None:
    alice, name = index.create_account("alice"), "w" * 255
    index.push(f"alice/{name}", alice)
    text = "\N{CJK UNIFIED IDEOGRAPH-6F22}" * 255
    path = f"/v1/namespaces/alice/repositories/{name}"
    assert index.request("PUT", path, alice, json={"description": text}).status == 204
    for part in (text[:1], text[:99], text):
        response = index.request("GET", f"/v1/search?q={quote(part)}")
        assert [result["name"] for result in response.json["results"]] == [f"alice/{name}"]


@pytest.mark.exhaustive
def test_private_repositories_are_shown_only_to_those_who_can_read_them(index: Index) -> None:
    alice, bobby, admin = (
        index.create_account("alice"),
        index.create_account("bobby"),
        index.create_account("admin", admin=True),
    )
    for name in ("web", "secret-web", "shared-web"):
        index.push(f"alice/{name}", alice)
    for name in ("secret-web", "shared-web"):
        path = f"/v1/namespaces/alice/repositories/{name}"
        assert index.request("PUT", path, alice, json={"private": True, "description": "sauce"}).status == 204
    path = "/v1/namespaces/alice/repositories/shared-web/collaborators/bobby"
    assert index.request("PUT", path, alice, json={"access": "read"}).status == 204
    robots = {}
    for name, repositories in (("all", None), ("one", ["alice/secret-web"])):
        form = {"access": "read", "repositories": repositories}
        token = index.request("PUT", f"/v1/users/alice/robots/{name}", alice, json=form).json["token"]
        robots[name] = basic("alice", token)
    everything = ["alice/secret-web", "alice/shared-web", "alice/web"]
    for auth, expected in (
        (None, ["alice/web"]),
        (bobby, ["alice/shared-web", "alice/web"]),
        (alice, everything),
        (admin, everything),
        (robots["all"], everything),
        (robots["one"], ["alice/secret-web", "alice/web"]),
    ):
        for query in ("", "web", "alice/", "alice web"):
            assert sorted(search(index, query, auth)) == expected
        for query in ("sauce", "secret", "alice/s"):
            assert set(search(index, query, auth)) <= set(expected)


@pytest.mark.exhaustive
def test_account_with_many_shares_finds_them_at_a_bounded_cost(index: Index) -> None:
    bobby = index.create_account("bobby")
    names = [f"team/web-{number:03}" for number in range(200)]
    store_repositories(index, names, private=True)
    store_repositories(index, [f"open/web-{number:03}" for number in range(MORE_THAN_ANY_BOUND)])
    store_repositories(index, ["library/web", "bobby/web"])
    with index.tables.collaborators.batch_write() as batch:
        for name in names:
            batch.save(index.tables.collaborators("account bobby", name, role="read", generation=GENERATION))
    assert search(index, "web", bobby, n=2) == ["web", "bobby/web"]
    assert search(index, "team/web-150", bobby) == ["team/web-150"]
    found = {name for page in (1, 2) for name in search(index, "web-1", bobby, page=page, n=100)}
    assert {name for name in names if "web-1" in name} <= found
    with counted(index) as cost:
        search(index, "team web open", bobby)
    assert cost.calls.count("BatchGetItem") == 2
    assert cost.calls.count("Query") <= 1 + 2 * MAX_CALLS


def test_cost_grows_with_the_matches_and_not_with_the_table(index: Index) -> None:
    store_repositories(index, ["alice/web1", "alice/web2"])
    costs = []
    for others in (range(20), range(20, 200)):
        store_repositories(index, [f"alice/other{number}" for number in others])
        with counted(index) as cost:
            assert search(index, "web") == ["alice/web1", "alice/web2"]
        costs.append((cost.calls, cost.units))
    assert costs[0] == costs[1]
    assert costs[0][1] <= 3


def test_page_of_a_common_word_costs_one_call(index: Index) -> None:
    store_repositories(index, [f"alice/web-{number:04}" for number in range(MORE_THAN_ANY_BOUND)])
    with counted(index) as cost:
        assert len(search(index, "web")) == 25
    assert (cost.calls, cost.units <= 3) == (["Query"], True)


ADVERSARIAL = [
    *["", "*", "w", "web", "wwww", "w w2 w3", "www ww w", "a b c d e f g h", "x" * 255, "w" * 255],
    *["aaaa/", "aaaa/w", "library/w", "zzzz/nothing", "web tool aaaa nothing", f"aaaa {'w' * 240} \U00020000"],
    *["\N{CJK UNIFIED IDEOGRAPH-6F22}", "\U00020000", "\U00020000" * 255],
]


@pytest.mark.exhaustive
def test_no_anonymous_search_costs_more_than_the_bound(index: Index) -> None:
    """The index contains the largest items: long names, and descriptions of characters with four bytes."""
    description = "\U00020000" * 255
    names = [f"aaaa/{'w' * 240}-{number:04}" for number in range(90)]
    store_repositories(index, names, dict.fromkeys(names, description))
    store_repositories(index, [f"aaaa/web-{number:04}" for number in range(MORE_THAN_ANY_BOUND)])
    store_repositories(index, [f"aaaa/tool-{number:03}-web" for number in range(90)])
    store_repositories(index, ["library/web", "aaaa/w"])
    largest = 0.0
    for query in ADVERSARIAL:
        for options in ({}, {"n": "100", "page": "999999"}):
            with counted(index) as cost:
                assert index.request("GET", f"/v1/search?{urlencode({'q': query, **options})}").status == 200
            assert len(cost.calls) <= MAX_CALLS == 4
            assert cost.units <= MAX_UNITS
            largest = max(largest, cost.units)
    assert largest > 15, "the bound is reached"


def test_largest_item_has_the_size_that_the_bound_assumes(index: Index) -> None:
    repository = Repository(
        name=RepositoryName("n" * 255, "w" * 255),
        generation="0" * 16,
        description="\U00020000" * 255,
        private=True,
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )
    for term in SearchTermStore(index.tables).items(repository):
        assert _size_of(term.serialize()) <= MAX_ITEM_BYTES
        assert len(term.entry.encode()) <= 1_024


PARTS = st.lists(st.sampled_from(["red", "redis", "web", "w", "tool", "7"]), min_size=1, max_size=3)
NAMES = st.builds("{}/{}".format, st.sampled_from(["alice", "bob_7", "library"]), PARTS.map("-".join))
WORDS = st.lists(st.sampled_from(["Red", "web,", "toolbox", "nothing-else", "7"]), max_size=3).map(" ".join)
REPOSITORIES = st.dictionaries(NAMES, st.tuples(WORDS, st.booleans()), max_size=14)
QUERIES = st.one_of(
    st.lists(
        st.sampled_from(["r", "red", "redis", "WEB", "tool", "alice", "nope", "red-web", "alice/", "web*", "*"]),
        max_size=3,
    ).map(" ".join),
    NAMES,
    NAMES.map(lambda name: name.partition("/")[2]),
    NAMES.map(lambda name: name[:-1]),
)
PRINCIPALS = st.sampled_from(
    [
        ANONYMOUS,
        Principal("alice"),
        Principal("stranger"),
        Principal("root", admin=True),
        Principal("alice", robot=Robot("ci", Role.READ, frozenset({RepositoryName("alice", "web")}))),
    ]
)


class Model:
    """The documented rules, for lower-case ASCII words and names."""

    def __init__(self, repositories: Mapping[str, tuple[str, bool]]) -> None:
        self._repositories = repositories

    def find(self, principal: Principal, query: str) -> list[str]:
        text = query.lower().replace("*", "").strip()
        keys = {name: self._key(name, text) for name in self._repositories if self._is_visible(principal, name)}
        return sorted((name for name, key in keys.items() if key is not None), key=lambda name: keys[name] or ())

    def _is_visible(self, principal: Principal, name: str) -> bool:
        is_owner = name.startswith(f"{principal.username}/") or principal.admin
        is_covered = principal.robot is None or name == "alice/web"
        return not self._repositories[name][1] or (is_owner and is_covered)

    def _key(self, full_name: str, text: str) -> tuple[Any, ...] | None:
        """Return the place in the results, or None if the repository does not match."""
        name, order = full_name.partition("/")[2], (not full_name.startswith("library/"), full_name)
        in_name, in_description = split(full_name), split(self._repositories[full_name][0].lower())
        words = split(text)
        if not words:
            return None if text else (0, "", *order)
        if not re.search(r"\s", text) and (full_name if "/" in text else name).startswith(text):
            return (0, "" if "/" in text else name, *order)
        if not all(any(part.startswith(word) for part in [name, *in_name, *in_description]) for word in words):
            return None
        main = max(words, key=len)
        if name.startswith(main):
            return (1, name, *order)
        for rank, parts in ((2, in_name), (3, in_description)):
            matches = [part for part in parts if part.startswith(main)]
            if matches:
                return (rank, min(matches), *order)
        return None


def split(text: str) -> list[str]:
    return [part for part in re.split(r"[^a-z0-9]", text) if part]


def load(index: Index, repositories: Mapping[str, tuple[str, bool]]) -> None:
    remove_repositories(index)
    descriptions = {name: text for name, (text, _) in repositories.items()}
    for private in (True, False):
        names = [name for name, (_, is_private) in repositories.items() if is_private is private]
        store_repositories(index, names, descriptions, private=private)


@pytest.mark.exhaustive
@settings(max_examples=30)
@given(REPOSITORIES, PRINCIPALS, QUERIES, st.integers(1, 4), st.integers(1, 5))
def test_results_and_pages_equal_a_plain_model(
    index: Index,
    repositories: dict[str, tuple[str, bool]],
    principal: Principal,
    query: str,
    page: int,
    size: int,
) -> None:
    load(index, repositories)
    expected = Model(repositories).find(principal, query)
    found = Services(index.settings, index.aws).search.find(principal, query, page, size)
    assert [str(result.repository) for result in found.results] == expected[(page - 1) * size : page * size]
    assert found.total == min(len(expected), page * size + 1)
    assert found.has_more == (len(expected) > page * size)


@pytest.mark.exhaustive
@settings(max_examples=20)
@given(REPOSITORIES, QUERIES, st.integers(1, 4))
def test_bound_hides_only_the_last_results(
    index: Index, repositories: dict[str, tuple[str, bool]], query: str, items: int
) -> None:
    """With a bound below the number of matches, the results are the first part of the complete list."""
    load(index, repositories)
    expected = Model(repositories).find(ANONYMOUS, query)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chalicelib.repositories.search.MAX_READ_BYTES", items * MAX_ITEM_BYTES)
        find = Services(index.settings, index.aws).search.find
        found, pages = find(ANONYMOUS, query, 1, 100), [find(ANONYMOUS, query, page, 2) for page in range(1, 6)]
    names = [str(result.repository) for result in found.results]
    assert names == expected[: len(names)]
    assert [str(result.repository) for page in pages for result in page.results] == names[:10]
    text = query.lower()
    exact = [name for name in expected if text in (name, name.partition("/")[2], name.removeprefix("library/"))]
    assert names[:1] == (exact[:1] or names[:1])
