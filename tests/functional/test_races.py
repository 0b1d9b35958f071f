"""Many at once: nothing acknowledged is lost, nothing is made twice."""

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository
from chalicelib.storage.image_lists import ImageListStore
from chalicelib.storage.repositories import RepositoryStore
from tests.index import Index, Response, basic

BASE, OURS = "/v1/repositories/alice/web", "/v1/namespaces/alice/repositories/web"


def together(count: int, act: Callable[[int], Response]) -> list[Response]:
    """Runs `act` in `count` threads that start at one moment."""
    gate = threading.Barrier(count)

    def run(number: int) -> Response:
        gate.wait()
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_fifty_pushes_to_one_new_repository_lose_nothing(index: Index) -> None:
    alice = index.account("alice")
    ids = [f"{n:064x}" for n in range(50)]
    replies = together(50, lambda n: index.request("PUT", BASE, alice, json=[{"id": ids[n]}], token=True))
    assert [response.status for response in replies] == [200] * 50
    assert sorted(index.ids("alice/web")) == ids
    assert len({response.token.split(".")[3] for response in replies}) == 1, "all of them in one life of the repository"


@pytest.mark.exhaustive
def test_fifty_updates_while_segments_are_compacted_lose_nothing(index: Index) -> None:
    alice = index.account("alice")
    index.push("alice/web", alice)
    for wave in range(4):

        def update(n: int, wave: int = wave) -> Response:
            image = {"id": f"{wave:032x}{n:032x}", "checksum": f"sha256:{n:064x}"}
            return index.request("PUT", f"{BASE}/images", alice, json=[image])

        replies = together(50, update)
        assert [response.status for response in replies] == [204] * 50
    found = {entry["id"]: entry["checksum"] for entry in index.request("GET", f"{BASE}/images").json}
    assert found == {f"{wave:032x}{n:032x}": f"sha256:{n:064x}" for wave in range(4) for n in range(50)}
    for n in range(5):
        index.push("alice/web", alice, f"last{n}")
    assert len(list(index.tables.images.query("alice/web"))) < 60, "200 pushes were packed into fewer segments"


def test_fifty_registrations_of_one_name_make_one_account(index: Index) -> None:
    replies = together(
        50,
        lambda n: index.request(
            "POST",
            "/v1/users/",
            json={"username": "alice", "password": f"password {n}", "email": f"alice{n}@example.com"},
        ),
    )
    assert sorted(response.status for response in replies) == [201] + [400] * 49
    assert {response.body for response in replies if response.status == 400} == {b'"Username or email already exists"'}
    assert len(list(index.tables.users.scan())) == 1
    assert len(list(index.tables.emails.scan())) == 1


def test_two_registrations_of_one_address_make_one_account(index: Index) -> None:
    for attempt in range(5):

        def register(n: int, attempt: int = attempt) -> Response:
            form = {"username": f"user_{attempt}_{n}", "password": "password", "email": f"one{attempt}@example.com"}
            return index.request("POST", "/v1/users/", json=form)

        replies = together(2, register)
        assert sorted(response.status for response in replies) == [201, 400]
    assert len(list(index.tables.users.scan())) == 5


def test_pushes_and_deletions_at_once_leave_one_life_or_none(index: Index) -> None:
    alice = index.account("alice")
    for _ in range(5):
        index.push("alice/web", alice, "first")
        together(
            12,
            lambda n: (
                index.request("DELETE", BASE, alice)
                if n % 3 == 0
                else index.request("PUT", BASE, alice, json=[{"id": f"image{n}"}])
            ),
        )
        response = index.request("GET", f"{BASE}/images")
        active_head = list(index.tables.repositories.query("alice"))
        assert (response.status, len(active_head)) in ((200, 1), (404, 0)), (
            "the list and the item live and die together"
        )


def test_a_push_that_raced_a_deletion_does_not_leak_into_the_next_life(index: Index) -> None:
    alice = index.account("alice")
    write = f"Token {index.push('alice/web', alice, 'old')}"
    late = index.tables.images("alice/web", f"segment/{write.split('.')[3]}/{0:020x}/0000", packed=b"\1")
    index.request("DELETE", BASE, alice)
    index.push("alice/web", alice, "new")
    late.save()  # the segment of a writer that had read the old head
    assert index.ids("alice/web") == ["new"]
    for n in range(20):
        index.push("alice/web", alice, f"more{n}")
    assert late.segment not in [item.segment for item in index.tables.images.query("alice/web")], "compaction swept it"


@pytest.mark.parametrize("pushes", [1, 2, 5])
def test_a_checksum_that_replaces_another_outlives_a_compaction_that_has_not_seen_it(
    index: Index, monkeypatch: pytest.MonkeyPatch, pushes: int
) -> None:
    alice, image, old, new = index.account("alice"), "c" * 64, "sha256:" + "a" * 64, "sha256:" + "b" * 64
    index.push("alice/web", alice)
    assert index.request("PUT", f"{BASE}/images", alice, json=[{"id": image, "checksum": old}]).status == 204
    for n in range(14):
        index.push("alice/web", alice, f"before{n}")
    append = ImageListStore.append

    def others_meanwhile(self: ImageListStore, *args: Any, **more: Any) -> None:
        """Between the reading of the list and the writing."""
        monkeypatch.setattr(ImageListStore, "append", append)
        at = time.time_ns()
        for n in range(pushes):
            index.push("alice/web", alice, f"meanwhile{n}")
        with monkeypatch.context() as late:
            late.setattr("chalicelib.storage.image_lists.time", SimpleNamespace(time_ns=lambda: at))
            append(self, *args, **more)

    monkeypatch.setattr(ImageListStore, "append", others_meanwhile)
    assert index.request("PUT", f"{BASE}/images", alice, json=[{"id": image, "checksum": new}]).status == 204
    found = {entry["id"]: entry.get("checksum") for entry in index.request("GET", f"{BASE}/images").json}
    assert found[image] == new
    assert len(found) == 15 + pushes, "and nothing else is lost"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("DELETE", BASE, None, 404),
        ("PUT", OURS, {"private": False}, 404),
        ("PUT", OURS, {"description": "mine"}, 404),
        ("GET", OURS, None, 404),
    ],
)
def test_who_was_admitted_to_one_life_is_not_to_the_next(
    index: Index, monkeypatch: pytest.MonkeyPatch, method: str, path: str, body: object, status: int
) -> None:
    alice, bobby = index.account("alice"), index.account("bobby")
    index.push("alice/web", alice)
    assert index.request("PUT", f"{OURS}/collaborators/bobby", alice, json={"access": "admin"}).status == 204
    get = RepositoryStore.get

    def created_anew_meanwhile(self: RepositoryStore, repository: RepositoryName) -> Repository | None:
        """Between the reading of the head, which admits, and of what else is known."""
        monkeypatch.setattr(RepositoryStore, "get", get)
        assert index.request("DELETE", BASE, alice).status == 202
        index.push("alice/web", alice)
        assert index.request("PUT", OURS, alice, json={"private": True, "description": "hers"}).status == 204
        return get(self, repository)

    monkeypatch.setattr(RepositoryStore, "get", created_anew_meanwhile)
    assert index.request(method, path, bobby, json=body).status == status
    shown = index.request("GET", OURS, alice).json
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
def test_any_sequence_of_pushes_equals_the_merge_of_their_lists(
    index: Index, pushes: list[list[dict[str, str]]]
) -> None:
    if index.users.get("alice") is None:
        index.account("alice")
    path, expected = f"/v1/repositories/alice/{uuid.uuid4()}", dict[str, str]()
    for number, entries in enumerate(pushes):
        tail = "/images" if number % 2 else ""
        assert index.request("PUT", path + tail, basic("alice"), json=entries).status in (200, 204)
        for entry in entries:
            expected[entry["id"]] = entry.get("checksum") or expected.get(entry["id"], "")
        found = index.request("GET", f"{path}/images").json
        assert [(entry["id"], entry.get("checksum", "")) for entry in found] == list(expected.items())
