"""The stored size of image lists is bounded, and no rewrite loses an entry."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from chalicelib.bootstrap import Services, Stores
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.image_list import find_changes
from chalicelib.storage import compaction, image_list_writer
from chalicelib.storage.compaction import YOUNG_BYTES
from chalicelib.storage.image_list_writer import ImageListWriter
from chalicelib.storage.image_lists import StoredImages
from chalicelib.storage.segment_codec import pack
from chalicelib.storage.tables import Tables
from chalicelib.storage.transactions import Conflict
from tests.index import Index, basic
from tests.together import run_together

BASE = "/v1/repositories/alice/web"
WEB = RepositoryName("alice", "web")


def stores_of(index: Index) -> Stores:
    return Services(index.settings, index.aws).stores


def entries(length: int, checksum: int | None = None, start: int = 0) -> list[dict[str, str]]:
    ids = (f"{number:064x}" for number in range(start, start + length))
    return [{"id": i} if checksum is None else {"id": i, "checksum": f"sha256:{checksum:064x}"} for i in ids]


def check_size(index: Index, repository: RepositoryName = WEB) -> StoredImages:
    stored = stores_of(index).images.read(repository)
    merged = sum(map(len, pack(stored.merged())))
    assert stored.size <= 2 * merged + YOUNG_BYTES
    return stored


@pytest.mark.exhaustive
def test_replaced_checksums_are_removed(index: Index) -> None:
    alice, images = index.create_account("alice"), 1_500
    for number in range(31):
        assert index.request("PUT", BASE, alice, json=entries(images, number)).status == 200
        check_size(index)
    response = index.request("GET", f"{BASE}/images")
    assert response.json == entries(images, 30)
    index.calls.clear()
    assert index.request("GET", f"{BASE}/layer/x/access").status == 404
    assert index.calls.count("dynamodb.Query") == 1


@pytest.mark.exhaustive
def test_equal_pushes_at_the_same_time_are_stored_about_once(index: Index) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice)
    body = entries(6_000, 1)
    responses = run_together(8, lambda _: index.request("PUT", f"{BASE}/images", alice, json=body))
    assert {response.status for response in responses} == {204}
    check_size(index)
    assert index.request("GET", f"{BASE}/images").json == body


def test_large_pushes_that_started_from_one_list_are_stored_about_once(index: Index) -> None:
    index.create_account("alice")
    index.push("alice/web", basic("alice"))
    stores = stores_of(index)
    stored, images = stores.images.read(WEB), {f"{number:064x}": "" for number in range(12_000)}
    for _ in range(5):
        stores.image_writer.append(WEB, stored, images)
        check_size(index)
    assert stores.images.read(WEB).merged() == images


def test_rewrite_is_repeated_after_another_writer_has_changed_the_list(
    index: Index, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, stores = index.create_account("alice"), stores_of(index)
    images = [{entry["id"]: entry["checksum"] for entry in entries(30, number)} for number in range(6)]
    index.push("alice/web", alice)
    with monkeypatch.context() as patch:
        patch.setattr(ImageListWriter, "reclaim", lambda *_: None)
        for changes in images:
            stores.image_writer.append(WEB, stores.images.read(WEB), changes, replaces=changes is not images[0])
        stored = stores.images.read(WEB)
        stores.image_writer.append(WEB, stored, {"odd": ""}, replaces=True)  # replaces the last segment of `stored`
    stores.image_writer.reclaim(WEB, stored)
    after = stores.images.read(WEB)
    assert after.size < stored.size / 2
    assert after.merged() == {**images[-1], "odd": ""}


def test_late_expiry_leaves_the_segments_of_the_next_repository(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository is created again between two pages of the Query."""
    alice, stores = index.create_account("alice"), stores_of(index)
    index.push("alice/web", alice, "old")
    assert index.request("DELETE", BASE, alice).status == 202
    query = Tables.query_image_items

    def create_between_pages(self: Tables, repository: str) -> Iterator[Any]:
        monkeypatch.setattr(Tables, "query_image_items", query)
        yield from list(query(self, repository))
        index.push("alice/web", alice, "new")
        yield from list(query(self, repository))[1:]

    monkeypatch.setattr(Tables, "query_image_items", create_between_pages)
    stores.repositories.expire(WEB)
    assert [item.expires for item in index.tables.images.query("alice/web")] == [None, None]


@pytest.mark.exhaustive
def test_all_segments_of_a_deleted_repository_expire(index: Index) -> None:
    alice = index.create_account("alice")
    for number in range(3):
        assert index.request("PUT", BASE, alice, json=entries(6_000, number)).status == 200
    for number in range(20):
        index.push("alice/web", alice, f"image{number}")
    number_of_items = len(list(index.tables.images.query("alice/web")))
    assert index.request("DELETE", BASE, alice).status == 202
    items = list(index.tables.images.query("alice/web"))
    assert len(items) == number_of_items
    assert all(item.expires for item in items)


def test_a_repeated_deletion_writes_no_segment_again(index: Index) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice, "image")
    assert index.request("DELETE", BASE, alice).status == 202
    before = {item.segment: item.expires for item in index.tables.images.query("alice/web")}
    index.calls.clear()
    assert index.request("DELETE", BASE, alice).status == 202
    assert not {"dynamodb.UpdateItem", "dynamodb.TransactWriteItems"} & set(index.calls)
    assert {item.segment: item.expires for item in index.tables.images.query("alice/web")} == before


def test_a_deletion_that_is_repeated_late_does_not_expire_the_next_repository(index: Index) -> None:
    alice, stores = index.create_account("alice"), stores_of(index)
    index.push("alice/web", alice, "old")
    assert index.request("DELETE", BASE, alice).status == 202
    index.push("alice/web", alice, "new")
    stores.repositories.expire(WEB)
    assert [item.expires for item in index.tables.images.query("alice/web")] == [None, None]


def test_segments_of_the_previous_repository_are_deleted(index: Index) -> None:
    alice = index.create_account("alice")
    for number in range(3):
        assert index.request("PUT", BASE, alice, json=entries(6_000, number)).status == 200
    assert index.request("DELETE", BASE, alice).status == 202
    index.push("alice/web", alice, "new")
    assert len(list(index.tables.images.query("alice/web"))) == 2


@pytest.mark.exhaustive
def test_keys_do_not_grow_with_the_number_of_rewrites(index: Index, small: None) -> None:
    alice = index.create_account("alice")
    for number in range(10):
        assert index.request("PUT", BASE, alice, json=entries(40, number)).status == 200
        assert max(len(key) for key, _ in stores_of(index).images.read(WEB).segments) < 80
    assert index.request("GET", f"{BASE}/images").json == entries(40, 9)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reduce all sizes to a thousandth, so that short lists have many segments and runs."""
    for module in (compaction, image_list_writer):
        monkeypatch.setattr(module, "YOUNG_BYTES", 400)
        monkeypatch.setattr(module, "MAX_RUN_BYTES", 1_200)
    monkeypatch.setattr(compaction, "COMPACT_ABOVE", 4)
    monkeypatch.setattr(image_list_writer, "CHARGED_FROM_BYTES", 150)
    monkeypatch.setattr(image_list_writer, "pack", partial(pack, segment_bytes=350))


IMAGES = st.dictionaries(
    st.sampled_from([f"{number:064x}" for number in range(12)] + ["odd0", "odd1"]),
    st.sampled_from(["", *(f"sha256:{number:064x}" for number in range(6)), "odd"]),
    min_size=1,
    max_size=14,
)
APPENDS = st.tuples(st.just("append"), IMAGES)
RECLAIMS = st.tuples(st.just("reclaim"), st.just(dict[str, str]()))
LATE_PUTS = st.tuples(st.just("late put"), IMAGES)
AGES = st.integers(0, 3)  # how many operations ago the list was read
SPLITS = st.floats(0, 1)  # how much of the list was on the first page of the Query


class Model(Struct):
    """The list as a plain dict, with every checksum that concurrent writers allow for each id."""

    allowed: dict[str, set[str]]
    written: dict[str, int]  # the number of the operation that last changed an id

    def accepts(self, images: dict[str, str]) -> bool:
        return images.keys() == self.allowed.keys() and all(images[key] in self.allowed[key] for key in images)

    def write(self, changes: dict[str, str], read_at: int, now: int) -> None:
        for image_id, checksum in changes.items():
            is_concurrent = self.written.get(image_id, -1) >= read_at
            before = self.allowed.get(image_id, set()) if is_concurrent else set[str]()
            known = before | (self.allowed.get(image_id, set()) if not checksum else {checksum})
            self.allowed[image_id] = known or {""}
            self.written[image_id] = now


class Page(Struct, frozen=True):
    """A list that was read, and the number of the operation before which it was read."""

    stored: StoredImages
    at: int


class Repositories:
    """Creates repositories one after the other. The former ones are removed, because moto copies whole tables."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.stores = stores_of(index)
        self._names = (RepositoryName("alice", f"web{number}") for number in count())

    def create(self) -> RepositoryName:
        for table in (self.index.tables.images, self.index.tables.terms, self.index.tables.repositories):
            for item in table.scan():
                item.delete()
        name = next(self._names)
        self.stores.repositories.create(name, StoredImages(), {})
        return name


@pytest.fixture
def repositories(make_index: Any, small: None) -> Repositories:
    index = make_index(max_repositories=1_000_000)
    index.create_account("alice")
    return Repositories(index)


@contextmanager
def after_each_write(index: Index, check: Callable[[], None]) -> Iterator[None]:
    events = index.aws.dynamodb.meta.events
    names = [f"after-call.dynamodb.{operation}" for operation in ("PutItem", "TransactWriteItems")]

    def handle(**_: Any) -> None:
        check()

    for name in names:
        events.register(name, handle, unique_id=f"check {name}")
    try:
        yield
    finally:
        for name in names:
            events.unregister(name, handle, unique_id=f"check {name}")


@pytest.mark.exhaustive
@settings(max_examples=25)
@given(st.lists(st.one_of(APPENDS, APPENDS, RECLAIMS), min_size=1, max_size=20))
def test_list_equals_a_plain_dict_after_every_write(
    repositories: Repositories, operations: list[tuple[str, dict[str, str]]]
) -> None:
    stores, name = repositories.stores, repositories.create()
    merged: dict[str, str] = {}
    states: list[dict[str, str]] = []
    with after_each_write(repositories.index, lambda: states.append(stores.images.read(name).merged())):
        for kind, images in operations:
            stored, before = stores.images.read(name), dict(merged)
            changes = find_changes(merged, images) if kind == "append" else {}
            for image_id, checksum in changes.items():
                merged[image_id] = checksum or merged.get(image_id, "")
            states.clear()
            if changes:
                replaces = any(before.get(image_id) for image_id in changes)
                stores.image_writer.append(name, stored, changes, replaces=replaces)
            else:
                stores.image_writer.reclaim(name, stored)
            expected = [list(before.items()), list(merged.items())]
            if len(str(changes)) < 1_200:  # a longer list is written in several parts
                assert all(list(state.items()) in expected for state in states)
            stored = stores.images.read(name)
            assert list(stored.merged().items()) == list(merged.items())
            assert stored.size <= 2 * sum(map(len, pack(merged, 350))) + 400


Operations = list[tuple[tuple[str, dict[str, str]], int, float]]
OPERATIONS = st.lists(st.tuples(st.one_of(APPENDS, RECLAIMS, LATE_PUTS), AGES, SPLITS), min_size=2, max_size=24)


@pytest.mark.exhaustive
@settings(max_examples=25)
@given(OPERATIONS)
def test_writers_with_old_and_mixed_reads_lose_nothing(repositories: Repositories, operations: Operations) -> None:
    run_mixed(repositories, operations)


@pytest.mark.exhaustive
@settings(max_examples=300)
@given(OPERATIONS)
def test_many_writers_with_old_and_mixed_reads_lose_nothing(repositories: Repositories, operations: Operations) -> None:
    run_mixed(repositories, operations)


def run_mixed(repositories: Repositories, operations: Operations) -> None:
    """Run operations. A Query of several pages is not a snapshot, and another writer can be faster after it.

    Each operation starts from a list whose beginning was read up to three operations earlier than its end.
    """
    stores, name = repositories.stores, repositories.create()
    model, pages = Model({}, {}), [Page(stores.images.read(name), 0)]
    late: list[tuple[int, Any, dict[str, str], int]] = []
    for now, ((kind, images), age, split) in enumerate(operations):
        first = pages[max(0, len(pages) - 1 - age)]
        stored = mix(first.stored, pages[-1].stored, split)
        for image_id, checksum in stored.merged().items():  # nothing that was written before is missing
            assert model.written[image_id] >= first.at or checksum in model.allowed[image_id]
        assert all(key in stored.merged() for key, time in model.written.items() if time < first.at)
        changes = find_changes(stored.merged(), images)
        replaces = any(stored.merged().get(image_id) for image_id in changes)
        if kind == "reclaim":
            stores.image_writer.reclaim(name, stored)
        elif kind == "append" and changes:
            try:
                stores.image_writer.append(name, stored, changes, replaces=replaces)
                model.write(changes, first.at, now)
            except Conflict:
                pass  # a large list can be stored in part; no other test needs that
        elif kind == "late put" and changes and not replaces and stored.active_head is not None:
            last = stored.segments[-1][0] if stored.segments else None
            items = stores.images.segment_items(name, stored.active_head.generation, pack(changes, 10**6), after=last)
            late.append((now + 2, items[0], changes, first.at))
        for due, item, delayed, read_at in list(late):
            if due == now:
                item.save()
                model.write(delayed, read_at, now)
        pages.append(Page(stores.images.read(name), now + 1))
        assert model.accepts(pages[-1].stored.merged())


def mix(first: StoredImages, second: StoredImages, split: float) -> StoredImages:
    """Return what a Query reads whose first page ends within `first`, and whose second page is a part of `second`."""
    end = round(split * len(first.segments))
    last = first.segments[end - 1][0] if end else ""
    rest = tuple(segment for segment in second.segments if segment[0] > last)
    return StoredImages(first.head, (*first.segments[:end], *rest))


@pytest.mark.exhaustive
def test_concurrent_pushes_and_rewrites_lose_nothing(index: Index, small: None) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice)

    def push(worker: int) -> None:
        for number in range(8):
            body = entries(6, number, 10 * worker)
            while (status := index.request("PUT", f"{BASE}/images", alice, json=body).status) == 503:
                pass  # nothing was acknowledged
            assert status == 204

    run_together(4, push)
    found = {entry["id"]: entry["checksum"] for entry in index.request("GET", f"{BASE}/images", basic("alice")).json}
    expected = [entry for worker in range(4) for entry in entries(6, 7, 10 * worker)]
    assert found == {entry["id"]: entry["checksum"] for entry in expected}
