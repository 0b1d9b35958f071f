"""How fast passwords can be guessed, and that nobody is locked out by somebody else."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.accounts.login_throttle import (
    ACCOUNT_FAILURES_BEFORE_DELAY,
    CLIENT_FAILURES_BEFORE_DELAY,
    COUNTER_LIFETIME_SECONDS,
    MAX_DELAY_SECONDS,
    MAX_REGISTRATIONS,
    LoginThrottle,
    delay_after,
)
from chalicelib.accounts.service import Accounts
from chalicelib.bootstrap import Services
from chalicelib.domain.errors import NotAuthenticated, RateLimited
from chalicelib.storage.rate_counters import RateCounterStore
from tests.index import PASSWORD, Index, basic

HOME, OFFICE, EVIL = "192.0.2.1", "192.0.2.2", "203.0.113.9"


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(index: Index, clock: Clock) -> Callable[[], Accounts]:
    """Makes an Accounts that remembers no credentials, as another container has it, under a clock that can be set."""
    index.account("alice")
    index.account("bobby")

    def make() -> Accounts:
        made = Services(index.settings, index.aws).login
        made._throttle = LoginThrottle(RateCounterStore(index.tables), clock)
        return made

    return make


def wrong(accounts: Callable[[], Accounts], times: int, username: str = "alice", address: str = EVIL) -> None:
    for _ in range(times):
        with pytest.raises(NotAuthenticated):
            accounts().log_in(username, "wrong horse", address)


def refused(accounts: Callable[[], Accounts], username: str, password: str, address: str) -> int:
    """Seconds to wait."""
    with pytest.raises(RateLimited) as caught:
        accounts().log_in(username, password, address)
    return caught.value.seconds


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_delays_double_and_a_known_account_has_those_of_an_unknown_one(
    accounts: Callable[[], Accounts], clock: Clock, username: str
) -> None:
    wrong(accounts, ACCOUNT_FAILURES_BEFORE_DELAY, username)
    for expected in (1, 2, 4, 8, 16):
        assert refused(accounts, username, PASSWORD, EVIL) == expected, "even the right password is not looked at"
        clock.now += expected
        wrong(accounts, 1, username)


def test_what_is_refused_prolongs_nothing(accounts: Callable[[], Accounts], clock: Clock) -> None:
    wrong(accounts, ACCOUNT_FAILURES_BEFORE_DELAY)
    for _ in range(10):
        assert refused(accounts, "alice", "wrong horse", EVIL) == 1
    clock.now += 1
    assert accounts().log_in("alice", PASSWORD, EVIL).username == "alice"


def test_a_right_password_after_the_delay_clears_the_accounts(accounts: Callable[[], Accounts], clock: Clock) -> None:
    wrong(accounts, ACCOUNT_FAILURES_BEFORE_DELAY)
    clock.now += 1
    accounts().log_in("alice", PASSWORD, EVIL)
    wrong(accounts, ACCOUNT_FAILURES_BEFORE_DELAY)
    assert refused(accounts, "alice", PASSWORD, EVIL) == 1


def test_nobody_can_lock_the_owner_out(accounts: Callable[[], Accounts], clock: Clock) -> None:
    for n in range(40):
        clock.now += MAX_DELAY_SECONDS
        wrong(accounts, 1, address=f"203.0.113.{n % 8}")
    assert refused(accounts, "alice", PASSWORD, "203.0.113.7") > 60
    assert accounts().log_in("alice", PASSWORD, HOME).username == "alice"


def test_an_owner_who_mistypes_under_attack_waits_a_while_and_not_for_good(
    accounts: Callable[[], Accounts], clock: Clock
) -> None:
    wrong(accounts, 1, address=HOME)
    wrong(accounts, ACCOUNT_FAILURES_BEFORE_DELAY - 1)
    for _ in range(COUNTER_LIFETIME_SECONDS // MAX_DELAY_SECONDS + 1):
        clock.now += MAX_DELAY_SECONDS
        wrong(accounts, 1)
    assert accounts().log_in("alice", PASSWORD, HOME).username == "alice"


def test_an_address_that_tries_many_accounts_is_slowed_whoever_they_are(
    accounts: Callable[[], Accounts], clock: Clock
) -> None:
    for n in range(CLIENT_FAILURES_BEFORE_DELAY):
        wrong(accounts, 1, username=f"user{n}")
    assert refused(accounts, "bobby", PASSWORD, EVIL) == 1
    clock.now += 1
    assert accounts().log_in("bobby", PASSWORD, EVIL).username == "bobby"
    wrong(accounts, 1, username="user1")
    assert refused(accounts, "bobby", PASSWORD, EVIL) == 2, "an account of one's own does not clear the address's"
    assert accounts().log_in("bobby", PASSWORD, OFFICE).username == "bobby"


def test_delays_end_somewhere() -> None:
    assert [delay_after(n, 5) for n in (0, 4, 5, 6, 7)] == [0, 0, 1, 2, 4]
    assert delay_after(10**9, 5) == MAX_DELAY_SECONDS


def test_counts_are_forgotten(index: Index, accounts: Callable[[], Accounts], clock: Clock) -> None:
    wrong(accounts, ACCOUNT_FAILURES_BEFORE_DELAY)
    assert {item.expires for item in index.tables.counters.scan()} == {int(clock.now) + COUNTER_LIFETIME_SECONDS}
    clock.now += COUNTER_LIFETIME_SECONDS + 1
    wrong(accounts, ACCOUNT_FAILURES_BEFORE_DELAY)
    assert refused(accounts, "alice", PASSWORD, EVIL) == 1, "counted from the beginning, though DynamoDB kept the items"


def test_what_it_costs(index: Index) -> None:
    alice, get, batch = index.account("alice"), "dynamodb.GetItem", "dynamodb.BatchGetItem"
    index.account("bobby")
    write, delete = "dynamodb.TransactWriteItems", "dynamodb.DeleteItem"
    for auth, status, calls in (
        (basic("bobby"), 200, [get, batch]),
        (basic("bobby"), 200, [get]),
        (basic("alice", "wrong"), 401, [get, batch, write]),
        (basic("nobody", "wrong"), 401, [get, batch, write]),
        (alice, 200, [get, batch, delete]),
        (alice, 200, [get]),
    ):
        index.calls.clear()
        assert index.request("GET", "/v1/users/", auth).status == status
        assert index.calls == calls


def test_the_reply_says_when_to_come_again_and_tells_no_account_from_none(index: Index) -> None:
    index.account("alice")
    replies = []
    for username in ("alice", "nobody"):
        for _ in range(ACCOUNT_FAILURES_BEFORE_DELAY):
            assert index.request("GET", "/v1/users/", basic(username, "wrong horse")).status == 401
        replies.append(index.request("GET", "/v1/users/", basic(username, "wrong horse")))
    assert replies[0] == replies[1]
    assert replies[0].status == 429
    assert replies[0].headers["retry-after"] == "1"
    assert replies[0].json == {"error": "too many wrong passwords; try again in 1 second"}


def test_what_a_container_remembers_goes_on_under_attack(index: Index) -> None:
    alice = index.account("alice")
    assert index.request("GET", "/v1/users/", alice).status == 200
    for _ in range(ACCOUNT_FAILURES_BEFORE_DELAY + 1):
        index.request("GET", "/v1/users/", basic("alice", "wrong horse"))
    assert index.request("GET", "/v1/users/", basic("alice", "wrong horse")).status == 429
    assert index.request("GET", "/v1/users/", alice).status == 200


def test_an_address_makes_a_limited_number_of_accounts(index: Index) -> None:
    def register(name: str) -> Any:
        form = {"username": name, "password": PASSWORD, "email": f"{name}@example.com"}
        return index.request("POST", "/v1/users/", json=form)

    for n in range(MAX_REGISTRATIONS):
        assert register(f"user{n}").status == 201
    response = register("onemore")
    assert response.status == 429
    assert int(response.headers["retry-after"]) > 3000
    assert register("user0").body == b'"Username or email already exists"', "old clients still log in"
    assert index.request("GET", "/v1/users/", basic("user0")).status == 200
