"""`/token`: what a token grants, its cost, its errors, and what it reveals."""

import json
from datetime import datetime

import pytest

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Role
from tests.conftest import MakeIndex
from tests.index import PASSWORD, Index, Response, basic
from tests.registries import SERVICE, claims_of, create_registry_index, get_token, post_token

GET, PUT, QUERY = "dynamodb.GetItem", "dynamodb.PutItem", "dynamodb.Query"
BATCH_GET = "dynamodb.BatchGetItem"
SIGN, PUBLIC_KEY = "kms.Sign", "kms.GetPublicKey"
RIGHTS = {"-": "", "r": "pull", "w": "pull,push", "a": "pull,push,delete,*"}


@pytest.fixture
def index(make_index: MakeIndex) -> Index:
    """An index with registries, the account alice and her repositories `web` (public) and `secret` (private)."""
    index = create_registry_index(make_index)
    alice = index.create_account("alice")
    index.push("alice/web", alice)
    index.push("alice/secret", alice)
    path = "/v1/namespaces/alice/repositories/secret"
    assert index.request("PUT", path, alice, json={"private": True}).status == 204
    return index


def granted(response: Response) -> dict[str, str]:
    return {entry["name"]: ",".join(entry["actions"]) for entry in claims_of(response)["access"]}


def test_token_has_the_fields_that_clients_and_registries_read(index: Index) -> None:
    response = get_token(index, "repository:alice/web:push,pull", auth=basic("alice"))
    body, content = response.json, claims_of(response)
    assert response.headers["cache-control"] == "no-store"
    assert body["token"] == body["access_token"]
    assert body["scope"] == "repository:alice/web:pull,push"
    assert (content["iss"], content["sub"], content["aud"]) == ("waybill", "alice", SERVICE)
    assert all(type(content[name]) is int for name in ("exp", "nbf", "iat"))
    issued = int(datetime.fromisoformat(body["issued_at"].replace("Z", "+00:00")).timestamp())
    assert issued + body["expires_in"] == content["exp"]
    assert content["nbf"] <= issued - 60


def test_form_gives_the_same_rights(index: Index) -> None:
    scopes = ["repository:alice/web:pull,push", "x:y:z repository:alice/secret:pull"]
    response = post_token(index, scopes, username="alice", password=PASSWORD)
    assert granted(response) == {"alice/secret": "pull", "alice/web": "pull,push"}  # pragma: allowlist secret


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (["repository:alice/web:pull", "repository:alice/web:push"], {"alice/web": "pull,push"}),
        (["repository:alice/web:push,pull repository:alice/web:pull"], {"alice/web": "pull,push"}),
        (["repository(plugin):alice/web:pull"], {"alice/web": "pull"}),
        (["repository:alice/web:*"], {"alice/web": "pull,push,delete,*"}),
        (["repository:alice/new:push,pull"], {"alice/new": "pull,push"}),
        (["repository:web:pull,push"], {}),
        (["repository:registry.local:5000/web:pull"], {}),
        (["repository:Alice/WEB:pull"], {}),
        (["repository::pull"], {}),
        (["repository:alice/web:fly"], {}),
        (["registry:catalog:*"], {}),
        ([""], {}),
        ([], {}),
    ],
)
def test_scopes_are_merged_and_reduced(index: Index, scopes: list[str], expected: dict[str, str]) -> None:
    assert granted(get_token(index, *scopes, auth=basic("alice"))) == expected


@pytest.fixture
def people(index: Index) -> dict[str, str | None]:
    """Everybody who can ask, with the Authorization header."""
    for name in ("stranger", "reader", "writer", "manager"):
        index.create_account(name)
    people: dict[str, str | None] = {"nobody": None, "administrator": index.create_account("administrator", admin=True)}
    for name, access in (("reader", "read"), ("writer", "write"), ("manager", "admin")):
        for repository in ("web", "secret"):
            path = f"/v1/namespaces/alice/repositories/{repository}/collaborators/{name}"
            assert index.request("PUT", path, basic("alice"), json={"access": access}).status == 204
    people |= {name: basic(name) for name in ("stranger", "reader", "writer", "manager")} | {"owner": basic("alice")}
    for owner, name, role, only in (
        ("alice", "reads", Role.READ, None),
        ("alice", "writes", Role.WRITE, None),
        ("alice", "others", Role.WRITE, [RepositoryName("alice", "others")]),
        ("manager", "manages", Role.WRITE, None),
        ("administrator", "admins", Role.WRITE, None),
    ):
        user = index.users.get(owner)
        assert user is not None
        people[f"robot {name}"] = basic(owner, index.services.robots.create(user, name, role, only).token)
    return people


@pytest.mark.exhaustive
def test_every_caller_gets_the_actions_of_the_role(index: Index, people: dict[str, str | None]) -> None:
    """A code for each of public, private, missing and library: nothing, read, write, admin."""
    index.push("library/base", people["administrator"] or "")
    expected = {
        "nobody": "r--r",
        "stranger": "r--r",
        "reader": "rr-r",
        "writer": "ww-r",
        "manager": "aa-r",
        "owner": "aaar",
        "administrator": "aaaa",
        "robot reads": "rrrr",
        "robot writes": "wwwr",
        "robot others": "r--r",
        "robot manages": "ww-r",
        "robot admins": "r--w",
    }
    names = ("alice/web", "alice/secret", "alice/missing", "library/base")
    for person, codes in expected.items():
        for requested in ("*", "pull,push,delete"):
            for name, code in zip(names, codes, strict=True):
                response = granted(get_token(index, f"repository:{name}:{requested}", auth=people[person]))
                right = RIGHTS[code] if requested == "*" else RIGHTS[code].removesuffix(",*")
                assert response.get(name, "") == right, (person, name, requested)


def test_only_administrators_list_the_catalogue_of_a_registry(index: Index, people: dict[str, str | None]) -> None:
    for person, auth in people.items():
        rights = granted(get_token(index, "registry:catalog:*", "registry:catalog:search", auth=auth))
        assert rights == ({"catalog": "*"} if person == "administrator" else {}), person
    assert granted(get_token(index, "registry:catalog:search", auth=people["administrator"])) == {}


def test_subject_names_the_robot(index: Index) -> None:
    user = index.users.get("alice")
    assert user is not None
    token = index.services.robots.create(user, "ci", Role.WRITE).token
    assert claims_of(get_token(index, auth=basic("alice", token)))["sub"] == "alice+ci"
    assert claims_of(get_token(index))["sub"] == ""
    assert claims_of(get_token(index, account="alice"))["sub"] == "", "the parameter account is not trusted"


@pytest.mark.parametrize("person", ["nobody", "stranger", "robot of others"])
def test_private_and_missing_repositories_are_the_same(index: Index, person: str) -> None:
    index.create_account("stranger")
    user = index.users.get("alice")
    assert user is not None
    token = index.services.robots.create(user, "others", Role.WRITE, [RepositoryName("alice", "others")]).token
    auth = {"nobody": None, "stranger": basic("stranger"), "robot of others": basic("alice", token)}[person]
    get_token(index, auth=auth)  # fills the caches
    seen = []
    for name in ("alice/secret", "alice/absent", "nobody/absent"):
        for actions in ("pull", "pull,push", "*"):
            index.calls.clear()
            response = get_token(index, f"repository:{name}:{actions}", auth=auth)
            body = {key: value for key, value in response.json.items() if key not in ("issued_at", "expires_in")}
            seen.append((response.status, len(response.body), tuple(index.calls), json.dumps(body)))
    assert len(set(seen)) == 1, "the same cached token, after the same calls"
    assert SIGN not in seen[0][2]


def test_request_makes_the_documented_calls(index: Index) -> None:
    index.create_account("stranger")
    cold = index.restart()
    cold.calls.clear()
    assert get_token(cold).status == 200
    assert cold.calls == [PUBLIC_KEY, SIGN, SIGN], "the first token of a container also signs the certificate"
    get_token(cold, auth=basic("alice"))
    get_token(cold, auth=basic("stranger"))
    for scope, auth, calls in (
        ("repository:alice/web:pull", None, [GET, SIGN]),
        ("repository:alice/web:pull", basic("alice"), [GET, SIGN]),
        ("repository:alice/web:pull", basic("stranger"), [GET, GET, SIGN]),
        ("repository:alice/web:pull", basic("stranger"), [GET, GET]),
        ("repository:alice/web:push", basic("stranger"), [GET, GET, BATCH_GET]),
        ("repository:alice/secret:pull", basic("stranger"), [GET, GET, BATCH_GET]),
        ("repository:alice/absent:pull", basic("stranger"), [GET, GET, BATCH_GET]),
        ("repository:alice/new:push,pull", basic("alice"), [GET, SIGN]),
    ):
        cold.calls.clear()
        assert get_token(cold, scope, auth=auth).status == 200
        assert cold.calls == calls, (scope, auth)


def test_hopeless_requests_cause_almost_no_kms_calls(index: Index) -> None:
    index.calls.clear()
    for number in range(100):
        assert granted(get_token(index, f"repository:alice/secret{number}:pull,push", "registry:catalog:*")) == {}
    assert index.calls.count(SIGN) <= 2


def test_nothing_exists_without_registries(make_index: MakeIndex) -> None:
    index = make_index()
    for method, path in (
        ("GET", "/token"),
        ("POST", "/token"),
        ("GET", "/token/certificate"),
        ("GET", "/v2/_catalog"),
        ("POST", "/registries/events"),
    ):
        assert index.request(method, path).status == 404, path
    assert index.request("GET", "/v1/search", "Bearer x").status == 401
    assert not [call for call in index.calls if call.startswith("kms")]


def test_certificate_is_the_same_in_every_container(index: Index) -> None:
    first = index.request("GET", "/token/certificate").body
    assert index.restart().request("GET", "/token/certificate").body == first
    assert first.startswith(b"-----BEGIN CERTIFICATE-----\n")


def test_log_contains_neither_secrets_nor_scopes(index: Index) -> None:
    secret = "hidden horse"  # pragma: allowlist secret
    index.create_account("hider", password=secret)
    token = post_token(index, ["repository:hider/private-name:pull"], username="hider", password=secret).json["token"]
    post_token(index, username="hider", password="another hidden horse")  # pragma: allowlist secret
    get_token(index, "repository:hider/private-name:pull", auth=basic("hider", secret), account="hinted")
    index.request("GET", "/v2/_catalog", f"Bearer {token}")
    text = "\n".join(index.lines)
    for hidden in ("hidden", "private-name", "hinted", token, token.split(".")[2]):
        assert hidden not in text
    assert "hider" in text
