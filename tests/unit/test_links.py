"""Links in mails: one purpose, one subject, a limited time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.access import Access
from chalicelib.links import InvalidLink, Links, Purpose
from chalicelib.names import RepositoryName
from chalicelib.signing import EpochSigner, KmsSigner
from chalicelib.tokens import Grant, InvalidToken, Tokens
from tests.unit.test_tokens import KEY, Clock, Kms

NOT_OURS = r"^This link was not made by this index\.$"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def links(clock: Clock) -> Links:
    return Links(EpochSigner(KmsSigner(Kms(), "alias/x")), clock)


@given(
    st.sampled_from(Purpose),
    st.lists(st.text(st.characters(exclude_characters="\n", codec="utf-8"), min_size=1), min_size=1),
)
def test_a_link_says_what_it_was_made_for(purpose: Purpose, subject: list[str]) -> None:
    links = Links(EpochSigner(KmsSigner(Kms(), "alias/x")), Clock())
    if len("".join(subject).encode()) + len(subject) < 700:
        assert links.check(purpose, links.issue(purpose, *subject)) == tuple(subject)


@pytest.mark.parametrize("made", Purpose)
@pytest.mark.parametrize("used", Purpose)
def test_a_link_for_one_purpose_opens_nothing_else(links: Links, made: Purpose, used: Purpose) -> None:
    link = links.issue(made, "alice")
    if made is used:
        assert links.check(used, link) == ("alice",)
        return
    with pytest.raises(InvalidLink, match=r"^This link is for something else\.$"):
        links.check(used, link)
    with pytest.raises(InvalidLink, match=NOT_OURS):
        links.check(used, link.replace(made, used, 1))


@pytest.mark.parametrize("purpose", Purpose)
def test_a_link_expires_kindly(links: Links, clock: Clock, purpose: Purpose) -> None:
    link = links.issue(purpose, "alice")
    clock.now += purpose.lifetime - 1
    assert links.check(purpose, link) == ("alice",)
    clock.now += 1
    with pytest.raises(InvalidLink, match=r"^This link has expired\.$"):
        links.check(purpose, link)


def test_neither_passes_for_the_other_a_link_and_an_access_token(clock: Clock) -> None:
    signer = EpochSigner(KmsSigner(Kms(), "alias/x"))
    links, tokens = Links(signer, clock), Tokens(signer, 3600, clock=clock)
    token = tokens.issue(Grant(RepositoryName("foo", "bar"), Access.READ, "0" * 16))
    for text in (token, token.split(",")[0], token.split(",")[0].removeprefix("signature=")):
        with pytest.raises(InvalidLink):
            links.check(Purpose.RESET, text)
    link = links.issue(Purpose.CONFIRM, "foo/bar")
    with pytest.raises(InvalidToken):
        tokens.check(f'signature={link},repository="foo/bar",access=read')


@pytest.mark.parametrize("purpose", Purpose)
def test_no_links_time_can_be_prolonged(links: Links, clock: Clock, purpose: Purpose) -> None:
    made, epoch, expiry, subject, mac = links.issue(purpose, "alice").split(".")
    assert int(expiry) == clock.now + purpose.lifetime
    for longer in (int(expiry) + 1, int(expiry) + 60, int(expiry) + 3000):
        with pytest.raises(InvalidLink, match=NOT_OURS):
            links.check(purpose, f"{made}.{epoch}.{longer}.{subject}.{mac}")


def test_a_link_of_the_release_before_is_good_in_this_one() -> None:
    kms = Kms()
    kms.key = KEY
    for root, mac in (
        (EpochSigner(KmsSigner(kms, "k")), "ny4HlVw1pW5eUGS6XBo9YtqoQviGubUY_CzB2EWYqsc"),  # pragma: allowlist secret
        (KmsSigner(kms, "k"), "QMcBTI33MjI1Q73RzrAdAA-pehWyas_rpQLDJa8fT7E"),  # pragma: allowlist secret
    ):
        earlier = f"reset.500000.1800003600.YWxpY2UKbWFyaw.{mac}"
        assert Links(root, Clock()).check(Purpose.RESET, earlier) == ("alice", "mark")


@pytest.mark.parametrize("ending", [b"", b"=", b"W"])
def test_what_a_link_says_may_end_in_anything(links: Links, ending: bytes) -> None:
    """In base64 too: with padding, without, and with a letter there."""
    for length in range(1, 5):
        subject = "a" * length + ending.decode()
        assert links.check(Purpose.RESET, links.issue(Purpose.RESET, subject)) == (subject,)


@given(st.data())
def test_no_mutated_link_opens_anything(data: st.DataObject) -> None:
    links = Links(EpochSigner(KmsSigner(Kms(), "alias/x")), Clock())
    link = links.issue(Purpose.RESET, "alice", "mark")
    place = data.draw(st.integers(0, len(link) - 1))
    letter = data.draw(st.characters(codec="utf-8").filter(lambda c: c != link[place]))
    for mutated in (link[:place] + letter + link[place + 1 :], link[:place], link[:place] + letter + link[place:]):
        with pytest.raises(InvalidLink):
            links.check(Purpose.RESET, mutated)


def test_another_stacks_link_is_nobodys(links: Links, clock: Clock) -> None:
    other = Links(EpochSigner(KmsSigner(Kms(), "alias/x")), clock)
    with pytest.raises(InvalidLink, match=NOT_OURS):
        links.check(Purpose.RESET, other.issue(Purpose.RESET, "alice"))


@pytest.mark.parametrize(
    ("purpose", "lives", "asked"),
    [
        (Purpose.RESET, 3600, [0, 1]),  # of the hour before it would have lived two hours
        (Purpose.RESET, 3599, [-1, 0, 1]),
        (Purpose.CONFIRM, 86400, [0, 1]),
        (Purpose.CONFIRM, 1, [*range(-24, 2)]),
    ],
)
def test_a_forger_cannot_make_the_index_ask_kms_but_for_epochs_that_can_hold_a_live_link(
    clock: Clock, purpose: Purpose, lives: int, asked: list[int]
) -> None:
    kms = Kms()
    links = Links(KmsSigner(kms, "alias/x"), clock)
    now = int(clock.now)
    found = []
    for hours in range(-30, 30):
        calls = kms.calls
        with pytest.raises(InvalidLink, match=NOT_OURS):
            links.check(purpose, f"{purpose}.{now // 3600 + hours}.{now + lives}.YWxpY2U.{'A' * 43}")
        if kms.calls > calls:
            found.append(hours)
    assert found == asked


@pytest.mark.parametrize("text", ["", "reset", "reset.1.2.x", "reset.1.2.x.y"])
def test_a_link_that_mail_broke_in_two_is_said_to_be_so(links: Links, text: str) -> None:
    with pytest.raises(InvalidLink) as told:
        links.check(Purpose.RESET, text)
    assert str(told.value) == "This link is not complete. Mail programs sometimes break long links in two."
