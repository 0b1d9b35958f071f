"""Links in mails: one purpose, one subject, a limited time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.access import Access
from chalicelib.links import InvalidLink, Links, Purpose
from chalicelib.names import RepositoryName
from chalicelib.signing import EpochSigner, KmsSigner
from chalicelib.tokens import Grant, InvalidToken, Tokens
from tests.unit.test_tokens import Clock, Kms


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
    with pytest.raises(InvalidLink, match="for something else"):
        links.check(used, link)
    with pytest.raises(InvalidLink, match="not made by this index"):
        links.check(used, link.replace(made, used, 1))


@pytest.mark.parametrize("purpose", Purpose)
def test_a_link_expires_kindly(links: Links, clock: Clock, purpose: Purpose) -> None:
    link = links.issue(purpose, "alice")
    clock.now += purpose.lifetime - 1
    assert links.check(purpose, link) == ("alice",)
    clock.now += 1
    with pytest.raises(InvalidLink, match="has expired"):
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
    with pytest.raises(InvalidLink, match="not made by this index"):
        links.check(Purpose.RESET, other.issue(Purpose.RESET, "alice"))


def test_a_forger_cannot_make_the_index_ask_kms_for_other_epochs(clock: Clock) -> None:
    kms = Kms()
    links = Links(EpochSigner(KmsSigner(kms, "alias/x")), clock)
    link = links.issue(Purpose.RESET, "alice")
    asked = kms.calls
    purpose, _, expiry, subject, mac = link.split(".")
    for epoch in (0, 1, int(clock.now) // 3600 - 30, int(clock.now) // 3600 + 5):
        with pytest.raises(InvalidLink):
            links.check(Purpose.RESET, f"{purpose}.{epoch}.{expiry}.{subject}.{mac}")
    assert kms.calls == asked
