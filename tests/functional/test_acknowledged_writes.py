"""An acknowledged push is in the list. Otherwise the response is an error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.bootstrap import Services
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.storage import compaction, image_list_writer
from chalicelib.storage.image_list_writer import ImageListWriter
from chalicelib.storage.image_lists import StoredImages
from chalicelib.storage.segment_codec import pack
from tests.index import Index, basic

BASE, WEB = "/v1/repositories/alice/web", RepositoryName("alice", "web")


@pytest.fixture
def pushed(index: Index) -> Index:
    index.create_account("alice")
    index.push("alice/web", basic("alice"), "first")
    return index


@contextmanager
def once(index: Index, event: str, act: Callable[[], Any]) -> Iterator[None]:
    """Call `act` at the next event of botocore, such as `after-call.dynamodb.PutItem`."""
    events = index.aws.dynamodb.meta.events

    def handle(**_: Any) -> None:
        events.unregister(event, handle, unique_id="once")
        act()

    events.register(event, handle, unique_id="once")
    try:
        yield
    finally:
        events.unregister(event, handle, unique_id="once")


def update(index: Index, image: str, auth: str | None = None) -> int:
    return index.request("PUT", f"{BASE}/images", auth or basic("alice"), json=[{"id": image}]).status


def delete(index: Index) -> None:
    assert index.request("DELETE", BASE, basic("alice")).status == 202


def delete_and_create(index: Index) -> None:
    delete(index)
    index.push("alice/web", basic("alice"), "new")


@pytest.mark.parametrize("event", ["before-call.dynamodb.PutItem", "after-call.dynamodb.PutItem"])
def test_push_that_races_a_deletion_is_not_acknowledged(pushed: Index, event: str) -> None:
    write = f"Token {pushed.push('alice/web', basic('alice'), 'first')}"
    with once(pushed, event, lambda: delete(pushed)):
        assert update(pushed, "late", write) in (401, 404)
    keys = [item.segment for item in pushed.tables.images.query("alice/web")]
    assert all(item.expires for item in pushed.tables.images.query("alice/web"))
    assert len(keys) == 2, "the head and the segment of the first push"


@pytest.mark.parametrize("event", ["before-call.dynamodb.PutItem", "after-call.dynamodb.PutItem"])
def test_push_that_races_a_new_creation_goes_to_the_new_repository(pushed: Index, event: str) -> None:
    with once(pushed, event, lambda: delete_and_create(pushed)):
        assert update(pushed, "late") == 204
    assert pushed.ids("alice/web") == ["new", "late"]


def test_token_of_the_deleted_repository_is_not_acknowledged_for_the_new_one(pushed: Index) -> None:
    write = f"Token {pushed.push('alice/web', basic('alice'), 'first')}"
    with once(pushed, "after-call.dynamodb.PutItem", lambda: delete_and_create(pushed)):
        assert update(pushed, "late", write) == 401
    assert pushed.ids("alice/web") == ["new"]


def test_first_request_of_a_push_is_acknowledged_only_for_an_existing_repository(pushed: Index) -> None:
    with once(pushed, "after-call.dynamodb.PutItem", lambda: delete(pushed)):
        pushed.push("alice/web", basic("alice"), "late")
    assert pushed.ids("alice/web") == ["late"], "the push has created the repository again"


@pytest.mark.parametrize("size", [1_000, 40_000], ids=["one transaction", "several transactions"])
def test_large_push_that_races_a_deletion_is_not_acknowledged(pushed: Index, size: int) -> None:
    body = [{"id": f"{number:064x}"} for number in range(min(size, 29_000))]
    write = f"Token {pushed.push('alice/web', basic('alice'), 'first')}"
    with once(pushed, "before-call.dynamodb.TransactWriteItems", lambda: delete(pushed)):
        assert pushed.request("PUT", f"{BASE}/images", write, json=body).status in (401, 404)


def test_large_push_is_not_split_between_two_repositories(pushed: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.storage.image_list_writer.MAX_RUN_BYTES", 500)
    monkeypatch.setattr("chalicelib.storage.image_list_writer.CHARGED_FROM_BYTES", 1)
    images = [f"{number:064x}" for number in range(20)]
    write = f"Token {pushed.push('alice/web', basic('alice'), 'first')}"
    with once(pushed, "after-call.dynamodb.TransactWriteItems", lambda: delete_and_create(pushed)):
        status = pushed.request("PUT", f"{BASE}/images", write, json=[{"id": image} for image in images]).status
    assert status == 401
    assert pushed.ids("alice/web") == ["new"]


def test_replaced_checksum_that_races_a_deletion_is_not_acknowledged(pushed: Index) -> None:
    old, new = ([{"id": "image", "checksum": f"sha256:{digit * 64}"}] for digit in "ab")
    assert pushed.request("PUT", f"{BASE}/images", basic("alice"), json=old).status == 204
    with once(pushed, "before-call.dynamodb.TransactWriteItems", lambda: delete(pushed)):
        assert pushed.request("PUT", f"{BASE}/images", basic("alice"), json=new).status == 404


def test_push_is_not_acknowledged_if_the_head_cannot_be_read(pushed: Index) -> None:
    def time_out(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="an unreachable service")

    def fail() -> None:
        events.register("before-call.dynamodb.GetItem", time_out, unique_id="time out")

    events = pushed.aws.dynamodb.meta.events
    write = f"Token {pushed.push('alice/web', basic('alice'), 'first')}"
    try:
        with once(pushed, "after-call.dynamodb.PutItem", fail):
            assert update(pushed, "late", write) == 503
    finally:
        events.unregister("before-call.dynamodb.GetItem", time_out, unique_id="time out")


def test_push_during_a_rewrite_is_kept(pushed: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (compaction, image_list_writer):
        monkeypatch.setattr(module, "YOUNG_BYTES", 400)
        monkeypatch.setattr(module, "MAX_RUN_BYTES", 1_200)
    monkeypatch.setattr(image_list_writer, "pack", partial(pack, segment_bytes=350))
    rewrite = ImageListWriter._rewrite
    names = iter(["during", "again"])

    def push_and_rewrite(self: ImageListWriter, repository: RepositoryName, stored: StoredImages, head: Any) -> None:
        name = next(names, None)
        if name is not None:
            assert update(pushed, name) == 204
        rewrite(self, repository, stored, head)

    monkeypatch.setattr(ImageListWriter, "_rewrite", push_and_rewrite)
    images = [f"{number:064x}" for number in range(40)]
    for digit in "abcdef":
        body = [{"id": image, "checksum": f"sha256:{digit * 64}"} for image in images]
        assert pushed.request("PUT", f"{BASE}/images", basic("alice"), json=body).status == 204
    assert next(names, None) is None, "the rewrite has happened"
    assert set(pushed.ids("alice/web")) == {"first", "during", "again", *images}


def test_transfer_finds_what_was_acknowledged_before_it(pushed: Index) -> None:
    """A transfer marks the source first and copies the list then; see chalicelib/repositories/transfer.py."""
    stores = Services(pushed.settings, pushed.aws).stores
    copied: list[dict[str, str]] = []

    def transfer() -> None:
        repository, stored = stores.repositories.get(WEB), stores.images.read(WEB)
        assert repository is not None
        stores.repositories.delete(repository, stored, confirmed=True)
        copied.append(stores.images.read(WEB).merged())

    assert update(pushed, "second") == 204
    with once(pushed, "after-call.dynamodb.PutItem", transfer):
        assert update(pushed, "late") == 404
    assert copied[0].keys() >= {"first", "second"}


def test_unknown_outcome_of_a_creation_invalidates_the_cache(make_index: Any) -> None:
    """A container answers an old token from its cache although it has created the repository again."""
    index: Index = make_index(image_list_cache_seconds=2)
    index.create_account("alice")
    other = index.restart()
    index.push("alice/web", basic("alice"), "first")
    read = f"Token {index.request('GET', f'{BASE}/images', token=True).token}"
    assert index.request("GET", f"{BASE}/images", read).status == 200
    delete(other)

    def lose_response() -> None:
        raise ReadTimeoutError(endpoint_url="an unreachable service")

    with once(index, "after-call.dynamodb.TransactWriteItems", lose_response):
        assert index.request("PUT", BASE, basic("alice"), json=[{"id": "new"}]).status == 503
    assert index.request("PUT", BASE, basic("alice"), json=[{"id": "new"}]).status == 200
    assert index.request("GET", f"{BASE}/images", read).status == 401
