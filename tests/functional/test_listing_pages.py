"""Listings have a bounded cost, come in complete pages, and reveal nothing about private repositories."""

import re
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.bootstrap import Services
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import ANONYMOUS, Principal, Robot, Role
from chalicelib.repositories.service import MAX_LISTED, Repositories
from tests.index import Index, basic
from tests.stored_repositories import remove_repositories, store_repositories

PATH = "/v1/namespaces/alice/repositories"


def fill(index: Index, names: Iterable[str], *, private: bool = False, namespace: str = "alice") -> None:
    full_names = [f"{namespace}/{name}" for name in names]
    store_repositories(index, full_names, {name: f"about {name}" for name in full_names}, private=private)


def pages_of(index: Index, auth: str | None = None, path: str = PATH) -> list[list[dict[str, Any]]]:
    """Follow the Link headers from the first page to the last."""
    pages, next_path = [], path
    while next_path:
        response = index.request("GET", next_path, auth)
        assert response.status == 200
        pages.append(response.json)
        match = re.fullmatch(r'<(/v1/\S+)>; rel="next"', response.headers.get("link", ""))
        next_path = match[1] if match else ""
    return pages


def names_of(pages: list[list[dict[str, Any]]]) -> list[str]:
    return [entry["name"] for page in pages for entry in page]


@pytest.mark.exhaustive
def test_anonymous_listing_does_not_read_private_repositories(index: Index) -> None:
    index.create_account("alice")
    fill(index, [f"secret{number:04}" for number in range(400)], private=True)
    fill(index, ["public", "zebra"])
    index.create_account("bobby")
    for auth, queries in ((None, 1), (basic("bobby"), 2)):
        index.request("GET", PATH, auth)
        index.calls.clear()
        response = index.request("GET", PATH, auth)
        assert [entry["name"] for entry in response.json] == ["public", "zebra"]
        assert "link" not in response.headers, "a cursor would reveal that there are private repositories"
        assert index.calls.count("dynamodb.Query") == queries
        assert index.calls.count("dynamodb.BatchGetItem") == 1  # the two public ones, with the time of their last push


@pytest.mark.exhaustive
@pytest.mark.parametrize("count", [100, 101, 200])
def test_pages_are_complete(index: Index, count: int) -> None:
    alice = index.create_account("alice")
    names = [f"web{number:03}" for number in range(count)]
    fill(index, names)
    for auth in (None, alice):
        pages = pages_of(index, auth)
        assert names_of(pages) == names
        assert [len(page) for page in pages] == [MAX_LISTED] * (count // 100) + [count % 100] * (count % 100 > 0)


def test_owner_and_administrators_see_private_repositories_in_the_same_pages(index: Index) -> None:
    alice, admin = index.create_account("alice"), index.create_account("admin", admin=True)
    fill(index, [f"web{number:03}" for number in range(0, 150, 2)], private=True)
    fill(index, [f"web{number:03}" for number in range(1, 150, 2)])
    for auth in (alice, admin):
        pages = pages_of(index, auth)
        assert names_of(pages) == [f"web{number:03}" for number in range(150)]
        assert {entry["access"] for page in pages for entry in page} == {"admin"}
    assert names_of(pages_of(index)) == [f"web{number:03}" for number in range(1, 150, 2)]


def test_cursor_never_names_a_repository_that_the_client_cannot_read(index: Index) -> None:
    index.create_account("alice")
    fill(index, [f"web{number:03}" for number in range(0, 250, 2)], private=True)
    fill(index, [f"web{number:03}" for number in range(1, 251, 2)])
    response = index.request("GET", PATH)
    assert response.headers["link"] == f'<{PATH}?after=web199>; rel="next"'
    assert [entry["name"] for entry in response.json] == [f"web{number:03}" for number in range(1, 200, 2)]


def test_listing_shows_what_a_repository_is(index: Index) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice, "image")
    assert index.request("PUT", f"{PATH}/web", alice, json={"description": "serves pages"}).status == 204
    entry = index.request("GET", PATH).json[0]
    assert {**entry, "long_description": ""} == {**index.request("GET", f"{PATH}/web").json, "access": "read"}
    assert entry["description"] == "serves pages"


def test_listing_follows_changes_of_visibility_at_once(index: Index) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice, "image")
    for private, names in ((True, []), (False, ["web"])):
        assert index.request("PUT", f"{PATH}/web", alice, json={"private": private}).status == 204
        assert names_of(pages_of(index)) == names
    assert index.request("DELETE", "/v1/repositories/alice/web", alice).status == 202
    assert names_of(pages_of(index)) == []


def test_shared_repositories_are_among_the_public_ones(index: Index) -> None:
    alice, bobby = index.create_account("alice"), index.create_account("bobby")
    for name in ("api", "db", "web"):
        index.push(f"alice/{name}", alice, "image")
        assert index.request("PUT", f"{PATH}/{name}", alice, json={"private": name != "db"}).status == 204
    share = {"access": "write"}
    assert index.request("PUT", f"{PATH}/web/collaborators/bobby", alice, json=share).status == 204
    assert [(entry["name"], entry["access"]) for entry in pages_of(index, bobby)[0]] == [
        ("db", "read"),
        ("web", "write"),
    ]
    assert index.request("GET", f"{PATH}?after=db", bobby).json[0]["name"] == "web"


def test_robot_sees_only_what_it_may_use(index: Index) -> None:
    alice = index.create_account("alice")
    for name in ("api", "db", "web"):
        index.push(f"alice/{name}", alice, "image")
        assert index.request("PUT", f"{PATH}/{name}", alice, json={"private": name != "db"}).status == 204
    for repositories, names in ((None, ["api", "db", "web"]), (["alice/web", "other/api"], ["db", "web"])):
        form = {"access": "read", "repositories": repositories}
        response = index.request("PUT", f"/v1/users/alice/robots/r{len(names)}", alice, json=form)
        assert names_of(pages_of(index, basic("alice", response.json["token"]))) == names


def test_library_is_listed_for_everybody(index: Index) -> None:
    admin = index.create_account("admin", admin=True)
    for name in ("redis", "nginx"):
        index.push(name, admin, "image")
    for auth in (None, admin):
        assert names_of(pages_of(index, auth, "/v1/namespaces/library/repositories")) == ["nginx", "redis"]


def test_namespace_that_is_the_beginning_of_another_is_separate(index: Index) -> None:
    for namespace in ("alice", "alice2", "alic"):
        fill(index, [f"of-{namespace}"], namespace=namespace)
    assert names_of(pages_of(index)) == ["of-alice"]


def test_invalid_cursor_is_rejected(index: Index) -> None:
    for after in ("no/slash", "UPPER", "%20", "-web"):
        assert index.request("GET", f"{PATH}?after={after}").status == 400


NAMES = st.text("az0.-_", min_size=1, max_size=3).filter(lambda name: name[0] in "az0")
PRINCIPALS = st.sampled_from(
    [
        ANONYMOUS,
        Principal("alice"),
        Principal("stranger"),
        Principal("root", admin=True),
        Principal("alice", robot=Robot("ci", Role.READ, frozenset({RepositoryName("alice", "a")}))),
        Principal("root", admin=True, robot=Robot("ci", Role.WRITE)),
    ]
)


@pytest.mark.exhaustive
@settings(max_examples=30)
@given(st.dictionaries(NAMES, st.booleans(), max_size=12), PRINCIPALS, st.integers(1, 4))
def test_pages_equal_a_plain_model(
    index: Index, repositories: dict[str, bool], principal: Principal, size: int
) -> None:
    remove_repositories(index)
    for private in (True, False):
        fill(index, [name for name, is_private in repositories.items() if is_private is private], private=private)
    service = Services(index.settings, index.aws).repositories

    def is_visible(name: str) -> bool:
        if not repositories[name]:
            return True
        robot = principal.robot
        if principal.username == "alice":
            return robot is None or name == "a"
        return principal.admin and robot is None

    expected = sorted(name for name in repositories if is_visible(name))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chalicelib.repositories.service.MAX_LISTED", size)
        assert list_all(service, principal) == expected


def list_all(service: Repositories, principal: Principal) -> list[str]:
    names: list[str] = []
    after = ""
    while True:
        page = service.list(principal, "alice", after)
        names += [view.repository.name.name for view in page.views]
        if not page.next_name:
            return names
        after = page.next_name
