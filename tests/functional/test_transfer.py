"""Transfer of repositories by their owners: rights, quotas, conflicts and interruptions.

test_admin_repositories.py tests what is moved, and interruptions between two steps.
"""

from typing import Any

import pytest

from chalicelib.accounts.organizations import Organizations
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.roles import Principal, Role
from chalicelib.storage.repositories import RepositoryStore
from tests.conftest import MakeIndex
from tests.index import PASSWORD, Index, Response, basic
from tests.web_session import WebSession

WEB = "/v1/namespaces/alice/repositories/web"
ALICE = basic("alice")


def fill(index: Index) -> Index:
    """Create the private repository `alice/web`, and the organisation `ops` with a member for each role."""
    for username in ("alice", "bobby", "carol", "reader", "writer", "repository_admin", "member_read", "member_write"):
        index.create_account(username)
    index.create_account("rooty", admin=True)
    index.push("alice/web", ALICE, "aaa", "bbb")
    change = {"private": True, "description": "The shop", "long_description": "# Shop"}
    assert index.request("PUT", WEB, ALICE, json=change).status == 204
    for username, access in (("reader", "read"), ("writer", "write"), ("repository_admin", "admin")):
        share = index.request("PUT", f"{WEB}/collaborators/{username}", ALICE, json={"access": access})
        assert share.status == 204
    organizations: Organizations = index.services.organizations
    organizations.create(Principal("carol"), "ops")
    members = (("alice", Role.ADMIN), ("repository_admin", Role.ADMIN), ("reader", Role.ADMIN))
    for username, role in (*members, ("member_read", Role.READ), ("member_write", Role.WRITE)):
        organizations.put_member(Principal("carol"), "ops", username, role)
    return index


@pytest.fixture
def index(make_index: MakeIndex) -> Index:
    return fill(make_index())


def transfer(index: Index, auth: str | None, namespace: str = "ops", name: str = "shop", path: str = WEB) -> Response:
    return index.request("POST", f"{path}/transfer", auth, json={"namespace": namespace, "name": name})


def exists(index: Index, path: str) -> bool:
    namespace, _, name = path.partition("/")
    url = f"/v1/namespaces/{namespace}/repositories/{name}"
    return index.request("GET", url, basic("rooty")).status == 200


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("username", "namespace", "status"),
    [
        ("alice", "ops", 204),  # the owner, who is an administrator of the organisation
        ("alice", "alice", 204),
        ("alice", "bobby", 403),
        ("alice", "library", 403),
        ("repository_admin", "ops", 204),
        ("repository_admin", "repository_admin", 204),
        ("repository_admin", "alice", 403),
        ("reader", "ops", 403),  # an administrator of the organisation, without a right to the repository
        ("writer", "writer", 403),
        ("member_write", "ops", 404),
        ("member_read", "ops", 404),
        ("bobby", "bobby", 404),
        ("carol", "ops", 404),
        ("rooty", "bobby", 204),
        ("rooty", "nobody", 400),
        ("rooty", "library", 400),  # it is private
    ],
)
def test_transfer_needs_rights_for_both_names(index: Index, username: str, namespace: str, status: int) -> None:
    response = transfer(index, basic(username), namespace)
    assert response.status == status, response.body
    assert exists(index, f"{namespace}/shop") is (status == 204)
    assert exists(index, "alice/web") is (status != 204)


def test_robots_tokens_and_visitors_cannot_transfer(index: Index) -> None:
    path = "/v1/users/alice/robots/ci"
    robot = index.request("PUT", path, ALICE, json={"access": "write"}).json["token"]
    token = index.request("GET", "/v1/repositories/alice/web/images", ALICE, token=True).token
    statuses = [transfer(index, auth).status for auth in (basic("alice", robot), f"Token {token}", None)]
    assert statuses == [403, 401, 401]
    assert exists(index, "alice/web")


def test_repository_is_moved_with_everything_but_its_tags(index: Index) -> None:
    assert transfer(index, ALICE).status == 204
    shown = index.request("GET", "/v1/namespaces/ops/repositories/shop", ALICE).json
    expected = {"private": True, "description": "The shop", "long_description": "# Shop", "tags": 0, "access": "admin"}
    assert {field: shown[field] for field in expected} == expected
    assert index.ids("ops/shop", ALICE) == ["aaa", "bbb"]
    collaborators = index.request("GET", "/v1/namespaces/ops/repositories/shop/collaborators", ALICE).json
    assert [entry["username"] for entry in collaborators] == ["reader", "repository_admin", "writer"]
    event = index.events[-1]
    assert (event["event"], event["target"], event["new_name"], event["actor"]) == (
        "repository.transferred",
        "alice/web",
        "ops/shop",
        "alice",
    )


@pytest.mark.parametrize("images", [[], [{"id": "aaa"}], [{"id": "other"}]])
def test_existing_target_is_not_changed(index: Index, images: list[Any]) -> None:
    """Also not an empty one: its tags are in a registry."""
    assert index.request("PUT", "/v1/repositories/ops/shop", ALICE, json=images).status == 200
    assert transfer(index, ALICE).status == 409
    assert index.ids("ops/shop", ALICE) == [image["id"] for image in images]
    assert exists(index, "alice/web")


@pytest.mark.parametrize("body", [{}, {"namespace": "ops"}, {"namespace": "o/s", "name": "x"}, {"namespace": 1}, []])
def test_invalid_name_is_rejected(index: Index, body: Any) -> None:
    assert index.request("POST", f"{WEB}/transfer", ALICE, json=body).status == 400
    assert transfer(index, ALICE, "alice", "web").status == 400
    assert transfer(index, ALICE, path=WEB + "x").status == 404


@pytest.mark.exhaustive
def test_quotas_of_both_owners_are_counted(make_index: MakeIndex) -> None:
    index = fill(make_index(max_repositories=1))
    index.push("ops/full", ALICE, "a")
    assert transfer(index, ALICE).status == 409
    assert exists(index, "alice/web")
    assert index.request("DELETE", "/v1/repositories/ops/full", ALICE).status == 202
    assert transfer(index, ALICE).status == 204
    counted = {name: index.tables.users.get(name) for name in ("alice", "ops")}
    assert {name: int(item.repositories) for name, item in counted.items()} == {"alice": 0, "ops": 1}
    assert int(counted["alice"].stored_bytes) == 0
    index.push("alice/next", ALICE, "a")


def test_account_that_blocks_the_new_owner_is_left_out(index: Index) -> None:
    assert index.request("PUT", "/v1/users/writer/blocked/ops", basic("writer")).status == 204
    assert transfer(index, ALICE).status == 204
    collaborators = index.request("GET", "/v1/namespaces/ops/repositories/shop/collaborators", ALICE).json
    assert "writer" not in [entry["username"] for entry in collaborators]


@pytest.mark.exhaustive
@pytest.mark.parametrize("step", ["create", "delete"])
@pytest.mark.parametrize("after_effect", [False, True])
def test_interrupted_transfer_is_repeated(
    index: Index, monkeypatch: pytest.MonkeyPatch, step: str, after_effect: bool
) -> None:
    original = getattr(RepositoryStore, step)

    def fail(*args: Any, **kwargs: Any) -> None:
        if after_effect:
            original(*args, **kwargs)
        raise Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(RepositoryStore, step, fail)
        assert transfer(index, ALICE).status == 503
    is_moved = step == "delete" and after_effect
    assert exists(index, "alice/web") is not is_moved
    assert transfer(index, ALICE).status == (404 if is_moved else 204)
    assert not exists(index, "alice/web")
    assert index.ids("ops/shop", ALICE) == ["aaa", "bbb"]


@pytest.mark.exhaustive
def test_repository_is_moved_on_its_settings_page(index: Index) -> None:
    settings, path = "/r/alice/web/settings", "/r/alice/web/transfer"
    session = WebSession.logged_in(index, "alice", PASSWORD)
    for fields, status in (
        ({"new_name": "ops/shop"}, 400),
        ({"new_name": "ops/shop", "transfer_confirmation": "web"}, 400),
        ({"new_name": "Not a name", "transfer_confirmation": "alice/web"}, 400),
        ({"new_name": "bobby/shop", "transfer_confirmation": "alice/web"}, 403),
    ):
        page = session.submit(settings, path, **fields)
        assert (page.status, page.name) == (status, "repository_settings")
        assert page.fields(path)["new_name"] == fields["new_name"]
    page = session.submit(settings, path, new_name="shop", transfer_confirmation="alice/web")
    assert (page.title, page.data("done")) == ("alice/shop", ["transferred"])
    page = session.submit(
        "/r/alice/shop/settings", "/r/alice/shop/transfer", new_name="ops/web", transfer_confirmation="alice/shop"
    )
    assert (page.title, page.data("done")) == ("ops/web", ["transferred"])
    reader = WebSession.logged_in(index, "member_read", PASSWORD)
    response = reader.send(
        "POST",
        "/r/ops/web/transfer",
        form_token=reader.form_token,
        new_name="member_read/web",
        transfer_confirmation="ops/web",
    )
    assert response.status == 403
