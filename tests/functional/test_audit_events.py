"""Every effect has an audit event, under one name for each repository, and nothing else has one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.storage.collaborators import CollaboratorStore
from chalicelib.storage.image_lists import ImageListStore
from chalicelib.storage.repositories import RepositoryStore
from chalicelib.storage.robots import RobotStore
from tests.index import PASSWORD, Index, basic

ALICE = basic("alice")


@pytest.fixture
def audited(index: Index) -> Index:
    index.create_account("alice")
    index.create_account("admin", admin=True)
    index.push("alice/web", ALICE, "image")
    index.lines.clear()
    return index


def last_event(index: Index) -> dict[str, Any]:
    return index.events[-1]


def fail(*_: Any, **__: Any) -> None:
    raise ReadTimeoutError(endpoint_url="an unreachable service")


def test_short_and_long_names_of_a_repository_are_one_target(audited: Index) -> None:
    admin = basic("admin")
    for path in ("redis", "library/redis"):
        audited.push(path, admin, "image")
        assert last_event(audited)["target"] == "library/redis"
        assert audited.request("PUT", f"/v1/repositories/{path}/images", admin, json=[{"id": path[:2]}]).status == 204
        assert last_event(audited)["target"] == "library/redis"
    change = {"description": "a store"}
    assert audited.request("PUT", "/v1/namespaces/library/repositories/redis", admin, json=change).status == 204
    assert last_event(audited)["target"] == "library/redis"
    assert audited.request("DELETE", "/v1/repositories/redis", admin).status == 202
    assert last_event(audited)["target"] == "library/redis"
    assert {event["target"] for event in audited.events} == {"library/redis"}


def test_targets_of_all_changes(audited: Index) -> None:
    repository = "/v1/namespaces/alice/repositories/web"
    audited.create_account("bobby")
    for method, path, form, event, target in (
        ("PUT", "/v1/repositories/alice/web", [], "repository.pushed", "alice/web"),
        ("PUT", "/v1/repositories/alice/web/images", [], "images.updated", "alice/web"),
        ("PUT", repository, {"private": True}, "repository.changed", "alice/web"),
        ("PUT", f"{repository}/collaborators/bobby", {"access": "read"}, "repository.shared", "alice/web/bobby"),
        ("DELETE", f"{repository}/collaborators/bobby", None, "repository.unshared", "alice/web/bobby"),
        ("PUT", "/v1/users/alice/robots/ci", {"access": "read"}, "robot.created", "alice/ci"),
        ("DELETE", "/v1/users/alice/robots/ci", None, "robot.revoked", "alice/ci"),
        ("PUT", "/v1/users/alice/blocked/bobby", None, "account.blocked", "alice/bobby"),
        ("DELETE", "/v1/users/alice/blocked/bobby", None, "account.unblocked", "alice/bobby"),
        ("PUT", "/v1/users/alice", {"email": "new@example.com"}, "account.changed", "alice"),
        ("POST", f"{repository}/transfer", {"namespace": "alice", "name": "s"}, "repository.transferred", "alice/web"),
        ("DELETE", "/v1/repositories/alice/s", None, "repository.deleted", "alice/s"),
        ("DELETE", "/v1/users/alice", None, "account.deleted", "alice"),
    ):
        assert audited.request(method, path, ALICE, json=form).status < 300
        found = last_event(audited)
        assert (found["event"], found["target"], found["actor"]) == (event, target, "alice")
        assert "partial" not in found


@pytest.mark.exhaustive
def test_targets_of_changes_of_an_organisation(audited: Index) -> None:
    audited.create_account("bobby")
    ops = "/v1/organizations/ops"
    for method, path, form, event, target in (
        ("PUT", ops, None, "organization.created", "ops"),
        ("PUT", f"{ops}/members/bobby", {"access": "read"}, "member.changed", "ops/bobby"),
        ("DELETE", f"{ops}/members/bobby", None, "member.removed", "ops/bobby"),
        ("PUT", f"{ops}/robots/ci", {"access": "read"}, "robot.created", "ops/ci"),
        ("DELETE", f"{ops}/robots/ci", None, "robot.revoked", "ops/ci"),
        ("DELETE", ops, None, "organization.deleted", "ops"),
    ):
        assert audited.request(method, path, ALICE, json=form).status < 300
        found = last_event(audited)
        assert (found["event"], found["target"], found["actor"]) == (event, target, "alice")
    assert audited.request("PUT", ops, ALICE).status == 409
    assert last_event(audited)["event"] == "organization.deleted", "a rejected request is not an event"


def test_rejected_change_of_an_account_changes_nothing(audited: Index) -> None:
    admin = basic("admin")
    for form in (
        {"active": False, "password": "abc"},
        {"active": False, "email": "no address"},
        {"active": False, "email": "alice@example.com"},
        {"password": "another horse", "email": "alice@example.com"},  # pragma: allowlist secret
    ):
        assert audited.request("PUT", "/v1/users/admin", admin, json=form).status == 400
        assert audited.request("GET", "/v1/users/", admin).status == 200, "still active, with the same password"
    assert audited.request("PUT", "/v1/users/alice", admin, json={"active": False, "password": PASSWORD}).status == 403
    assert audited.request("GET", "/v1/users/", ALICE).status == 200
    assert audited.events == []


def test_interrupted_account_deletion_is_an_event(audited: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        audited.push(f"alice/web{number}", ALICE, "image")
    delete, calls = RepositoryStore._hide, iter(range(10))

    def delete_three(self: RepositoryStore, *arguments: Any, **options: Any) -> None:
        if next(calls) == 3:
            fail()
        delete(self, *arguments, **options)

    audited.lines.clear()
    with monkeypatch.context() as patch:
        patch.setattr(RepositoryStore, "_hide", delete_three)
        assert audited.request("DELETE", "/v1/users/alice", ALICE).status == 503
    event = last_event(audited)
    assert (event["event"], event["target"], event["status"]) == ("account.deleted", "alice", 503)
    assert (event["partial"], event["deleted_repositories"]) == (True, 3)
    assert len(list(audited.tables.repositories.query("alice"))) == 2


@pytest.mark.parametrize("store", [CollaboratorStore, RobotStore])
def test_account_deletion_that_fails_after_the_repositories_is_an_event(
    audited: Index, monkeypatch: pytest.MonkeyPatch, store: type
) -> None:
    name = "remove_account" if store is CollaboratorStore else "of_account"
    monkeypatch.setattr(store, name, lambda *_: 1 / 0)
    assert audited.request("DELETE", "/v1/users/alice", ALICE).status == 500
    event = last_event(audited)
    assert (event["event"], event["deleted_repositories"], event["status"]) == ("account.deleted", 1, 500)


def test_deletion_that_fails_after_the_repository_was_hidden_is_an_event(
    audited: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(RepositoryStore, "expire", lambda *_: 1 / 0)
        assert audited.request("DELETE", "/v1/repositories/alice/web", ALICE).status == 500
    assert audited.request("GET", "/v1/repositories/alice/web/images").status == 404
    assert (last_event(audited)["event"], last_event(audited)["status"]) == ("repository.deleted", 500)


def test_creation_that_fails_after_its_transaction_is_an_event(audited: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(ImageListStore, "delete_segments", lambda *_: 1 / 0)
        assert audited.request("PUT", "/v1/repositories/alice/new", ALICE, json=[{"id": "image"}]).status == 500
    assert audited.ids("alice/new") == ["image"]
    assert (last_event(audited)["event"], last_event(audited)["target"]) == ("repository.pushed", "alice/new")


def test_block_that_fails_after_it_was_stored_is_an_event(audited: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CollaboratorStore, "of_account", lambda *_: 1 / 0)
    assert audited.request("PUT", "/v1/users/alice/blocked/bobby", ALICE).status == 500
    assert last_event(audited)["event"] == "account.blocked"


def test_rejected_requests_are_not_events(audited: Index) -> None:
    for method, path, form, status in (
        ("PUT", "/v1/repositories/admin/web", [], 404),
        ("PUT", "/v1/repositories/library/web", [], 403),
        ("DELETE", "/v1/repositories/alice/missing", None, 404),
        ("PUT", "/v1/users/admin", {"email": "new@example.com"}, 403),
        ("PUT", "/v1/users/alice/robots/ci", {"access": "everything"}, 400),
        ("PUT", "/v1/users/alice/blocked/alice", None, 400),
        ("POST", "/v1/users/", {"username": "alice"}, 400),
    ):
        assert audited.request(method, path, ALICE, json=form).status == status
    assert audited.events == []


@pytest.mark.parametrize("operation", ["GetItem", "Query"])
def test_request_that_fails_before_its_effect_is_not_an_event(audited: Index, operation: str) -> None:
    with failing(audited, f"before-call.dynamodb.{operation}"):
        for method, path in (("DELETE", "/v1/repositories/alice/web"), ("PUT", "/v1/repositories/alice/new")):
            assert audited.request(method, path, ALICE, json=[]).status == 503
    assert audited.events == []


@pytest.mark.parametrize(
    ("method", "path", "form", "event"),
    [
        ("PUT", "/v1/repositories/alice/new", [], "repository.pushed"),
        ("DELETE", "/v1/repositories/alice/web", None, "repository.deleted"),
        ("PUT", "/v1/namespaces/alice/repositories/web", {"private": True}, "repository.changed"),
        ("PUT", "/v1/namespaces/alice/repositories/web/collaborators/admin", {"access": "read"}, "repository.shared"),
        ("PUT", "/v1/users/alice/robots/ci", {"access": "read"}, "robot.created"),
        ("PUT", "/v1/users/alice", {"password": "another horse"}, "account.changed"),  # pragma: allowlist secret
        (
            "POST",
            "/v1/users/",
            {"username": "bobby", "password": PASSWORD, "email": "b@example.com"},
            "account.registered",
        ),
    ],
)
def test_change_with_an_unknown_outcome_is_an_event(
    audited: Index, method: str, path: str, form: object, event: str
) -> None:
    """The transaction is carried out, but its response is lost."""
    with failing(audited, "after-call.dynamodb.TransactWriteItems"):
        assert audited.request(method, path, None if method == "POST" else ALICE, json=form).status == 503
    assert [(line["event"], line["status"], line["partial"]) for line in audited.events] == [(event, 503, True)]
    assert audited.events[0]["target"]


@contextmanager
def failing(index: Index, event: str) -> Iterator[None]:
    """Let each call with this event of botocore time out."""
    events = index.aws.dynamodb.meta.events
    events.register(event, fail, unique_id="fail")
    try:
        yield
    finally:
        events.unregister(event, fail, unique_id="fail")
