"""The public pages: home, search, and a page for each public repository."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.api.errors import RouteNotFound
from chalicelib.bootstrap import Services
from chalicelib.domain.choices import AccountActivation, Registration
from tests.functional.filling import fill
from tests.index import Index
from tests.pages import Page
from tests.web_session import WebSession

HOST = "index.example.org:8443"
HOSTILE_TEXTS = [
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


def test_front_page_shows_official_repositories_and_commands_for_its_host(index: Index) -> None:
    admin = index.create_account("admin", admin=True)
    for path in ("redis", "nginx", "admin/tools"):
        index.push(path, admin, "a")
    index.calls.clear()
    page = get(index)
    assert index.calls == ["dynamodb.Query"]
    assert (page.status, page.name) == (200, "home")
    assert HOST in page.title
    assert page.data("repository") == ["library/nginx", "library/redis"]
    assert page.commands == [
        f"docker search {HOST}/web",
        f"podman search {HOST}/web",
        f"docker login {HOST}",
        f"docker tag web {HOST}/alice/web",
        f"docker push {HOST}/alice/web",
        f"docker pull {HOST}/alice/web",
    ]


def test_front_page_shows_current_docker_first(make_index: Callable[..., Index]) -> None:
    registry = "registry.example.com"
    page = get(make_index(registries=(registry,), registry_secret="x" * 16))
    assert page.commands[0] == f"docker login {registry}"
    (details,) = page.root.findall(".//details[@data-protocol='v1']")
    old = [code.text for code in details.iter("code")]
    assert all(registry not in (command or "") for command in old)


def test_configured_base_url_takes_precedence_over_host_header(make_index: Callable[..., Index]) -> None:
    page = get(make_index(base_url="http://127.0.0.1:8000"))
    assert "127.0.0.1:8000" in page.title
    assert HOST not in page.source
    assert "docker login 127.0.0.1:8000" in page.commands
    assert "podman search --tls-verify=false 127.0.0.1:8000/web" in page.commands


def test_invalid_host_header_is_not_shown(index: Index) -> None:
    for host in (None, "", "a b", "evil.example/x", "a@b", "x\r\ny", "a" * 300, "a:b", *HOSTILE_TEXTS):
        page = Page(index.request("GET", "/", headers={} if host is None else {"host": host}))
        assert "docker login index.example.com" in page.commands, host
        assert page.title.endswith(" index.example.com"), host


EMAIL_SETTINGS = {"email_sender": "a@example.com", "base_url": "https://i.example.com"}


@pytest.mark.parametrize(
    ("changed", "registration", "activation"),
    [
        ({}, "open", ["none"]),
        ({"account_activation": AccountActivation.ADMIN}, "open", ["admin"]),
        ({"account_activation": AccountActivation.EMAIL, **EMAIL_SETTINGS}, "open", ["email"]),
        ({"registration": Registration.CLOSED}, "closed", []),
    ],
)
def test_home_page_shows_how_to_register(
    make_index: Callable[..., Index], changed: dict[str, Any], registration: str, activation: list[str]
) -> None:
    index = make_index(**changed)
    page = get(index)
    assert page.data("registration") == [registration]
    assert ("/register" in page.links) == (registration == "open")
    assert get(index, "/register").data("activation") == activation
    assert ("/forgotten" in page.links) == ("email_sender" in changed)
    assert ("/confirm" in page.links) == ("email_sender" in changed)


def test_search_finds_only_public_repositories_with_any_credentials(index: Index) -> None:
    alice, admin = index.create_account("alice"), index.create_account("admin", admin=True)
    for path in ("alice/web", "alice/web-secret", "alice/database"):
        index.push(path, alice, "a")
    index.push("web", admin, "a")
    describe(index, "alice/web-secret", alice, private=True)
    describe(index, "alice/database", alice, description="For the web.")
    for auth in (None, alice, admin, "Basic nonsense", "Token nonsense"):
        page = Page(index.request("GET", "/?q=WEB", auth))
        assert page.name == "search"
        assert page.data("repository") == ["library/web", "alice/web", "alice/database"]
        assert page.data("total") == ["3"]
        assert "WEB" in page.title
        assert page.root.findtext(".//li[@data-repository='alice/database']/div/p") == "For the web."
        assert page.data("badge") == ["official"]
        for link, text in (("/r/library/web", "web"), ("/r/alice/web", "alice/web")):
            assert page.root.findtext(f".//a[@href='{link}']") == text
        assert page.fields("/") == {"q": "WEB"}


def test_empty_search_lists_all_repositories(index: Index) -> None:
    fill(index, ["alice/web", "bobby/db"])
    page = get(index, q="")
    assert page.data("repository") == ["alice/web", "bobby/db"]
    assert page.data("total") == ["2"]


@pytest.mark.parametrize("number", ["1", "9"])
def test_search_without_matches_shows_no_results(index: Index, number: str) -> None:
    page = get(index, q="nothing like it", page=number)
    assert (page.status, page.data("repository"), page.data("total")) == (200, [], ["0"])
    assert page.data("page-number") == []


def test_search_results_have_links_to_previous_and_next_page(index: Index) -> None:
    names = [f"alice/web{number:02}" for number in range(60)]
    fill(index, names)
    page, seen = get(index, q="web"), []
    assert page.data("total") == ["26"], "one match after the page is counted"
    assert page.link_with_rel("prev") is None
    while True:
        seen += page.data("repository")
        target = page.link_with_rel("next")
        if target is None:
            break
        page = get(index, target)
    assert seen == names
    assert (page.data("page-number"), page.data("last-page")) == (["3"], ["3"])
    assert page.link_with_rel("prev") == "/?q=web&page=2"
    assert get(index, q="web", page="2").data("repository") == names[25:50]


def test_page_after_the_last_one_leads_to_the_last_one(index: Index) -> None:
    fill(index, [f"alice/web{number:02}" for number in range(60)])
    response = index.request("GET", "/?q=web&page=9")
    assert (response.status, response.headers["location"]) == (303, "/?q=web&page=3")
    index.push("alice/web00", index.create_account("alice"), *(f"image{number}" for number in range(150)))
    response = index.request("GET", "/r/alice/web00/images?page=9")
    assert (response.status, response.headers["location"]) == (303, "/r/alice/web00/images?page=2")


def test_invalid_search_is_rejected_with_a_page(index: Index) -> None:
    for query, key_word in (
        ({"q": "web", "page": "0"}, "number"),
        ({"q": "web", "page": "<b>"}, "number"),
        ({"q": "x" * 256}, "255"),
    ):
        page = get(index, **query)
        assert (page.status, page.name) == (400, "error")
        assert key_word in (page.alert or "")


def test_repository_page_shows_description_images_and_pull_command(index: Index) -> None:
    alice = index.create_account("alice")
    images = [{"id": "a" * 64, "checksum": "sha256:ab12"}, {"id": "b" * 64}]
    index.request("PUT", "/v1/repositories/alice/web", alice, json=images)
    describe(index, "alice/web", alice, description="What the web is served with.")
    index.calls.clear()
    page = get(index, "/r/alice/web")
    assert index.calls == ["dynamodb.BatchGetItem", "dynamodb.Query"]
    assert (page.name, page.title) == ("repository", "alice/web")
    assert page.commands == [f"docker pull {HOST}/alice/web"]
    assert page.root.findtext(".//p[@class='description']") == "What the web is served with."
    assert page.data("badge") == []
    assert page.root.find(".//time") is not None
    assert "/r/alice/web/images" in page.links
    page = get(index, "/r/alice/web/images")
    assert page.data("images") == ["2"]
    assert page.data("image") == ["a" * 64, "b" * 64]
    assert page.root.findtext(f".//li[@data-image='{'a' * 64}']/p/code") == "sha256:ab12"
    assert page.root.find(f".//li[@data-image='{'b' * 64}']/p") is None


def test_official_repository_is_pulled_without_a_namespace(index: Index) -> None:
    index.push("web", index.create_account("alice", admin=True))
    page = get(index, "/r/library/web")
    assert page.commands == [f"docker pull {HOST}/web"]
    assert page.data("badge") == ["official"]
    assert get(index, "/r/library/web/images").data("images") == ["0"]


def test_repository_without_description_has_no_description_element(index: Index) -> None:
    index.push("alice/web", index.create_account("alice"), "a")
    for page in (get(index, "/r/alice/web"), get(index, q="web")):
        assert page.root.find(".//p[@class='description']") is None


def test_all_images_are_shown_on_several_pages(index: Index) -> None:
    ids = [f"image{number}" for number in range(234)]
    index.push("alice/web", index.create_account("alice"), *ids)
    page, seen = get(index, "/r/alice/web/images"), []
    while True:
        assert page.data("images") == ["234"]
        seen += page.data("image")
        target = page.link_with_rel("next")
        if target is None:
            break
        page = get(index, target)
    assert seen == ids
    assert (page.data("page-number"), page.data("last-page")) == (["3"], ["3"])


def test_private_deleted_and_missing_repositories_have_the_same_page(index: Index) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice, "a")
    describe(index, "alice/web", alice, private=True, description="a secret")
    private, missing = (index.request("GET", f"/r/alice/{name}", alice) for name in ("web", "missing"))
    assert private == missing
    page = Page(private)
    assert (page.status, page.name) == (404, "error")
    assert page.alert
    assert page.next_steps == {"login": "/login", "search": "/?q="}
    index.push("alice/gone", alice)
    assert index.request("DELETE", "/v1/repositories/alice/gone", alice).status == 202
    assert index.request("GET", "/r/alice/gone") == missing


def test_invalid_repository_name_is_rejected_with_a_page(index: Index) -> None:
    for path in ("/r/alice/Web", "/r/a/web", "/r/alice/%3Cscript%3E", "/r/alice/%00", "/r/alice/.."):
        page = get(index, path)
        assert (page.status, page.name) == (400, "error"), path
        assert "name" in (page.alert or "")


@pytest.mark.parametrize("path", ["/", "/?q=web", "/r/alice/web"])
def test_disabled_pages_respond_like_an_unknown_path(make_index: Callable[..., Index], path: str) -> None:
    index = make_index(public_pages=False)
    index.push("alice/web", index.create_account("alice"), "a")
    response, unknown = index.request("GET", path), index.request("GET", "/nothing")
    assert (response.status, response.json) == (404, {"error": RouteNotFound().message})
    assert response == unknown
    browser = {"accept": "text/html"}
    assert index.request("GET", path, headers=browser) == index.request("GET", "/nothing", headers=browser)
    assert Page(index.request("GET", path, headers=browser)).next_steps["login"] == "/login"


def test_disabled_public_pages_are_shown_after_a_login(make_index: Callable[..., Index]) -> None:
    index = make_index(public_pages=False)
    index.push("alice/web", index.create_account("alice"), "a")
    session = WebSession.logged_in(index, "alice")
    assert [session.get(path).name for path in ("/", "/?q=web", "/r/alice/web")] == ["home", "search", "repository"]


def test_routes_do_not_depend_on_the_setting(make_index: Callable[..., Index]) -> None:
    on, off = make_index(), make_index(public_pages=False)
    paths = [[(route.method, route.path) for route in Services(i.settings, i.aws).routes] for i in (on, off)]
    assert paths[0] == paths[1]
    variables: dict[str, set[str]] = {}
    for _, path in paths[0]:
        parts = path.split("/")
        for place, part in enumerate(parts):
            if part.startswith("{"):
                variables.setdefault("/".join(parts[:place]), set()).add(part)
    assert all(len(names) == 1 for names in variables.values()), "API Gateway allows one variable name at each level"


def test_head_returns_the_headers_of_get(index: Index) -> None:
    index.push("alice/web", index.create_account("alice"), "a")
    for path in ("/", "/?q=web", "/r/alice/web", "/r/alice/missing"):
        head, whole = index.request("HEAD", path), index.request("GET", path)
        assert (head.status, head.headers) == (whole.status, whole.headers)


def test_accept_header_is_ignored(index: Index) -> None:
    for accept in ("text/html", "application/json", "image/png", "nonsense"):
        assert Page(index.request("GET", "/", headers={"accept": accept})).status == 200
        assert index.request("GET", "/v1/_ping", headers={"accept": accept}).json is True


def test_unavailable_storage_returns_a_page_with_status_503(index: Index) -> None:
    with index.failing_calls("Query"):
        page = get(index, q="web")
    assert (page.status, page.name) == (503, "error")
    assert get(index, q="web").status == 200
