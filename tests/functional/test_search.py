"""Search: words, prefixes, order, pages, visibility, and the calls."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import ANONYMOUS, Principal
from chalicelib.domain.search_terms import terms_of
from chalicelib.storage.search_terms import MAX_MATCHES, SearchTermStore
from infra.devserver.moto_aws import put_items
from tests.index import Index, basic


def names(index: Index, query: str, auth: str | None = None) -> list[str]:
    response = index.request("GET", f"/v1/search?{query}", auth)
    assert response.status == 200, response
    return [result["name"] for result in response.json["results"]]


def fill(
    index: Index, repositories: Iterable[str], descriptions: Mapping[str, str] = {}, private: Container[str] = ()
) -> None:
    """Write repositories without transactions, because moto's transactions are slow."""
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


def test_response_has_the_fields_that_clients_read(index: Index) -> None:
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


MATCHES = ("foo", "bar", "baz", "ba", "b", "BAZ", "foo-bar_baz", "alice", "alice%2Ffoo-bar_baz", "foo+baz", "", "+")
OTHERS = ("foo+nope", "az", "foobar", "%2F", "-")


def test_repository_is_found_by_the_beginnings_of_its_words(index: Index) -> None:
    index.push("alice/foo-bar_baz", index.create_account("alice"))
    assert [query for query in MATCHES if names(index, f"q={query}") != ["alice/foo-bar_baz"]] == []
    assert [query for query in OTHERS if names(index, f"q={query}")] == []


def test_empty_query_lists_all_repositories(index: Index) -> None:
    fill(index, ["alice/b", "alice/a", "library/c"])
    assert names(index, "") == names(index, "q=") == ["alice/a", "alice/b", "c"]


def test_exact_name_is_the_first_result(index: Index) -> None:
    fill(index, ["aaaa/web-tools", "zoe/web", "aaaa/webster"])
    assert names(index, "q=web") == ["zoe/web", "aaaa/web-tools", "aaaa/webster"]
    assert names(index, "q=zoe/web") == ["zoe/web"]


def test_results_have_pages(index: Index) -> None:
    fill(index, [f"alice/web{n:02}" for n in range(30)])
    response = index.request("GET", "/v1/search?q=web").json
    assert (response["num_results"], response["num_pages"], len(response["results"])) == (30, 2, 25)
    response = index.request("GET", "/v1/search?q=web&n=7&page=5").json
    assert (response["num_pages"], response["page"], response["page_size"]) == (5, 5, 7)
    assert [result["name"] for result in response["results"]] == ["alice/web28", "alice/web29"]
    assert names(index, "q=web&page=3") == []
    assert index.request("GET", "/v1/search?q=web&n=500").json["page_size"] == 100


def test_credentials_are_optional_and_wrong_ones_are_rejected(index: Index) -> None:
    auth = index.create_account("alice")
    assert index.request("GET", "/v1/search?q=x", auth).status == 200
    assert index.request("GET", "/v1/search?q=x", basic("alice", "wrong horse")).status == 401


def test_deleted_repository_is_not_found_until_it_is_recreated(index: Index) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice)
    index.request("DELETE", "/v1/repositories/alice/web", alice)
    assert names(index, "q=web") == []
    assert not list(index.tables.terms.scan())
    index.push("alice/web", alice)
    assert names(index, "q=web") == ["alice/web"]


def test_description_without_spaces_is_found_by_its_beginning(index: Index) -> None:
    alice, name = index.create_account("alice"), "w" * 255
    index.push(f"alice/{name}", alice)
    text = "\N{CJK UNIFIED IDEOGRAPH-6F22}" * 255
    path = f"/v1/namespaces/alice/repositories/{name}"
    assert (
        index.request("PUT", path, alice, json={"description": text}).status == 204
    )  # its words fit a key of DynamoDB
    for part in (text[:1], text[:99], text):
        assert names(index, f"q={quote(part)}") == [f"alice/{name}"]


def test_number_of_reads_depends_on_the_matches_and_not_on_the_table(index: Index) -> None:
    counts: list[tuple[list[str], int]] = []
    for others in (range(20), range(20, 400)):
        fill(index, [f"alice/other{n}" for n in others])
        if not counts:
            fill(index, ["alice/web1", "alice/web2"])
        counts.append(_count_reads(index, "/v1/search?q=web"))
    assert counts[0] == counts[1]
    assert counts[0][0] == ["dynamodb.Query", "dynamodb.BatchGetItem"]


def _count_reads(index: Index, path: str) -> tuple[list[str], int]:
    """Return the calls of a search, and the number of items that it reads."""
    read = 0

    def count(parsed: dict[str, Any], **_: Any) -> None:
        nonlocal read
        read += parsed.get("ScannedCount", 0) + sum(map(len, parsed.get("Responses", {}).values()))

    index.aws.dynamodb.meta.events.register("after-call.*.*", count, unique_id="count")
    index.calls.clear()
    assert index.request("GET", path).status == 200
    index.aws.dynamodb.meta.events.unregister("after-call.*.*", count, unique_id="count")
    return list(index.calls), read


@pytest.mark.parametrize("repositories", [400, pytest.param(20_000, marks=pytest.mark.exhaustive)])
def test_search_makes_the_same_reads_in_a_large_index(index: Index, repositories: int) -> None:
    fill(index, ["alice/web1", "alice/web2", "library/webster"])
    describe = {"description": "serves web pages"}
    admin = index.create_account("admin", admin=True)
    index.push("admin/pages", admin)
    assert index.request("PUT", "/v1/namespaces/admin/repositories/pages", admin, json=describe).status == 204
    queries = ("q=web", "q=web+alice", "q=webster", "q=pages+web")
    counts = []
    for numbers in (range(200), range(200, repositories)):
        load(index, (f"team{n % 500}/other{n}" for n in numbers))
        counts.append([_count_reads(index, f"/v1/search?{query}") for query in queries])
    assert counts[0] == counts[1]
    assert counts[0][0][0] == ["dynamodb.Query", "dynamodb.BatchGetItem"]
    last = repositories - 1
    assert names(index, f"q=other{last}") == [f"team{last % 500}/other{last}"]


def load(index: Index, repositories: Iterable[str]) -> None:
    """Write many repositories, without PynamoDB."""

    def items() -> Iterator[tuple[str, dict[str, Any]]]:
        common = {
            "private": {"BOOL": False},
            "generation": {"S": ""},
            "created": {"S": "2026-01-01T00:00:00.000000+0000"},
        }
        for repository in repositories:
            namespace, name = repository.split("/")
            yield "repositories", {"namespace": {"S": namespace}, "name": {"S": name}, **common}
            for word in terms_of(RepositoryName(namespace, name), ""):
                entry = {"bucket": {"S": f"public {word[:1]}"}, "entry": {"S": f"{word} {repository}"}}
                yield "terms", {**entry, "rank": {"N": "0"}}

    put_items(index.aws, index.settings, items())


@pytest.mark.exhaustive
def test_rare_word_is_found_together_with_a_common_word(index: Index) -> None:
    load(index, (f"alice/web-{n:05}" for n in range(MAX_MATCHES + 50)))
    fill(index, ["zoe/web-rare"])
    assert names(index, "q=web+rare") == names(index, "q=rare+web") == ["zoe/web-rare"]
    assert names(index, "q=web+alice+01049") == ["alice/web-01049"]
    calls, read = _count_reads(index, "/v1/search?q=web+alice")
    assert len(calls) <= 2 + MAX_MATCHES // 100 + 1
    assert read <= 3 * MAX_MATCHES + 25


def test_reads_for_a_common_word_are_limited(index: Index) -> None:
    with index.tables.terms.batch_write() as batch:
        for n in range(MAX_MATCHES + 200):
            batch.save(index.tables.terms("public w", f"web alice/web-{n:05}", rank=0))
    calls, read = _count_reads(index, "/v1/search?q=web")
    assert (len(calls), read) == (2, MAX_MATCHES)


NAME_PARTS = st.lists(st.sampled_from(["red", "redis", "web", "w", "tool", "7"]), min_size=1, max_size=3)
NAMES = st.builds("{}/{}".format, st.sampled_from(["alice", "bob_7"]), NAME_PARTS.map("-".join))
WORDS = st.lists(st.sampled_from(["Red", "web,", "toolbox", "nothing-else", "7"]), max_size=3).map(" ".join)
REPOSITORIES = st.dictionaries(NAMES, st.tuples(WORDS, st.booleans()), max_size=10)
QUERIES = st.lists(st.sampled_from(["r", "red", "redis", "WEB", "tool", "alice", "nope", "red-web"]), max_size=3).map(
    " ".join
)
PRINCIPALS = st.sampled_from([ANONYMOUS, Principal("alice"), Principal("stranger"), Principal("root", admin=True)])


@pytest.mark.exhaustive
@settings(max_examples=40)
@given(REPOSITORIES, PRINCIPALS, QUERIES, st.integers(1, 4), st.integers(1, 5))
def test_results_equal_those_of_a_simple_model(
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
        """Return 0 if the name has all words, 1 if the description is needed, or None without a match."""
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
    page_found = index.services.search.find(principal, query, page, size)
    assert page_found.total == len(found)
    assert [str(result.repository) for result in page_found.results] == found[(page - 1) * size : page * size]
