"""Robots: creation, verification of their tokens, limits and revocation."""

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.accounts.robots import MAX_ROBOT_LIFETIME, NewRobot, Robots, is_robot_token
from chalicelib.domain.errors import InvalidInput, NotFound, PermissionDenied, RequestConflict, Unavailable
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import RobotRecord, User
from chalicelib.domain.roles import Robot, Role
from chalicelib.request_log import request_context
from chalicelib.storage.quotas import AccountUnavailable
from chalicelib.storage.transactions import Conflict
from tests.clock import NOW, Clock

WEB = RepositoryName("alice", "web")
CREATED = datetime(2026, 1, 2, tzinfo=UTC)
ALICE = User(username="alice", password_hash="", created=CREATED)
BOB = User(username="bob", password_hash="", created=CREATED)


class FakeStore:
    """The store of robots.

    Attributes:
        is_unavailable: whether neither a robot nor its use can be stored.
        has_quota: whether accounts can create robots.
    """

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], RobotRecord] = {}
        self.is_unavailable = False
        self.has_quota = True
        self.uses: list[tuple[str, str, datetime]] = []

    def get(self, username: str, name: str) -> RobotRecord | None:
        return self.records.get((username, name))

    def of_account(self, username: str) -> list[RobotRecord]:
        return [record for (owner, _), record in sorted(self.records.items()) if owner == username]

    def create(self, username: str, record: RobotRecord) -> None:
        if self.is_unavailable:
            raise Unavailable
        if not self.has_quota:
            raise AccountUnavailable
        if (username, record.robot.name) in self.records:
            raise Conflict
        self.records[username, record.robot.name] = record

    def record_use(self, username: str, name: str, at: datetime) -> None:
        if self.is_unavailable:
            raise Unavailable from OSError("the table does not answer")
        self.uses.append((username, name, at))
        self.records[username, name] = replace(self.records[username, name], last_used=at)

    def delete(self, username: str, name: str) -> None:
        del self.records[username, name]


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def robots(store: Any, clock: Clock) -> Robots:
    return Robots(store, clock)


def test_token_is_valid_for_its_account_only(robots: Robots) -> None:
    new = robots.create(ALICE, "ci", Role.WRITE, [WEB], 600)
    assert re.fullmatch(r"wbr_ci_[0-9a-f]{64}", new.token)
    assert robots.verify("alice", new.token, CREATED) == Robot("ci", Role.WRITE, frozenset([WEB]))
    assert robots.verify("bob", new.token, CREATED) is None
    assert robots.create(ALICE, "all", Role.READ).record.robot.repositories is None


def test_record_has_no_token_and_whole_seconds(robots: Robots, clock: Clock, store: FakeStore) -> None:
    clock.now = NOW + 0.9
    new = robots.create(ALICE, "ci", Role.READ, None, 600)
    assert store.get("alice", "ci") is new.record
    assert new.record.created == datetime.fromtimestamp(NOW, UTC)
    assert new.record.expires == NOW + 600
    assert new.token.rpartition("_")[2].encode() not in new.record.token_hash
    assert new.token not in repr(new)
    assert robots.create(ALICE, "forever", Role.READ).record.expires is None


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
        lambda token: token[:-1],
        lambda token: token + "0",
        lambda token: token.upper(),
        lambda token: token.replace("wbr_ci_", "wbr_ci2_"),
        lambda token: token.removeprefix("wbr_"),
        lambda token: "",
        lambda token: "wbr_ci_\ud800",
        lambda token: "wbr_a_b_" + token,
    ],
)
def test_changed_token_is_rejected(robots: Robots, change: Any) -> None:
    new = robots.create(ALICE, "ci", Role.READ)
    assert robots.verify("alice", change(new.token), CREATED) is None


def test_invalid_names_are_not_read_from_the_store(robots: Robots, store: Any) -> None:
    store.get = None
    for token in ("wbr_", "wbr__x", "wbr_A_x", "wbr_a_b_x", "wbr_" + "a" * 41 + "_x"):
        assert robots.verify("alice", token, CREATED) is None


def test_token_is_valid_until_it_expires(robots: Robots, clock: Clock) -> None:
    new = robots.create(ALICE, "ci", Role.READ, None, 600)
    clock.now = NOW + 599.9
    assert robots.verify("alice", new.token, CREATED)
    clock.now = NOW + 600
    assert robots.verify("alice", new.token, CREATED) is None


def test_token_without_a_lifetime_does_not_expire(robots: Robots, clock: Clock) -> None:
    new = robots.create(ALICE, "ci", Role.READ)
    clock.now = NOW + 50 * 366 * 86400
    assert robots.verify("alice", new.token, CREATED)


def test_use_is_recorded_every_ten_minutes(robots: Robots, clock: Clock, store: FakeStore) -> None:
    new = robots.create(ALICE, "ci", Role.READ)
    first = datetime.fromtimestamp(NOW, UTC)
    for clock.now in (NOW + 0.9, NOW + 1, NOW + 599, NOW + 600, NOW + 601):
        assert robots.verify("alice", new.token, CREATED)
    assert store.uses == [("alice", "ci", first), ("alice", "ci", first + timedelta(minutes=10))]


def test_failure_to_record_a_use_is_logged_and_does_not_reject_the_robot(
    robots: Robots, store: FakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    new = robots.create(ALICE, "ci", Role.READ)
    store.is_unavailable = True
    with caplog.at_level(logging.ERROR, "waybill"):
        assert robots.verify("alice", new.token, CREATED)
    (message,) = caplog.messages
    assert "alice" in message
    assert "OSError('the table does not answer')" in message
    assert new.token not in message


@pytest.mark.parametrize("count", [0, 101])
def test_number_of_repositories_is_limited(robots: Robots, count: int) -> None:
    repositories = [RepositoryName("alice", f"web{n}") for n in range(count)]
    with pytest.raises(InvalidInput, match="repositories"):
        robots.create(ALICE, "ci", Role.READ, repositories)


@pytest.mark.parametrize("lifetime", [-1, 0, MAX_ROBOT_LIFETIME + 1])
def test_lifetime_is_limited(robots: Robots, lifetime: int) -> None:
    with pytest.raises(InvalidInput, match="expires_in"):
        robots.create(ALICE, "ci", Role.READ, None, lifetime)


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize("lifetime", [1, MAX_ROBOT_LIFETIME])
def test_smallest_and_largest_values_are_accepted(robots: Robots, count: int, lifetime: int) -> None:
    repositories = [RepositoryName("alice", f"web{n}") for n in range(count)]
    record = robots.create(ALICE, "ci", Role.READ, repositories, lifetime).record
    assert record.robot.repositories == frozenset(repositories)


def test_account_without_quota_cannot_create_a_robot(robots: Robots, store: FakeStore) -> None:
    store.has_quota = False
    with pytest.raises(PermissionDenied, match="quota"):
        robots.create(ALICE, "ci", Role.READ)


def test_only_a_creation_that_can_have_taken_effect_is_partial(robots: Robots, store: FakeStore) -> None:
    """The request log keeps the event of a failed request that is partial."""
    robots.create(ALICE, "ci", Role.READ)
    with request_context() as fields, pytest.raises(RequestConflict):
        robots.create(ALICE, "ci", Role.READ)
    assert fields["partial"] is False
    store.has_quota = False
    with request_context() as fields, pytest.raises(PermissionDenied):
        robots.create(ALICE, "other", Role.READ)
    assert fields["partial"] is False
    store.is_unavailable = True
    with request_context() as fields, pytest.raises(Unavailable):
        robots.create(ALICE, "other", Role.READ)
    assert fields["partial"] is True


@pytest.mark.parametrize("created", [None, CREATED + timedelta(microseconds=1)])
def test_robot_of_a_deleted_account_with_the_same_name_is_rejected(robots: Robots, created: datetime | None) -> None:
    new = robots.create(ALICE, "ci", Role.READ)
    assert robots.verify("alice", new.token, created) is None
    assert robots.find_valid(replace(ALICE, created=created), "ci") is None


def test_robot_is_found_by_name_until_it_expires(robots: Robots, clock: Clock) -> None:
    robots.create(ALICE, "ci", Role.READ, None, 600)
    assert robots.find_valid(ALICE, "ci") == Robot("ci", Role.READ)
    assert robots.find_valid(ALICE, "other") is None
    clock.now = NOW + 600
    assert robots.find_valid(ALICE, "ci") is None


def test_existing_name_is_rejected(robots: Robots) -> None:
    new = robots.create(ALICE, "ci", Role.READ)
    with pytest.raises(RequestConflict, match="'ci'"):
        robots.create(ALICE, "ci", Role.WRITE)
    assert robots.verify("alice", new.token, CREATED) == Robot("ci", Role.READ)


def test_malformed_name_is_rejected(robots: Robots) -> None:
    with pytest.raises(InvalidInput):
        robots.create(ALICE, "No Name", Role.READ)
    with pytest.raises(InvalidInput):
        robots.revoke("alice", "No Name")


def test_revoked_token_is_rejected_and_others_are_not(robots: Robots) -> None:
    created: list[NewRobot] = [robots.create(ALICE, name, Role.READ) for name in ("one", "two")]
    robots.revoke("alice", "one")
    assert [robots.verify("alice", robot.token, CREATED) is None for robot in created] == [True, False]
    assert [record.robot.name for record in robots.of_account("alice")] == ["two"]
    with pytest.raises(NotFound, match="'one'"):
        robots.revoke("alice", "one")


def test_all_robots_of_one_account_are_revoked(robots: Robots) -> None:
    for user in (ALICE, BOB):
        for name in ("one", "two"):
            robots.create(user, name, Role.READ)
    robots.revoke_all("alice")
    assert robots.of_account("alice") == []
    assert len(robots.of_account("bob")) == 2


def test_robot_token_is_recognized_by_its_prefix() -> None:
    assert is_robot_token("wbr_ci_0")
    assert not is_robot_token("a wbr_ci_0")
