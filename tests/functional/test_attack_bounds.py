"""What anonymous requests can cost. `python -m tests.attack` prints the figures for longer attacks."""

import pytest

from chalicelib.accounts.login_throttle import (
    ACCOUNT_FAILURES_BEFORE_DELAY,
    CLIENT_FAILURES_BEFORE_DELAY,
    MAX_REGISTRATIONS,
    LoginThrottle,
)
from chalicelib.domain.choices import SignerKind
from chalicelib.repositories.search import MAX_READ_BYTES
from tests.attack.meter import Meter
from tests.attack.run import create_attacked_index, run
from tests.index import Index


@pytest.fixture
def attacked(monkeypatch: pytest.MonkeyPatch, aws: None) -> Index:
    """An index whose clock stands still, so that no delay ends."""
    monkeypatch.setattr(LoginThrottle.__init__, "__defaults__", (lambda: 1_800_000_000.0,))
    return create_attacked_index(images=1_000, repositories=20)


def attack(index: Index, name: str, requests: int = 60) -> Meter:
    meter = run(index, name, requests=requests)
    assert not [status for status in meter.statuses if status >= 500]
    assert meter.requests == requests
    return meter


@pytest.mark.exhaustive
def test_guesses_are_bounded_for_an_account_and_for_a_network(attacked: Index) -> None:
    meter = attack(attacked, "guesses from many networks")
    assert (meter.bcrypt, meter.statuses) == (ACCOUNT_FAILURES_BEFORE_DELAY, {401: 50, 429: 10})
    meter = attack(attacked, "guesses from one network", requests=60)
    assert (meter.bcrypt, meter.statuses) == (CLIENT_FAILURES_BEFORE_DELAY, {401: 20, 429: 40})
    assert meter.per_thousand()["write units"] <= 4_000


def test_impossible_credentials_cost_reads_only(attacked: Index) -> None:
    meter = attack(attacked, "impossible credentials")
    assert (meter.bcrypt, meter.writes, meter.kms) == (0, 0, 0)
    assert meter.most_reads <= 2


@pytest.mark.exhaustive
def test_registrations_are_bounded_for_each_network(attacked: Index) -> None:
    meter = attack(attacked, "registrations", requests=120)
    assert meter.bcrypt == meter.statuses[201] <= 5 * MAX_REGISTRATIONS
    assert meter.per_thousand()["write units"] <= 8_000


@pytest.mark.parametrize(("signer", "calls"), [(SignerKind.DERIVED, 0), (SignerKind.KMS, 60)])
def test_forged_tokens_cost_nothing_in_the_store(attacked: Index, signer: SignerKind, calls: int) -> None:
    meter = attack(attacked.restart(signer=signer), "forged tokens")
    assert (meter.reads, meter.writes, meter.bcrypt) == (0, 0, 0)
    assert meter.kms <= max(calls, 2)


@pytest.mark.exhaustive
def test_searches_and_lists_cost_a_bounded_number_of_units(attacked: Index) -> None:
    meter = attack(attacked, "searches", requests=20)
    assert meter.most_reads <= MAX_READ_BYTES / 4096 + 4
    meter = attack(attacked, "long lists", requests=20)
    assert meter.most_reads <= 20
    assert (meter.writes, meter.bcrypt, meter.kms) == (0, 0, 0)
