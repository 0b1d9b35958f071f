"""Delays after wrong passwords, and the limit of registrations."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.accounts.login import Login
from chalicelib.accounts.login_throttle import (
    ACCOUNT_FAILURES_BEFORE_DELAY,
    CLIENT_FAILURES_BEFORE_DELAY,
    COUNTER_LIFETIME_SECONDS,
    MAX_ACCOUNT_DELAY_SECONDS,
    MAX_DELAY_SECONDS,
    MAX_REGISTRATIONS,
    PAIR_FAILURES_BEFORE_DELAY,
    LoginThrottle,
    delay_after,
)
from chalicelib.domain.errors import NotAuthenticated, RateLimited
from chalicelib.security.passwords import Passwords
from chalicelib.storage.rate_counters import RateCounterStore
from tests.clock import Clock
from tests.index import PASSWORD, Index, basic

NewLogin = Callable[[], Login]
HOME, OFFICE, ATTACKER = "192.0.2.1", "192.0.2.2", "203.0.113.9"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def new_login(index: Index, clock: Clock) -> NewLogin:
    """Return a function that creates a Login with an empty cache, like that of a new container."""
    index.create_account("alice")
    index.create_account("bobby")

    def create() -> Login:
        throttle = LoginThrottle(RateCounterStore(index.tables), clock)
        return Login(index.users, index.services.stores.organizations, Passwords(4), index.services.robots, throttle)

    return create


def fail_logins(new_login: NewLogin, times: int, username: str = "alice", client_ip: str = ATTACKER) -> None:
    for _ in range(times):
        with pytest.raises(NotAuthenticated):
            new_login().log_in(username, "wrong horse", client_ip)


def find_delay(new_login: NewLogin, username: str, password: str, client_ip: str) -> int:
    """Return the seconds to wait before the next login."""
    with pytest.raises(RateLimited) as raised:
        new_login().log_in(username, password, client_ip)
    return raised.value.seconds


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_delays_double_for_existing_and_missing_accounts(new_login: NewLogin, clock: Clock, username: str) -> None:
    fail_logins(new_login, PAIR_FAILURES_BEFORE_DELAY, username)
    for expected in (1, 2, 4, 8, 16):
        assert find_delay(new_login, username, PASSWORD, ATTACKER) == expected  # also for the right password
        clock.now += expected
        fail_logins(new_login, 1, username)


def test_rejected_login_does_not_extend_the_delay(new_login: NewLogin, clock: Clock) -> None:
    fail_logins(new_login, PAIR_FAILURES_BEFORE_DELAY)
    for _ in range(10):
        assert find_delay(new_login, "alice", "wrong horse", ATTACKER) == 1
    clock.now += 1
    assert new_login().log_in("alice", PASSWORD, ATTACKER).username == "alice"


def test_right_password_does_not_count_as_an_attempt(new_login: NewLogin, clock: Clock) -> None:
    fail_logins(new_login, PAIR_FAILURES_BEFORE_DELAY)
    for _ in range(3):
        clock.now += 1
        assert new_login().log_in("alice", PASSWORD, ATTACKER).username == "alice"
    fail_logins(new_login, 1)
    assert find_delay(new_login, "alice", PASSWORD, ATTACKER) == 2


@pytest.fixture
def attacked(new_login: NewLogin, clock: Clock) -> NewLogin:
    """The account of alice, whose owner has logged in at home, is attacked from many networks."""
    new_login().log_in("alice", PASSWORD, HOME)
    for n in range(ACCOUNT_FAILURES_BEFORE_DELAY + 10):
        clock.now += MAX_ACCOUNT_DELAY_SECONDS
        fail_logins(new_login, 1, client_ip=f"203.0.113.{n}")
    return new_login


@pytest.mark.exhaustive
def test_attack_from_many_networks_is_slow(attacked: NewLogin) -> None:
    assert find_delay(attacked, "alice", PASSWORD, "203.0.113.200") == MAX_ACCOUNT_DELAY_SECONDS


@pytest.mark.exhaustive
def test_attacker_cannot_lock_out_the_owner_in_a_known_network(attacked: NewLogin) -> None:
    fail_logins(attacked, PAIR_FAILURES_BEFORE_DELAY - 1, client_ip=HOME)
    assert attacked().log_in("alice", PASSWORD, HOME).username == "alice"


@pytest.mark.exhaustive
def test_owner_in_an_unknown_network_waits_for_a_limited_time_during_an_attack(
    attacked: NewLogin, clock: Clock
) -> None:
    clock.now += MAX_ACCOUNT_DELAY_SECONDS
    assert attacked().log_in("alice", PASSWORD, OFFICE).username == "alice"


@pytest.mark.exhaustive
def test_client_ip_that_tries_many_accounts_is_delayed(new_login: NewLogin, clock: Clock) -> None:
    for n in range(CLIENT_FAILURES_BEFORE_DELAY):
        fail_logins(new_login, 1, username=f"user{n}")
    assert find_delay(new_login, "bobby", PASSWORD, ATTACKER) == 1
    clock.now += 1
    assert new_login().log_in("bobby", PASSWORD, ATTACKER).username == "bobby"
    fail_logins(new_login, 1, username="user1")
    assert find_delay(new_login, "alice", PASSWORD, ATTACKER) == 2  # a login does not reset the counter of the IP
    assert new_login().log_in("alice", PASSWORD, OFFICE).username == "alice"
    assert new_login().log_in("bobby", PASSWORD, ATTACKER).username == "bobby", "the network is known for bobby"


def test_known_network_has_a_higher_limit(new_login: NewLogin) -> None:
    new_login().log_in("alice", PASSWORD, ATTACKER)
    for n in range(CLIENT_FAILURES_BEFORE_DELAY):
        fail_logins(new_login, 1, username=f"user{n}")
    assert find_delay(new_login, "bobby", PASSWORD, ATTACKER) == 1
    assert new_login().log_in("alice", PASSWORD, ATTACKER).username == "alice"


def test_delay_has_a_maximum() -> None:
    assert [delay_after(n, 5) for n in (0, 4, 5, 6, 7)] == [0, 0, 1, 2, 4]
    assert delay_after(10**9, 5) == MAX_DELAY_SECONDS


def test_expired_counter_restarts(index: Index, new_login: NewLogin, clock: Clock) -> None:
    fail_logins(new_login, PAIR_FAILURES_BEFORE_DELAY)
    assert {item.expires for item in index.tables.counters.scan()} == {int(clock.now) + COUNTER_LIFETIME_SECONDS}
    clock.now += COUNTER_LIFETIME_SECONDS + 1
    fail_logins(new_login, PAIR_FAILURES_BEFORE_DELAY)
    assert find_delay(new_login, "alice", PASSWORD, ATTACKER) == 1  # also if DynamoDB has not deleted it yet


def test_calls_for_logins(index: Index) -> None:
    alice, get, update = index.create_account("alice"), "dynamodb.GetItem", "dynamodb.UpdateItem"
    index.create_account("bobby")
    for auth, status, calls in (
        (basic("bobby"), 200, [get, *[update] * 5]),  # two counters, their release, and the new network
        (basic("bobby"), 200, [get]),
        (basic("alice", "wrong"), 401, [get, *[update] * 3]),
        (basic("nobody", "wrong"), 401, [get, update, get, *[update] * 2]),
        (alice, 200, [get, update, get, *[update] * 4]),
        (alice, 200, [get]),
        (basic("alice", "wrong"), 401, [get, update, get, update]),
    ):
        index.calls.clear()
        assert index.request("GET", "/v1/users/", auth).status == status
        assert index.calls == calls


def test_response_has_a_delay_and_does_not_reveal_whether_the_account_exists(index: Index) -> None:
    index.create_account("alice")
    responses = []
    for username in ("alice", "nobody"):
        for _ in range(PAIR_FAILURES_BEFORE_DELAY):
            assert index.request("GET", "/v1/users/", basic(username, "wrong horse")).status == 401
        responses.append(index.request("GET", "/v1/users/", basic(username, "wrong horse")))
    assert responses[0] == responses[1]
    assert responses[0].status == 429
    assert responses[0].headers["retry-after"] == "1"
    assert set(responses[0].json) == {"error"}


def test_cached_login_is_not_delayed_during_an_attack(index: Index) -> None:
    alice = index.create_account("alice")
    assert index.request("GET", "/v1/users/", alice).status == 200
    for _ in range(PAIR_FAILURES_BEFORE_DELAY + 1):
        index.request("GET", "/v1/users/", basic("alice", "wrong horse"))
    assert index.request("GET", "/v1/users/", basic("alice", "wrong horse")).status == 429
    assert index.request("GET", "/v1/users/", alice).status == 200


def test_registrations_from_one_client_ip_are_limited(index: Index) -> None:
    def register(name: str) -> Any:
        form = {"username": name, "password": PASSWORD, "email": f"{name}@example.com"}
        return index.request("POST", "/v1/users/", json=form)

    for n in range(MAX_REGISTRATIONS):
        assert register(f"user{n}").status == 201
    response = register("onemore")
    assert response.status == 429
    assert int(response.headers["retry-after"]) > 3000
    assert register("user0").body == b'"Username or email already exists"'  # so that old clients continue to log in
    assert index.request("GET", "/v1/users/", basic("user0")).status == 200
