"""What a container remembers of a list, for read tokens alone, never shows what it knows to be wrong."""

from collections.abc import Callable

import pytest

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.storage.image_lists import ImageListStore, StoredImages
from tests.index import Index

A, B = "a" * 64, "b" * 64
IMAGES = "/v1/repositories/alice/web/images"


@pytest.fixture
def index(make_index: Callable[..., Index]) -> Index:
    """An index whose containers remember lists for longer than any setting lets them."""
    return make_index(image_list_cache_seconds=3600)


def read_token(index: Index) -> str:
    """A read token that has been shown, so that its list is remembered."""
    token = f"Token {index.request('GET', IMAGES, token=True).token}"
    assert index.request("GET", IMAGES, token).status == 200
    return token


def test_a_push_here_is_seen_at_once(index: Index) -> None:
    alice = index.account("alice")
    index.push("alice/web", alice, A)
    read = read_token(index)
    index.push("alice/web", alice, B)
    assert index.ids("alice/web", read) == [A, B]
    index.request("PUT", IMAGES, alice, json=[{"id": A, "checksum": "sha256:ab"}])
    assert index.request("GET", IMAGES, read).json == [{"id": A, "checksum": "sha256:ab"}, {"id": B}]


def test_a_deletion_here_is_seen_at_once(index: Index) -> None:
    alice = index.account("alice")
    index.push("alice/web", alice, A)
    read = read_token(index)
    assert index.request("DELETE", "/v1/repositories/alice/web", alice).status == 202
    assert index.request("GET", IMAGES, read).status == 404


def test_a_write_token_and_an_account_see_a_push_elsewhere_at_once(index: Index) -> None:
    alice = index.account("alice")
    write = f"Token {index.push('alice/web', alice, A)}"
    read_token(index)
    index.restarted().push("alice/web", alice, B)
    assert index.ids("alice/web", write) == [A, B]
    assert index.ids("alice/web", alice) == [A, B]
    assert index.ids("alice/web") == [A, B]
    assert index.request("GET", f"/v1/repositories/alice/web/layer/{B}/access", write).json == {"access": True}


def test_what_is_remembered_of_one_life_is_nothing_in_the_next(index: Index) -> None:
    alice = index.account("alice")
    index.push("alice/web", alice, A)
    old = read_token(index)
    elsewhere = index.restarted()
    elsewhere.request("DELETE", "/v1/repositories/alice/web", alice)
    elsewhere.push("alice/web", alice, B)
    new = f"Token {elsewhere.request('GET', IMAGES, token=True).token}"
    assert index.ids("alice/web", new) == [B]
    assert index.request("GET", IMAGES, old).status == 401


def test_what_is_remembered_of_one_life_ends_where_the_next_begins(index: Index) -> None:
    alice = index.account("alice")
    index.push("alice/web", alice, A)
    old = read_token(index)
    index.restarted().request("DELETE", "/v1/repositories/alice/web", alice)
    index.push("alice/web", alice, B)
    assert index.request("GET", IMAGES, old).status == 401


def test_a_list_that_is_changed_while_it_is_read_is_not_remembered(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = index.account("alice")
    index.push("alice/web", alice, A)
    token = f"Token {index.request('GET', IMAGES, token=True).token}"
    read = ImageListStore.read

    def read_and_meanwhile_push(self: ImageListStore, repository: RepositoryName) -> StoredImages:
        found = read(self, repository)
        monkeypatch.setattr(ImageListStore, "read", read)
        index.push("alice/web", alice, B)
        return found

    monkeypatch.setattr(ImageListStore, "read", read_and_meanwhile_push)
    assert index.ids("alice/web", token) == [A], "as it was when it was read"
    assert index.ids("alice/web", token) == [A, B]


def test_unless_told_nothing_is_remembered_and_a_deletion_elsewhere_is_seen_at_once(
    make_index: Callable[..., Index],
) -> None:
    index = make_index()
    alice = index.account("alice")
    index.push("alice/web", alice, A)
    read = read_token(index)
    elsewhere = index.restarted()
    elsewhere.push("alice/web", alice, B)
    assert index.ids("alice/web", read) == [A, B]
    assert elsewhere.request("DELETE", "/v1/repositories/alice/web", alice).status == 202
    assert index.request("GET", IMAGES, read).status == 404
