"""Robots: their rights, their expiry, and the calls of their requests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.index import Index, basic

ROBOTS = "/v1/users/alice/robots"


def create_robot(index: Index, auth: str, name: str = "ci", **form: Any) -> str:
    """Create a robot of alice, and return its Authorization header."""
    response = index.request("PUT", f"{ROBOTS}/{name}", auth, json={"access": "write"} | form)
    assert response.status == 201, response
    return basic("alice", response.json["token"])


def test_token_is_shown_once_and_not_listed(index: Index) -> None:
    alice = index.create_account("alice")
    form = {"access": "read", "repositories": ["alice/web", "library/redis"], "expires_in": 3600}
    response = index.request("PUT", f"{ROBOTS}/ci", alice, json=form)
    assert response.status == 201
    shown = response.json
    token = shown.pop("token")
    assert token.startswith("wbr_ci_")
    assert len(token) == len("wbr_ci_") + 64  # 256 random bits in hexadecimal
    assert shown["repositories"] == ["alice/web", "library/redis"]
    assert (shown["name"], shown["access"], shown["last_used"]) == ("ci", "read", None)
    lifetime = datetime.fromisoformat(shown["expires"]) - datetime.fromisoformat(shown["created"])
    assert lifetime == timedelta(hours=1)
    listed = index.request("GET", ROBOTS, alice)
    assert listed.json == [shown]
    assert token.rpartition("_")[2] not in str(list(index.tables.robots.scan())) + listed.body.decode()


def test_bare_name_is_a_repository_of_the_account(index: Index) -> None:
    alice = index.create_account("alice")
    form = {"access": "write", "repositories": ["web", "alice/web", "library/redis"]}
    response = index.request("PUT", f"{ROBOTS}/ci", alice, json=form)
    assert response.json["repositories"] == ["alice/web", "library/redis"]
    robot = basic("alice", response.json["token"])
    index.push("alice/web", robot, "a")
    assert index.request("PUT", "/v1/repositories/web", robot, json=[]).status in (403, 404)


def test_robot_can_log_in_push_and_pull(index: Index) -> None:
    robot = create_robot(index, index.create_account("alice"))
    assert index.request("GET", "/v1/users/", robot).body == b'"OK"'
    write = f"Token {index.push('alice/web', robot, 'a')}"
    assert index.request("PUT", "/v1/repositories/alice/web/images", write, json=[{"id": "b"}]).status == 204
    assert index.ids("alice/web", robot) == ["a", "b"]


def test_robot_can_create_only_its_listed_repositories(index: Index) -> None:
    robot = create_robot(index, index.create_account("alice"), repositories=["alice/web"])
    index.push("alice/web", robot, "a")
    assert index.request("PUT", "/v1/repositories/alice/other", robot, json=[]).status == 404
    assert index.request("GET", "/v1/users/", robot).status == 200


def test_revoked_robot_is_rejected_at_once(index: Index) -> None:
    alice = index.create_account("alice")
    robot = create_robot(index, alice)
    assert index.request("GET", "/v1/users/", robot).status == 200
    assert index.request("DELETE", f"{ROBOTS}/ci", alice).status == 204
    assert index.request("GET", "/v1/users/", robot).status == 401
    assert index.request("DELETE", f"{ROBOTS}/ci", alice).status == 404
    assert index.request("GET", ROBOTS, alice).json == []
    assert create_robot(index, alice) != robot
    assert index.request("GET", "/v1/users/", robot).status == 401  # a new robot with the same name has another token


def test_expired_robot_is_rejected(index: Index) -> None:
    robot = create_robot(index, index.create_account("alice"), expires_in=2)
    assert index.request("GET", "/v1/users/", robot).status == 200
    robots = index.tables.robots
    robots("alice", "ci").update([robots.expires.set(int(datetime.now(UTC).timestamp()) - 1)])
    assert index.request("GET", "/v1/users/", robot).status == 401


def test_robot_of_an_inactive_account_is_rejected(index: Index) -> None:
    alice, admin = index.create_account("alice"), index.create_account("admin", admin=True)
    robot = create_robot(index, alice)
    assert index.request("PUT", "/v1/users/alice", admin, json={"active": False}).status == 204
    response = index.request("GET", "/v1/users/", robot)
    assert (response.status, response.body) == (403, b'"Account is not Active"')


def test_token_is_valid_for_its_account_and_name_only(index: Index) -> None:
    robot = create_robot(index, index.create_account("alice"))
    index.create_account("bobby")
    token = index.request("PUT", f"{ROBOTS}/other", basic("alice"), json={"access": "read"}).json["token"]
    changed = token[:-1] + ("1" if token[-1] == "0" else "0")
    assert index.request("GET", "/v1/users/", basic("bobby", token)).status == 401
    assert index.request("GET", "/v1/users/", basic("alice", changed)).status == 401
    assert index.request("GET", "/v1/users/", basic("alice", token.replace("other", "ci"))).status == 401
    assert basic("alice", token) != robot


def test_last_use_is_recorded_with_one_write_in_ten_minutes(index: Index) -> None:
    alice = index.create_account("alice")
    robot = create_robot(index, alice)
    index.calls.clear()
    before = datetime.now(UTC) - timedelta(seconds=1)
    assert index.request("GET", "/v1/users/", robot).status == 200
    assert index.calls == ["dynamodb.GetItem", "dynamodb.GetItem", "dynamodb.UpdateItem"]
    index.calls.clear()
    assert index.request("GET", "/v1/users/", robot).status == 200
    assert index.calls == ["dynamodb.GetItem", "dynamodb.GetItem"]
    assert datetime.fromisoformat(index.request("GET", ROBOTS, alice).json[0]["last_used"]) >= before


def test_verification_needs_no_bcrypt(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    robot = create_robot(index, index.create_account("alice"))
    monkeypatch.setattr("bcrypt.checkpw", lambda *_: pytest.fail("bcrypt was called"))
    assert index.restart().request("GET", "/v1/users/", robot).status == 200


def test_robot_cannot_manage_accounts(index: Index) -> None:
    alice = index.create_account("alice", admin=True)
    robot = create_robot(index, alice)
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


def test_account_can_have_50_robots_with_different_names(index: Index) -> None:
    alice = index.create_account("alice")
    assert index.request("PUT", f"{ROBOTS}/ci7", alice, json={"access": "read"}).status == 201
    users, created = index.tables.users, index.user("alice").created
    with index.tables.robots.batch_write() as batch:
        for n in range(8, 57):
            batch.save(
                index.tables.robots(
                    "alice", f"ci{n}", token_hash=bytes(32), role="read", created=created, account_created=created
                )
            )
    users("alice").update([users.robots.set(50)])
    response = index.request("PUT", f"{ROBOTS}/one-more", alice, json={"access": "read"})
    assert response.status == 403
    assert "quota" in response.json["error"]
    assert index.request("DELETE", f"{ROBOTS}/ci8", alice).status == 204
    response = index.request("PUT", f"{ROBOTS}/ci7", alice, json={"access": "read"})
    assert response.status == 409
    assert "ci7" in response.json["error"]


def test_password_cannot_look_like_a_robot_token(index: Index) -> None:
    form = {"username": "alice", "password": "wbr_x_" + "0" * 40, "email": "alice@example.com"}
    response = index.request("POST", "/v1/users/", json=form)
    assert response.status == 400
    assert "wbr_" in response.json["error"]
