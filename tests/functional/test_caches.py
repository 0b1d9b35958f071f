"""The image list cache answers only read tokens, and never shows a list that this container has changed."""

from collections.abc import Callable

import pytest

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.storage.image_lists import ImageListStore, StoredImages
from tests.index import Index

A, B = "a" * 64, "b" * 64
IMAGES = "/v1/repositories/alice/web/images"


@pytest.fixture
def index(make_index: Callable[..., Index]) -> Index:
    """Return an index whose containers cache lists for longer than any setting allows."""
    return make_index(image_list_cache_seconds=3600)


def fill_cache(index: Index) -> str:
    """Return the header of a read token that was used, so that the list is cached."""
    header = f"Token {index.request('GET', IMAGES, token=True).token}"
    assert index.request("GET", IMAGES, header).status == 200
    return header


def test_push_in_the_same_container_is_visible_at_once(index: Index) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice, A)
    read = fill_cache(index)
    index.push("alice/web", alice, B)
    assert index.ids("alice/web", read) == [A, B]
    index.request("PUT", IMAGES, alice, json=[{"id": A, "checksum": "sha256:ab"}])
    assert index.request("GET", IMAGES, read).json == [{"id": A, "checksum": "sha256:ab"}, {"id": B}]


def test_deletion_in_the_same_container_is_visible_at_once(index: Index) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice, A)
    read = fill_cache(index)
    assert index.request("DELETE", "/v1/repositories/alice/web", alice).status == 202
    assert index.request("GET", IMAGES, read).status == 404


def test_write_tokens_and_accounts_see_a_push_in_another_container_at_once(index: Index) -> None:
    alice = index.create_account("alice")
    write = f"Token {index.push('alice/web', alice, A)}"
    fill_cache(index)
    index.restart().push("alice/web", alice, B)
    assert index.ids("alice/web", write) == [A, B]
    assert index.ids("alice/web", alice) == [A, B]
    assert index.ids("alice/web") == [A, B]
    assert index.request("GET", f"/v1/repositories/alice/web/layer/{B}/access", write).json == {"access": True}


def test_cached_list_is_not_used_for_a_later_generation(index: Index) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice, A)
    old = fill_cache(index)
    other_container = index.restart()
    other_container.request("DELETE", "/v1/repositories/alice/web", alice)
    other_container.push("alice/web", alice, B)
    new = f"Token {other_container.request('GET', IMAGES, token=True).token}"
    assert index.ids("alice/web", new) == [B]
    assert index.request("GET", IMAGES, old).status == 401


def test_creation_in_the_same_container_removes_the_list_of_the_earlier_generation(index: Index) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice, A)
    old = fill_cache(index)
    index.restart().request("DELETE", "/v1/repositories/alice/web", alice)
    index.push("alice/web", alice, B)
    assert index.request("GET", IMAGES, old).status == 401


def test_list_that_changes_while_it_is_read_is_not_cached(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice, A)
    token = f"Token {index.request('GET', IMAGES, token=True).token}"
    read = ImageListStore.read

    def read_and_then_push(self: ImageListStore, repository: RepositoryName) -> StoredImages:
        stored = read(self, repository)
        monkeypatch.setattr(ImageListStore, "read", read)
        index.push("alice/web", alice, B)
        return stored

    monkeypatch.setattr(ImageListStore, "read", read_and_then_push)
    assert index.ids("alice/web", token) == [A], "the list at the time of the read"
    assert index.ids("alice/web", token) == [A, B]


def test_lists_are_not_cached_by_default(make_index: Callable[..., Index]) -> None:
    index = make_index()
    alice = index.create_account("alice")
    index.push("alice/web", alice, A)
    read = fill_cache(index)
    other_container = index.restart()
    other_container.push("alice/web", alice, B)
    assert index.ids("alice/web", read) == [A, B]
    assert other_container.request("DELETE", "/v1/repositories/alice/web", alice).status == 202
    assert index.request("GET", IMAGES, read).status == 404
