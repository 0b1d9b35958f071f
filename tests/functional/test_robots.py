"""Machines' own credentials: what they open, how they end, and what they cost."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.index import Index, basic

ROBOTS = "/v1/users/alice/robots"


def made(index: Index, auth: str, name: str = "ci", **form: Any) -> str:
    """A robot of alice's; gives the Authorization header that it signs in with."""
    response = index.request("PUT", f"{ROBOTS}/{name}", auth, json={"access": "write"} | form)
    assert response.status == 201, response
    return basic("alice", response.json["token"])


def test_a_token_is_shown_once_and_listed_without_it(index: Index) -> None:
    alice = index.account("alice")
    form = {"access": "read", "repositories": ["alice/web", "redis"], "expires_in": 3600}
    response = index.request("PUT", f"{ROBOTS}/ci", alice, json=form)
    assert response.status == 201
    shown = response.json
    token = shown.pop("token")
    assert token.startswith("wbr_ci_")
    assert len(token) == len("wbr_ci_") + 64, "256 random bits"
    assert shown["repositories"] == ["alice/web", "library/redis"]
    assert (shown["name"], shown["access"], shown["last_used"]) == ("ci", "read", None)
    lifetime = datetime.fromisoformat(shown["expires"]) - datetime.fromisoformat(shown["created"])
    assert lifetime == timedelta(hours=1)
    listed = index.request("GET", ROBOTS, alice)
    assert listed.json == [shown]
    assert token.rpartition("_")[2] not in str(list(index.tables.robots.scan())) + listed.body.decode()


def test_a_robot_logs_in_pushes_and_pulls(index: Index) -> None:
    robot = made(index, index.account("alice"))
    assert index.request("GET", "/v1/users/", robot).body == b'"OK"', "docker login"
    write = f"Token {index.push('alice/web', robot, 'a')}"
    assert index.request("PUT", "/v1/repositories/alice/web/images", write, json=[{"id": "b"}]).status == 204
    assert index.ids("alice/web", robot) == ["a", "b"]


def test_a_robot_for_listed_repositories_begins_those_and_no_others(index: Index) -> None:
    robot = made(index, index.account("alice"), repositories=["alice/web"])
    index.push("alice/web", robot, "a")
    assert index.request("PUT", "/v1/repositories/alice/other", robot, json=[]).status == 404
    assert index.request("GET", "/v1/users/", robot).status == 200


def test_what_is_revoked_is_out_at_once(index: Index) -> None:
    alice = index.account("alice")
    robot = made(index, alice)
    assert index.request("GET", "/v1/users/", robot).status == 200
    assert index.request("DELETE", f"{ROBOTS}/ci", alice).status == 204
    assert index.request("GET", "/v1/users/", robot).status == 401
    assert index.request("DELETE", f"{ROBOTS}/ci", alice).status == 404
    assert index.request("GET", ROBOTS, alice).json == []
    again = made(index, alice)
    assert again != robot
    assert index.request("GET", "/v1/users/", robot).status == 401, "a new robot of the name has a token of its own"


def test_what_has_expired_is_out(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    robot = made(index, index.account("alice"), expires_in=2)
    assert index.request("GET", "/v1/users/", robot).status == 200
    time.sleep(2.1)
    assert index.request("GET", "/v1/users/", robot).status == 401


def test_a_robot_is_out_with_its_account(index: Index) -> None:
    alice, admin = index.account("alice"), index.account("admin", admin=True)
    robot = made(index, alice)
    assert index.request("PUT", "/v1/users/alice", admin, json={"active": False}).status == 204
    response = index.request("GET", "/v1/users/", robot)
    assert (response.status, response.body) == (403, b'"Account is not Active"')


def test_a_token_opens_only_its_own_account(index: Index) -> None:
    robot = made(index, index.account("alice"))
    index.account("bobby")
    token = index.request("PUT", f"{ROBOTS}/other", index_auth := basic("alice"), json={"access": "read"}).json["token"]
    assert index.request("GET", "/v1/users/", basic("bobby", token)).status == 401
    assert index.request("GET", "/v1/users/", basic("alice", token[:-1] + "0")).status in (200, 401)
    assert index.request("GET", "/v1/users/", basic("alice", token.replace("other", "ci"))).status == 401
    assert index_auth != robot


def test_its_last_use_is_listed_and_costs_a_write_in_ten_minutes(index: Index) -> None:
    alice = index.account("alice")
    robot = made(index, alice)
    index.calls.clear()
    before = datetime.now(UTC) - timedelta(seconds=1)
    assert index.request("GET", "/v1/users/", robot).status == 200
    assert index.calls == ["dynamodb.GetItem", "dynamodb.GetItem", "dynamodb.UpdateItem"]
    index.calls.clear()
    assert index.request("GET", "/v1/users/", robot).status == 200
    assert index.calls == ["dynamodb.GetItem", "dynamodb.GetItem"]
    assert datetime.fromisoformat(index.request("GET", ROBOTS, alice).json[0]["last_used"]) >= before


def test_its_check_costs_no_bcrypt(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    robot = made(index, index.account("alice"))
    monkeypatch.setattr("bcrypt.checkpw", lambda *_: pytest.fail("bcrypt was asked"))
    assert index.restarted().request("GET", "/v1/users/", robot).status == 200


def test_a_robot_looks_after_no_account(index: Index) -> None:
    alice = index.account("alice", admin=True)
    robot = made(index, alice)
    for method, path in (
        ("GET", "/v1/users/alice"),
        ("PUT", "/v1/users/alice"),
        ("DELETE", "/v1/users/alice"),
        ("GET", ROBOTS),
        ("PUT", f"{ROBOTS}/more"),
        ("DELETE", f"{ROBOTS}/ci"),
    ):
        response = index.request(method, path, robot, json={"password": "battery staple", "access": "read"})
        assert response.status == 403
        assert "robot" in response.json["error"]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("CI", {"access": "read"}),
        ("-", {"access": "read"}),
        ("x" * 41, {"access": "read"}),
        ("ci", {}),
        ("ci", {"access": "admin"}),
        ("ci", {"access": "read", "repositories": []}),
        ("ci", {"access": "read", "repositories": ["Alice/web"]}),
        ("ci", {"access": "read", "repositories": [f"alice/web{n}" for n in range(101)]}),
        ("ci", {"access": "read", "expires_in": 0}),
        ("ci", {"access": "read", "expires_in": -5}),
        ("ci", {"access": "read", "expires_in": 10**12}),
        ("ci", {"access": "read", "expires_in": "soon"}),
    ],
)
def test_a_robot_that_cannot_be(index: Index, name: str, form: dict[str, object]) -> None:
    alice = index.account("alice")
    response = index.request("PUT", f"{ROBOTS}/{name}", alice, json=form)
    assert response.status == 400
    assert response.json["error"]
    assert index.request("GET", ROBOTS, alice).json == []


def test_a_name_is_given_once_and_an_account_has_room_for_fifty(index: Index) -> None:
    alice = index.account("alice")
    for n in range(50):
        made(index, alice, f"ci{n}")
    assert index.request("PUT", f"{ROBOTS}/ci7", alice, json={"access": "read"}).status == 400
    assert index.request("DELETE", f"{ROBOTS}/ci8", alice).status == 204
    response = index.request("PUT", f"{ROBOTS}/ci7", alice, json={"access": "read"})
    assert response.status == 409
    assert "already" in response.json["error"]


def test_no_password_can_pass_for_a_token(index: Index) -> None:
    form = {"username": "alice", "password": "wbr_x_" + "0" * 40, "email": "alice@example.com"}
    response = index.request("POST", "/v1/users/", json=form)
    assert response.status == 400
    assert "wbr_" in response.json["error"]
