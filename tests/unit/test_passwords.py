"""bcrypt, its limits, and the memory of checked credentials."""

import re

import bcrypt
import pytest

from chalicelib.security.passwords import CACHE_SECONDS, Passwords


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every hash that bcrypt was really asked about."""
    asked: list[bytes] = []
    real = bcrypt.checkpw

    def checkpw(password: bytes, stored: bytes) -> bool:
        asked.append(stored)
        return real(password, stored)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    return asked


def test_the_right_password_matches_and_no_other() -> None:
    passwords = Passwords(4)
    stored = passwords.hash("correct horse")
    assert passwords.verify("correct horse", stored)
    assert not passwords.verify("correct horsf", stored)
    assert not passwords.verify("", stored)


def test_bcrypt_would_cut_at_72_bytes_and_waybill_does_not() -> None:
    passwords = Passwords(4)
    stored = passwords.hash("x" * 72)
    assert passwords.verify("x" * 72, stored)
    assert not passwords.verify("x" * 73, stored)
    assert not passwords.verify("x" * 71 + "\0", stored)
    assert not passwords.verify("\ud800", stored)


def test_a_match_is_remembered_for_a_minute(counted: list[bytes]) -> None:
    clock = Clock()
    passwords = Passwords(4, clock)
    stored = passwords.hash("correct horse")
    for clock.now in (0, 1, CACHE_SECONDS - 1):
        assert passwords.verify("correct horse", stored)
    assert len(counted) == 1
    clock.now = CACHE_SECONDS
    assert passwords.verify("correct horse", stored)
    assert len(counted) == 2


def test_what_is_remembered_holds_for_that_stored_hash_only(counted: list[bytes]) -> None:
    passwords = Passwords(4)
    old, new = passwords.hash("correct horse"), passwords.hash("battery staple")
    assert passwords.verify("correct horse", old)
    assert not passwords.verify("correct horse", new)
    assert not passwords.verify("battery staple", old)
    assert len(counted) == 3


def test_a_wrong_password_is_never_remembered(counted: list[bytes]) -> None:
    passwords = Passwords(4)
    stored = passwords.hash("correct horse")
    for _ in range(3):
        assert not passwords.verify("wrong horse", stored)
    assert len(counted) == 3


def test_an_unknown_user_costs_a_bcrypt_of_the_same_cost(counted: list[bytes]) -> None:
    passwords = Passwords(5)
    assert not passwords.verify("correct horse", None)
    assert [hashed[:7] for hashed in counted] == [b"$2b$05$"]


def test_an_unknown_user_costs_no_more_in_a_new_container(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[bytes] = []
    monkeypatch.setattr(bcrypt, "hashpw", lambda password, _: hashed.append(password))
    assert not Passwords(4).verify("correct horse", None)
    assert hashed == []


def test_a_hash_of_another_cost_is_outdated() -> None:
    stored = Passwords(4).hash("correct horse")
    assert not Passwords(4).is_outdated(stored)
    assert Passwords(5).is_outdated(stored)


def test_neither_passwords_nor_hashes_show_in_a_repr() -> None:
    passwords = Passwords(4)
    passwords.verify("correct horse", passwords.hash("correct horse"))
    assert "horse" not in repr(vars(passwords))
    assert "$2b$" not in repr(vars(passwords)["_remembered"])


def test_a_hash_has_the_cost_that_was_asked_for_and_a_salt_of_its_own() -> None:
    hashes = {Passwords(5).hash("correct horse") for _ in range(2)}
    assert len(hashes) == 2
    assert {hashed[:7] for hashed in hashes} == {"$2b$05$"}


def test_nobodys_hash_is_made_once_and_matches_no_password_that_anybody_could_know(counted: list[bytes]) -> None:
    passwords = Passwords(4)
    for password in ("correct horse", "", "None"):
        assert not passwords.verify(password, None)
    assert len(set(counted)) == 1
    assert re.fullmatch(rb"\$2b\$04\$[./A-Za-z0-9]{53}", counted[0]), "as bcrypt makes them"
    assert not passwords.verify("correct horse", Passwords(4).hash("None"))


def test_what_no_password_can_be_costs_no_bcrypt_whoever_it_is_for(counted: list[bytes]) -> None:
    passwords = Passwords(4)
    for stored in (None, passwords.hash("correct horse")):
        assert not passwords.verify("x" * 73, stored)
        assert not passwords.verify("a\0b", stored)
    assert not counted
    assert not passwords.verify("\ud800", passwords.hash("correct horse"))
    assert not passwords.is_cached("\ud800", passwords.hash("correct horse"))


def test_a_match_is_remembered_by_who_made_it_and_not_after_its_minute() -> None:
    clock = Clock()
    passwords = Passwords(4, clock)
    stored = passwords.hash("correct horse")
    assert not passwords.is_cached("correct horse", stored)
    assert passwords.verify("correct horse", stored)
    assert passwords.is_cached("correct horse", stored)
    assert not passwords.is_cached("correct horsf", stored)
    assert not Passwords(4, clock).is_cached("correct horse", stored)
    clock.now = CACHE_SECONDS
    assert not passwords.is_cached("correct horse", stored)


def test_where_a_hash_ends_and_a_password_begins_is_no_matter_of_chance() -> None:
    passwords = Passwords(4)
    stored = passwords.hash("correct horse")
    assert passwords.verify("correct horse", stored)
    assert not passwords.is_cached(stored[-1] + "correct horse", stored[:-1])


def test_ten_thousand_are_remembered_and_the_longest_unused_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    passwords = Passwords(4, clock)
    monkeypatch.setattr(bcrypt, "checkpw", lambda secret, stored: True)
    for n in range(10_000):
        passwords.verify("correct horse", f"hash {n}")
    assert passwords.is_cached("correct horse", "hash 0")
    clock.now = CACHE_SECONDS
    passwords.verify("correct horse", "hash 0")  # again: what is forgotten next is another
    passwords.verify("correct horse", "hash 10000")
    clock.now -= 1
    remembered = [n for n in range(10_001) if passwords.is_cached("correct horse", f"hash {n}")]
    assert remembered == [0, *range(2, 10_001)]
