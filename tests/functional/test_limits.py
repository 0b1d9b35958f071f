"""How fast passwords can be guessed, and that nobody is locked out by somebody else."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.accounts import Accounts
from chalicelib.compose import Parts
from chalicelib.errors import TooManyRequests, Unauthorized
from chalicelib.limits import (
    ACCOUNT_FREE,
    ADDRESS_FREE,
    DELAY_AT_MOST,
    REGISTRATIONS_AT_MOST,
    REMEMBERED_SECONDS,
    Limits,
    delay,
)
from chalicelib.store.attempts import AttemptStore
from tests.driver import PASSWORD, Index, basic

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
        made = Parts(index.settings, index.aws).accounts
        made._limits = Limits(AttemptStore(index.tables), clock)
        return made

    return make


def wrong(accounts: Callable[[], Accounts], times: int, username: str = "alice", address: str = EVIL) -> None:
    for _ in range(times):
        with pytest.raises(Unauthorized):
            accounts().sign_in(username, "wrong horse", address)


def refused(accounts: Callable[[], Accounts], username: str, password: str, address: str) -> int:
    """Seconds to wait."""
    with pytest.raises(TooManyRequests) as caught:
        accounts().sign_in(username, password, address)
    return caught.value.seconds


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_delays_double_and_a_known_account_has_those_of_an_unknown_one(
    accounts: Callable[[], Accounts], clock: Clock, username: str
) -> None:
    wrong(accounts, ACCOUNT_FREE, username)
    for expected in (1, 2, 4, 8, 16):
        assert refused(accounts, username, PASSWORD, EVIL) == expected, "even the right password is not looked at"
        clock.now += expected
        wrong(accounts, 1, username)


def test_what_is_refused_prolongs_nothing(accounts: Callable[[], Accounts], clock: Clock) -> None:
    wrong(accounts, ACCOUNT_FREE)
    for _ in range(10):
        assert refused(accounts, "alice", "wrong horse", EVIL) == 1
    clock.now += 1
    assert accounts().sign_in("alice", PASSWORD, EVIL).username == "alice"


def test_a_right_password_after_the_delay_clears_the_accounts(accounts: Callable[[], Accounts], clock: Clock) -> None:
    wrong(accounts, ACCOUNT_FREE)
    clock.now += 1
    accounts().sign_in("alice", PASSWORD, EVIL)
    wrong(accounts, ACCOUNT_FREE)
    assert refused(accounts, "alice", PASSWORD, EVIL) == 1


def test_nobody_can_lock_the_owner_out(accounts: Callable[[], Accounts], clock: Clock) -> None:
    for n in range(40):
        clock.now += DELAY_AT_MOST
        wrong(accounts, 1, address=f"203.0.113.{n % 8}")
    assert refused(accounts, "alice", PASSWORD, "203.0.113.7") > 60
    assert accounts().sign_in("alice", PASSWORD, HOME).username == "alice"


def test_an_owner_who_mistypes_under_attack_waits_a_while_and_not_for_good(
    accounts: Callable[[], Accounts], clock: Clock
) -> None:
    wrong(accounts, 1, address=HOME)
    wrong(accounts, ACCOUNT_FREE - 1)
    for _ in range(REMEMBERED_SECONDS // DELAY_AT_MOST + 1):
        clock.now += DELAY_AT_MOST
        wrong(accounts, 1)
    assert accounts().sign_in("alice", PASSWORD, HOME).username == "alice"


def test_an_address_that_tries_many_accounts_is_slowed_whoever_they_are(
    accounts: Callable[[], Accounts], clock: Clock
) -> None:
    for n in range(ADDRESS_FREE):
        wrong(accounts, 1, username=f"user{n}")
    assert refused(accounts, "bobby", PASSWORD, EVIL) == 1
    clock.now += 1
    assert accounts().sign_in("bobby", PASSWORD, EVIL).username == "bobby"
    wrong(accounts, 1, username="user1")
    assert refused(accounts, "bobby", PASSWORD, EVIL) == 2, "an account of one's own does not clear the address's"
    assert accounts().sign_in("bobby", PASSWORD, OFFICE).username == "bobby"


def test_delays_end_somewhere() -> None:
    assert [delay(n, 5) for n in (0, 4, 5, 6, 7)] == [0, 0, 1, 2, 4]
    assert delay(10**9, 5) == DELAY_AT_MOST


def test_counts_are_forgotten(index: Index, accounts: Callable[[], Accounts], clock: Clock) -> None:
    wrong(accounts, ACCOUNT_FREE)
    assert {item.expires for item in index.tables.attempts.scan()} == {int(clock.now) + REMEMBERED_SECONDS}
    clock.now += REMEMBERED_SECONDS + 1
    wrong(accounts, ACCOUNT_FREE)
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
        for _ in range(ACCOUNT_FREE):
            assert index.request("GET", "/v1/users/", basic(username, "wrong horse")).status == 401
        replies.append(index.request("GET", "/v1/users/", basic(username, "wrong horse")))
    assert replies[0] == replies[1]
    assert replies[0].status == 429
    assert replies[0].headers["retry-after"] == "1"
    assert replies[0].json == {"error": "too many wrong passwords; try again in 1 second"}


def test_what_a_container_remembers_goes_on_under_attack(index: Index) -> None:
    alice = index.account("alice")
    assert index.request("GET", "/v1/users/", alice).status == 200
    for _ in range(ACCOUNT_FREE + 1):
        index.request("GET", "/v1/users/", basic("alice", "wrong horse"))
    assert index.request("GET", "/v1/users/", basic("alice", "wrong horse")).status == 429
    assert index.request("GET", "/v1/users/", alice).status == 200


def test_an_address_makes_a_limited_number_of_accounts(index: Index) -> None:
    def register(name: str) -> Any:
        form = {"username": name, "password": PASSWORD, "email": f"{name}@example.com"}
        return index.request("POST", "/v1/users/", json=form)

    for n in range(REGISTRATIONS_AT_MOST):
        assert register(f"user{n}").status == 201
    reply = register("onemore")
    assert reply.status == 429
    assert int(reply.headers["retry-after"]) > 3000
    assert register("user0").body == b'"Username or email already exists"', "old clients still log in"
    assert index.request("GET", "/v1/users/", basic("user0")).status == 200
