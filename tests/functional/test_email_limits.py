"""The number of emails is limited for each account, for each address and for the whole index."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.accounts.email_limits import EmailLimits
from chalicelib.storage.rate_counters import RateCounterStore
from tests.email_index import confirm, create_email_index, post, register
from tests.index import Index, basic

DAY = 86_400
EMAIL = "owner@example.com"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0 // DAY * DAY

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(EmailLimits.__init__, "__defaults__", (clock,))
    return clock


@pytest.fixture
def emails(clock: Clock, aws: None) -> Index:
    return create_email_index()


@pytest.fixture
def limits(index: Index, clock: Clock) -> EmailLimits:
    return EmailLimits(RateCounterStore(index.tables), 1_000, clock)


@pytest.mark.exhaustive
def test_unconfirmed_address_receives_few_emails_a_day(emails: Index, clock: Clock) -> None:
    assert register(emails, "owner", EMAIL).status == 201
    for _ in range(30):  # the interval is at most an hour here
        clock.now += 600
        assert post(emails, "/confirm", email=EMAIL).status == 200
    assert len(emails.emails) == 3


@pytest.mark.parametrize(
    ("is_confirmed", "waits"),
    [(False, [60, 300, DAY]), (True, [60, 300, 3_600, 21_600, DAY])],
    ids=["unconfirmed", "confirmed"],
)
def test_each_interval_is_longer(limits: EmailLimits, clock: Clock, is_confirmed: bool, waits: list[int]) -> None:
    assert limits.reserve("owner", EMAIL, is_confirmed=is_confirmed)
    for wait in waits:
        for _ in range(3):  # rejected requests do not prolong the interval
            clock.now += (wait - 1) / 3
            assert not limits.reserve("owner", EMAIL, is_confirmed=is_confirmed)
        clock.now += 1
        assert limits.reserve("owner", EMAIL, is_confirmed=is_confirmed)


def test_several_accounts_cannot_send_more_to_one_address(emails: Index, clock: Clock) -> None:
    for number in range(10):
        clock.now += 1_000
        assert register(emails, f"user{number}", EMAIL).status == 201
    assert len(emails.emails) == 3


def test_one_account_cannot_send_more_to_several_addresses(emails: Index, clock: Clock) -> None:
    assert register(emails, "owner", EMAIL).status == 201
    assert confirm(emails, EMAIL) == 200
    for number in range(8):
        clock.now += 1_000
        form = {"email": f"stranger{number}@example.com"}
        assert emails.request("PUT", "/v1/users/owner", basic("owner"), json=form).status == 204
    assert len([message for message in emails.emails if message.to != EMAIL]) == 2, "three with the first one"


def test_added_address_is_limited_like_an_unconfirmed_one(emails: Index, clock: Clock) -> None:
    assert register(emails, "owner", EMAIL).status == 201
    assert confirm(emails, EMAIL) == 200
    clock.now += 2 * DAY
    for _ in range(11):
        clock.now += 7_200
        form = {"email": "stranger@example.com"}
        assert emails.request("PUT", "/v1/users/owner", basic("owner"), json=form).status == 204
    assert len([message for message in emails.emails if message.to != EMAIL]) == 3


def test_rejected_email_does_not_delay_another_address(limits: EmailLimits, clock: Clock) -> None:
    assert limits.reserve("first", EMAIL, is_confirmed=True)
    clock.now += 30
    assert not limits.reserve("second", EMAIL, is_confirmed=True)
    assert limits.reserve("second", "second@example.com", is_confirmed=True)


def test_whole_index_has_a_daily_limit(clock: Clock, aws: None) -> None:
    index = create_email_index(emails_per_day=5)
    for number in range(8):
        assert register(index, f"user{number}").status == 201, "the account is created in any case"
    assert len(index.emails) == 5
    clock.now += DAY
    assert post(index, "/confirm", email="user7@example.com").status == 200
    assert len(index.emails) == 6


def test_daily_limit_holds_at_the_same_time(index: Index, clock: Clock) -> None:
    limits, barrier = EmailLimits(RateCounterStore(index.tables), 5, clock), threading.Barrier(20)

    def send(number: int) -> bool:
        barrier.wait()
        return limits.reserve(f"user{number}", f"user{number}@example.com", is_confirmed=False)

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(send, range(20))) == 5


def test_requests_at_the_same_time_send_one_email(limits: EmailLimits) -> None:
    barrier = threading.Barrier(10)

    def send(_: int) -> bool:
        barrier.wait()
        return limits.reserve("owner", EMAIL, is_confirmed=True)

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(send, range(10))) == 1


def test_account_is_created_even_if_the_counters_do_not_answer(emails: Index) -> None:
    def time_out(params: Any, **_: Any) -> None:
        if b"email account" in params["body"]:
            raise ReadTimeoutError(endpoint_url="an unreachable service")

    events = emails.aws.dynamodb.meta.events
    events.register("before-call.dynamodb.UpdateItem", time_out, unique_id="time out")
    try:
        assert register(emails, "owner", EMAIL).status == 201
    finally:
        events.unregister("before-call.dynamodb.UpdateItem", time_out, unique_id="time out")
    assert emails.users.get("owner") is not None
    assert post(emails, "/confirm", email=EMAIL).status == 200
    assert confirm(emails, EMAIL) == 200


def test_unknown_addresses_receive_nothing(emails: Index) -> None:
    for path in ("/confirm", "/forgotten"):
        assert post(emails, path, email="stranger@example.com").status == 200
    assert emails.emails == []
    assert list(emails.tables.counters.scan()) == []
