"""The grammar of access tokens, their verification, and single use."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.domain.errors import InvalidToken
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Grant, TokenScope
from chalicelib.security.access_tokens import AccessTokens, canonical_token
from chalicelib.security.signing import HOUR_SECONDS, DerivedKeySigner, KmsSigner, Signer
from tests.clock import NOW, Clock
from tests.fake_kms import FakeKms

REGISTRY_PATTERN = re.compile(r'(\w+)[:=][\s"]?([^",]+)"?')  # docker-registry 0.9.1, toolkit.py
GRANT = Grant(RepositoryName("foo", "bar"), TokenScope.WRITE, "0123456789abcdef")


def create_tokens(lifetime: int = 600, signer: Signer | None = None, clock: Clock | None = None) -> AccessTokens:
    return AccessTokens(signer or DerivedKeySigner(KmsSigner(FakeKms(), "alias/x")), lifetime, clock=clock or Clock())


GRANTS = st.builds(
    Grant,
    st.builds(
        RepositoryName,
        st.from_regex(r"[a-z0-9_-]{2,30}", fullmatch=True),
        st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,30}", fullmatch=True),
    ),
    st.sampled_from(TokenScope),
    st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
)


@pytest.mark.exhaustive
@given(GRANTS)
def test_index_and_registry_read_an_issued_token(grant: Grant) -> None:
    tokens = create_tokens()
    token = tokens.issue(grant)
    assert tokens.verify(token) == grant
    assert dict(REGISTRY_PATTERN.findall("token " + token)) == {
        "signature": token.split(",")[0].removeprefix("signature="),
        "repository": str(grant.repository),
        "access": grant.scope,
    }


TOKENS = create_tokens()
ISSUED = TOKENS.issue(GRANT)


@pytest.mark.exhaustive
@given(st.data())
def test_changed_token_is_rejected(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(ISSUED) - 1))
    length = data.draw(st.integers(0, 3))
    changed = ISSUED[:start] + data.draw(st.text(max_size=3)) + ISSUED[start + length :]
    assume(changed != ISSUED)
    try:
        grant = TOKENS.verify(changed)
    except InvalidToken:
        return
    # A change that is accepted gives the same grant. It only adds text that clients may add.
    assert grant == GRANT
    assert set(ISSUED.split(",")) < set(changed.removeprefix("Token ").split(","))


@pytest.mark.exhaustive
@given(
    st.text()
    | st.from_regex(r'signature=1\.[0-9]+\.[0-9]+\.[0-9a-f]{16}\.[0-9a-f]{16}\.[\w-]{43},repository="a/b",access=read')
)
def test_invented_token_is_rejected(text: str) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(text)


@pytest.mark.parametrize(
    "spelling",
    [
        ISSUED,
        "Token " + ISSUED,
        "tOKEN " + ISSUED,
        ISSUED + ",extra=1",
        'future="x",' + ISSUED,
        ",".join(reversed(ISSUED.split(","))),
    ],
)
def test_spelling_of_known_clients_is_accepted(spelling: str) -> None:
    assert TOKENS.verify(spelling) == GRANT


@pytest.mark.parametrize(
    "spelling",
    [
        ISSUED.replace(",", ", "),
        ISSUED.replace("=", " = "),
        " " + ISSUED,
        ISSUED + " ",
        ISSUED + ",",
        ISSUED + ",access=write",
        "access=read," + ISSUED,
        ISSUED + ',repository="foo/bar"',
        ISSUED.replace('"', ""),
        ISSUED.replace("access=write", 'access="write"'),
        ISSUED.replace("access=write", "access=WRITE"),
        ISSUED.replace("access=write", "access=delete"),
        ISSUED.replace("foo/bar", "foo/baz"),
        ISSUED.replace("foo/bar", "Foo/bar"),
        ISSUED.replace("foo/bar", "bar"),
        ISSUED[:-20],
        ISSUED.split(",")[0],
        "Token Token " + ISSUED,
        "",
    ],
)
def test_other_spelling_is_rejected(spelling: str) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(spelling)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (ISSUED + ",", "the form signature="),
        (ISSUED + ",access=write", "access twice"),
        (ISSUED.replace('"', ""), "quote its repository"),
        (ISSUED.replace("access=write", 'access="write"'), "not quote its signature and access"),
        (ISSUED.replace("access", "assess"), "not contain access"),
        (ISSUED.replace("signature=1", "signature=2"), "signature .* malformed"),
        (ISSUED.replace("foo/bar", "bar"), "repository .* namespace/name"),
        (ISSUED.replace("foo/bar", "/bar"), "repository .* namespace/name"),
        (ISSUED.replace("foo/bar", "foo/"), "repository .* namespace/name"),
        (ISSUED.replace("foo/bar", "foo/bär"), "repository .* namespace/name"),
        (ISSUED.replace("=write", "=admin"), "access .* read, write or delete"),
        (ISSUED.replace("=write", "=read"), "not issued"),
        (ISSUED.replace(".0123456789abcdef.", ".0123456789abcdee."), "not issued"),
        (ISSUED.replace(f".{NOW + 600}.", f".{NOW + 601}."), "not issued"),
        (ISSUED.replace(f".{NOW + 600}.", f".{NOW + 999999}."), "not issued"),
        (ISSUED.replace(f".{NOW + 600}.", f".{NOW}."), "expired"),
        (ISSUED.replace(f".{NOW // 3600}.", f".{NOW // 3600 - 1}."), "not issued"),
    ],
)
def test_error_names_the_wrong_part(token: str, reason: str) -> None:
    with pytest.raises(InvalidToken, match=reason):
        TOKENS.verify(token)


def test_unknown_keys_can_be_repeated_and_quoted() -> None:
    assert TOKENS.verify(ISSUED + ',extra=1,extra="2",other=') == GRANT


@pytest.mark.parametrize("spelling", [ISSUED, "Token " + ISSUED, 'future="x",' + ISSUED, ISSUED + ",extra=1"])
def test_canonical_token_has_nothing_that_a_client_added(spelling: str) -> None:
    assert canonical_token(spelling) == ISSUED
    assert canonical_token(",".join(reversed(ISSUED.split(",")))) == ISSUED


def test_repository_name_can_contain_a_slash() -> None:
    grant = Grant(RepositoryName("foo", "bar/baz"), TokenScope.READ, "0" * 16)
    assert TOKENS.verify(TOKENS.issue(grant)) == grant


def test_token_is_valid_until_it_expires() -> None:
    clock = Clock()
    tokens = create_tokens(600, clock=clock)
    token = tokens.issue(GRANT)
    for clock.now in (NOW, NOW + 1, NOW + 599.9):
        assert tokens.verify(token) == GRANT
    clock.now = NOW + 600
    with pytest.raises(InvalidToken, match="expired"):
        tokens.verify(token)


@pytest.mark.parametrize("lifetime", [60, 3600, 86400])
@pytest.mark.parametrize("seconds_into_hour", [0, 1, 1800, 3599])
def test_token_is_valid_after_the_end_of_its_hour(lifetime: int, seconds_into_hour: int) -> None:
    clock = Clock(NOW - NOW % HOUR_SECONDS + seconds_into_hour)
    tokens = create_tokens(lifetime, clock=clock)
    token = tokens.issue(GRANT)
    clock.now += lifetime - 1
    assert tokens.verify(token) == GRANT


def test_forged_hours_cause_no_kms_calls() -> None:
    kms = FakeKms()
    tokens = create_tokens(600, DerivedKeySigner(KmsSigner(kms, "k")))
    tokens.issue(GRANT)
    for hour in range(1000):
        forged = f'signature=1.{hour}.{NOW + 10}.{"0" * 16}.{"0" * 16}.{"A" * 43},repository="foo/bar",access=read'
        with pytest.raises(InvalidToken):
            tokens.verify(forged)
    assert kms.calls == 1


EARLIER = {
    "derived": "1.500000.1800000600.0123456789abcdef.ebec3d3a2af8ad6f.hKsftJ3fPghHSO11oVhT69LLbHF5F8VUH29b6nWWU8Q",
    "kms": "1.500000.1800000600.0123456789abcdef.c014669bdbdd1a65.axtrScVsbYnAxqHR3pIlgWxIhr8ZXTNIgqwIAb3lLyU",
}


@pytest.mark.parametrize("kind", EARLIER)
def test_token_of_the_previous_release_is_valid(kind: str) -> None:
    """During a deployment, containers of both releases run at the same time."""
    root = KmsSigner(FakeKms(key=bytes(range(32))), "alias/x")
    tokens = create_tokens(600, DerivedKeySigner(root) if kind == "derived" else root)
    assert tokens.verify(f'signature={EARLIER[kind]},repository="foo/bar",access=write') == GRANT


def test_signature_has_an_expiry_in_seconds_and_16_random_digits() -> None:
    tokens = create_tokens(600, clock=Clock(NOW + 0.9))
    first, second = (tokens.issue(GRANT).split(",")[0].removeprefix("signature=").split(".") for _ in range(2))
    assert first[:4] == ["1", str(NOW // HOUR_SECONDS), str(NOW + 600), GRANT.generation]
    assert re.fullmatch(r"[0-9a-f]{16}", first[4])
    assert first[4] != second[4]


def test_token_of_another_key_is_rejected() -> None:
    with pytest.raises(InvalidToken):
        create_tokens().verify(ISSUED)


class FakeUsedTokens:
    def __init__(self) -> None:
        self.nonces: set[str] = set()

    def mark_used(self, nonce: str, expiry: int) -> bool:
        assert expiry == NOW + 600
        is_new = nonce not in self.nonces
        self.nonces.add(nonce)
        return is_new


def test_single_use_token_is_accepted_once() -> None:
    used = FakeUsedTokens()
    tokens = AccessTokens(DerivedKeySigner(KmsSigner(FakeKms(), "k")), 600, used, Clock())
    token, other = tokens.issue(GRANT), tokens.issue(GRANT)
    assert tokens.verify(token) == GRANT
    with pytest.raises(InvalidToken, match="used before"):
        tokens.verify(token)
    assert tokens.verify(other) == GRANT
    assert used.nonces == {issued.split(".")[4] for issued in (token, other)}


def test_forged_token_is_not_recorded_as_used() -> None:
    used = FakeUsedTokens()
    tokens = AccessTokens(DerivedKeySigner(KmsSigner(FakeKms(), "k")), 600, used, Clock())
    with pytest.raises(InvalidToken):
        tokens.verify(tokens.issue(GRANT)[:-5] + "read")
    assert not used.nonces
