"""The token's grammar, and that nothing but what was issued passes."""

import re
import secrets

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.domain.errors import InvalidToken, Unavailable
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Grant, TokenScope
from chalicelib.security.access_tokens import AccessTokens, canonical_token
from chalicelib.security.signing import HOUR_SECONDS, DerivedKeySigner, KmsSigner, Signer

NOW = 1_800_000_000
REGISTRY_READS = re.compile(r'(\w+)[:=][\s"]?([^",]+)"?')  # docker-registry 0.9.1, toolkit.py
GRANT = Grant(RepositoryName("foo", "bar"), TokenScope.WRITE, "0123456789abcdef")


class Kms:
    """KMS as far as a signer needs it; counts its calls."""

    def __init__(self) -> None:
        self.key = secrets.token_bytes(32)
        self.calls = 0

    def generate_mac(self, **request: bytes) -> dict[str, bytes]:
        import hmac

        self.calls += 1
        return {"Mac": hmac.digest(self.key, request["Message"], "sha256")}


class Clock:
    def __init__(self) -> None:
        self.now: float = NOW

    def __call__(self) -> float:
        return self.now


def make(lifetime: int = 600, signer: Signer | None = None, clock: Clock | None = None) -> AccessTokens:
    return AccessTokens(signer or DerivedKeySigner(KmsSigner(Kms(), "alias/x")), lifetime, clock=clock or Clock())


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


@given(GRANTS)
def test_what_was_issued_is_read_back_by_index_and_registry(grant: Grant) -> None:
    tokens = make()
    token = tokens.issue(grant)
    assert tokens.verify(token) == grant
    read = dict(REGISTRY_READS.findall("token " + token))
    assert read == {
        "signature": token.split(",")[0].removeprefix("signature="),
        "repository": str(grant.repository),
        "access": grant.scope,
    }


TOKENS = make()
ISSUED = TOKENS.issue(GRANT)


@given(st.data())
def test_no_mutated_token_verifies(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(ISSUED) - 1))
    length = data.draw(st.integers(0, 3))
    mutated = ISSUED[:at] + data.draw(st.text(max_size=3)) + ISSUED[at + length :]
    assume(mutated != ISSUED)
    try:
        grant = TOKENS.verify(mutated)
    except InvalidToken:
        return
    # What still verifies says the same and differs only by something that clients may add.
    assert grant == GRANT
    assert set(ISSUED.split(",")) < set(mutated.removeprefix("Token ").split(","))


@given(
    st.text()
    | st.from_regex(r'signature=1\.[0-9]+\.[0-9]+\.[0-9a-f]{16}\.[0-9a-f]{16}\.[\w-]{43},repository="a/b",access=read')
)
def test_nothing_made_up_verifies(text: str) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(text)


@pytest.mark.parametrize(
    "spelt",
    [
        ISSUED,
        "Token " + ISSUED,
        "tOKEN " + ISSUED,
        ISSUED + ",extra=1",
        'future="x",' + ISSUED,
        ",".join(reversed(ISSUED.split(","))),
    ],
)
def test_what_the_protocol_tolerates(spelt: str) -> None:
    assert TOKENS.verify(spelt) == GRANT


@pytest.mark.parametrize(
    "spelt",
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
def test_what_it_does_not(spelt: str) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(spelt)


@pytest.mark.parametrize(
    ("spelt", "told"),
    [
        (ISSUED + ",", 'a token is signature=…,repository="namespace/name",access=… without spaces'),
        (ISSUED + ",access=write", "the token says access twice"),
        (ISSUED.replace('"', ""), "a token quotes its repository, and neither signature nor access"),
        (
            ISSUED.replace("access=write", 'access="write"'),
            "a token quotes its repository, and neither signature nor access",
        ),
        (ISSUED.replace("access", "assess"), "the token has no access"),
        (
            ISSUED.replace("signature=1", "signature=2"),
            "the token's signature is malformed; ask the index for a new token",
        ),
        (ISSUED.replace("foo/bar", "bar"), "the token's repository is not namespace/name"),
        (ISSUED.replace("foo/bar", "/bar"), "the token's repository is not namespace/name"),
        (ISSUED.replace("foo/bar", "foo/"), "the token's repository is not namespace/name"),
        (ISSUED.replace("foo/bar", "foo/bär"), "the token's repository is not namespace/name"),
        (ISSUED.replace("=write", "=admin"), "the token's access is not read, write or delete"),
        (ISSUED.replace("=write", "=read"), "the token was not issued by this index"),
        (ISSUED.replace(".0123456789abcdef.", ".0123456789abcdee."), "the token was not issued by this index"),
        (ISSUED.replace(f".{NOW + 600}.", f".{NOW + 601}."), "the token was not issued by this index"),
        (ISSUED.replace(f".{NOW + 600}.", f".{NOW + 999999}."), "the token was not issued by this index"),
        (ISSUED.replace(f".{NOW + 600}.", f".{NOW}."), "the token has expired; ask the index for a new one"),
        (ISSUED.replace(f".{NOW // 3600}.", f".{NOW // 3600 - 1}."), "the token was not issued by this index"),
    ],
)
def test_who_brings_a_bad_token_is_told_what_is_wrong_with_it(spelt: str, told: str) -> None:
    with pytest.raises(InvalidToken) as refused:
        TOKENS.verify(spelt)
    assert str(refused.value) == told


def test_unknown_keys_may_come_twice_and_quoted_or_not() -> None:
    assert TOKENS.verify(ISSUED + ',extra=1,extra="2",other=') == GRANT


@pytest.mark.parametrize("spelt", [ISSUED, "Token " + ISSUED, 'future="x",' + ISSUED, ISSUED + ",extra=1"])
def test_what_goes_back_is_what_was_issued_and_nothing_around_it(spelt: str) -> None:
    assert canonical_token(spelt) == ISSUED
    assert canonical_token(",".join(reversed(ISSUED.split(",")))) == ISSUED


def test_a_repositorys_name_may_hold_what_a_path_can() -> None:
    grant = Grant(RepositoryName("foo", "bar/baz"), TokenScope.READ, "0" * 16)
    assert TOKENS.verify(TOKENS.issue(grant)) == grant


def test_base64s_spare_bits_are_no_second_spelling() -> None:
    signature, rest = ISSUED.split(",", 1)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for last in alphabet:
        if last != signature[-1]:
            with pytest.raises(InvalidToken):
                TOKENS.verify(f"{signature[:-1]}{last},{rest}")


def test_a_token_is_good_until_it_expires_as_often_as_it_is_shown() -> None:
    clock = Clock()
    tokens = make(600, clock=clock)
    token = tokens.issue(GRANT)
    for clock.now in (NOW, NOW + 1, NOW + 599.9):
        assert tokens.verify(token) == GRANT
    clock.now = NOW + 600
    with pytest.raises(InvalidToken, match="expired"):
        tokens.verify(token)


@pytest.mark.parametrize("lifetime", [60, 3600, 86400])
@pytest.mark.parametrize("into_the_epoch", [0, 1, 1800, 3599])
def test_a_token_outlives_its_epoch(lifetime: int, into_the_epoch: int) -> None:
    clock = Clock()
    clock.now = NOW - NOW % HOUR_SECONDS + into_the_epoch
    tokens = make(lifetime, clock=clock)
    token = tokens.issue(GRANT)
    clock.now += lifetime - 1
    assert tokens.verify(token) == GRANT


def test_a_slower_clock_elsewhere_takes_a_token_of_the_next_epoch() -> None:
    clock, kms = Clock(), Kms()
    clock.now = NOW - NOW % HOUR_SECONDS
    tokens = make(600, DerivedKeySigner(KmsSigner(kms, "k")), clock)
    token = tokens.issue(GRANT)
    clock.now -= 30
    assert tokens.verify(token) == GRANT


def test_a_forger_cannot_make_the_index_ask_kms_for_other_epochs() -> None:
    kms = Kms()
    tokens = make(600, DerivedKeySigner(KmsSigner(kms, "k")))
    tokens.issue(GRANT)
    for epoch in range(1000):
        forged = f'signature=1.{epoch}.{NOW + 10}.{"0" * 16}.{"0" * 16}.{"A" * 43},repository="foo/bar",access=read'
        with pytest.raises(InvalidToken):
            tokens.verify(forged)
    assert kms.calls == 1


@pytest.mark.parametrize(
    ("clock_is_behind", "expiry", "asked"),
    [
        (0, NOW + 10, [NOW - HOUR_SECONDS, NOW]),
        (0, NOW + 600, [NOW]),  # of the hour before it would have lived 600 seconds and more
        (0, NOW + 599, [NOW - HOUR_SECONDS, NOW]),
        (60, NOW + 600, [NOW]),
        (61, NOW + 600, []),
    ],
)
def test_kms_is_asked_for_just_the_epochs_that_can_hold_a_live_token(
    clock_is_behind: int, expiry: int, asked: list[int]
) -> None:
    kms, clock = Kms(), Clock()
    tokens = make(600, KmsSigner(kms, "k"), clock)
    clock.now -= clock_is_behind
    found = []
    for start in range(NOW - 3 * HOUR_SECONDS, NOW + 3 * HOUR_SECONDS, HOUR_SECONDS):
        calls = kms.calls
        forged = f"signature=1.{start // HOUR_SECONDS}.{expiry}.{'0' * 16}.{'0' * 16}.{'A' * 43}"
        with pytest.raises(InvalidToken) as refused:
            tokens.verify(f'{forged},repository="foo/bar",access=read')
        assert str(refused.value) == "the token was not issued by this index"
        if kms.calls > calls:
            found.append(start)
    assert found == asked


KEY = bytes(range(32))
EARLIER = {
    "epoch": "1.500000.1800000600.0123456789abcdef.ebec3d3a2af8ad6f.A4fBUjjsERw9P3bBmKBPCrmqbxQTFEZup2N6jcPA9pA",
    "kms": "1.500000.1800000600.0123456789abcdef.c014669bdbdd1a65.axtrScVsbYnAxqHR3pIlgWxIhr8ZXTNIgqwIAb3lLyU",
}


@pytest.mark.parametrize("kind", EARLIER)
def test_a_token_of_the_release_before_is_good_in_this_one(kind: str) -> None:
    """Containers of both run side by side while one is deployed, and tokens outlive that."""
    kms = Kms()
    kms.key = KEY
    root = KmsSigner(kms, "alias/x")
    tokens = make(600, DerivedKeySigner(root) if kind == "epoch" else root)
    assert tokens.verify(f'signature={EARLIER[kind]},repository="foo/bar",access=write') == GRANT


def test_a_token_has_the_second_that_it_expires_and_16_random_digits() -> None:
    clock = Clock()
    clock.now += 0.9
    tokens = make(600, clock=clock)
    services = [tokens.issue(GRANT).split(",")[0].removeprefix("signature=").split(".") for _ in range(2)]
    assert services[0][:4] == ["1", str(NOW // HOUR_SECONDS), str(NOW + 600), GRANT.generation]
    assert re.fullmatch(r"[0-9a-f]{16}", services[0][4])
    assert services[0][4] != services[1][4]


def test_another_stacks_token_is_none() -> None:
    with pytest.raises(InvalidToken):
        make().verify(ISSUED)


def test_a_token_in_the_strict_mode_is_good_once() -> None:
    class Spent:
        def __init__(self) -> None:
            self.nonces: set[str] = set()

        def mark_used(self, nonce: str, expiry: int) -> bool:
            assert expiry == NOW + 600
            new = nonce not in self.nonces
            self.nonces.add(nonce)
            return new

    spent = Spent()
    tokens = AccessTokens(DerivedKeySigner(KmsSigner(Kms(), "k")), 600, spent, Clock())
    token, other = tokens.issue(GRANT), tokens.issue(GRANT)
    assert tokens.verify(token) == GRANT
    with pytest.raises(InvalidToken, match=r"^the token was used already; this index takes each token once$"):
        tokens.verify(token)
    assert tokens.verify(other) == GRANT
    assert spent.nonces == {shown.split(".")[4] for shown in (token, other)}
    with pytest.raises(InvalidToken):
        tokens.verify(tokens.issue(GRANT)[:-5] + "read")
    assert len(spent.nonces) == 2, "only what this index made is remembered"


@pytest.mark.parametrize("kind", ["epoch", "kms"])
def test_both_signers_keep_the_promise_of_the_interface(kind: str) -> None:
    kms = Kms()
    root = KmsSigner(kms, "k")
    signer: Signer = DerivedKeySigner(root) if kind == "epoch" else root
    mac = signer.sign(5, b"message")
    assert len(mac) == 32
    assert signer.verify(5, b"message", mac)
    assert not signer.verify(6, b"message", mac)
    assert not signer.verify(5, b"massage", mac)
    assert not signer.verify(5, b"message", mac[:-1])
    assert kms.calls == (2 if kind == "epoch" else 5)


def test_the_signers_do_not_pass_for_each_other() -> None:
    root = KmsSigner(Kms(), "k")
    assert DerivedKeySigner(root).sign(5, b"message") != root.sign(5, b"message")


def test_kms_is_asked_for_an_hmac_by_the_stacks_key_and_told_what_for() -> None:
    asked = []

    class Recording:
        def generate_mac(self, **request: object) -> dict[str, bytes]:
            asked.append(request)
            return {"Mac": bytes(32)}

    root = KmsSigner(Recording(), "alias/x")
    root.sign(5, b"message")
    DerivedKeySigner(root).sign(5, b"message")
    common = {"KeyId": "alias/x", "MacAlgorithm": "HMAC_SHA_256"}
    assert asked == [common | {"Message": b"waybill/1/5/" + said} for said in (b"message", b"epoch key")]


@pytest.mark.parametrize("error", [EndpointConnectionError(endpoint_url="x"), ClientError({}, "GenerateMac")])
def test_without_kms_nothing_is_signed_and_the_client_is_told_to_come_again(error: Exception) -> None:
    class Broken:
        def generate_mac(self, **_: object) -> dict[str, bytes]:
            raise error

    with pytest.raises(Unavailable) as told:
        DerivedKeySigner(KmsSigner(Broken(), "alias/x")).sign(5, b"message")
    assert str(told.value) == "the index cannot reach its signing key right now; try again in a moment"
    assert told.value.__cause__ is error


def test_only_as_many_epoch_keys_are_kept_as_can_hold_live_tokens() -> None:
    kms = Kms()
    signer = DerivedKeySigner(KmsSigner(kms, "k"))
    for epoch in range(100):
        signer.sign(epoch, b"")
    for epoch in range(99, 67, -1):
        signer.sign(epoch, b"")
    assert kms.calls == 100
    signer.sign(3, b"")
    assert kms.calls == 101
