"""The grammar of names, ids, checksums and email addresses."""

import sys

import pytest

from chalicelib.domain import identifiers
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.identifiers import RepositoryName, is_checksum, is_email, is_image_id, is_username


@pytest.mark.parametrize(
    ("namespace", "name"),
    [("foo", "bar"), ("library", "ubuntu"), ("a-b", "x"), ("a_1", "0.9-rc_1"), ("ab", "a" * 255), ("a" * 255, "b..c")],
)
def test_valid_repository_name_is_accepted(namespace: str, name: str) -> None:
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
def test_invalid_repository_name_is_rejected(namespace: str, name: str) -> None:
    with pytest.raises(InvalidInput):
        RepositoryName.of(namespace, name)


def test_usernames_have_4_to_30_characters() -> None:
    assert all(map(is_username, ("abcd", "a_b1", "0000", "a" * 30)))
    assert not any(map(is_username, ("abc", "a" * 31, "a-bcd", "Abcd", "abcd\n", "", "ábcd")))


def test_image_ids_and_checksums_of_the_published_page_are_accepted() -> None:
    assert is_image_id("ertwetewtwe38722009fe6857087b486531f9a779a0c1dfddgfgsdgdsgds")
    assert is_checksum("34t23f23fc17e3ed29dae8f12c4f9e89cc6f0bsdfgfsdgdsgdsgerwgew")
    assert all(is_checksum(f"{kind}{'0a' * 32}") for kind in ("", "sha256:", "tarsum+sha256:", "tarsum.v1+sha256:"))
    assert not any(map(is_image_id, ("", "A", "a" * 65, "a b", "a\n")))
    assert not any(map(is_checksum, ('a"b', "a\r\nX: y", "sha256:", ":abc", "a b", "x" * 200)))


def test_email_addresses_have_one_mailbox_and_a_domain() -> None:
    assert all(map(is_email, ("a@b.co", "a.b+c@x-y.example.com", "O'Hara@example.org")))
    bad = ("", "a", "a@b", "@b.co", "a@", "a@@b.co", "a b@c.de", "a@b..co", ".a@b.co", "a@-b.co", "a@b.co\n", "ä@b.co")
    assert not any(map(is_email, (*bad, "a" * 65 + "@b.co", "a@" + "b" * 64 + ".co")))


LOWER, DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"
GRAMMARS = {  # the pattern, a valid beginning and ending, and the characters allowed between them
    "username": (identifiers._USERNAME, "alice", "", LOWER + DIGITS + "_"),
    "namespace": (identifiers._NAMESPACE, "alice", "", LOWER + DIGITS + "_-"),
    "repository": (identifiers._REPOSITORY, "web", "", LOWER + DIGITS + "_.-"),
    "robot": (identifiers._ROBOT, "ci", "", LOWER + DIGITS + "-"),
    "image id": (identifiers._IMAGE_ID, "a", "", LOWER + DIGITS),
    "host": (identifiers._HOST, "registry", "x", LOWER + LOWER.upper() + DIGITS + "._-"),
    "address": (identifiers._EMAIL, "alice", "x@example.com", LOWER + LOWER.upper() + DIGITS + "!#$%&'*+/=?^_`{|}~-."),
    "domain": (identifiers._EMAIL, "alice@exam", "ple.com", LOWER + LOWER.upper() + DIGITS + "-."),
}


@pytest.mark.parametrize("characters", [0x3000, pytest.param(sys.maxunicode + 1, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("kind", GRAMMARS)
def test_only_documented_unicode_characters_are_accepted(kind: str, characters: int) -> None:
    """Names that differ only in width, accents, script, case or invisible characters are therefore impossible."""
    pattern, start, end, alphabet = GRAMMARS[kind]
    accepted = {character for character in map(chr, range(characters)) if pattern.fullmatch(start + character + end)}
    assert accepted == set(alphabet)


@pytest.mark.parametrize("kind", GRAMMARS)
def test_invisible_characters_at_the_ends_are_rejected(kind: str) -> None:
    pattern, start, end, _ = GRAMMARS[kind]
    name = start + end
    assert pattern.fullmatch(name)
    for invisible in (" ", "\t", "\n", "\r\n", "\0", ".", "\N{ZERO WIDTH SPACE}", "\N{RIGHT-TO-LEFT OVERRIDE}"):
        assert not pattern.fullmatch(invisible + name)
        if (kind, invisible) != ("repository", "."):  # the protocol allows a period at the end
            assert not pattern.fullmatch(name + invisible)


@pytest.mark.parametrize("text", ["registry", "registry:5000", "r.example.com:65535", "[::1]:1", "[::1]"])
def test_host_with_a_valid_port_is_accepted(text: str) -> None:
    assert identifiers.is_host(text)


@pytest.mark.parametrize("text", ["reg:0", "reg:65536", "reg:99999", "[::1]:70000", "reg:", "http://reg"])
def test_host_with_an_invalid_port_is_rejected(text: str) -> None:
    assert not identifiers.is_host(text)
