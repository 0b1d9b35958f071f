"""Links in mails: one purpose, one subject, a limited time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import InvalidLink, InvalidToken
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Grant, TokenScope
from chalicelib.security.access_tokens import AccessTokens
from chalicelib.security.email_links import EmailLinks, LinkPurpose
from chalicelib.security.signing import DerivedKeySigner, KmsSigner
from tests.unit.test_access_tokens import KEY, Clock, Kms

NOT_OURS = r"^This link was not made by this index\.$"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def links(clock: Clock) -> EmailLinks:
    return EmailLinks(DerivedKeySigner(KmsSigner(Kms(), "alias/x")), clock)


@given(
    st.sampled_from(LinkPurpose),
    st.lists(st.text(st.characters(exclude_characters="\n", codec="utf-8"), min_size=1), min_size=1),
)
def test_a_link_says_what_it_was_made_for(purpose: LinkPurpose, subject: list[str]) -> None:
    links = EmailLinks(DerivedKeySigner(KmsSigner(Kms(), "alias/x")), Clock())
    if len("".join(subject).encode()) + len(subject) < 700:
        assert links.verify(purpose, links.issue(purpose, *subject)) == tuple(subject)


@pytest.mark.parametrize("made", LinkPurpose)
@pytest.mark.parametrize("used", LinkPurpose)
def test_a_link_for_one_purpose_opens_nothing_else(links: EmailLinks, made: LinkPurpose, used: LinkPurpose) -> None:
    link = links.issue(made, "alice")
    if made is used:
        assert links.verify(used, link) == ("alice",)
        return
    with pytest.raises(InvalidLink, match=r"^This link is for something else\.$"):
        links.verify(used, link)
    with pytest.raises(InvalidLink, match=NOT_OURS):
        links.verify(used, link.replace(made, used, 1))


@pytest.mark.parametrize("purpose", LinkPurpose)
def test_a_link_expires_kindly(links: EmailLinks, clock: Clock, purpose: LinkPurpose) -> None:
    link = links.issue(purpose, "alice")
    clock.now += purpose.lifetime - 1
    assert links.verify(purpose, link) == ("alice",)
    clock.now += 1
    with pytest.raises(InvalidLink, match=r"^This link has expired\.$"):
        links.verify(purpose, link)


def test_neither_passes_for_the_other_a_link_and_an_access_token(clock: Clock) -> None:
    signer = DerivedKeySigner(KmsSigner(Kms(), "alias/x"))
    links, tokens = EmailLinks(signer, clock), AccessTokens(signer, 3600, clock=clock)
    token = tokens.issue(Grant(RepositoryName("foo", "bar"), TokenScope.READ, "0" * 16))
    for text in (token, token.split(",")[0], token.split(",")[0].removeprefix("signature=")):
        with pytest.raises(InvalidLink):
            links.verify(LinkPurpose.RESET, text)
    link = links.issue(LinkPurpose.CONFIRM, "foo/bar")
    with pytest.raises(InvalidToken):
        tokens.verify(f'signature={link},repository="foo/bar",access=read')


@pytest.mark.parametrize("purpose", LinkPurpose)
def test_no_links_time_can_be_prolonged(links: EmailLinks, clock: Clock, purpose: LinkPurpose) -> None:
    made, epoch, expiry, subject, mac = links.issue(purpose, "alice").split(".")
    assert int(expiry) == clock.now + purpose.lifetime
    for longer in (int(expiry) + 1, int(expiry) + 60, int(expiry) + 3000):
        with pytest.raises(InvalidLink, match=NOT_OURS):
            links.verify(purpose, f"{made}.{epoch}.{longer}.{subject}.{mac}")


def test_a_link_of_the_release_before_is_good_in_this_one() -> None:
    kms = Kms()
    kms.key = KEY
    for root, mac in (
        (
            DerivedKeySigner(KmsSigner(kms, "k")),
            "ny4HlVw1pW5eUGS6XBo9YtqoQviGubUY_CzB2EWYqsc",
        ),  # pragma: allowlist secret
        (KmsSigner(kms, "k"), "QMcBTI33MjI1Q73RzrAdAA-pehWyas_rpQLDJa8fT7E"),  # pragma: allowlist secret
    ):
        earlier = f"reset.500000.1800003600.YWxpY2UKbWFyaw.{mac}"
        assert EmailLinks(root, Clock()).verify(LinkPurpose.RESET, earlier) == ("alice", "mark")


@pytest.mark.parametrize("ending", [b"", b"=", b"W"])
def test_what_a_link_says_may_end_in_anything(links: EmailLinks, ending: bytes) -> None:
    """In base64 too: with padding, without, and with a letter there."""
    for length in range(1, 5):
        subject = "a" * length + ending.decode()
        assert links.verify(LinkPurpose.RESET, links.issue(LinkPurpose.RESET, subject)) == (subject,)


@given(st.data())
def test_no_mutated_link_opens_anything(data: st.DataObject) -> None:
    links = EmailLinks(DerivedKeySigner(KmsSigner(Kms(), "alias/x")), Clock())
    link = links.issue(LinkPurpose.RESET, "alice", "mark")
    place = data.draw(st.integers(0, len(link) - 1))
    message = data.draw(st.characters(codec="utf-8").filter(lambda c: c != link[place]))
    for mutated in (link[:place] + message + link[place + 1 :], link[:place], link[:place] + message + link[place:]):
        with pytest.raises(InvalidLink):
            links.verify(LinkPurpose.RESET, mutated)


def test_another_stacks_link_is_nobodys(links: EmailLinks, clock: Clock) -> None:
    other = EmailLinks(DerivedKeySigner(KmsSigner(Kms(), "alias/x")), clock)
    with pytest.raises(InvalidLink, match=NOT_OURS):
        links.verify(LinkPurpose.RESET, other.issue(LinkPurpose.RESET, "alice"))


@pytest.mark.parametrize(
    ("purpose", "lives", "asked"),
    [
        (LinkPurpose.RESET, 3600, [0, 1]),  # of the hour before it would have lived two hours
        (LinkPurpose.RESET, 3599, [-1, 0, 1]),
        (LinkPurpose.CONFIRM, 86400, [0, 1]),
        (LinkPurpose.CONFIRM, 1, [*range(-24, 2)]),
    ],
)
def test_a_forger_cannot_make_the_index_ask_kms_but_for_epochs_that_can_hold_a_live_link(
    clock: Clock, purpose: LinkPurpose, lives: int, asked: list[int]
) -> None:
    kms = Kms()
    links = EmailLinks(KmsSigner(kms, "alias/x"), clock)
    now = int(clock.now)
    found = []
    for hours in range(-30, 30):
        calls = kms.calls
        with pytest.raises(InvalidLink, match=NOT_OURS):
            links.verify(purpose, f"{purpose}.{now // 3600 + hours}.{now + lives}.YWxpY2U.{'A' * 43}")
        if kms.calls > calls:
            found.append(hours)
    assert found == asked


@pytest.mark.parametrize("text", ["", "reset", "reset.1.2.x", "reset.1.2.x.y"])
def test_a_link_that_mail_broke_in_two_is_said_to_be_so(links: EmailLinks, text: str) -> None:
    with pytest.raises(InvalidLink) as told:
        links.verify(LinkPurpose.RESET, text)
    assert str(told.value) == "This link is not complete. Mail programs sometimes break long links in two."
