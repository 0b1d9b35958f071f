"""The pages of organisations: creation, members, robots, leaving and deletion."""

from collections.abc import Callable

import pytest

from chalicelib.accounts import deletion_steps
from chalicelib.domain.choices import OrganizationCreation
from tests.index import Index, basic
from tests.web_session import WebSession

CREATE, OPS = "/account/organizations", "/organizations/ops"


@pytest.fixture
def alice(index: Index) -> WebSession:
    """The browser of alice, who is the administrator of `ops`. bobby has an account."""
    for username in ("alice", "bobby"):
        index.create_account(username)
    assert index.request("PUT", "/v1/organizations/ops", basic("alice")).status == 201
    return WebSession.logged_in(index, "alice")


def members(index: Index) -> dict[str, str]:
    response = index.request("GET", "/v1/organizations/ops/members", basic("alice"))
    return {entry["username"]: entry["access"] for entry in response.json}


def test_organisation_is_created_and_listed(alice: WebSession) -> None:
    page = alice.submit(CREATE, CREATE, name="my-team")
    assert (page.name, page.data("done"), page.data("member")) == ("organization", ["organization_created"], ["alice"])
    assert alice.index.events[-1]["event"] == "organization.created"
    assert alice.index.events[-1]["target"] == "my-team"
    page = alice.get(CREATE)
    assert page.data("organization") == ["my-team", "ops"]
    assert "/organizations/my-team" in page.links


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("name", "status"), [("", 400), ("a", 400), ("Not a name", 400), ("library", 400), ("ops", 409)]
)
def test_organisation_that_cannot_be_created_keeps_the_input(alice: WebSession, name: str, status: int) -> None:
    page = alice.submit(CREATE, CREATE, name=name)
    assert (page.status, page.name, page.fields(CREATE)["name"]) == (status, "organizations", name)
    assert page.alert


def test_form_is_shown_to_accounts_that_may_create_organisations(make_index: Callable[..., Index]) -> None:
    index = make_index(organization_creation=OrganizationCreation.ADMINISTRATORS)
    index.create_account("alice")
    index.create_account("rooty", admin=True)
    alice, rooty = WebSession.logged_in(index, "alice"), WebSession.logged_in(index, "rooty")
    assert CREATE not in alice.get(CREATE).actions
    assert alice.post(CREATE, form_token=alice.form_token, name="ops").status == 403
    assert rooty.submit(CREATE, CREATE, name="ops").name == "organization"


def test_administrator_adds_changes_and_removes_members(alice: WebSession) -> None:
    index, path = alice.index, f"{OPS}/members"
    for access in ("read", "write"):
        page = alice.post(path, form_token=alice.form_token, username="bobby", access=access)
        assert (page.status, page.data("done"), page.data("member")) == (200, ["member_changed"], ["alice", "bobby"])
        assert page.data("access") == ["admin", access]
        assert members(index) == {"alice": "admin", "bobby": access}
        assert (index.events[-1]["event"], index.events[-1]["target"]) == ("member.changed", "ops/bobby")
    page = alice.get(f"{OPS}?member=bobby&access=write")
    assert page.fields(path) == {"form_token": alice.form_token, "username": "bobby", "access": "write"}
    page = alice.post(path + "/remove", form_token=alice.form_token, username="bobby")
    assert (page.data("done"), page.data("member")) == (["member_removed"], ["alice"])
    assert (index.events[-1]["event"], index.events[-1]["target"]) == ("member.removed", "ops/bobby")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"username": "bobby", "access": "owner"}, 400),
        ({"username": "bobby"}, 400),
        ({"username": "nobody", "access": "read"}, 404),
        ({"username": "Not A Name", "access": "read"}, 404),
        ({"username": "alice", "access": "read"}, 409),
        ({}, 400),
    ],
)
def test_member_that_cannot_be_added_keeps_the_input(alice: WebSession, fields: dict[str, str], status: int) -> None:
    page = alice.post(f"{OPS}/members", form_token=alice.form_token, **fields)
    assert (page.status, page.name) == (status, "organization")
    assert page.alert
    assert f'value="{fields.get("username", "")}"' in page.source
    assert members(alice.index) == {"alice": "admin"}


def test_member_sees_the_members_and_leaves(alice: WebSession) -> None:
    index = alice.index
    alice.post(f"{OPS}/members", form_token=alice.form_token, username="bobby", access="write")
    bobby = WebSession.logged_in(index, "bobby")
    page = bobby.get(OPS)
    assert page.data("member") == ["alice", "bobby"]
    assert page.actions == {f"{OPS}/leave"}
    page = bobby.submit(OPS, f"{OPS}/leave")
    assert (page.name, page.data("done"), page.data("organization")) == ("organizations", ["left"], [])
    assert bobby.get(OPS).status == 403
    assert (index.events[-1]["event"], index.events[-1]["target"]) == ("member.removed", "ops/bobby")


def test_last_administrator_cannot_leave(alice: WebSession) -> None:
    page = alice.submit(OPS, f"{OPS}/leave")
    assert (page.status, page.name) == (409, "organization")
    assert page.alert
    assert members(alice.index) == {"alice": "admin"}


def test_members_have_several_pages(alice: WebSession) -> None:
    model = alice.index.tables.collaborators
    with model.batch_write() as batch:
        for number in range(150):
            batch.save(model("organization ops", f"user{number:03}", role="read"))
    page, seen = alice.get(OPS), set[str]()
    while True:
        seen.update(page.data("member"))
        target = page.link_with_rel("next")
        if target is None:
            break
        page = alice.get(target)
    assert len(seen) == 151


def test_robot_of_an_organisation_is_created_used_and_revoked(alice: WebSession) -> None:
    index, path = alice.index, f"{OPS}/robots"
    index.push("ops/web", basic("alice"), "a")
    page = alice.submit(path, path, name="ci", access="write", repositories="web", days="30")
    assert (page.status, page.name) == (201, "robot_created")
    (token,) = [command for command in page.commands if command.startswith("wbr_")]
    logins = [command for command in page.commands if "--username ops " in command]
    assert logins
    assert not any(token in command for command in logins), "it would stay in the history of the shell"
    assert page.next_steps["robots"] == path
    assert index.request("PUT", "/v1/repositories/ops/web/", basic("ops", token), json=[{"id": "b"}]).status == 200
    (robot,) = index.request("GET", "/v1/organizations/ops/robots", basic("alice")).json
    assert (robot["access"], robot["repositories"]) == ("write", ["ops/web"])
    page = alice.get(path)
    assert page.data("robot") == ["ci"]
    assert token not in page.source
    assert token not in "\n".join(index.lines)
    page = alice.post(f"{path}/ci/revoke", form_token=alice.form_token)
    assert (page.data("done"), page.data("robot")) == (["revoked"], [])
    assert index.request("GET", "/v1/users/", basic("ops", token)).status == 401
    assert alice.get("/account/robots").data("robot") == []


def test_organisation_is_deleted_with_its_name(alice: WebSession) -> None:
    index = alice.index
    index.push("ops/web", basic("alice"), "a")
    for fields in ({"confirmation": "alice"}, {}):
        page = alice.post(f"{OPS}/delete", form_token=alice.form_token, **fields)
        assert (page.status, page.name) == (400, "organization_settings")
    page = alice.submit(f"{OPS}/settings", f"{OPS}/delete", confirmation="ops")
    assert (page.name, page.data("done"), page.data("organization")) == ("organizations", ["organization_deleted"], [])
    assert index.events[-1]["event"] == "organization.deleted"
    assert alice.get(OPS).status == 404
    assert alice.get("/r/ops/web").status == 404
    assert alice.submit(CREATE, CREATE, name="ops").status == 409


def test_interrupted_deletion_continues(alice: WebSession, monkeypatch: pytest.MonkeyPatch) -> None:
    index = alice.index
    for name in ("web", "db"):
        index.push(f"ops/{name}", basic("alice"), "a")
    monkeypatch.setattr(deletion_steps, "MAX_SECONDS", -1)
    page = alice.submit(f"{OPS}/settings", f"{OPS}/delete", confirmation="ops")
    assert page.name == "organization_deletion_started"
    assert alice.get(OPS).name == "organization_deletion_started"
    monkeypatch.undo()
    page = alice.submit(f"{OPS}/settings", f"{OPS}/delete", confirmation="ops")
    assert (page.name, page.data("done")) == ("organizations", ["organization_deleted"])


@pytest.mark.parametrize("path", [OPS, f"{OPS}/robots", f"{OPS}/settings"])
def test_organisation_is_closed_to_others(alice: WebSession, path: str) -> None:
    index = alice.index
    bobby = WebSession.logged_in(index, "bobby")
    assert bobby.get(path).status == 403
    assert bobby.get(path.replace("ops", "missing")).status == 404
    assert bobby.send("POST", f"{OPS}/delete", form_token=bobby.form_token, confirmation="ops").status == 403
    assert members(index) == {"alice": "admin"}
