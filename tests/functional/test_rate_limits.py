"""Attempts at the same time are counted one by one, and nobody is blocked by strangers."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.accounts import login_throttle
from chalicelib.accounts.login import Login
from chalicelib.accounts.login_throttle import (
    CLIENT_FAILURES_BEFORE_DELAY,
    COUNTER_LIFETIME_SECONDS,
    KNOWN_CLIENT_FAILURES_BEFORE_DELAY,
    MAX_ACCOUNT_DELAY_SECONDS,
    MAX_DELAY_SECONDS,
    MAX_REGISTRATIONS,
    PAIR_FAILURES_BEFORE_DELAY,
    WIDE_FAILURES_BEFORE_DELAY,
    LoginThrottle,
)
from chalicelib.bootstrap import Services
from chalicelib.domain.client_networks import networks_of
from chalicelib.domain.errors import NotAuthenticated, RateLimited
from chalicelib.security.passwords import Passwords
from chalicelib.storage.rate_counters import RateCounterStore, RateLimit
from tests.index import PASSWORD, Index, basic
from tests.together import run_together

HOME, OFFICE, EVIL = "192.0.2.1", "192.0.2.2", "203.0.113.9"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Client:
    """Sends requests to an index from any address, as API Gateway forwards them."""

    def __init__(self, index: Index) -> None:
        self.index = index

    def log_in(self, username: str, password: str = "wrong horse", ip: str = EVIL) -> int:
        return self.index.request("GET", "/v1/users/", basic(username, password), client_ip=ip).status

    def register(self, number: int, ip: str = EVIL, **fields: Any) -> int:
        form = {"username": f"user{number}", "password": PASSWORD, "email": f"user{number}@example.com", **fields}
        return self.index.request("POST", "/v1/users/", json=form, client_ip=ip).status


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let all limits use one clock that stands still."""
    clock = Clock()
    monkeypatch.setattr(LoginThrottle.__init__, "__defaults__", (clock,))
    return clock


@pytest.fixture
def client(clock: Clock, make_index: Any) -> Client:
    index = make_index()
    index.create_account("alice")
    return Client(index)


@pytest.fixture
def login(clock: Clock, index: Index) -> Callable[[], Login]:
    """Return a function that creates the login of a new container, without cached credentials."""
    index.create_account("alice")
    index.create_account("bobby")
    return lambda: Services(index.settings, index.aws).login


@pytest.fixture
def low_account_limit(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let the account-wide limit begin after 6 failures, and return that number."""
    assert login_throttle.ACCOUNT_FAILURES_BEFORE_DELAY > PAIR_FAILURES_BEFORE_DELAY
    limit = login_throttle._limit(6, MAX_ACCOUNT_DELAY_SECONDS)
    monkeypatch.setattr(login_throttle, "_ACCOUNT_LIMIT", limit)
    return limit.free


def fail(login: Callable[[], Login], count: int = 1, username: str = "alice", ip: str = EVIL) -> None:
    for _ in range(count):
        with pytest.raises(NotAuthenticated):
            login().log_in(username, "wrong horse", ip)


def wait_of(login: Callable[[], Login], username: str = "alice", password: str = PASSWORD, ip: str = EVIL) -> int:
    with pytest.raises(RateLimited) as caught:
        login().log_in(username, password, ip)
    return caught.value.seconds


@contextmanager
def slow_bcrypt(monkeypatch: pytest.MonkeyPatch, count: int, patience: float = 1.0) -> Iterator[list[str]]:
    """Let each verification wait until `count` are in progress, or for a moment. Yield the verified passwords."""
    barrier, verify, verified = threading.Barrier(count), Passwords.verify, list[str]()

    def wait_and_verify(self: Passwords, password: str, stored_hash: str | None) -> bool:
        verified.append(password)
        with suppress(threading.BrokenBarrierError):
            barrier.wait(timeout=patience)
        return verify(self, password, stored_hash)

    with monkeypatch.context() as patch:
        patch.setattr(Passwords, "verify", wait_and_verify)
        yield verified


def count_of(index: Index, subject: str) -> int:
    return int(index.tables.counters.get(subject).total or 0)


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_parallel_guesses_are_counted_before_the_verification(
    client: Client, monkeypatch: pytest.MonkeyPatch, username: str
) -> None:
    with slow_bcrypt(monkeypatch, CLIENT_FAILURES_BEFORE_DELAY, patience=20.0) as verified:
        statuses = run_together(40, lambda number: client.log_in(username, f"guess {number}"))
    assert len(verified) == statuses.count(401) == CLIENT_FAILURES_BEFORE_DELAY
    assert statuses.count(429) == 40 - CLIENT_FAILURES_BEFORE_DELAY
    assert count_of(client.index, f"login {EVIL}") == CLIENT_FAILURES_BEFORE_DELAY
    pair = count_of(client.index, f"account {username} in {EVIL}")
    assert pair == CLIENT_FAILURES_BEFORE_DELAY, "no failure is lost"


@pytest.mark.exhaustive
def test_parallel_right_passwords_are_accepted(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    count = CLIENT_FAILURES_BEFORE_DELAY
    with slow_bcrypt(monkeypatch, count):
        assert run_together(count, lambda _: client.log_in("alice", PASSWORD)) == [200] * count
    assert count_of(client.index, f"login {EVIL}") == count_of(client.index, "account alice") == 0


@pytest.mark.exhaustive
def test_known_network_accepts_more_parallel_right_passwords(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.log_in("alice", PASSWORD) == 200
    containers = [Client(client.index.restart()) for _ in range(50)]
    with slow_bcrypt(monkeypatch, 50):
        assert run_together(50, lambda number: containers[number].log_in("alice", PASSWORD)) == [200] * 50
    assert KNOWN_CLIENT_FAILURES_BEFORE_DELAY >= 50


@pytest.mark.exhaustive
def test_one_of_many_guesses_passes_when_a_delay_ends(
    index: Index, login: Callable[[], Login], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(login, PAIR_FAILURES_BEFORE_DELAY)
    for delay in (1, 2, 4):
        clock.now += delay
        # Together with the earlier failures, fewer than the limit of the network, which has another delay.
        logins = [login() for _ in range(10)]

        def guess(number: int, logins: list[Login] = logins) -> int:
            try:
                logins[number].log_in("alice", f"guess {number}", EVIL)
            except NotAuthenticated:
                return 401
            except RateLimited as error:
                return error.seconds
            return 200

        with slow_bcrypt(monkeypatch, 2) as verified:
            results = run_together(10, guess)
        assert len(verified) == results.count(401) == 1
        assert {wait for wait in results if wait != 401} == {2 * delay}


@pytest.mark.exhaustive
def test_parallel_registrations_stay_below_the_limit(client: Client) -> None:
    statuses = run_together(200, client.register)
    assert statuses.count(201) == MAX_REGISTRATIONS
    assert statuses.count(429) == 200 - MAX_REGISTRATIONS
    assert count_of(client.index, f"registrations {EVIL}") == MAX_REGISTRATIONS
    assert len(list(client.index.tables.users.scan())) == 1 + MAX_REGISTRATIONS


def test_contention_neither_loses_a_count_nor_fails(index: Index) -> None:
    counters = RateCounterStore(index.tables)
    limit = RateLimit(1_000, lambda _: 0, 3600)
    run_together(30, lambda _: int(counters.reserve("subject", limit, 1_000.0).wait))
    run_together(30, lambda _: counters.count("subject", limit, 1_000.0) or 0)
    assert count_of(index, "subject") == 60


def test_impossible_credentials_cause_no_bcrypt_computation(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bcrypt.checkpw", pytest.fail)
    for username in (
        "X",
        "abc",
        "library!",
        "a" * 31,
        "Alice",
        "ali ce",
        "\N{LATIN SMALL LETTER A WITH DIAERESIS}lice",
    ):
        for password in ("wrong horse", "x" * 80, "wbr_ci_00"):
            assert client.log_in(username, password) == 401
    for password in ("x" * 73, "\0", "wbr_ci_" + "0" * 64, "wbr_", "wbr_-_1"):
        for username in ("alice", "nobody"):
            assert client.log_in(username, password) == 401
    assert list(client.index.tables.counters.scan()) == []


def test_invalid_registration_costs_no_bcrypt_computation(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bcrypt.hashpw", pytest.fail)
    for field in ({"username": "X"}, {"username": 5}, {"password": "abc"}, {"password": None}, {"email": "no"}):
        for _ in range(MAX_REGISTRATIONS // 4):
            assert client.register(1, **field) == 400


def test_email_addresses_cannot_be_probed_without_a_limit(client: Client) -> None:
    statuses = [client.register(number, email="alice@example.com") for number in range(MAX_REGISTRATIONS + 5)]
    assert statuses == [400] * MAX_REGISTRATIONS + [429] * 5
    invalid = client.index.request(
        "POST",
        "/v1/users/",
        json={"username": "X", "password": PASSWORD, "email": "alice@example.com"},
        client_ip=OFFICE,
    )
    taken = client.index.request(
        "POST",
        "/v1/users/",
        json={"username": "other", "password": PASSWORD, "email": "alice@example.com"},
        client_ip=OFFICE,
    )
    assert invalid.status == taken.status == 400
    assert len(taken.body) == 34, "clients compare these bytes"
    assert invalid.body != taken.body, "an invalid form does not reveal whether an address is registered"


def test_taken_username_is_answered_without_a_limit(client: Client) -> None:
    for _ in range(MAX_REGISTRATIONS + 5):
        form = {"username": "alice", "password": PASSWORD, "email": "other@example.com"}
        response = client.index.request("POST", "/v1/users/", json=form, client_ip=EVIL)
        assert (response.status, response.body) == (400, b'"Username or email already exists"')


def test_networks_of_addresses() -> None:
    assert networks_of("192.0.2.1") == networks_of("::ffff:192.0.2.1") == ("192.0.2.1",)
    assert networks_of("2001:db8:1:2:3:4:5:6") == ("2001:db8:1:2::/64", "2001:db8:1::/48")
    assert networks_of("2001:DB8:1:2::") == networks_of("2001:db8:1:2:ffff::1")
    assert networks_of("unknown") == ("unknown",)


@pytest.mark.exhaustive
def test_ipv6_addresses_of_one_network_are_counted_together(client: Client) -> None:
    statuses = [client.log_in(f"user{number}", ip=f"2001:db8:1:2::{number:x}") for number in range(30)]
    assert statuses == [401] * CLIENT_FAILURES_BEFORE_DELAY + [429] * (30 - CLIENT_FAILURES_BEFORE_DELAY)
    assert client.log_in("user1", ip="2001:db8:1:3::1") == 401


@pytest.mark.exhaustive
def test_wide_ipv6_networks_have_a_higher_limit(client: Client) -> None:
    assert WIDE_FAILURES_BEFORE_DELAY > CLIENT_FAILURES_BEFORE_DELAY
    add_attempts(client, "login 2001:db8:1::/48", WIDE_FAILURES_BEFORE_DELAY - 5)
    statuses = [client.log_in(f"user{number}", ip=f"2001:db8:1:{number:x}::1") for number in range(10)]
    assert statuses == [401] * 5 + [429] * 5
    assert client.log_in("user1", ip="2001:db8:2::1") == 401


def test_owner_in_a_known_network_is_not_blocked_by_others_in_the_wide_network(client: Client) -> None:
    home = "2001:db8:1:ffff::1"
    assert client.log_in("alice", PASSWORD, home) == 200
    add_attempts(client, "login 2001:db8:1::/48", WIDE_FAILURES_BEFORE_DELAY)
    assert client.log_in("user1", ip=home) == 429
    assert Client(client.index.restart()).log_in("alice", PASSWORD, home) == 200


def add_attempts(client: Client, subject: str, count: int) -> None:
    store, now = RateCounterStore(client.index.tables), Clock().now
    for _ in range(count):
        store.count(subject, RateLimit(count, lambda _: 0, COUNTER_LIFETIME_SECONDS), now)


def test_wide_ipv6_networks_have_a_limit_of_registrations(client: Client) -> None:
    add_attempts(client, "registrations 2001:db8:1::/48", 4 * MAX_REGISTRATIONS - 3)
    statuses = [client.register(number, f"2001:db8:1:{number:x}::1") for number in range(6)]
    assert statuses == [201] * 3 + [429] * 3


def test_owner_who_mistyped_once_is_not_blocked_by_strangers(login: Callable[[], Login], clock: Clock) -> None:
    login().log_in("alice", PASSWORD, HOME)
    fail(login, 1, ip=HOME)
    for number in range(20):
        clock.now += MAX_ACCOUNT_DELAY_SECONDS
        fail(login, 1, ip=f"203.0.113.{number % 8}")
    assert login().log_in("alice", PASSWORD, HOME).username == "alice"


def test_account_limit_slows_guesses_from_many_networks(
    login: Callable[[], Login], clock: Clock, low_account_limit: int
) -> None:
    login().log_in("alice", PASSWORD, HOME)
    for number in range(low_account_limit):
        fail(login, 1, ip=f"198.51.100.{number}")
    waits = []
    for number in range(50, 57):
        waits.append(wait_of(login, ip=f"198.51.100.{number}"))
        clock.now += waits[-1]
        fail(login, 1, ip=f"198.51.100.{number}")
    assert waits == [1, 2, 4, 8, 16, *[MAX_ACCOUNT_DELAY_SECONDS] * 2]
    assert login().log_in("alice", PASSWORD, HOME).username == "alice", "the owner's network is not affected"
    assert login().log_in("bobby", PASSWORD, OFFICE).username == "bobby", "other accounts are not affected"


def test_account_limit_is_the_same_for_unknown_accounts(login: Callable[[], Login], low_account_limit: int) -> None:
    for username in ("alice", "nobody"):
        for number in range(low_account_limit):
            fail(login, 1, username, ip=f"198.51.100.{number}")
        assert wait_of(login, username, ip="198.51.100.99") == 1


@pytest.mark.exhaustive
def test_rejected_attempts_prolong_no_delay(login: Callable[[], Login], clock: Clock, low_account_limit: int) -> None:
    for number in range(CLIENT_FAILURES_BEFORE_DELAY):
        fail(login, 1, f"user{number}")
    for number in range(low_account_limit + 1):
        clock.now += number == low_account_limit
        fail(login, 1, ip=f"198.51.100.{number}")
    clock.now += 1
    for _ in range(5):  # the network may send a guess, but the account may not receive one
        assert wait_of(login) == 1
    clock.now += 0.5
    assert login().log_in("bobby", PASSWORD, EVIL).username == "bobby"
    assert login().log_in("bobby", PASSWORD, EVIL).username == "bobby", "a right password causes no delay"


def test_delay_is_not_longer_after_the_clock_moved_back(login: Callable[[], Login], clock: Clock) -> None:
    fail(login, CLIENT_FAILURES_BEFORE_DELAY // 4)
    clock.now += 849_007_874
    fail(login, PAIR_FAILURES_BEFORE_DELAY)
    assert wait_of(login) == 1
    clock.now -= 849_007_874
    assert login().log_in("alice", PASSWORD, EVIL).username == "alice"


def test_small_step_back_keeps_the_delay(login: Callable[[], Login], clock: Clock) -> None:
    fail(login, PAIR_FAILURES_BEFORE_DELAY)
    clock.now -= 30
    assert wait_of(login) == 1
    clock.now += 31
    fail(login, 1)
    assert wait_of(login) == 2


def test_clocks_that_differ_do_not_restart_a_counter(index: Index) -> None:
    counters, limit = RateCounterStore(index.tables), RateLimit(4, lambda _: 60, 3600)
    times = [1_000.0, 1_045.0, 1_001.0, 1_050.0, 1_002.0, 1_040.0]
    assert [counters.reserve("subject", limit, time).wait > 0 for time in times] == [False] * 4 + [True] * 2


def test_counter_restarts_after_its_lifetime(login: Callable[[], Login], clock: Clock) -> None:
    fail(login, PAIR_FAILURES_BEFORE_DELAY)
    assert wait_of(login) == 1
    clock.now += COUNTER_LIFETIME_SECONDS + 1
    fail(login, PAIR_FAILURES_BEFORE_DELAY)
    assert wait_of(login) == 1


@pytest.mark.exhaustive
def test_delays_double_up_to_a_maximum(login: Callable[[], Login], clock: Clock) -> None:
    fail(login, PAIR_FAILURES_BEFORE_DELAY)
    waits = []
    for _ in range(13):
        waits.append(wait_of(login))
        clock.now += waits[-1]
        fail(login, 1)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, *[MAX_DELAY_SECONDS] * 3]


def test_failed_release_does_not_fail_the_login(client: Client) -> None:
    calls = iter(range(100))

    def time_out(**_: Any) -> None:
        if next(calls) >= 2:  # after the reservations for the network and the account
            raise ReadTimeoutError(endpoint_url="an unreachable service")

    events = client.index.aws.dynamodb.meta.events
    events.register("before-call.dynamodb.UpdateItem", time_out, unique_id="time out")
    try:
        assert client.log_in("alice", PASSWORD) == 200
        assert next(calls) > 2
    finally:
        events.unregister("before-call.dynamodb.UpdateItem", time_out, unique_id="time out")


def test_high_bcrypt_cost_of_an_imported_hash_is_not_computed(client: Client) -> None:
    users = client.index.tables.users
    users("alice").update([users.password_hash.set("$2b$31$" + "a" * 53)])
    assert client.log_in("alice", PASSWORD) == 401


def test_counters_expire(client: Client) -> None:
    client.log_in("alice")
    client.register(1)
    assert all(item.expires for item in client.index.tables.counters.scan())


def test_client_cannot_choose_its_address(client: Client) -> None:
    headers = {"x-forwarded-for": OFFICE, "forwarded": f"for={OFFICE}"}
    assert client.index.request("GET", "/v1/users/", basic("alice", "no"), headers=headers).status == 401
    assert not any(OFFICE in item.subject for item in client.index.tables.counters.scan())
