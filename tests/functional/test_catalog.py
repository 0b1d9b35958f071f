"""`GET /v2/` and `GET /v2/_catalog`: what the subject of a bearer token can read now."""

import pytest

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Role
from tests.conftest import MakeIndex
from tests.index import Index, Response, basic
from tests.registries import bearer, create_registry_index, get_token

PUBLIC = ["alice/open", "bobby/open", "library/base"]


@pytest.fixture
def index(make_index: MakeIndex) -> Index:
    """alice and bobby have a public and a private repository each; carol can read bobby's private one."""
    index = create_registry_index(make_index, base_url="https://index.example.com")
    admin = index.create_account("administrator", admin=True)
    index.push("library/base", admin)
    index.create_account("carol")
    for name in ("alice", "bobby"):
        auth = index.create_account(name)
        for repository in ("open", "closed"):
            index.push(f"{name}/{repository}", auth)
        path = f"/v1/namespaces/{name}/repositories/closed"
        assert index.request("PUT", path, auth, json={"private": True}).status == 204
    path = "/v1/namespaces/bobby/repositories/closed/collaborators/carol"
    assert index.request("PUT", path, basic("bobby"), json={"access": "read"}).status == 204
    return index


def catalog(index: Index, token: str, query: str = "") -> list[str]:
    response = index.request("GET", f"/v2/_catalog{query}", token)
    assert response.status == 200, response.body
    names: list[str] = response.json["repositories"]
    return names


def follow(index: Index, token: str, size: int) -> tuple[list[str], int]:
    """Return all names by following the links, and the number of pages."""
    names: list[str] = []
    path: str | None = f"/v2/_catalog?n={size}"
    pages = 0
    while path is not None:
        response = index.request("GET", path, token)
        names += response.json["repositories"]
        link = response.headers.get("link")
        path = link[1 : link.index(">")] if link else None
        pages += 1
    return names, pages


@pytest.mark.parametrize(
    ("person", "private"),
    [
        (None, []),
        ("alice", ["alice/closed"]),
        ("bobby", ["bobby/closed"]),
        ("carol", ["bobby/closed"]),
        ("administrator", ["alice/closed", "bobby/closed"]),
    ],
)
def test_catalogue_contains_what_the_subject_can_read(index: Index, person: str | None, private: list[str]) -> None:
    token = bearer(index, None if person is None else basic(person))
    expected = sorted(PUBLIC + private)
    assert catalog(index, token) == expected
    for size in (1, 2, 3):
        assert follow(index, token, size)[0] == expected


def test_catalogue_of_a_robot_contains_only_its_repositories(index: Index) -> None:
    alice = index.users.get("alice")
    assert alice is not None
    for number in range(4):
        index.push(f"alice/p{number:02}", basic("alice"))
        path = f"/v1/namespaces/alice/repositories/p{number:02}"
        assert index.request("PUT", path, basic("alice"), json={"private": True}).status == 204
    only = [RepositoryName("alice", "p03")]
    token = index.services.robots.create(alice, "one", Role.READ, only).token
    robot = bearer(index, basic("alice", token))
    for size in (1, 2, 100):
        assert follow(index, robot, size)[0] == sorted([*PUBLIC, "alice/p03"]), size


@pytest.mark.exhaustive
def test_catalogue_of_a_member_contains_the_private_repositories_of_its_organisations(index: Index) -> None:
    """The names of organisations are chosen so that `-` and `/` decide the order."""
    names = []
    for organization in ("al", "alice-2", "zz"):
        assert index.request("PUT", f"/v1/organizations/{organization}", basic("bobby")).status == 201
        for repository in ("a", "b"):
            names.append(f"{organization}/{repository}")
            index.push(names[-1], basic("bobby"))
            path = f"/v1/namespaces/{organization}/repositories/{repository}"
            assert index.request("PUT", path, basic("bobby"), json={"private": True}).status == 204
        path = f"/v1/organizations/{organization}/members/alice"
        assert index.request("PUT", path, basic("bobby"), json={"access": "read"}).status == 204
    robot = index.request("PUT", "/v1/organizations/zz/robots/ci", basic("bobby"), json={"access": "read"}).json[
        "token"
    ]
    for auth, expected in (
        (basic("alice"), [*PUBLIC, *names, "alice/closed"]),
        (basic("carol"), [*PUBLIC, "bobby/closed"]),
        (basic("zz", robot), [*PUBLIC, "zz/a", "zz/b"]),
    ):
        token = bearer(index, auth)
        for size in (1, 2, 3, 100):
            assert follow(index, token, size)[0] == sorted(expected), size
    token = bearer(index, basic("alice"))
    assert index.request("DELETE", "/v1/organizations/zz/members/alice", basic("bobby")).status == 204
    assert catalog(index, token) == sorted([*PUBLIC, *names[:4], "alice/closed"])


def test_rights_are_those_of_now(index: Index) -> None:
    token = bearer(index, basic("carol"))
    path = "/v1/namespaces/bobby/repositories/closed/collaborators/carol"
    assert index.request("DELETE", path, basic("bobby")).status == 204
    assert "bobby/closed" not in catalog(index, token)
    carol = index.users.get("carol")
    assert carol is not None
    index.users.change(carol, active=False)
    assert index.request("GET", "/v2/_catalog", token).status == 401


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", ["/v2/", "/v2/_catalog"])
@pytest.mark.parametrize("auth", [None, basic("alice"), "Bearer", "Bearer a.b.c", "Token x"])
def test_other_credentials_get_the_challenge(index: Index, path: str, auth: str | None) -> None:
    response = index.request("GET", path, auth)
    assert response.status == 401
    assert response.headers["docker-distribution-api-version"] == "registry/2.0"
    challenge = 'Bearer realm="https://index.example.com/token",service="registry.local"'
    assert challenge in response.headers.values()
    assert response.json["errors"][0]["code"] == "UNAUTHORIZED"


def test_version_check_accepts_a_token(index: Index) -> None:
    response = index.request("GET", "/v2/", bearer(index))
    assert (response.status, response.json) == (200, {})


@pytest.mark.parametrize("query", ["?n=0", "?n=-1", "?n=x", "?last=~", "?last=%00", "?last=A", "?last=" + "a" * 600])
def test_bad_query_is_rejected(index: Index, query: str) -> None:
    response = index.request("GET", f"/v2/_catalog{query}", bearer(index))
    assert response.status == 400
    assert response.json["errors"]


def test_search_and_tags_accept_a_bearer_token(index: Index) -> None:
    token = bearer(index, basic("alice"))

    def names(response: Response) -> list[str]:
        return sorted(item["name"] for item in response.json["results"])

    assert names(index.request("GET", "/v1/search?q=closed", token)) == ["alice/closed"]
    assert names(index.request("GET", "/v1/search?q=closed", bearer(index))) == []
    path = "/v1/namespaces/alice/repositories/closed/tags"
    assert index.request("GET", path, token).status == 200
    assert index.request("GET", path, bearer(index)).status == 404


def test_page_costs_the_same_in_a_larger_index(index: Index) -> None:
    token = bearer(index, basic("alice"))

    def count() -> list[str]:
        index.calls.clear()
        catalog(index, token, "?n=2")
        return list(index.calls)

    before = count()
    for number in range(5):
        index.push(f"bobby/more{number}", basic("bobby"))
    assert count() == before


@pytest.mark.parametrize(("setting", "status"), [("index", 200), ("catalog", 404)])
def test_podman_search_follows_the_setting(make_index: MakeIndex, setting: str, status: int) -> None:
    index = create_registry_index(make_index, podman_search=setting)
    agent = {"user-agent": "containers/5.23 (github.com/containers/image)"}
    assert index.request("GET", "/v1/search?q=x", headers=agent).status == status
    assert index.request("GET", "/v1/search?q=x", headers={"user-agent": "docker/20.10"}).status == 200


def test_fault_gives_503(index: Index) -> None:
    token = bearer(index, basic("alice"))
    for operation in ("GetItem", "Query"):
        with index.failing_calls(operation):
            assert index.request("GET", "/v2/_catalog", token).status == 503
    assert get_token(index).status == 200
