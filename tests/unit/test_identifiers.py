"""The grammar of names."""

import sys

import pytest

from chalicelib.domain import identifiers
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.identifiers import RepositoryName, is_checksum, is_email, is_image_id, is_username


@pytest.mark.parametrize(
    ("namespace", "name"),
    [("foo", "bar"), ("library", "ubuntu"), ("a-b", "x"), ("a_1", "0.9-rc_1"), ("ab", "a" * 255), ("a" * 255, "b..c")],
)
def test_names_that_are_fine(namespace: str, name: str) -> None:
    assert str(RepositoryName.of(namespace, name)) == f"{namespace}/{name}"


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("a", "bar"),
        ("Foo", "bar"),
        ("foo.bar", "bar"),
        ("a" * 256, "bar"),
        ("", "bar"),
        ("foo", ""),
        ("foo", "Bar"),
        ("foo", "-bar"),
        ("foo", ".."),
        ("foo", "_x"),
        ("foo", "a" * 256),
        ("foo", "bär"),
        ("foo", "bar\n"),
        ("foo\n", "bar"),
        ("foo", "b%61r"),
        ("foo", "a b"),
        ("foo", "b\0r"),
        ("foo", "\N{ARABIC-INDIC DIGIT ONE}"),
        ("foo", "images"),
        ("foo", "auth"),
        ("foo", "layer"),
        ("library", "images"),
    ],
)
def test_names_that_are_none(namespace: str, name: str) -> None:
    with pytest.raises(InvalidInput):
        RepositoryName.of(namespace, name)


def test_usernames() -> None:
    assert all(map(is_username, ("abcd", "a_b1", "0000", "a" * 30)))
    assert not any(map(is_username, ("abc", "a" * 31, "a-bcd", "Abcd", "abcd\n", "", "ábcd")))


def test_image_ids_and_checksums_of_the_published_page() -> None:
    assert is_image_id("ertwetewtwe38722009fe6857087b486531f9a779a0c1dfddgfgsdgdsgds")
    assert is_checksum("34t23f23fc17e3ed29dae8f12c4f9e89cc6f0bsdfgfsdgdsgdsgerwgew")
    assert all(is_checksum(f"{kind}{'0a' * 32}") for kind in ("", "sha256:", "tarsum+sha256:", "tarsum.v1+sha256:"))
    assert not any(map(is_image_id, ("", "A", "a" * 65, "a b", "a\n")))
    assert not any(map(is_checksum, ('a"b', "a\r\nX: y", "sha256:", ":abc", "a b", "x" * 200)))


def test_addresses() -> None:
    assert all(map(is_email, ("a@b.co", "a.b+c@x-y.example.com", "O'Hara@example.org")))
    bad = ("", "a", "a@b", "@b.co", "a@", "a@@b.co", "a b@c.de", "a@b..co", ".a@b.co", "a@-b.co", "a@b.co\n", "ä@b.co")
    assert not any(map(is_email, (*bad, "a" * 65 + "@b.co", "a@" + "b" * 64 + ".co")))


LOWER, DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"
TAKES = {
    "username": (identifiers._USERNAME, "alice", "", LOWER + DIGITS + "_"),
    "namespace": (identifiers._NAMESPACE, "alice", "", LOWER + DIGITS + "_-"),
    "repository": (identifiers._REPOSITORY, "web", "", LOWER + DIGITS + "_.-"),
    "robot": (identifiers._ROBOT, "ci", "", LOWER + DIGITS + "-"),
    "image id": (identifiers._IMAGE_ID, "a", "", LOWER + DIGITS),
    "host": (identifiers._HOST, "registry", "x", LOWER + LOWER.upper() + DIGITS + "._-"),
    "address": (identifiers._EMAIL, "alice", "x@example.com", LOWER + LOWER.upper() + DIGITS + "!#$%&'*+/=?^_`{|}~-."),
    "domain": (identifiers._EMAIL, "alice@exam", "ple.com", LOWER + LOWER.upper() + DIGITS + "-."),
}


@pytest.mark.parametrize("kind", TAKES)
def test_no_other_character_of_all_that_there_are_is_in_a_name(kind: str) -> None:
    """So none can look like another by its width, its accents, its script, or what nobody sees; nor by its case."""
    pattern, before, behind, alphabet = TAKES[kind]
    fits = pattern.fullmatch
    taken = {character for character in map(chr, range(sys.maxunicode + 1)) if fits(before + character + behind)}
    assert taken == set(alphabet)


@pytest.mark.parametrize("kind", TAKES)
def test_nothing_unseen_begins_or_ends_a_name(kind: str) -> None:
    pattern, before, behind, _ = TAKES[kind]
    name = before + behind
    assert pattern.fullmatch(name)
    for unseen in (" ", "\t", "\n", "\r\n", "\0", ".", "\N{ZERO WIDTH SPACE}", "\N{RIGHT-TO-LEFT OVERRIDE}"):
        assert not pattern.fullmatch(unseen + name)
        if (kind, unseen) != ("repository", "."):  # which the protocol allows: another name, and seen to be one
            assert not pattern.fullmatch(name + unseen)
