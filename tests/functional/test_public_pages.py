"""The index as people see it: the front page, search, and a page for each public repository."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.api.errors import RouteNotFound
from chalicelib.bootstrap import Services
from tests.functional.test_faults import failing
from tests.functional.test_search import fill
from tests.index import Index, basic
from tests.pages import Page

HOST = "index.example.org:8443"
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    '" autofocus onfocus="alert(1)',
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</main><h1>",
    "javascript:alert(1)",
    "&lt;script&gt; &amp; &#60;",
    "{content} {0.__class__} {{}} %s $x",
    "<!-- -->]]>",
]


def get(index: Index, path: str = "/", **query: str) -> Page:
    target = f"{path}?{urlencode(query)}" if query else path
    return Page(index.request("GET", target, headers={"host": HOST}))


def describe(index: Index, path: str, auth: str, **change: Any) -> None:
    namespace, name = path.split("/")
    response = index.request("PUT", f"/v1/namespaces/{namespace}/repositories/{name}", auth, json=change)
    assert response.status == 204, response


def found(page: Page) -> list[str]:
    """The repositories that a page of results shows."""
    return [link for link, target in page.links.items() if target.startswith("/r/")]


def test_the_front_page_says_how_to_use_this_very_host_and_asks_nobody(index: Index) -> None:
    page = get(index)
    assert page.status == 200
    assert page.title == f"The Docker index at {HOST}"
    assert page.commands == [
        'curl -d \'{"username": "alice", "password": "a secret", "email": "alice@example.com"}\' '
        f"https://{HOST}/v1/users/",
        f"docker login https://{HOST}",
        f"docker tag web {HOST}/alice/web",
        f"docker push {HOST}/alice/web",
        f"docker pull {HOST}/alice/web",
        f"docker search {HOST}/web",
        f"podman search {HOST}/web",
    ]
    assert index.calls == [], "quick from a cold start"


def test_the_address_that_was_set_goes_before_what_a_request_says(make_index: Callable[..., Index]) -> None:
    page = get(make_index(base_url="http://127.0.0.1:8000"))
    assert page.title == "The Docker index at 127.0.0.1:8000"
    assert "docker login http://127.0.0.1:8000" in page.commands
    assert "podman search --tls-verify=false 127.0.0.1:8000/web" in page.commands


@pytest.mark.parametrize("host", [None, "", "a b", "evil.example/x", "a@b", "x\r\ny", "a" * 300, "a:b", *HOSTILE])
def test_a_host_that_is_none_is_shown_to_nobody(index: Index, host: str | None) -> None:
    response = index.request("GET", "/", headers={} if host is None else {"host": host})
    assert Page(response).title == "The Docker index at index.example.com"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "Registration is open to everybody. An account works at once."),
        ({"account_activation": "admin"}, "works once an administrator has activated it"),
        (
            {"account_activation": "email", "email_sender": "a@example.com", "base_url": "https://i.example.com"},
            "A letter then asks you to confirm your address",
        ),
        ({"registration": "closed"}, "Registration is closed"),
    ],
)
def test_it_says_whether_and_how_to_register(
    make_index: Callable[..., Index], changed: dict[str, str], said: str
) -> None:
    page = get(make_index(**changed))
    assert said in page.text
    assert ("curl" in page.text) == ("closed" not in changed.values())
    assert ("/forgotten" in page.links.values()) == ("email_sender" in changed)


def test_search_finds_what_is_public_whoever_asks(index: Index) -> None:
    alice, admin = index.account("alice"), index.account("admin", admin=True)
    for path in ("alice/web", "alice/web-secret", "alice/database"):
        index.push(path, alice, "a")
    index.push("web", admin, "a")
    describe(index, "alice/web-secret", alice, private=True)
    describe(index, "alice/database", alice, description="For the web.")
    for auth in (None, alice, admin, "Basic nonsense", "Token nonsense"):
        page = Page(index.request("GET", "/?q=WEB", auth))
        assert found(page) == ["alice/web", "web", "alice/database"]
        assert page.title == "Public repositories that match “WEB”"
        assert "3 repositories. alice/web web official alice/database For the web." in page.text
    assert page.links["web"] == "/r/library/web"
    assert page.links["alice/web"] == "/r/alice/web"
    assert page.fields("/") == {"q": "WEB"}


def test_an_empty_search_finds_everything_and_a_vain_one_says_so(index: Index) -> None:
    fill(index, ["alice/web", "bobby/db"])
    page = get(index, q="")
    assert (page.title, found(page)) == ("All public repositories", ["alice/web", "bobby/db"])
    page = get(index, q="nothing like it")
    assert (page.status, found(page)) == (200, [])
    assert "None found." in page.text


def test_results_come_in_pages_that_lead_to_each_other(index: Index) -> None:
    names = [f"alice/web{number:02}" for number in range(60)]
    fill(index, names)
    page, seen = get(index, q="web"), []
    assert "60 repositories." in page.text
    assert "Previous page" not in page.links
    while True:
        seen += found(page)
        if "Next page" not in page.links:
            break
        page = get(index, page.links["Next page"])
    assert seen == names
    assert "Page 3 of 3" in page.text
    assert page.links["Previous page"] == "/?q=web&page=2"
    assert found(get(index, q="web", page="2")) == names[25:50]
    beyond = get(index, q="web", page="9")
    assert (beyond.status, found(beyond)) == (200, [])
    assert beyond.links["Previous page"] == "/?q=web&page=3"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"q": "web", "page": "0"}, "Page is a number from 1."),
        ({"q": "web", "page": "<b>"}, "Page is a number from 1."),
        ({"q": "x" * 256}, "A search has at most 255 characters."),
    ],
)
def test_a_search_that_cannot_be_is_a_page_that_says_why(index: Index, query: dict[str, str], said: str) -> None:
    page = get(index, **query)
    assert (page.status, page.alert) == (400, said)


def test_a_repository_s_page(index: Index) -> None:
    alice = index.account("alice")
    images = [{"id": "a" * 64, "checksum": "sha256:ab12"}, {"id": "b" * 64}]
    index.request("PUT", "/v1/repositories/alice/web", alice, json=images)
    describe(index, "alice/web", alice, description="What the web is served with.")
    index.calls.clear()
    page = get(index, "/r/alice/web")
    assert index.calls == ["dynamodb.GetItem", "dynamodb.BatchGetItem", "dynamodb.GetItem", "dynamodb.Query"]
    assert page.title == "alice/web"
    assert page.commands == [f"docker pull {HOST}/alice/web"]
    assert "What the web is served with." in page.text
    assert "Images 2" in page.text
    for said in ("a" * 64, "sha256:ab12", "b" * 64):
        assert said in page.text
    assert page.root.find(".//time") is not None


def test_a_library_repository_is_pulled_by_its_bare_name(index: Index) -> None:
    index.push("web", index.account("alice", admin=True))
    page = get(index, "/r/library/web")
    assert page.commands == [f"docker pull {HOST}/web"]
    assert "Official yes" in page.text
    assert "Images 0" in page.text


def test_a_page_shows_a_hundred_images_and_counts_all(index: Index) -> None:
    alice = index.account("alice")
    index.push("alice/web", alice, *(f"image{number}" for number in range(1234)))
    page = get(index, "/r/alice/web")
    assert "Images 1,234" in page.text
    assert "The first 100 of 1,234" in page.text
    assert len(page.root.findall(".//li/code")) == 100


def test_a_private_repository_is_as_good_as_none(index: Index) -> None:
    alice = index.account("alice")
    index.push("alice/web", alice, "a")
    describe(index, "alice/web", alice, private=True, description="a secret")
    private, missing = (index.request("GET", f"/r/alice/{name}", alice) for name in ("web", "missing"))
    assert private == missing
    page = Page(private)
    assert (page.status, page.title, page.alert) == (404, "There is nothing here", "Repository not found.")
    assert page.links["Search the public repositories"] == "/"
    index.push("alice/gone", alice)
    assert index.request("DELETE", "/v1/repositories/alice/gone", alice).status == 202
    assert index.request("GET", "/r/alice/gone") == missing


@pytest.mark.parametrize("path", ["/r/alice/Web", "/r/a/web", "/r/alice/%3Cscript%3E", "/r/alice/%00", "/r/alice/.."])
def test_a_name_that_is_none_is_a_page_that_says_why(index: Index, path: str) -> None:
    page = get(index, path)
    assert page.status == 400
    assert "name" in (page.alert or "")


@settings(max_examples=150)
@given(st.text(max_size=60) | st.sampled_from(HOSTILE))
def test_whatever_is_searched_for_is_text(index: Index, query: str) -> None:
    if not index.calls:
        fill(index, ["alice/web"])
    page = get(index, q=query)
    plain = get(index, q="nothing" if not found(page) else "web")
    words = " ".join(query.split())
    shown = "".join(character if character.isprintable() else "\ufffd" for character in words)
    assert page.fields("/") == {"q": shown}
    assert page.title == (f"Public repositories that match “{shown}”" if words else "All public repositories")
    assert page.shape == plain.shape


@pytest.mark.exhaustive
@pytest.mark.exhaustive
@settings(max_examples=150)
@given(st.text(max_size=60).filter(str.isprintable) | st.sampled_from(HOSTILE))
def test_whatever_a_description_says_is_text(index: Index, description: str) -> None:
    alice = basic("alice")
    if index.users.get("alice") is None:
        index.push("alice/web", index.account("alice"), "a")
    pages = []
    for text in ("plain", description):
        describe(index, "alice/web", alice, description=text)
        pages.append((get(index, "/r/alice/web"), get(index, q="alice")))
    (plain, plain_results), (page, results) = pages
    assert page.root.findtext("body/main/p") == (description or "It has no description.")
    assert results.root.findtext(".//li/p") == description
    assert page.shape == plain.shape
    assert results.shape == plain_results.shape


@pytest.mark.parametrize("path", ["/", "/?q=web", "/r/alice/web"])
def test_switched_off_it_is_a_path_like_any_other_that_is_not_served(
    make_index: Callable[..., Index], path: str
) -> None:
    index = make_index(public_pages="off")
    index.push("alice/web", index.account("alice"), "a")
    response, unknown = index.request("GET", path), index.request("GET", "/v1/nothing")
    assert (response.status, response.json) == (404, {"error": RouteNotFound().message})
    assert (response.status, response.json, response.headers) == (unknown.status, unknown.json, unknown.headers)
    assert "/" not in Page(index.request("GET", "/forgotten")).links.values()


def test_api_gateway_gets_the_same_routes_whatever_the_setting(make_index: Callable[..., Index]) -> None:
    on, off = make_index(), make_index(public_pages="off")
    paths = [[(route.method, route.path) for route in Services(i.settings, i.aws).routes] for i in (on, off)]
    assert paths[0] == paths[1]
    variables: dict[str, set[str]] = {}
    for _, path in paths[0]:
        services = path.split("/")
        for place, part in enumerate(services):
            if part.startswith("{"):
                variables.setdefault("/".join(services[:place]), set()).add(part)
    assert all(len(names) == 1 for names in variables.values()), "it takes one variable's name at each level"


def test_head_has_the_headers_of_get(index: Index) -> None:
    index.push("alice/web", index.account("alice"), "a")
    for path in ("/", "/?q=web", "/r/alice/web", "/r/alice/missing"):
        head, whole = index.request("HEAD", path), index.request("GET", path)
        assert (head.status, head.headers) == (whole.status, whole.headers)


@pytest.mark.parametrize("accept", ["text/html", "application/json", "image/png", "nonsense"])
def test_accept_decides_nothing(index: Index, accept: str) -> None:
    assert Page(index.request("GET", "/", headers={"accept": accept})).status == 200
    assert index.request("GET", "/v1/_ping", headers={"accept": accept}).json is True


def test_a_store_that_does_not_answer_is_a_page_too(index: Index) -> None:
    mend = failing(index, "Query")
    page = get(index, q="web")
    mend()
    assert (page.status, page.title) == (503, "Try again in a moment")
    assert get(index, q="web").status == 200
