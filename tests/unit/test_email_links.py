"""Links in emails: one purpose, one subject, a limited time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import InvalidLink, InvalidToken
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Grant, TokenScope
from chalicelib.security.access_tokens import AccessTokens
from chalicelib.security.email_links import EmailLinks, LinkPurpose
from chalicelib.security.signing import HOUR_SECONDS, DerivedKeySigner, KmsSigner
from tests.clock import NOW, Clock
from tests.fake_kms import FakeKms


def create_links(clock: Clock, kms: FakeKms | None = None) -> EmailLinks:
    return EmailLinks(DerivedKeySigner(KmsSigner(kms or FakeKms(), "alias/x")), clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def links(clock: Clock) -> EmailLinks:
    return create_links(clock)


@given(
    st.sampled_from(LinkPurpose),
    st.lists(st.text(st.characters(exclude_characters="\n", codec="utf-8"), min_size=1), min_size=1),
)
def test_link_returns_its_subject(purpose: LinkPurpose, subject: list[str]) -> None:
    links = create_links(Clock())
    if len("".join(subject).encode()) + len(subject) < 700:
        assert links.verify(purpose, links.issue(purpose, *subject)) == tuple(subject)


@pytest.mark.parametrize("issued", LinkPurpose)
@pytest.mark.parametrize("used", LinkPurpose)
def test_link_is_valid_for_its_purpose_only(links: EmailLinks, issued: LinkPurpose, used: LinkPurpose) -> None:
    link = links.issue(issued, "alice")
    if issued is used:
        assert links.verify(used, link) == ("alice",)
        return
    with pytest.raises(InvalidLink, match="purpose"):
        links.verify(used, link)
    with pytest.raises(InvalidLink, match="not created"):
        links.verify(used, link.replace(issued, used, 1))


@pytest.mark.parametrize("purpose", LinkPurpose)
def test_expired_link_is_rejected(links: EmailLinks, clock: Clock, purpose: LinkPurpose) -> None:
    link = links.issue(purpose, "alice")
    clock.now += purpose.lifetime - 1
    assert links.verify(purpose, link) == ("alice",)
    clock.now += 1
    with pytest.raises(InvalidLink, match="expired"):
        links.verify(purpose, link)


def test_lifetimes_do_not_exceed_the_keys_of_24_hours() -> None:
    assert {purpose: purpose.lifetime for purpose in LinkPurpose} == {
        LinkPurpose.CONFIRM: 24 * HOUR_SECONDS,
        LinkPurpose.RESET: HOUR_SECONDS,
    }


def test_link_and_access_token_are_not_accepted_as_each_other(clock: Clock) -> None:
    signer = DerivedKeySigner(KmsSigner(FakeKms(), "alias/x"))
    links, tokens = EmailLinks(signer, clock), AccessTokens(signer, 3600, clock=clock)
    token = tokens.issue(Grant(RepositoryName("foo", "bar"), TokenScope.READ, "0" * 16))
    for text in (token, token.split(",")[0], token.split(",")[0].removeprefix("signature=")):
        with pytest.raises(InvalidLink):
            links.verify(LinkPurpose.RESET, text)
    link = links.issue(LinkPurpose.CONFIRM, "foo/bar")
    with pytest.raises(InvalidToken):
        tokens.verify(f'signature={link},repository="foo/bar",access=read')


@pytest.mark.parametrize("purpose", LinkPurpose)
def test_later_expiry_is_rejected(links: EmailLinks, clock: Clock, purpose: LinkPurpose) -> None:
    issued, hour, expiry, subject, mac = links.issue(purpose, "alice").split(".")
    assert int(expiry) == clock.now + purpose.lifetime
    for later in (int(expiry) + 1, int(expiry) + 60, int(expiry) + 3000):
        with pytest.raises(InvalidLink, match="not created"):
            links.verify(purpose, f"{issued}.{hour}.{later}.{subject}.{mac}")


@pytest.mark.parametrize(
    ("kind", "mac"),
    [
        ("derived", "BiMsuvXJ6UMCr1JYUQ2gaxl7qId3fvgFRniA2ETpzUk"),  # pragma: allowlist secret
        ("kms", "QMcBTI33MjI1Q73RzrAdAA-pehWyas_rpQLDJa8fT7E"),  # pragma: allowlist secret
    ],
)
def test_link_of_the_previous_release_is_valid(kind: str, mac: str) -> None:
    root = KmsSigner(FakeKms(key=bytes(range(32))), "k")
    links = EmailLinks(DerivedKeySigner(root) if kind == "derived" else root, Clock())
    assert links.verify(LinkPurpose.RESET, f"reset.500000.1800003600.YWxpY2UKbWFyaw.{mac}") == ("alice", "mark")


@pytest.mark.parametrize("ending", ["", "=", "W"])
@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_subject_of_any_length_is_decoded(links: EmailLinks, length: int, ending: str) -> None:
    """The base64 of a subject has 0, 1 or 2 padding characters."""
    subject = "a" * length + ending
    assert links.verify(LinkPurpose.RESET, links.issue(LinkPurpose.RESET, subject)) == (subject,)


@given(st.data())
def test_changed_link_is_rejected(data: st.DataObject) -> None:
    links = create_links(Clock())
    link = links.issue(LinkPurpose.RESET, "alice", "mark")
    position = data.draw(st.integers(0, len(link) - 1))
    character = data.draw(st.characters(codec="utf-8").filter(lambda c: c != link[position]))
    for changed in (
        link[:position] + character + link[position + 1 :],
        link[:position],
        link[:position] + character + link[position:],
    ):
        with pytest.raises(InvalidLink):
            links.verify(LinkPurpose.RESET, changed)


def test_link_of_another_key_is_rejected(links: EmailLinks, clock: Clock) -> None:
    with pytest.raises(InvalidLink, match="not created"):
        links.verify(LinkPurpose.RESET, create_links(clock).issue(LinkPurpose.RESET, "alice"))


@pytest.mark.parametrize(
    ("purpose", "seconds_ahead", "is_valid"),
    [(purpose, *case) for purpose in LinkPurpose for case in ((0, True), (60, True), (61, False), (3600, False))],
)
def test_hour_more_than_60_seconds_ahead_is_rejected(purpose: LinkPurpose, seconds_ahead: int, is_valid: bool) -> None:
    clock = Clock(NOW - NOW % HOUR_SECONDS)
    links = create_links(clock)
    link = links.issue(purpose, "alice")
    clock.now -= seconds_ahead
    if is_valid:
        assert links.verify(purpose, link) == ("alice",)
    else:
        with pytest.raises(InvalidLink, match="not created"):
            links.verify(purpose, link)


@pytest.mark.parametrize(
    ("purpose", "remaining", "hours"),
    [
        (LinkPurpose.RESET, 3600, [0]),  # a link of the previous hour would have been valid for more than one hour
        (LinkPurpose.RESET, 3599, [-1, 0]),
        (LinkPurpose.CONFIRM, 86400, [0]),
        (LinkPurpose.CONFIRM, 1, [*range(-24, 1)]),
    ],
)
def test_forged_links_reach_kms_for_possible_hours_only(
    clock: Clock, purpose: LinkPurpose, remaining: int, hours: list[int]
) -> None:
    kms = FakeKms()
    links = EmailLinks(KmsSigner(kms, "alias/x"), clock)
    now, called = int(clock.now), []
    for hour in range(-30, 30):
        calls = kms.calls
        with pytest.raises(InvalidLink, match="not created"):
            links.verify(purpose, f"{purpose}.{now // 3600 + hour}.{now + remaining}.YWxpY2U.{'A' * 43}")
        if kms.calls > calls:
            called.append(hour)
    assert called == hours


@pytest.mark.parametrize("text", ["", "reset", "reset.1.2.x", "reset.1.2.x.y"])
def test_error_for_a_broken_link_mentions_line_breaks(links: EmailLinks, text: str) -> None:
    with pytest.raises(InvalidLink, match="incomplete"):
        links.verify(LinkPurpose.RESET, text)
