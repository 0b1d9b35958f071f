"""Private repositories, descriptions, collaborators, and the list of a namespace."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository
from infra.admin.export_format import Item
from infra.devserver.moto_aws import put_items
from tests.index import Index, Response, basic

WEB = "/v1/namespaces/alice/repositories/web"
IMAGES = "/v1/repositories/alice/web/images"


@pytest.fixture
def shared(index: Index) -> Index:
    """An index where alice has a private repository, and bobby and carol have accounts."""
    for name in ("alice", "bobby", "carol"):
        index.create_account(name)
    index.push("alice/web", basic("alice"), "a")
    change(index, private=True)
    return index


def change(index: Index, **form: Any) -> None:
    assert index.request("PUT", WEB, basic("alice"), json=form).status == 204


def share(index: Index, username: str, access: str, by: str = "alice") -> Response:
    return index.request("PUT", f"{WEB}/collaborators/{username}", basic(by), json={"access": access})


def names(index: Index, query: str, auth: str | None = None) -> list[str]:
    response = index.request("GET", f"/v1/search?q={query}", auth)
    assert response.status == 200
    assert response.json["num_results"] == len(response.json["results"])
    return [result["name"] for result in response.json["results"]]


def test_repository_is_shown_with_its_description_and_the_own_role(index: Index) -> None:
    index.push("alice/web", index.create_account("alice"), "a")
    change(index, description="Serves the web")
    shown = index.request("GET", WEB).json
    assert shown.pop("created").endswith(("Z", "+00:00"))
    assert shown == {
        "namespace": "alice",
        "name": "web",
        "description": "Serves the web",
        "long_description": "",
        "last_pushed": None,
        "tags": 0,
        "private": False,
        "access": "read",
    }
    assert index.request("GET", WEB, basic("alice")).json["access"] == "admin"


def test_omitted_fields_keep_their_values(shared: Index) -> None:
    change(shared, description="one")
    change(shared, private=False)
    assert shared.request("GET", WEB).json["description"] == "one"
    change(shared, description="")
    assert shared.request("GET", WEB).json["description"] == ""
    assert shared.request("GET", WEB).json["private"] is False


def test_library_repository_cannot_be_private(index: Index) -> None:
    admin = index.create_account("admin", admin=True)
    index.push("solo", admin, "a")
    response = index.request("PUT", "/v1/namespaces/library/repositories/solo", admin, json={"private": True})
    assert response.status == 400


def test_private_repository_can_be_read_by_collaborators_only(shared: Index) -> None:
    assert shared.request("GET", IMAGES).status == 404
    assert shared.request("GET", IMAGES, basic("bobby")).status == 404
    assert share(shared, "bobby", "read").status == 204
    response = shared.request("GET", IMAGES, basic("bobby"), token=True)
    assert response.status == 200
    assert shared.request("GET", IMAGES, f"Token {response.token}").json == [{"id": "a"}]
    assert shared.request("GET", IMAGES, basic("carol")).status == 404


def test_removed_collaborator_is_denied_at_once_but_its_token_stays_valid(shared: Index) -> None:
    share(shared, "bobby", "write")
    token = f"Token {shared.push('alice/web', basic('bobby'), 'b')}"
    assert shared.request("DELETE", f"{WEB}/collaborators/bobby", basic("alice")).status == 204
    assert shared.request("GET", IMAGES, basic("bobby")).status == 404
    assert shared.request("PUT", "/v1/repositories/alice/web", basic("bobby"), json=[]).status == 404
    assert shared.request("GET", IMAGES, token).status == 200


def test_role_can_be_changed_and_given_up(shared: Index) -> None:
    for access, status in (("read", 403), ("write", 204), ("admin", 204), ("read", 403)):
        assert share(shared, "bobby", access).status == 204
        assert shared.request("PUT", IMAGES, basic("bobby"), json=[{"id": "b"}]).status == status
    people = f"{WEB}/collaborators"
    assert shared.request("GET", people, basic("alice")).json == [{"username": "bobby", "access": "read"}]
    assert shared.request("DELETE", f"{people}/bobby", basic("bobby")).status == 204
    assert shared.request("GET", people, basic("alice")).json == []
    assert shared.request("DELETE", f"{people}/bobby", basic("alice")).status == 404


def test_collaborator_with_admin_can_share_and_delete_the_repository(shared: Index) -> None:
    share(shared, "bobby", "admin")
    assert share(shared, "carol", "read", by="bobby").status == 204
    assert share(shared, "bobby", "write", by="carol").status == 403
    assert shared.request("DELETE", "/v1/repositories/alice/web", basic("bobby")).status == 202


def test_repository_can_have_100_collaborators(shared: Index) -> None:
    share(shared, "bobby", "read")
    generation = shared.tables.repositories.get("alice", "web").generation
    with shared.tables.collaborators.batch_write() as batch:
        for n in range(99):
            batch.save(
                shared.tables.collaborators("repository alice/web", f"user{n}", role="read", generation=generation)
            )
    assert share(shared, "carol", "read").status == 400
    assert share(shared, "bobby", "write").status == 204


def test_deletion_removes_collaborators_even_if_the_name_is_used_again(shared: Index) -> None:
    share(shared, "bobby", "admin")
    shared.request("DELETE", "/v1/repositories/alice/web", basic("alice"))
    assert list(shared.tables.collaborators.scan()) == []
    orphan = shared.tables.collaborators("account bobby", "alice/web", role="admin", generation="0" * 16)
    orphan.save()  # an interrupted deletion can leave it
    shared.push("alice/web", basic("alice"), "new")
    change(shared, private=True)
    share(shared, "carol", "read")
    assert shared.request("GET", IMAGES, basic("bobby")).status == 404
    assert names(shared, "web", basic("bobby")) == []
    assert shared.request("GET", "/v1/namespaces/alice/repositories", basic("bobby")).json == []


def test_namespace_list_contains_readable_repositories(shared: Index) -> None:
    shared.push("alice/api", basic("alice"), "a")
    path = "/v1/namespaces/alice/repositories"

    def list_names(auth: str | None) -> list[tuple[str, str]]:
        return [(entry["name"], entry["access"]) for entry in shared.request("GET", path, auth).json]

    assert list_names(None) == list_names(basic("bobby")) == [("api", "read")]
    assert list_names(basic("alice")) == [("api", "admin"), ("web", "admin")]
    share(shared, "bobby", "write")
    assert list_names(basic("bobby")) == [("api", "read"), ("web", "write")]
    assert shared.request("GET", "/v1/namespaces/nobody/repositories").json == []
    assert shared.request("GET", "/v1/namespaces/No!/repositories").status == 400


@pytest.mark.exhaustive
def test_long_namespace_list_has_pages(index: Index) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice)
    created = index.tables.repositories.get("alice", "web").created
    put_items(index.aws, index.settings, _create_repositories(index, 250, created))
    public = [f"many{n:03}" for n in range(250) if n % 2] + ["web"]
    for auth, expected in ((None, public), (alice, sorted([*public, *(f"many{n:03}" for n in range(0, 250, 2))]))):
        found, target = list[str](), "/v1/namespaces/alice/repositories"
        while target:
            response = index.request("GET", target, auth)
            assert len(response.json) <= 100
            found += [entry["name"] for entry in response.json]
            target = response.headers.get("link", "").partition("<")[2].removesuffix('>; rel="next"')
        assert found == expected


def _create_repositories(index: Index, count: int, created: datetime) -> Iterator[Item]:
    """Yield the items that a list reads. Every second repository is private."""
    for n in range(count):
        repository = Repository(
            name=RepositoryName("alice", f"many{n:03}"), generation="0", private=n % 2 == 0, created=created
        )
        item = index.tables.repositories(
            "alice", repository.name.name, private=repository.private, generation="0", created=created
        )
        yield "repositories", item.serialize()
        for term in index.services.stores.terms.items(repository):
            yield "terms", term.serialize()


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_setting_decides_the_visibility_of_new_repositories(make_index: Any, visibility: str) -> None:
    index = make_index(repository_visibility=visibility)
    admin = index.create_account("admin", admin=True)
    index.push("admin/web", admin, "a")
    index.push("solo", admin, "a")
    assert index.request("GET", "/v1/repositories/admin/web/images").status == (404 if visibility == "private" else 200)
    assert index.request("GET", "/v1/repositories/solo/images").status == 200


def test_search_finds_private_repositories_only_for_principals_with_access(shared: Index) -> None:
    admin = shared.create_account("admin", admin=True)
    change(shared, description="secret sauce")
    for query in ("web", "sauce", "alice", "", "alice+sau"):
        assert names(shared, query) == names(shared, query, basic("bobby")) == []
        assert names(shared, query, basic("alice")) == names(shared, query, admin) == ["alice/web"]
    share(shared, "bobby", "read")
    assert names(shared, "sauce", basic("bobby")) == ["alice/web"]
    assert names(shared, "nothing", basic("bobby")) == []
    assert names(shared, "sauce", basic("carol")) == []
    change(shared, private=False)
    assert names(shared, "sauce") == ["alice/web"]
    change(shared, description="plain")
    assert names(shared, "sauce") == names(shared, "sauce", basic("alice")) == []
    change(shared, private=True)
    assert names(shared, "plain") == []
    shared.request("DELETE", "/v1/repositories/alice/web", basic("alice"))
    assert list(shared.tables.terms.scan()) == []


def test_robot_finds_only_the_private_repositories_that_it_covers(shared: Index) -> None:
    shared.push("alice/api", basic("alice"), "a")
    shared.request("PUT", "/v1/namespaces/alice/repositories/api", basic("alice"), json={"private": True})
    form = {"access": "read", "repositories": ["alice/api"]}
    token = shared.request("PUT", "/v1/users/alice/robots/ci", basic("alice"), json=form).json["token"]
    assert names(shared, "alice", basic("alice", token)) == ["alice/api"]
    assert names(shared, "alice", basic("alice")) == ["alice/api", "alice/web"]


def test_outdated_search_term_does_not_reveal_a_private_repository(shared: Index) -> None:
    shared.tables.terms("public w", "web alice/web", rank=0).save()
    assert shared.request("GET", "/v1/search?q=web").json["results"] == []


@pytest.mark.exhaustive
def test_visibility_can_change_with_a_description_of_many_words(shared: Index) -> None:
    """The terms of both visibilities fit one transaction of 100 items."""
    change(shared, description=" ".join(f"w{n}" for n in range(64)))
    change(shared, private=False)
    change(shared, description=" ".join(f"v{n}" for n in range(64)))
    assert names(shared, "v44") == ["alice/web"]
    change(shared, private=True)
    assert names(shared, "v1", basic("alice")) == ["alice/web"]


def test_calls_for_collaborators(shared: Index) -> None:
    get, batch, query = "dynamodb.GetItem", "dynamodb.BatchGetItem", "dynamodb.Query"
    assert shared.request("GET", "/v1/users/", basic("bobby")).status == 200  # caches the login
    shared.push("alice/open", basic("alice"), "a")
    for name, calls in (
        ("open", [get, get, query]),  # a public repository without collaborators: they are not read
        ("web", [get, get, batch]),  # a private repository: its list is not read
        ("missing", [get, get, batch]),  # the same calls as for a private repository
    ):
        shared.calls.clear()
        shared.request("GET", f"/v1/repositories/alice/{name}/images", basic("bobby"))
        assert shared.calls == calls
    share(shared, "bobby", "read")
    for username, calls in (("bobby", [get, get, batch, query]), ("alice", [get, query])):
        shared.calls.clear()
        assert shared.request("GET", IMAGES, basic(username)).status == 200
        assert shared.calls == calls
