"""Concurrent requests lose nothing that was acknowledged, and create nothing twice."""

import time
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.accounts.login_throttle import MAX_REGISTRATIONS
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository
from chalicelib.storage.image_list_writer import ImageListWriter
from chalicelib.storage.repositories import RepositoryStore
from tests.index import Index, Response, basic
from tests.together import run_together

BASE, NAMESPACED = "/v1/repositories/alice/web", "/v1/namespaces/alice/repositories/web"
REQUESTS = 50  # at the same time


def generation_of(token: str) -> str:
    return token.split(".")[3]


def test_concurrent_pushes_to_a_new_repository_lose_nothing(index: Index) -> None:
    alice = index.create_account("alice")
    assert index.request("GET", "/v1/users/", alice).status == 200, "a new network may send 20 passwords at once"
    ids = [f"{n:064x}" for n in range(REQUESTS)]
    responses = run_together(REQUESTS, lambda n: index.request("PUT", BASE, alice, json=[{"id": ids[n]}], token=True))
    assert [response.status for response in responses] == [200] * REQUESTS
    assert sorted(index.ids("alice/web")) == ids
    assert len({generation_of(response.token) for response in responses}) == 1, "all created the same generation"


@pytest.mark.exhaustive
def test_concurrent_updates_during_compactions_lose_nothing(index: Index) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice)
    for wave in range(4):

        def update(n: int, wave: int = wave) -> Response:
            image = {"id": f"{wave:032x}{n:032x}", "checksum": f"sha256:{n:064x}"}
            return index.request("PUT", f"{BASE}/images", alice, json=[image])

        responses = run_together(REQUESTS, update)
        assert [response.status for response in responses] == [204] * REQUESTS
    listed = {entry["id"]: entry["checksum"] for entry in index.request("GET", f"{BASE}/images").json}
    assert listed == {f"{wave:032x}{n:032x}": f"sha256:{n:064x}" for wave in range(4) for n in range(REQUESTS)}
    for n in range(5):
        index.push("alice/web", alice, f"last{n}")
    assert len(list(index.tables.images.query("alice/web"))) < 60, "200 pushes were compacted into fewer segments"


def test_concurrent_registrations_of_one_username_create_one_account(index: Index) -> None:
    responses = run_together(
        MAX_REGISTRATIONS,
        lambda n: index.request(
            "POST",
            "/v1/users/",
            json={"username": "alice", "password": f"password {n}", "email": f"alice{n}@example.com"},
        ),
    )
    assert sorted(response.status for response in responses) == [201] + [400] * (MAX_REGISTRATIONS - 1)
    bodies = {response.body for response in responses if response.status == 400}
    assert bodies == {b'"Username or email already exists"'}
    assert len(list(index.tables.users.scan())) == 1
    assert len(list(index.tables.emails.scan())) == 1


def test_concurrent_registrations_of_one_email_create_one_account(index: Index) -> None:
    for attempt in range(5):

        def register(n: int, attempt: int = attempt) -> Response:
            form = {"username": f"user_{attempt}_{n}", "password": "password", "email": f"one{attempt}@example.com"}
            return index.request("POST", "/v1/users/", json=form)

        responses = run_together(2, register)
        assert sorted(response.status for response in responses) == [201, 400]
    assert len(list(index.tables.users.scan())) == 5


@pytest.mark.exhaustive
def test_concurrent_pushes_and_deletions_leave_a_whole_repository_or_none(index: Index) -> None:
    alice = index.create_account("alice")
    for _ in range(5):
        index.push("alice/web", alice, "first")
        run_together(
            12,
            lambda n: (
                index.request("DELETE", BASE, alice)
                if n % 3 == 0
                else index.request("PUT", BASE, alice, json=[{"id": f"image{n}"}])
            ),
        )
        response = index.request("GET", f"{BASE}/images")
        items = list(index.tables.repositories.query("alice"))
        assert (response.status, len(items)) in ((200, 1), (404, 0)), "the head and the item agree"


@pytest.mark.exhaustive
def test_late_segment_of_a_deleted_generation_is_ignored_and_removed(index: Index) -> None:
    alice = index.create_account("alice")
    generation = generation_of(index.push("alice/web", alice, "old"))
    late = index.tables.images("alice/web", f"segment/{generation}/{0:020x}/0000", packed=b"\1")
    index.request("DELETE", BASE, alice)
    index.push("alice/web", alice, "new")
    late.save()  # by a writer that read the head before the deletion
    assert index.ids("alice/web") == ["new"]
    for n in range(20):
        index.push("alice/web", alice, f"more{n}")
    segments = [item.segment for item in index.tables.images.query("alice/web")]
    assert late.segment not in segments, "a compaction removed it"


@pytest.mark.parametrize("pushes", [1, 2, 5])
def test_replaced_checksum_survives_a_compaction_that_has_not_read_it(
    index: Index, monkeypatch: pytest.MonkeyPatch, pushes: int
) -> None:
    alice, image, old, new = index.create_account("alice"), "c" * 64, "sha256:" + "a" * 64, "sha256:" + "b" * 64
    index.push("alice/web", alice)
    assert index.request("PUT", f"{BASE}/images", alice, json=[{"id": image, "checksum": old}]).status == 204
    for n in range(14):
        index.push("alice/web", alice, f"before{n}")
    append = ImageListWriter.append

    def push_and_then_append(self: ImageListWriter, *args: Any, **options: Any) -> int:
        """Push between the read and the write of the list."""
        monkeypatch.setattr(ImageListWriter, "append", append)
        before = time.time_ns()
        for n in range(pushes):
            index.push("alice/web", alice, f"meanwhile{n}")
        with monkeypatch.context() as slow_clock:
            slow_clock.setattr("chalicelib.storage.image_lists.time", SimpleNamespace(time_ns=lambda: before))
            return append(self, *args, **options)

    monkeypatch.setattr(ImageListWriter, "append", push_and_then_append)
    assert index.request("PUT", f"{BASE}/images", alice, json=[{"id": image, "checksum": new}]).status == 204
    listed = {entry["id"]: entry.get("checksum") for entry in index.request("GET", f"{BASE}/images").json}
    assert listed[image] == new
    assert len(listed) == 15 + pushes, "nothing else is lost"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("DELETE", BASE, None, 404),
        ("PUT", NAMESPACED, {"private": False}, 404),
        ("PUT", NAMESPACED, {"description": "mine"}, 404),
        ("GET", NAMESPACED, None, 404),
    ],
)
def test_authorization_for_one_generation_is_not_valid_for_the_next(
    index: Index, monkeypatch: pytest.MonkeyPatch, method: str, path: str, body: object, status: int
) -> None:
    alice, bobby = index.create_account("alice"), index.create_account("bobby")
    index.push("alice/web", alice)
    assert index.request("PUT", f"{NAMESPACED}/collaborators/bobby", alice, json={"access": "admin"}).status == 204
    get = RepositoryStore.get

    def recreate_and_then_get(self: RepositoryStore, repository: RepositoryName) -> Repository | None:
        """Recreate the repository between the read of the head and the read of the item."""
        monkeypatch.setattr(RepositoryStore, "get", get)
        assert index.request("DELETE", BASE, alice).status == 202
        index.push("alice/web", alice)
        assert index.request("PUT", NAMESPACED, alice, json={"private": True, "description": "hers"}).status == 204
        return get(self, repository)

    monkeypatch.setattr(RepositoryStore, "get", recreate_and_then_get)
    assert index.request(method, path, bobby, json=body).status == status
    shown = index.request("GET", NAMESPACED, alice).json
    assert (shown["private"], shown["description"]) == (True, "hers")


PUSHES = st.lists(
    st.lists(
        st.fixed_dictionaries(
            {"id": st.sampled_from([*"abcdef", "0" * 64, "f" * 64])},
            optional={"checksum": st.sampled_from(["", "sha256:" + "1" * 64, "2" * 64, "odd0"])},
        ),
        max_size=4,
        unique_by=lambda entry: entry["id"],
    ),
    min_size=1,
    max_size=30,
)


@pytest.mark.exhaustive
@settings(max_examples=40)
@given(PUSHES)
def test_sequence_of_pushes_equals_the_merge_of_their_lists(index: Index, pushes: list[list[dict[str, str]]]) -> None:
    if index.users.get("alice") is None:
        index.create_account("alice")
    path, expected = f"/v1/repositories/alice/{uuid.uuid4()}", dict[str, str]()
    for number, entries in enumerate(pushes):
        suffix = "/images" if number % 2 else ""
        assert index.request("PUT", path + suffix, basic("alice"), json=entries).status in (200, 204)
        for entry in entries:
            expected[entry["id"]] = entry.get("checksum") or expected.get(entry["id"], "")
        listed = index.request("GET", f"{path}/images").json
        assert [(entry["id"], entry.get("checksum", "")) for entry in listed] == list(expected.items())
