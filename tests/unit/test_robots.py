"""Robots' credentials: what makes one, and what a token is good for."""

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.accounts.robots import MAX_ROBOT_LIFETIME, NewRobot, Robots, is_robot_token
from chalicelib.domain.errors import DomainError, InvalidInput, NotFound, RequestConflict, Unavailable
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import RobotRecord
from chalicelib.domain.roles import Robot, Role
from chalicelib.storage.transactions import Conflict
from tests.unit.test_access_tokens import NOW, Clock

WEB = RepositoryName("alice", "web")


class Store:
    """The robots' table. `unavailable` breaks the notes of uses."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], RobotRecord] = {}
        self.unavailable = False
        self.noted: list[tuple[str, str, datetime]] = []

    def get(self, username: str, name: str) -> RobotRecord | None:
        return self.kept.get((username, name))

    def of_account(self, username: str) -> list[RobotRecord]:
        return [stored for (owner, _), stored in sorted(self.kept.items()) if owner == username]

    def create(self, username: str, stored: RobotRecord) -> None:
        if (username, stored.robot.name) in self.kept:
            raise Conflict
        self.kept[username, stored.robot.name] = stored

    def record_use(self, username: str, name: str, at: datetime) -> None:
        if self.unavailable:
            raise Unavailable("not now") from OSError("the table does not answer")
        self.noted.append((username, name, at))
        self.kept[username, name] = replace(self.kept[username, name], last_used=at)

    def remove(self, username: str, name: str) -> None:
        del self.kept[username, name]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def robots(store: Any, clock: Clock) -> Robots:
    return Robots(store, clock)


def told(kind: type[DomainError], *arguments: Any, by: Any) -> str:
    with pytest.raises(kind) as refused:
        by(*arguments)
    return str(refused.value)


def test_a_token_is_its_robot_and_no_other_accounts(robots: Robots) -> None:
    made = robots.create("alice", "ci", Role.WRITE, [WEB], 600)
    assert re.fullmatch(r"wbr_ci_[0-9a-f]{64}", made.token)
    assert robots.verify("alice", made.token) == Robot("ci", Role.WRITE, frozenset([WEB]))
    assert robots.verify("bob", made.token) is None
    assert robots.create("alice", "all", Role.READ).record.robot.repositories is None


def test_what_is_stored_tells_no_token_and_has_whole_seconds(robots: Robots, clock: Clock, store: Store) -> None:
    clock.now = NOW + 0.9
    made = robots.create("alice", "ci", Role.READ, None, 600)
    assert store.get("alice", "ci") is made.record
    assert made.record.created == datetime.fromtimestamp(NOW, UTC)
    assert made.record.expires == NOW + 600
    assert made.token.rpartition("_")[2].encode() not in made.record.token_hash
    assert made.token not in repr(made)
    assert robots.create("alice", "forever", Role.READ).record.expires is None


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
def test_what_is_no_robots_token_is_nobody(robots: Robots, change: Any) -> None:
    made = robots.create("alice", "ci", Role.READ)
    assert robots.verify("alice", change(made.token)) is None


def test_names_that_no_robot_can_have_are_not_looked_up(robots: Robots, store: Any) -> None:
    store.get = None
    for token in ("wbr_", "wbr__x", "wbr_A_x", "wbr_a_b_x", "wbr_" + "a" * 41 + "_x"):
        assert robots.verify("alice", token) is None


def test_a_token_is_good_until_its_second(robots: Robots, clock: Clock) -> None:
    made = robots.create("alice", "ci", Role.READ, None, 600)
    clock.now = NOW + 599.9
    assert robots.verify("alice", made.token)
    clock.now = NOW + 600
    assert robots.verify("alice", made.token) is None


def test_a_token_without_an_end_has_none(robots: Robots, clock: Clock) -> None:
    made = robots.create("alice", "ci", Role.READ)
    clock.now = NOW + 50 * 366 * 86400
    assert robots.verify("alice", made.token)


def test_a_use_is_noted_once_in_ten_minutes_and_to_the_second(robots: Robots, clock: Clock, store: Store) -> None:
    made = robots.create("alice", "ci", Role.READ)
    first = datetime.fromtimestamp(NOW, UTC)
    for clock.now in (NOW + 0.9, NOW + 1, NOW + 599, NOW + 600, NOW + 601):
        assert robots.verify("alice", made.token)
    assert store.noted == [("alice", "ci", first), ("alice", "ci", first + timedelta(minutes=10))]


def test_a_use_that_cannot_be_noted_keeps_nobody_out_and_is_logged(
    robots: Robots, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    made = robots.create("alice", "ci", Role.READ)
    store.unavailable = True
    with caplog.at_level(logging.ERROR, "waybill"):
        assert robots.verify("alice", made.token)
    assert caplog.messages == ["the use of a robot of alice could not be noted: OSError('the table does not answer')"]


@pytest.mark.parametrize("count", [0, 101])
def test_a_robot_is_for_a_number_of_repositories_that_can_be_read(robots: Robots, count: int) -> None:
    listed = [RepositoryName("alice", f"web{n}") for n in range(count)]
    said = told(InvalidInput, "alice", "ci", Role.READ, listed, by=robots.create)
    assert said == "a robot is for 1 to 100 listed repositories, or for all"


@pytest.mark.parametrize("lifetime", [-1, 0, MAX_ROBOT_LIFETIME + 1])
def test_a_robot_has_a_lifetime_or_none(robots: Robots, lifetime: int) -> None:
    said = told(InvalidInput, "alice", "ci", Role.READ, None, lifetime, by=robots.create)
    assert said == "a robot expires in a number of seconds from 1 to ten years, or never"


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize("lifetime", [1, MAX_ROBOT_LIFETIME])
def test_the_ends_of_what_a_robot_can_have_are_within(robots: Robots, count: int, lifetime: int) -> None:
    listed = [RepositoryName("alice", f"web{n}") for n in range(count)]
    assert robots.create("alice", "ci", Role.READ, listed, lifetime).record.robot.repositories == frozenset(listed)


def test_an_account_has_room_for_fifty_and_another_accounts_do_not_count(robots: Robots) -> None:
    robots.create("bob", "ci", Role.READ)
    for n in range(50):
        robots.create("alice", f"ci{n}", Role.READ)
    said = told(InvalidInput, "alice", "one-more", Role.READ, by=robots.create)
    assert said == "an account has at most 50 robots; revoke one first"


def test_a_name_is_given_once(robots: Robots) -> None:
    made = robots.create("alice", "ci", Role.READ)
    said = told(RequestConflict, "alice", "ci", Role.WRITE, by=robots.create)
    assert said == "there is a robot 'ci' already; revoke it first, or choose another name"
    assert robots.verify("alice", made.token) == Robot("ci", Role.READ)
    told(InvalidInput, "alice", "No Name", Role.READ, by=robots.create)


def test_what_is_revoked_is_nobody_and_the_others_stay(robots: Robots) -> None:
    made: list[NewRobot] = [robots.create("alice", name, Role.READ) for name in ("one", "two")]
    robots.revoke("alice", "one")
    assert [robots.verify("alice", robot.token) is None for robot in made] == [True, False]
    assert [stored.robot.name for stored in robots.of_account("alice")] == ["two"]
    assert told(NotFound, "alice", "one", by=robots.revoke) == "there is no robot 'one'"
    told(InvalidInput, "alice", "No Name", by=robots.revoke)


def test_an_account_that_goes_takes_its_robots_and_nobody_elses(robots: Robots) -> None:
    for username in ("alice", "bob"):
        for name in ("one", "two"):
            robots.create(username, name, Role.READ)
    robots.revoke_all("alice")
    assert robots.of_account("alice") == []
    assert len(robots.of_account("bob")) == 2


def test_a_robots_token_is_told_by_how_it_begins() -> None:
    assert is_robot_token("wbr_ci_0")
    assert not is_robot_token("a wbr_ci_0")
