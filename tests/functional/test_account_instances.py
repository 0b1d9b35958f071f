"""Credentials belong to one account instance. A later account with the same name cannot be used with them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.bootstrap import Services
from chalicelib.domain.models import RobotRecord
from chalicelib.domain.roles import Robot, Role
from chalicelib.storage.quotas import AccountUnavailable
from chalicelib.storage.robots import RobotStore
from tests.email_index import confirm, create_email_index, register
from tests.index import PASSWORD, Index, basic

ROBOT = "/v1/users/alice/robots/ci"


@pytest.fixture
def reusable(make_index: Any) -> Index:
    """An index in which the name of a deleted account can be registered again."""
    index: Index = make_index(reserve_deleted_names=False)
    index.create_account("alice")
    return index


def create_robot(index: Index, name: str = "ci") -> Any:
    return index.request("PUT", f"/v1/users/alice/robots/{name}", basic("alice"), json={"access": "write"})


def delete_and_register(index: Index) -> None:
    assert index.request("DELETE", "/v1/users/alice", basic("alice")).status == 204
    form = {"username": "alice", "password": "another horse", "email": "new@example.com"}  # pragma: allowlist secret
    assert index.request("POST", "/v1/users/", json=form).status == 201


def robots_of(index: Index, username: str = "alice") -> tuple[int, int]:
    """Return the counted and the stored number of robots of an account."""
    return int(index.tables.users.get(username).robots or 0), len(list(index.tables.robots.query(username)))


def test_robot_that_is_created_during_the_deletion_does_not_work_later(
    reusable: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = RobotStore.create

    def delete_and_create(self: RobotStore, username: str, record: RobotRecord) -> None:
        monkeypatch.setattr(RobotStore, "create", create)
        delete_and_register(reusable)
        create(self, username, record)

    monkeypatch.setattr(RobotStore, "create", delete_and_create)
    assert create_robot(reusable).status == 403
    assert robots_of(reusable) == (0, 0)


def test_robot_of_a_former_account_is_rejected(reusable: Index) -> None:
    token = create_robot(reusable).json["token"]
    item = reusable.tables.robots.get("alice", "ci")
    assert reusable.request("GET", "/v1/users/", basic("alice", token)).status == 200
    delete_and_register(reusable)
    item.save()  # as if a deletion had been interrupted before, or the item had been imported
    assert reusable.request("GET", "/v1/users/", basic("alice", token)).status == 401


def test_robot_without_a_registration_time_is_rejected(reusable: Index) -> None:
    token = create_robot(reusable).json["token"]
    robots = reusable.tables.robots
    robots("alice", "ci").update([robots.account_created.remove()])
    assert reusable.request("GET", "/v1/users/", basic("alice", token)).status == 401


@pytest.mark.parametrize("difference", [timedelta(microseconds=1), timedelta(days=-1)])
def test_storage_requires_the_account_instance(reusable: Index, difference: timedelta) -> None:
    user = reusable.users.get("alice")
    assert user is not None
    record = RobotRecord(
        robot=Robot("ci", Role.READ),
        token_hash=b"0" * 32,
        created=datetime.now(UTC),
        account_created=user.created + difference,
    )
    with pytest.raises(AccountUnavailable):
        Services(reusable.settings, reusable.aws).stores.robots.create("alice", record)
    assert robots_of(reusable) == (0, 0)


def test_account_in_deletion_cannot_create_robots(reusable: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    create = RobotStore.create

    def start_deletion_and_create(self: RobotStore, username: str, record: RobotRecord) -> None:
        reusable.users.start_deletion("alice")
        create(self, username, record)

    monkeypatch.setattr(RobotStore, "create", start_deletion_and_create)
    assert create_robot(reusable).status == 403
    assert robots_of(reusable) == (0, 0)


def test_robot_of_an_account_in_deletion_is_rejected(reusable: Index) -> None:
    token = create_robot(reusable).json["token"]
    reusable.users.start_deletion("alice")
    assert reusable.request("GET", "/v1/users/", basic("alice", token)).status == 403


def test_revocation_of_a_former_robot_does_not_change_the_count(reusable: Index) -> None:
    assert create_robot(reusable, "old").status == 201
    item = reusable.tables.robots.get("alice", "old")
    delete_and_register(reusable)
    item.save()
    auth = basic("alice", "another horse")
    assert reusable.request("PUT", ROBOT, auth, json={"access": "read"}).status == 201
    assert reusable.request("DELETE", "/v1/users/alice/robots/old", auth).status == 204
    assert robots_of(reusable) == (1, 1)


def test_repeated_revocation_does_not_remove_the_next_robot(reusable: Index) -> None:
    """A robot with the same name is created while a second revocation is in progress."""
    assert create_robot(reusable).status == 201
    stores = Services(reusable.settings, reusable.aws).stores
    record = stores.robots.get("alice", "ci")
    assert record is not None

    class StaleStore(RobotStore):
        def get(self, username: str, name: str) -> RobotRecord | None:
            return record

    stores.robots.delete("alice", "ci")
    assert robots_of(reusable) == (0, 0)
    assert create_robot(reusable).status == 201
    for _ in range(2):
        StaleStore(reusable.tables, stores.robots._quotas).delete("alice", "ci")
    assert robots_of(reusable) == (1, 1)


def test_robot_whose_account_is_missing_can_be_deleted(reusable: Index) -> None:
    assert create_robot(reusable).status == 201
    reusable.tables.users("alice").delete()
    Services(reusable.settings, reusable.aws).stores.robots.delete("alice", "ci")
    assert not list(reusable.tables.robots.scan())


def test_links_of_a_former_account_do_nothing(aws: None) -> None:
    index = create_email_index(reserve_deleted_names=False)
    assert register(index, "alice").status == 201
    assert confirm(index, "alice@example.com") == 200
    assert index.request("DELETE", "/v1/users/alice", basic("alice", PASSWORD)).status == 204
    assert register(index, "alice").status == 201
    assert confirm(index, "alice@example.com", 0) == 410
    assert index.request("GET", "/v1/users/", basic("alice")).status == 403


def test_network_of_a_former_account_is_not_known(reusable: Index) -> None:
    assert reusable.request("GET", "/v1/users/", basic("alice")).status == 200
    user = reusable.users.get("alice")
    assert user is not None
    assert len(user.networks) == 1
    delete_and_register(reusable)
    later = reusable.users.get("alice")
    assert later is not None
    assert later.networks == frozenset()
