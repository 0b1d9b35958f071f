"""Random concurrent histories over several containers, held against the sequential model (`tests/histories`).

Who goes next is chosen at each call to AWS, by a seed: `HISTORY=1234` plays the history of that seed alone.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from unittest.mock import patch

import pytest
from msgspec.structs import replace

from chalicelib.accounts.robots import Robots
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import RepositoryState
from chalicelib.domain.roles import Grant, Role
from chalicelib.repositories.authorization import _admit_token
from chalicelib.repositories.image_lists import ImageLists
from chalicelib.security.passwords import Passwords
from chalicelib.storage.collaborators import CollaboratorStore
from chalicelib.storage.image_lists import ImageListStore, StoredImages
from chalicelib.storage.repositories import RepositoryStore
from chalicelib.storage.segment_codec import pack
from tests.index import Index
from tests.linearizability.checker import Inexplicable
from tests.linearizability.run import CLIENTS, CONTAINERS, SETTINGS, play

MakeIndex = Callable[..., Index]
GROUPS, IN_A_GROUP, IN_A_LONG_GROUP = 4, 16, 50
IMAGE_LIST_CACHE_SECONDS = (0, 2)  # every other group has containers that remember lists
MAX_TRIED = 80  # histories, until one catches what is broken


def _play(make_index: MakeIndex, seeds: Iterable[int], image_list_cache_seconds: int) -> None:
    index, requests, histories, worlds = (
        make_index(**SETTINGS, image_list_cache_seconds=image_list_cache_seconds),
        Counter[str](),
        0,
        0,
    )
    for seed in seeds:
        played = play(index, seed)
        requests.update(f"{request.kind} {request.status}" for request in played.history.requests)
        histories, worlds = histories + 1, max(worlds, played.worlds)
    print(
        f"{histories} histories of {CLIENTS} clients on {CONTAINERS} containers: {requests.total()} requests, "
        f"at most {worlds} worlds at once; {dict(sorted(requests.items()))}"
    )
    assert requests.total() > 25 * histories
    assert requests.keys().isdisjoint({"push 500", "push 503"}), "nobody waits long for his turn here"


@pytest.mark.exhaustive
@pytest.mark.parametrize("group", range(GROUPS))
def test_a_model_explains_every_history(make_index: MakeIndex, group: int) -> None:
    _play(make_index, range(group * IN_A_GROUP, (group + 1) * IN_A_GROUP), IMAGE_LIST_CACHE_SECONDS[group % 2])


@pytest.mark.soak
@pytest.mark.parametrize("group", range(10))
def test_a_model_explains_many_histories(make_index: MakeIndex, group: int) -> None:
    first = 10_000 + group * IN_A_LONG_GROUP
    _play(make_index, range(first, first + IN_A_LONG_GROUP), IMAGE_LIST_CACHE_SECONDS[group % 2])


@pytest.mark.skipif("HISTORY" not in os.environ, reason="HISTORY=… names the seed of one")
def test_the_history_of_one_seed(make_index: MakeIndex) -> None:
    for image_list_cache_seconds in IMAGE_LIST_CACHE_SECONDS:
        _play(make_index, [int(os.environ["HISTORY"])], image_list_cache_seconds)


def test_a_seed_makes_the_same_history_again(make_index: MakeIndex) -> None:
    first, again = (play(make_index(**SETTINGS), 7).history.requests for _ in range(2))
    assert [str(request) for request in first] == [str(request) for request in again]
    other = play(make_index(**SETTINGS), 8).history.requests
    assert [request.kind for request in first] != [request.kind for request in other]


# What is broken on purpose.


def _read_modify_write(
    self: ImageListStore, repository: RepositoryName, stored: StoredImages, images: dict[str, str], *, replaces: bool
) -> None:
    """A list in one piece: who writes last has forgotten what was pushed since it was read."""
    assert stored.active_head is not None
    merged = stored.merged() | images
    self.delete_orphans(repository, [key for key, _ in stored.segments])
    for item in self.segments(repository, stored.active_head.generation, pack(merged)):
        item.save()


def _for_any_life(grant: Grant, head: RepositoryState | None, required: Role) -> RepositoryState:
    return _admit_token(grant if head is None else replace(grant, generation=head.generation), head, required)


class _TooLong:
    """Twice as long as was said."""

    def __get__(self, lists: ImageLists, _: type) -> int:
        return 4

    def __set__(self, lists: ImageLists, _: float) -> None:
        """Nothing that is said changes it."""


def _compacts_without_the_push(compact: Callable[..., None]) -> Callable[..., None]:
    return lambda self, repository, head, old, _: compact(self, repository, head, old, {})


BROKEN: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "a push overwrites": lambda: patch.object(ImageListStore, "append", _read_modify_write),
    "a compaction loses the push that it comes with": lambda: patch.object(
        ImageListStore, "_compact", _compacts_without_the_push(ImageListStore._compact)
    ),
    "a token is good in every life": lambda: patch("chalicelib.repositories.authorization._admit_token", _for_any_life),
    "a password is remembered whatever is stored": lambda: patch.object(
        Passwords, "_mark", lambda _, secret, __: secret
    ),
    "a list is remembered for too long": lambda: patch.object(ImageLists, "_memory", _TooLong(), create=True),
    "a container does not forget what it changes": lambda: patch.object(ImageLists, "forget", lambda *_: None),
    "a share that is taken away stays": lambda: patch.object(CollaboratorStore, "remove", lambda *_: None),
    "a robot that is revoked works on": lambda: patch.object(Robots, "revoke", lambda *_: None),
    "a deletion marks nothing": lambda: patch.object(RepositoryStore, "delete", lambda *_, **__: None),
}


FIRST = {"a container does not forget what it changes": 38, "a share that is taken away stays": 18}  # seeds, for haste


@pytest.mark.exhaustive
@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_broken_is_found(make_index: MakeIndex, broken: str) -> None:
    index = make_index(**SETTINGS, image_list_cache_seconds=2)
    with BROKEN[broken]():
        for seed in range(FIRST.get(broken, 0), FIRST.get(broken, 0) + MAX_TRIED):
            try:
                play(index, seed)
            except Inexplicable as error:
                print(f"{broken}: {str(error).splitlines()[0]}")
                return
    pytest.fail(f"{broken}: {MAX_TRIED} histories found nothing wrong")
