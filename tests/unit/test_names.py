"""The grammar of names."""

import pytest

from chalicelib.errors import BadRequest
from chalicelib.names import RepositoryName, is_checksum, is_email, is_image_id, is_username


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
    with pytest.raises(BadRequest):
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
