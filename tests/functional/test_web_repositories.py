"""The forms and pages with which an account manages its repositories, without JavaScript."""

from collections.abc import Callable

import pytest

from chalicelib.domain.choices import Visibility
from chalicelib.domain.identifiers import MAX_LONG_DESCRIPTION_BYTES
from tests.index import Index, basic
from tests.pages import Page
from tests.web_session import WebSession

MARKDOWN = "# Web\n\n- one\n\n<b>raw</b> [link](https://example.com) [bad](javascript:alert)"


@pytest.fixture
def alice(index: Index) -> WebSession:
    index.create_account("alice")
    index.create_account("bobby")
    return WebSession.logged_in(index, "alice")


def create(session: WebSession, name: str, **fields: str) -> Page:
    return session.submit("/account/new", "/account/new", name=name, **fields)


def show(index: Index, path: str, username: str = "alice") -> dict[str, object]:
    namespace, name = path.split("/")
    response = index.request("GET", f"/v1/namespaces/{namespace}/repositories/{name}", basic(username))
    assert response.status == 200
    described: dict[str, object] = response.json
    return described


@pytest.mark.parametrize("visibility", Visibility)
def test_account_creates_a_repository(alice: WebSession, visibility: Visibility) -> None:
    page = create(alice, "web", description="Web server", visibility=visibility)
    assert (page.name, page.title, page.data("done")) == ("repository", "alice/web", ["created"])
    stored = show(alice.index, "alice/web")
    assert (stored["description"], stored["private"]) == ("Web server", visibility is Visibility.PRIVATE)
    page = alice.get("/account")
    assert page.data("repository") == ["alice/web"]
    assert page.data("badge") == (["private"] if visibility is Visibility.PRIVATE else [])
    event = next(event for event in alice.index.events if event["event"] == "repository.created")
    assert (event["actor"], event["target"]) == ("alice", "alice/web")


@pytest.mark.parametrize("visibility", Visibility)
def test_default_visibility_is_selected(make_index: Callable[..., Index], visibility: Visibility) -> None:
    index = make_index(repository_visibility=visibility)
    index.create_account("alice")
    fields = WebSession.logged_in(index, "alice").get("/account/new").fields("/account/new")
    assert (fields["visibility"], fields["namespace"]) == (visibility, "alice")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"name": "Bad Name"}, 400),
        ({"name": ""}, 400),
        ({"name": "images"}, 400),
        ({"name": "web", "visibility": "secret"}, 400),
        ({"name": "web", "namespace": "bobby"}, 404),
        ({"name": "web", "namespace": "library"}, 403),
        ({"name": "taken"}, 409),
    ],
)
def test_repository_that_cannot_be_created_keeps_the_input(
    alice: WebSession, fields: dict[str, str], status: int
) -> None:
    create(alice, "taken")
    page = alice.submit("/account/new", "/account/new", **{"description": "kept", **fields})
    assert (page.status, page.name) == (status, "create_repository")
    assert page.alert
    sent = page.fields("/account/new")
    assert (sent["name"], sent["description"]) == (fields["name"], "kept")


def test_administrator_creates_an_official_repository(index: Index) -> None:
    index.create_account("admin", admin=True)
    page = create(WebSession.logged_in(index, "admin"), "redis", namespace="library", visibility="public")
    assert (page.title, page.data("badge")) == ("library/redis", ["official"])
    page = create(WebSession.logged_in(index, "admin"), "secret", namespace="library", visibility="private")
    assert page.status == 400


def test_descriptions_are_stored_and_rendered(alice: WebSession) -> None:
    create(alice, "web")
    page = alice.submit(
        "/r/alice/web/settings", "/r/alice/web/describe", description="Short", long_description=MARKDOWN
    )
    assert (page.name, page.data("done")) == ("repository_settings", ["described"])
    assert page.fields("/r/alice/web/describe")["long_description"] == MARKDOWN
    stored = show(alice.index, "alice/web")
    assert (stored["description"], stored["long_description"]) == ("Short", MARKDOWN)
    for page in (alice.get("/r/alice/web"), WebSession(alice.index).get("/r/alice/web")):
        section = page.root.find(".//section[@class='markdown']")
        assert section is not None
        assert section.findtext("h3") == "Web"
        assert [link.get("href") for link in section.iter("a")] == ["https://example.com"]
        assert "<b>raw</b>" in page.text


def test_line_ends_of_browsers_do_not_change_a_description(alice: WebSession) -> None:
    create(alice, "web")
    alice.submit("/r/alice/web/settings", "/r/alice/web/describe", long_description="\n\r\nfirst\r\n\r\nlast\r\n")
    assert show(alice.index, "alice/web")["long_description"] == "\n\nfirst\n\nlast\n"
    fields = alice.get("/r/alice/web/settings").fields("/r/alice/web/describe")
    assert fields["long_description"] == "\n\nfirst\n\nlast\n"


def test_longest_description_fits_into_the_form(alice: WebSession) -> None:
    create(alice, "web")
    text = "\u00fc" * (MAX_LONG_DESCRIPTION_BYTES // 2)
    page = alice.submit("/r/alice/web/settings", "/r/alice/web/describe", long_description=text)
    assert page.data("done") == ["described"]
    response = alice.send(
        "POST", "/r/alice/web/describe", form_token=alice.form_token, description="kept", long_description=text + "xx"
    )
    assert response.status == 400
    assert b"kept" in response.body
    assert show(alice.index, "alice/web")["long_description"] == text


def test_description_belongs_to_one_generation(alice: WebSession) -> None:
    create(alice, "web")
    alice.submit("/r/alice/web/settings", "/r/alice/web/describe", long_description="old text")
    alice.submit("/r/alice/web/settings", "/r/alice/web/delete", confirmation="alice/web")
    create(alice, "web")
    assert show(alice.index, "alice/web")["long_description"] == ""
    assert "old text" not in alice.get("/r/alice/web").source


def test_long_description_is_not_a_tag(alice: WebSession) -> None:
    create(alice, "web")
    alice.submit("/r/alice/web/settings", "/r/alice/web/describe", long_description="text")
    for order in ("name", "time"):
        path = f"/v1/namespaces/alice/repositories/web/tags?order={order}"
        assert alice.index.request("GET", path, basic("alice")).json == []


def test_visibility_is_changed_and_private_pages_are_hidden(alice: WebSession) -> None:
    create(alice, "web", visibility="public")
    page = alice.submit("/r/alice/web/settings", "/r/alice/web/visibility")
    assert (page.data("done"), page.data("visibility")) == (["private"], ["private"])
    assert show(alice.index, "alice/web")["private"] is True
    for session in (WebSession(alice.index), WebSession.logged_in(alice.index, "bobby")):
        for end in ("", "/images", "/settings"):
            if session.cookie or end != "/settings":
                private, missing = session.get(f"/r/alice/web{end}"), session.get(f"/r/alice/missing{end}")
                assert (private.status, private.source.replace("/web", "/missing")) == (404, missing.source)
        assert session.get("/?q=web").data("repository") == []
        assert session.get("/r/alice").data("repository") == []
    assert alice.get("/?q=web").data("repository") == ["alice/web"]
    assert alice.get("/r/alice/web").status == 200


def test_repository_is_shared_and_no_longer_shared(alice: WebSession) -> None:
    create(alice, "web", visibility="private")
    bobby = WebSession.logged_in(alice.index, "bobby")
    page = alice.submit("/r/alice/web/settings", "/r/alice/web/share", username="bobby", access="write")
    assert (page.data("done"), page.data("collaborator")) == (["shared"], ["bobby"])
    assert bobby.get("/account/shared").data("repository") == ["alice/web"]
    assert bobby.get("/r/alice/web").status == 200
    assert bobby.get("/r/alice/web/settings").status == 403
    assert (
        bobby.send("POST", "/r/alice/web/delete", form_token=bobby.form_token, confirmation="alice/web").status == 403
    )
    page = alice.submit("/r/alice/web/settings", "/r/alice/web/unshare", username="bobby")
    assert (page.data("done"), page.data("collaborator")) == (["unshared"], [])
    assert bobby.get("/account/shared").data("repository") == []
    assert bobby.get("/r/alice/web").status == 404


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"username": "nobody"}, 404), ({"username": "alice"}, 400), ({"username": "bobby", "access": "owner"}, 400)],
)
def test_share_that_is_not_possible_keeps_the_input(alice: WebSession, fields: dict[str, str], status: int) -> None:
    create(alice, "web")
    page = alice.submit("/r/alice/web/settings", "/r/alice/web/share", **fields)
    assert (page.status, page.name) == (status, "repository_settings")
    assert fields["username"] in (page.alert or "").lower() or "one of read, write, admin" in (page.alert or "")
    assert page.fields("/r/alice/web/share")["username"] == fields["username"]


def test_deletion_needs_the_full_name(alice: WebSession) -> None:
    create(alice, "web")
    for confirmation in ("", "web", "alice/Web", "alice/web2"):
        page = alice.submit("/r/alice/web/settings", "/r/alice/web/delete", confirmation=confirmation)
        assert (page.status, page.name) == (400, "repository_settings")
    page = alice.submit("/r/alice/web/settings", "/r/alice/web/delete", confirmation="alice/web")
    assert (page.name, page.data("done"), page.data("repository")) == ("repositories", ["deleted"], [])
    assert alice.get("/r/alice/web").status == 404


def test_empty_lists_explain_the_next_step(alice: WebSession) -> None:
    for path in ("/account", "/account/shared", "/account/robots", "/r/nobody_here"):
        page = alice.get(path)
        assert page.root.find(".//p[@class='empty']") is not None, path
    assert "/account/new" in alice.get("/account").links


@pytest.mark.exhaustive
def test_lists_have_several_pages(alice: WebSession) -> None:
    auth = basic("alice")
    for number in range(102):
        alice.index.push(f"alice/web{number:03}", auth)
    for path in ("/account", "/r/alice"):
        page = alice.get(path)
        assert len(page.data("repository")) == 100
        target = page.link_with_rel("next")
        assert target is not None
        page = alice.get(target)
        assert page.data("repository") == ["alice/web100", "alice/web101"]
        assert page.link_with_rel("next") is None


def test_members_create_repositories_in_their_organisations(alice: WebSession) -> None:
    index = alice.index
    assert index.request("PUT", "/v1/organizations/acme", basic("alice")).status == 201
    assert (
        index.request("PUT", "/v1/organizations/acme/members/bobby", basic("alice"), json={"access": "read"}).status
        == 204
    )
    page = create(alice, "web", namespace="acme", visibility="private")
    assert page.title == "acme/web"
    assert alice.get("/account/organizations").data("organization") == ["acme"]
    bobby = WebSession.logged_in(index, "bobby")
    assert bobby.get("/account/organizations").data("organization") == ["acme"]
    assert bobby.get("/r/acme").data("repository") == ["acme/web"]
    options = [option.get("value") for option in bobby.get("/account/new").root.iter("option")]
    assert options == ["bobby"], "a reader cannot create repositories"
    assert create(bobby, "db", namespace="acme").status == 404
    stranger = WebSession(index)
    assert stranger.get("/r/acme").data("repository") == []


def test_organisation_cannot_have_the_name_of_its_founder(alice: WebSession) -> None:
    assert alice.index.request("PUT", "/v1/organizations/alice", basic("alice")).status == 409
