"""Verification of signed values: expiry, time window, and the encoding of MACs."""

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.security.signing import HOUR_SECONDS, DerivedKeySigner, KmsSigner
from chalicelib.security.verification import MAX_CLOCK_SKEW_SECONDS, Verdict, Verifier, encode_base64url
from tests.clock import NOW, Clock
from tests.fake_kms import FakeKms

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
LIFETIMES = st.sampled_from([60, 600, 3600, 86400])
TIMES = st.floats(NOW, NOW + 3 * HOUR_SECONDS, allow_nan=False)


def message(hour: int, expiry: int) -> bytes:
    return f"{hour} {expiry}".encode()


def create_verifier(clock: Clock, kms: FakeKms | None = None) -> Verifier:
    return Verifier(DerivedKeySigner(KmsSigner(kms or FakeKms(), "k")), clock)


@given(TIMES, LIFETIMES, st.floats(-MAX_CLOCK_SKEW_SECONDS, 90_000, allow_nan=False))
def test_value_is_valid_from_signing_to_expiry(signed: float, lifetime: int, elapsed: float) -> None:
    """A container whose clock is at most 60 seconds behind also accepts the value."""
    clock = Clock(signed)
    verifier = create_verifier(clock)
    hour, expiry, mac = verifier.sign(lifetime, message)
    assert (hour, expiry) == (int(signed) // HOUR_SECONDS, int(signed) + lifetime)
    clock.now = signed + elapsed
    expected = Verdict.VALID if clock.now < expiry else Verdict.EXPIRED
    assert verifier.verify(lifetime, hour, expiry, message(hour, expiry), mac) is expected


@given(TIMES, LIFETIMES, st.data())
def test_changed_mac_is_forged(signed: float, lifetime: int, data: st.DataObject) -> None:
    verifier = create_verifier(Clock(signed))
    hour, expiry, mac = verifier.sign(lifetime, message)
    position = data.draw(st.integers(0, len(mac) - 1))
    character = data.draw(st.sampled_from(ALPHABET).filter(lambda c: c != mac[position]))
    changed = mac[:position] + character + mac[position + 1 :]
    assert verifier.verify(lifetime, hour, expiry, message(hour, expiry), changed) is Verdict.FORGED


@pytest.mark.parametrize("last", ALPHABET)
def test_mac_has_one_encoding(last: str) -> None:
    """The last character has two unused bits, which a decoder ignores."""
    verifier = create_verifier(Clock())
    hour, expiry, mac = verifier.sign(600, message)
    verdict = verifier.verify(600, hour, expiry, message(hour, expiry), mac[:-1] + last)
    assert (verdict is Verdict.VALID) == (last == mac[-1])


@given(st.text(max_size=60) | st.text(ALPHABET, max_size=60))
def test_malformed_mac_is_forged(mac: str) -> None:
    verifier = create_verifier(Clock())
    assert verifier.verify(600, NOW // HOUR_SECONDS, NOW + 600, b"message", mac) is Verdict.FORGED


@given(TIMES, LIFETIMES, st.integers(-90_000, 180_000), st.integers(-30, 30))
def test_only_possible_hours_reach_the_signer(now: float, lifetime: int, remaining: int, hours: int) -> None:
    """An hour is possible if a value with this expiry can have been signed in it, up to 60 seconds in the future."""
    kms = FakeKms()
    verifier = create_verifier(Clock(now), kms)
    expiry, hour = int(now) + remaining, int(now) // HOUR_SECONDS + hours
    verdict = verifier.verify(lifetime, hour, expiry, b"message", "A" * 43)
    if expiry <= now:
        assert (verdict, kms.calls) == (Verdict.EXPIRED, 0)
        return
    start = hour * HOUR_SECONDS
    last_second = start + HOUR_SECONDS - 1
    can_have_been_signed = last_second + lifetime >= expiry and start <= now + MAX_CLOCK_SKEW_SECONDS
    assert (verdict, kms.calls) == (Verdict.FORGED, int(can_have_been_signed))


@pytest.mark.parametrize(
    ("seconds_behind", "expected"), [(0, Verdict.VALID), (60, Verdict.VALID), (61, Verdict.FORGED)]
)
def test_hour_of_a_faster_clock_is_accepted_for_60_seconds(seconds_behind: int, expected: Verdict) -> None:
    clock = Clock(NOW - NOW % HOUR_SECONDS)
    verifier = create_verifier(clock)
    hour, expiry, mac = verifier.sign(600, message)
    clock.now -= seconds_behind
    assert verifier.verify(600, hour, expiry, message(hour, expiry), mac) is expected


@given(st.binary(max_size=100))
def test_base64url_has_no_padding(raw: bytes) -> None:
    text = encode_base64url(raw)
    assert "=" not in text
    assert base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) == raw
