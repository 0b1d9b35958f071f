"""Password hashes, their limits, and the cache of verified credentials."""

import re

import bcrypt
import pytest

from chalicelib.security.passwords import CACHE_SECONDS, MAX_BCRYPT_COST, Passwords, is_acceptable_hash
from tests.clock import Clock


@pytest.fixture
def checked_hashes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The hashes of all bcrypt computations."""
    checked: list[bytes] = []
    real = bcrypt.checkpw

    def checkpw(password: bytes, stored: bytes) -> bool:
        checked.append(stored)
        return real(password, stored)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    return checked


def test_only_the_right_password_matches() -> None:
    passwords = Passwords(4)
    stored = passwords.hash("correct horse")
    assert passwords.verify("correct horse", stored)
    assert not passwords.verify("correct horsf", stored)
    assert not passwords.verify("", stored)


def test_password_longer_than_72_bytes_never_matches() -> None:
    passwords = Passwords(4)
    stored = passwords.hash("x" * 72)
    assert passwords.verify("x" * 72, stored)
    assert not passwords.verify("x" * 73, stored)
    assert not passwords.verify("x" * 71 + "\0", stored)
    assert not passwords.verify("\ud800", stored)


def test_match_is_cached_for_one_minute(checked_hashes: list[bytes]) -> None:
    clock = Clock(0)
    passwords = Passwords(4, clock)
    stored = passwords.hash("correct horse")
    for clock.now in (0, 1, CACHE_SECONDS - 1):
        assert passwords.verify("correct horse", stored)
    assert len(checked_hashes) == 1
    clock.now = CACHE_SECONDS
    assert passwords.verify("correct horse", stored)
    assert len(checked_hashes) == 2


def test_cached_match_is_valid_for_its_hash_only(checked_hashes: list[bytes]) -> None:
    passwords = Passwords(4)
    old, new = passwords.hash("correct horse"), passwords.hash("battery staple")
    assert passwords.verify("correct horse", old)
    assert not passwords.verify("correct horse", new)
    assert not passwords.verify("battery staple", old)
    assert len(checked_hashes) == 3


def test_wrong_password_is_not_cached(checked_hashes: list[bytes]) -> None:
    passwords = Passwords(4)
    stored = passwords.hash("correct horse")
    for _ in range(3):
        assert not passwords.verify("wrong horse", stored)
    assert len(checked_hashes) == 3


def test_unknown_user_takes_a_bcrypt_computation_of_the_same_cost(checked_hashes: list[bytes]) -> None:
    passwords = Passwords(5)
    assert not passwords.verify("correct horse", None)
    assert [hashed[:7] for hashed in checked_hashes] == [b"$2b$05$"]


def test_unknown_user_takes_the_same_time_in_a_new_container(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[bytes] = []
    monkeypatch.setattr(bcrypt, "hashpw", lambda password, _: hashed.append(password))
    assert not Passwords(4).verify("correct horse", None)
    assert hashed == []


def test_hash_of_another_cost_is_outdated() -> None:
    stored = Passwords(4).hash("correct horse")
    assert not Passwords(4).is_outdated(stored)
    assert Passwords(5).is_outdated(stored)


@pytest.mark.parametrize(
    ("stored", "is_acceptable"),
    [
        *((f"$2b${cost:02}${'a' * 53}", 4 <= cost <= MAX_BCRYPT_COST) for cost in (0, 3, 4, 5, 15, 16, 17, 31, 99)),
        (f"$2a$04${'a' * 53}", True),
        (f"$2y$04${'a' * 53}", True),
        (f"$2x$04${'a' * 53}", False),
        (f"$2b$04${'a' * 52}", False),
        (f"$2b$04${'a' * 54}", False),
        ("$2b$04$", False),
        ("", False),
    ],
)
def test_only_bcrypt_hashes_with_a_cost_from_4_to_16_are_acceptable(stored: str, is_acceptable: bool) -> None:
    assert is_acceptable_hash(stored) is is_acceptable


def test_cache_contains_neither_passwords_nor_hashes() -> None:
    passwords = Passwords(4)
    passwords.verify("correct horse", passwords.hash("correct horse"))
    assert "horse" not in repr(vars(passwords))
    assert "$2b$" not in repr(vars(passwords)["_cache"])


def test_hash_has_the_configured_cost_and_its_own_salt() -> None:
    hashes = {Passwords(5).hash("correct horse") for _ in range(2)}
    assert len(hashes) == 2
    assert {hashed[:7] for hashed in hashes} == {"$2b$05$"}


def test_hash_for_unknown_users_is_well_formed_and_never_matches(checked_hashes: list[bytes]) -> None:
    passwords = Passwords(4)
    for password in ("correct horse", "", "None"):
        assert not passwords.verify(password, None)
    assert len(set(checked_hashes)) == 1
    assert re.fullmatch(rb"\$2b\$04\$[./A-Za-z0-9]{53}", checked_hashes[0])
    assert not passwords.verify("correct horse", Passwords(4).hash("None"))


def test_impossible_password_is_rejected_without_bcrypt(checked_hashes: list[bytes]) -> None:
    passwords = Passwords(4)
    for stored in (None, passwords.hash("correct horse")):
        assert not passwords.verify("x" * 73, stored)
        assert not passwords.verify("a\0b", stored)
    assert not checked_hashes
    assert not passwords.verify("\ud800", passwords.hash("correct horse"))
    assert not passwords.is_cached("\ud800", passwords.hash("correct horse"))


def test_match_is_cached_by_one_container_for_one_minute() -> None:
    clock = Clock(0)
    passwords = Passwords(4, clock)
    stored = passwords.hash("correct horse")
    assert not passwords.is_cached("correct horse", stored)
    assert passwords.verify("correct horse", stored)
    assert passwords.is_cached("correct horse", stored)
    assert not passwords.is_cached("correct horsf", stored)
    assert not Passwords(4, clock).is_cached("correct horse", stored)
    clock.now = CACHE_SECONDS
    assert not passwords.is_cached("correct horse", stored)


def test_cache_separates_hash_and_password() -> None:
    passwords = Passwords(4)
    stored = passwords.hash("correct horse")
    assert passwords.verify("correct horse", stored)
    assert not passwords.is_cached(stored[-1] + "correct horse", stored[:-1])


def test_cache_holds_10000_entries_and_drops_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(0)
    passwords = Passwords(4, clock)
    monkeypatch.setattr(bcrypt, "checkpw", lambda secret, stored: True)
    for n in range(10_000):
        passwords.verify("correct horse", f"$2b$04${n:053}")
    assert passwords.is_cached("correct horse", f"$2b$04${0:053}")
    clock.now = CACHE_SECONDS
    passwords.verify("correct horse", f"$2b$04${0:053}")  # renews the entry, so that another one is the oldest
    passwords.verify("correct horse", f"$2b$04${10_000:053}")
    clock.now -= 1
    cached = [n for n in range(10_001) if passwords.is_cached("correct horse", f"$2b$04${n:053}")]
    assert cached == [0, *range(2, 10_001)]
