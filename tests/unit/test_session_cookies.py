"""Cookies of sessions: one account with one password, one index, 12 hours."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from chalicelib.domain.models import User
from chalicelib.security.email_links import EmailLinks, LinkPurpose
from chalicelib.security.sessions import SESSION_SECONDS, SessionClaims, SessionCookies, bind
from chalicelib.security.signing import HOUR_SECONDS, DerivedKeySigner, KmsSigner
from tests.clock import Clock
from tests.fake_kms import FakeKms

ALICE = User(username="alice", password_hash="$2b$04$hash", created=datetime(2025, 1, 1, tzinfo=UTC))


def create_cookies(clock: Clock, kms: FakeKms | None = None) -> SessionCookies:
    return SessionCookies(DerivedKeySigner(KmsSigner(kms or FakeKms(), "alias/x")), clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cookies(clock: Clock) -> SessionCookies:
    return create_cookies(clock)


def test_cookie_returns_its_claims(cookies: SessionCookies, clock: Clock) -> None:
    claims = cookies.verify(cookies.issue(ALICE))
    assert claims is not None
    assert (claims.username, claims.binding, claims.expiry) == ("alice", bind(ALICE), int(clock()) + SESSION_SECONDS)
    assert len(claims.id) == 32


def test_each_session_has_its_own_id_and_form_token(cookies: SessionCookies) -> None:
    first, second = (cookies.verify(cookies.issue(ALICE)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.id != second.id
    assert first.form_token != second.form_token
    assert first.form_token not in repr(first)


def test_cookie_expires_after_12_hours(cookies: SessionCookies, clock: Clock) -> None:
    value = cookies.issue(ALICE)
    clock.now += SESSION_SECONDS - 1
    assert cookies.verify(value) is not None
    clock.now += 1
    assert cookies.verify(value) is None


@pytest.mark.parametrize(
    ("kind", "mac", "form_token"),
    [
        (
            "derived",
            "LVf5gH7GCoyWBwu8dT1V1EkGplrEgpbfvlGewz8h8Ag",  # pragma: allowlist secret
            "z15GZEX34x3leqE8y77htuVGiZAxmrcj-r2BNv3D8Wk",  # pragma: allowlist secret
        ),
        (
            "kms",
            "4EqFJJypgp8x_tAnEGVGFrwoTVV_yIVhZwNer4vIBb4",  # pragma: allowlist secret
            "6BKi1cmLjvU7au1GTKusSbLbtnB3Cps4FhbMXCa7K8Y",  # pragma: allowlist secret
        ),
    ],
)
def test_cookie_and_form_token_of_the_previous_release_are_valid(kind: str, mac: str, form_token: str) -> None:
    """During a deployment, containers of both releases run at the same time."""
    root = KmsSigner(FakeKms(key=bytes(range(32))), "alias/x")
    cookies = SessionCookies(DerivedKeySigner(root) if kind == "derived" else root, Clock())
    session_id, binding = "0123456789abcdef" * 2, "c2a14de0c9d4de599804a195c7983602"  # pragma: allowlist secret
    claims = cookies.verify(f"1.500000.1800043200.{session_id}.alice.{binding}.{mac}")
    assert claims == SessionClaims(session_id, "alice", bind(ALICE), 1_800_043_200, form_token)


def test_cookie_of_another_key_is_not_accepted(clock: Clock) -> None:
    assert create_cookies(clock).verify(create_cookies(clock).issue(ALICE)) is None


def test_link_from_an_email_is_not_a_cookie(clock: Clock) -> None:
    """Both use the same key, so the signed bytes must differ."""
    kms = FakeKms()
    links = EmailLinks(DerivedKeySigner(KmsSigner(kms, "alias/x")), clock)
    mac = links.issue(LinkPurpose.RESET, "alice").rpartition(".")[2]
    value = create_cookies(clock, kms).issue(ALICE)
    assert create_cookies(clock, kms).verify(f"{value.rpartition('.')[0]}.{mac}") is None


def test_no_field_of_a_cookie_can_be_changed(cookies: SessionCookies) -> None:
    fields = cookies.issue(ALICE).split(".")
    changed = {
        1: str(int(fields[1]) - 1),
        2: str(int(fields[2]) + 1),
        3: "0" * 32,
        4: "admin",
        5: "0" * 32,
        6: "A" * 43,
    }
    for place, value in changed.items():
        assert cookies.verify(".".join([*fields[:place], value, *fields[place + 1 :]])) is None


def test_forged_hour_causes_no_call_of_kms(clock: Clock) -> None:
    kms = FakeKms()
    cookies = create_cookies(clock, kms)
    fields = cookies.issue(ALICE).split(".")
    for hour in (0, int(fields[1]) + 2, int(fields[1]) - SESSION_SECONDS // HOUR_SECONDS - 2):
        assert cookies.verify(".".join([fields[0], str(hour), *fields[2:]])) is None
    assert kms.calls == 1


@given(st.text(max_size=200) | st.from_regex(r"1\.\d+\.\d+\.[0-9a-f]{32}\.alice\.[0-9a-f]{32}\.\w{43}", fullmatch=True))
def test_any_other_text_is_not_a_cookie(text: str) -> None:
    assert create_cookies(Clock()).verify(text) is None


@pytest.mark.parametrize(
    "changed",
    [
        structs.replace(ALICE, password_hash="$2b$04$other"),
        structs.replace(ALICE, created=ALICE.created + timedelta(microseconds=1)),
    ],
)
def test_binding_changes_with_the_password_and_the_registration(changed: User) -> None:
    assert bind(changed) != bind(ALICE)
    assert bind(structs.replace(ALICE, admin=True, active=False)) == bind(ALICE)
