"""Search over what can be seen: prefixes, words, order, pages and what it costs."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.bootstrap import Services
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import ANONYMOUS, Principal
from chalicelib.domain.search_terms import terms_of
from chalicelib.storage.search_terms import MAX_MATCHES, SearchTermStore
from infra.devserver.moto_aws import put
from tests.index import Index, basic


def names(index: Index, query: str, auth: str | None = None) -> list[str]:
    response = index.request("GET", f"/v1/search?{query}", auth)
    assert response.status == 200, response
    return [result["name"] for result in response.json["results"]]


def fill(
    index: Index, repositories: Iterable[str], descriptions: Mapping[str, str] = {}, private: Container[str] = ()
) -> None:
    """Puts repositories into the store as a push would, but without a transaction each, which moto makes slow."""
    store = SearchTermStore(index.tables)
    with index.tables.repositories.batch_write() as items, index.tables.terms.batch_write() as terms:
        for repository in repositories:
            name, description = RepositoryName(*repository.split("/")), descriptions.get(repository, "")
            items.save(
                index.tables.repositories(
                    name.namespace,
                    name.name,
                    description=description,
                    private=repository in private,
                    created=datetime.now(UTC),
                )
            )
            for term in store.items(name, terms_of(name, description), private=repository in private):
                terms.save(term)


def test_the_reply_is_what_clients_read(index: Index) -> None:
    fill(index, ["foo/bar", "library/barn"])
    response = index.request("GET", "/v1/search?q=bar&n=25&page=1")
    common = {"description": "", "star_count": 0, "is_trusted": False, "is_automated": False}
    assert response.json == {
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


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("foo", True),
        ("bar", True),
        ("baz", True),
        ("ba", True),
        ("b", True),
        ("BAZ", True),
        ("foo-bar_baz", True),
        ("alice", True),
        ("alice%2Ffoo-bar_baz", True),
        ("foo+baz", True),
        ("foo+nope", False),
        ("az", False),
        ("foobar", False),
        ("%2F", False),
        ("-", False),
        ("", True),
        ("+", True),
    ],
)
def test_what_finds_foo_bar_baz(index: Index, query: str, found: bool) -> None:
    index.push("alice/foo-bar_baz", index.account("alice"))
    assert names(index, f"q={query}") == (["alice/foo-bar_baz"] if found else [])


def test_without_a_query_everything_is_listed(index: Index) -> None:
    fill(index, ["alice/b", "alice/a", "library/c"])
    assert names(index, "") == names(index, "q=") == ["alice/a", "alice/b", "c"]


def test_an_exact_name_comes_first(index: Index) -> None:
    fill(index, ["aaaa/web-tools", "zoe/web", "aaaa/webster"])
    assert names(index, "q=web") == ["zoe/web", "aaaa/web-tools", "aaaa/webster"]
    assert names(index, "q=zoe/web") == ["zoe/web"]


def test_pages(index: Index) -> None:
    fill(index, [f"alice/web{n:02}" for n in range(30)])
    response = index.request("GET", "/v1/search?q=web").json
    assert (response["num_results"], response["num_pages"], len(response["results"])) == (30, 2, 25)
    response = index.request("GET", "/v1/search?q=web&n=7&page=5").json
    assert (response["num_pages"], response["page"], response["page_size"]) == (5, 5, 7)
    assert [result["name"] for result in response["results"]] == ["alice/web28", "alice/web29"]
    assert names(index, "q=web&page=3") == []
    assert index.request("GET", "/v1/search?q=web&n=500").json["page_size"] == 100


@pytest.mark.parametrize(
    "query", ["n=0", "n=-1", "n=x", "page=0", "page=1.5", "n=%C2%B2", "page=99999999", "q=" + "x" * 300]
)
def test_numbers_that_are_none(index: Index, query: str) -> None:
    response = index.request("GET", f"/v1/search?{query}")
    assert response.status == 400
    assert response.json["error"]


def test_wrong_credentials_are_401_and_none_are_fine(index: Index) -> None:
    auth = index.account("alice")
    assert index.request("GET", "/v1/search?q=x", auth).status == 200
    assert index.request("GET", "/v1/search?q=x", basic("alice", "wrong horse")).status == 401


def test_a_deleted_repository_is_found_no_more_and_a_new_one_again(index: Index) -> None:
    alice = index.account("alice")
    index.push("alice/web", alice)
    index.request("DELETE", "/v1/repositories/alice/web", alice)
    assert names(index, "q=web") == []
    assert not list(index.tables.terms.scan())
    index.push("alice/web", alice)
    assert names(index, "q=web") == ["alice/web"]


def test_a_description_without_spaces_is_found_by_its_beginning(index: Index) -> None:
    alice, name = index.account("alice"), "w" * 255
    index.push(f"alice/{name}", alice)
    text = "\N{CJK UNIFIED IDEOGRAPH-6F22}" * 255
    path = f"/v1/namespaces/alice/repositories/{name}"
    assert index.request("PUT", path, alice, json={"description": text}).status == 204, "its words fit a key"
    for part in (text[:1], text[:99], text):
        assert names(index, f"q={quote(part)}") == [f"alice/{name}"]


def test_the_cost_grows_with_what_matches_and_not_with_the_table(index: Index) -> None:
    counts: list[tuple[list[str], int]] = []
    for others in (range(20), range(20, 400)):
        fill(index, [f"alice/other{n}" for n in others])
        if not counts:
            fill(index, ["alice/web1", "alice/web2"])
        counts.append(_counted(index, "/v1/search?q=web"))
    assert counts[0] == counts[1]
    assert counts[0][0] == ["dynamodb.Query", "dynamodb.BatchGetItem"]


def _counted(index: Index, path: str) -> tuple[list[str], int]:
    """The calls that a search makes, and how many items it reads."""
    read = 0

    def annotate(parsed: dict[str, Any], **_: Any) -> None:
        nonlocal read
        read += parsed.get("ScannedCount", 0) + sum(map(len, parsed.get("Responses", {}).values()))

    index.aws.dynamodb.meta.events.register("after-call.*.*", annotate, unique_id="count")
    index.calls.clear()
    assert index.request("GET", path).status == 200
    index.aws.dynamodb.meta.events.unregister("after-call.*.*", annotate, unique_id="count")
    return list(index.calls), read


@pytest.mark.exhaustive
def test_a_search_costs_the_same_with_two_hundred_and_with_twenty_thousand_repositories(index: Index) -> None:
    fill(index, ["alice/web1", "alice/web2", "library/webster"])
    describe = {"description": "serves web pages"}
    admin = index.account("admin", admin=True)
    index.push("admin/pages", admin)
    assert index.request("PUT", "/v1/namespaces/admin/repositories/pages", admin, json=describe).status == 204
    queries = ("q=web", "q=web+alice", "q=webster", "q=pages+web")
    counts = []
    for repositories in (range(200), range(200, 20_000)):
        load(index, (f"team{n % 500}/other{n}" for n in repositories))
        counts.append([_counted(index, f"/v1/search?{query}") for query in queries])
    assert counts[0] == counts[1]
    assert counts[0][0][0] == ["dynamodb.Query", "dynamodb.BatchGetItem"]
    assert names(index, "q=other19999") == ["team499/other19999"], "they are there"


def load(index: Index, repositories: Iterable[str]) -> None:
    """As `fill`, for very many: past DynamoDB's API, and PynamoDB."""

    def items() -> Iterator[tuple[str, dict[str, Any]]]:
        known = {
            "private": {"BOOL": False},
            "generation": {"S": ""},
            "created": {"S": "2026-01-01T00:00:00.000000+0000"},
        }
        for repository in repositories:
            namespace, name = repository.split("/")
            yield "repositories", {"namespace": {"S": namespace}, "name": {"S": name}, **known}
            for word in terms_of(RepositoryName(namespace, name), ""):
                entry = {"bucket": {"S": f"public {word[:1]}"}, "entry": {"S": f"{word} {repository}"}}
                yield "terms", {**entry, "rank": {"N": "0"}}

    put(index.settings.stack, index.settings.region, items())


@pytest.mark.exhaustive
def test_a_rare_word_beside_a_very_common_one_is_found(index: Index) -> None:
    load(index, (f"alice/web-{n:05}" for n in range(MAX_MATCHES + 50)))
    fill(index, ["zoe/web-rare"])
    assert names(index, "q=web+rare") == names(index, "q=rare+web") == ["zoe/web-rare"]
    assert names(index, "q=web+alice+01049") == ["alice/web-01049"]
    calls, read = _counted(index, "/v1/search?q=web+alice")
    assert len(calls) <= 2 + MAX_MATCHES // 100 + 1
    assert read <= 3 * MAX_MATCHES + 25


def test_a_very_common_word_is_bounded(index: Index) -> None:
    with index.tables.terms.batch_write() as batch:
        for n in range(MAX_MATCHES + 200):
            batch.save(index.tables.terms("public w", f"web alice/web-{n:05}", rank=0))
    calls, read = _counted(index, "/v1/search?q=web")
    assert (len(calls), read) == (2, MAX_MATCHES)


PARTS = st.lists(st.sampled_from(["red", "redis", "web", "w", "tool", "7"]), min_size=1, max_size=3)
NAMES = st.builds("{}/{}".format, st.sampled_from(["alice", "bob_7"]), PARTS.map("-".join))
WORDS = st.lists(st.sampled_from(["Red", "web,", "toolbox", "nothing-else", "7"]), max_size=3).map(" ".join)
REPOSITORIES = st.dictionaries(NAMES, st.tuples(WORDS, st.booleans()), max_size=10)
QUERIES = st.lists(st.sampled_from(["r", "red", "redis", "WEB", "tool", "alice", "nope", "red-web"]), max_size=3).map(
    " ".join
)
CALLERS = st.sampled_from([ANONYMOUS, Principal("alice"), Principal("stranger"), Principal("root", admin=True)])


@pytest.mark.exhaustive
@settings(max_examples=40)
@given(REPOSITORIES, CALLERS, QUERIES, st.integers(1, 4), st.integers(1, 5))
def test_results_order_and_pages_are_those_of_a_plain_model(
    make_index: Any,
    repositories: dict[str, tuple[str, bool]],
    principal: Principal,
    query: str,
    page: int,
    size: int,
) -> None:
    index = make_index()
    descriptions = {name: text for name, (text, _) in repositories.items()}
    fill(index, repositories, descriptions, {name for name, (_, private) in repositories.items() if private})
    words = query.lower().replace("-", " ").split()

    def rank(name: str) -> int | None:
        """0 where the name has every word, 1 where the description has to help, None for no match."""
        in_name = re.split(r"[^a-z0-9]", name)
        anywhere = in_name + re.split(r"[^a-z0-9]", descriptions[name].lower())
        if not all(any(part.startswith(word) for part in anywhere) for word in words):
            return None
        return 0 if all(any(part.startswith(word) for part in in_name) for word in words) else 1

    def visible(name: str) -> bool:
        return not repositories[name][1] or principal.admin or name.startswith(f"{principal.username}/")

    exact, ranks = query.lower(), {name: rank(name) for name in repositories if visible(name)}
    found = sorted(
        (name for name, found in ranks.items() if found is not None),
        key=lambda name: (exact not in (name, name.split("/")[1]), ranks[name], tuple(name.split("/"))),
    )
    got = Services(index.settings, index.aws).search.find(principal, query, page, size)
    assert got.total == len(found)
    assert [str(result.repository) for result in got.results] == found[(page - 1) * size : page * size]
