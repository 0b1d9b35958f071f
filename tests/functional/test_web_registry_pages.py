"""The pages of an index with a current registry: commands, tabs, roles in shares, and confirmations."""

from collections.abc import Callable

import pytest

from tests.index import Index, basic
from tests.pages import Page
from tests.web_session import WebSession

SECRET = "a secret of the registry"  # pragma: allowlist secret
REGISTRY, LOCAL_REGISTRY = "registry.example.com", "localhost:5000"
INSECURE = "--tls-verify=false"


@pytest.fixture
def index(make_index: Callable[..., Index]) -> Index:
    index = make_index(registries=(REGISTRY,), registry_secret=SECRET)
    for username in ("alice", "bobby", "carol"):
        index.create_account(username)
    return index


@pytest.fixture
def alice(index: Index) -> WebSession:
    index.push("alice/web", basic("alice"))
    return WebSession.logged_in(index, "alice")


def report_push(index: Index, repository: str, tag: str) -> None:
    target = {"repository": repository, "tag": tag, "digest": f"sha256:{'a' * 64}", "size": 499}
    event = {"action": "push", "timestamp": "2026-01-01T00:00:00Z", "target": target}
    assert index.request("POST", "/registries/events", f"Bearer {SECRET}", json={"events": [event]}).status == 204


def share(index: Index, username: str, access: str) -> None:
    path = f"/v1/namespaces/alice/repositories/web/collaborators/{username}"
    assert index.request("PUT", path, basic("alice"), json={"access": access}).status == 204


def test_pull_is_shown_when_there_is_a_tag(alice: WebSession) -> None:
    page = alice.get("/r/alice/web")
    assert f"docker push {REGISTRY}/alice/web" in page.commands
    assert not [command for command in page.commands if " pull " in command]
    report_push(alice.index, "alice/web", "1.0")
    page = alice.get("/r/alice/web")
    assert page.commands == [f"{tool} pull {REGISTRY}/alice/web:1.0" for tool in ("docker", "podman")]


@pytest.mark.parametrize(("registry", "options"), [(REGISTRY, []), (LOCAL_REGISTRY, [INSECURE])])
def test_podman_gets_the_option_for_a_registry_without_tls(
    make_index: Callable[..., Index], registry: str, options: list[str]
) -> None:
    index = make_index(registries=(registry,), registry_secret=SECRET)
    index.create_account("alice")
    session = WebSession.logged_in(index, "alice")
    index.push("alice/web", basic("alice"))
    pages = [session.get(path) for path in ("/", "/account", "/r/alice/web")]
    pages.append(session.submit("/account/robots", "/account/robots", name="ci"))
    report_push(index, "alice/web", "latest")
    pages.append(session.get("/r/alice/web"))
    commands = [command.split() for page in pages for command in page.commands if registry in command]
    podman = [words for words in commands if "podman" in words and words[1] != "tag"]
    assert {word for words in podman for word in words} >= {"login", "push", "pull"}
    assert all((INSECURE in words) is bool(options) for words in podman)
    assert not [words for words in commands if "docker" in words and INSECURE in words]


def tabs(page: Page) -> list[str]:
    return [link.get("href", "") for link in page.root.findall(".//nav[@class='tabs']/a")]


def test_image_list_has_a_tab_until_there_is_a_tag(alice: WebSession) -> None:
    overview, images, settings = (f"/r/alice/web{end}" for end in ("", "/images", "/settings"))
    for path in (overview, images, settings):
        assert tabs(alice.get(path)) == [overview, images, settings]
    visitor = WebSession(alice.index)
    assert tabs(visitor.get(images)) == [overview, images]
    share(alice.index, "bobby", "admin")
    assert tabs(WebSession.logged_in(alice.index, "bobby").get(images)) == [overview, images, settings]
    report_push(alice.index, "alice/web", "1.0")
    for path in (overview, settings):
        assert tabs(alice.get(path)) == [overview, settings]


def test_account_sees_its_role_in_a_share_and_leaves_it(alice: WebSession) -> None:
    index = alice.index
    share(index, "bobby", "write")
    share(index, "carol", "read")
    bobby, carol = (WebSession.logged_in(index, username) for username in ("bobby", "carol"))
    page = bobby.get("/account/shared")
    assert (page.data("repository"), page.data("role")) == (["alice/web"], ["write"])
    assert carol.get("/account/shared").data("role") == ["read"]
    page = bobby.submit("/account/shared", "/r/alice/web/leave")
    assert (page.data("done"), page.data("repository")) == (["share_left"], [])
    assert carol.get("/account/shared").data("repository") == ["alice/web"]
    event = next(event for event in index.events if event["event"] == "repository.unshared")
    assert event["actor"] == "bobby"
    assert bobby.post("/r/alice/web/leave", form_token=bobby.form_token).status == 404


def test_settings_name_what_a_deletion_leaves_in_the_registry(alice: WebSession) -> None:
    assert alice.get("/r/alice/web/settings").data("remaining") == [f"{REGISTRY}/alice/web"]


def test_forms_that_take_something_away_ask_first(alice: WebSession) -> None:
    """The button is in a `details` element, so that it needs two clicks without JavaScript."""
    index = alice.index
    share(index, "bobby", "read")
    alice.submit("/account/robots", "/account/robots", name="ci")
    bobby = WebSession.logged_in(index, "bobby")
    for session, path, action in (
        (alice, "/account/robots", "/account/robots/ci/revoke"),
        (alice, "/r/alice/web/settings", "/r/alice/web/unshare"),
        (bobby, "/account/shared", "/r/alice/web/leave"),
    ):
        page = session.get(path)
        assert (
            page.root.find(f".//details[@class='confirm']/form[@action='{action}']/button[@class='danger']") is not None
        )


def test_namespaces_without_visible_repositories_have_the_same_page(alice: WebSession) -> None:
    index = alice.index
    index.request("PUT", "/v1/namespaces/alice/repositories/web", basic("alice"), json={"private": True})
    for session, steps in (
        (WebSession(index), {"search", "login"}),
        (WebSession.logged_in(index, "bobby"), {"search"}),
    ):
        page, missing = session.get("/r/alice"), session.get("/r/hello")
        assert (page.status, page.source.replace("alice", "hello")) == (404, missing.source)
        assert set(page.next_steps) == steps
    assert alice.get("/r/alice").status == 200
    assert WebSession.logged_in(index, "carol").get("/r/carol").status == 200, "the own namespace"
