"""Random concurrent histories over several containers are linearizable (`tests/linearizability`).

A seed chooses which thread continues at each call to AWS. `HISTORY=1234` runs only the history of this seed.
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
from chalicelib.repositories.authorization import Authorized, _decide_for_token
from chalicelib.repositories.image_list_cache import ImageListCache
from chalicelib.security.passwords import Passwords
from chalicelib.storage.collaborators import CollaboratorStore
from chalicelib.storage.image_list_writer import ImageListWriter
from chalicelib.storage.image_lists import StoredImages
from chalicelib.storage.repositories import RepositoryStore
from chalicelib.storage.segment_codec import pack
from tests.index import Index
from tests.linearizability.checker import NotLinearizable
from tests.linearizability.run import CLIENTS, CONTAINERS, SETTINGS, run_history

MakeIndex = Callable[..., Index]
GROUPS, GROUP_SIZE = 4, 16
SOAK_GROUPS, SOAK_GROUP_SIZE, FIRST_SOAK_SEED = 10, 50, 10_000
CACHE_SECONDS = (0, 2)  # every other group has containers that cache lists
MAX_HISTORIES = 80  # until one detects a planted fault


def _run(make_index: MakeIndex, seeds: Iterable[int], cache_seconds: int) -> None:
    index = make_index(**SETTINGS, image_list_cache_seconds=cache_seconds)
    operations, histories, candidates = Counter[str](), 0, 0
    for seed in seeds:
        checked = run_history(index, seed)
        operations.update(f"{operation.kind} {operation.status}" for operation in checked.history.operations)
        histories, candidates = histories + 1, max(candidates, checked.candidates)
    print(
        f"{histories} histories of {CLIENTS} clients on {CONTAINERS} containers: {operations.total()} operations, "
        f"at most {candidates} candidates; {dict(sorted(operations.items()))}"
    )
    assert operations.total() > 25 * histories
    assert operations.keys().isdisjoint({"push 500", "push 503"}), "few clients never exhaust the retries of a push"


@pytest.mark.exhaustive
def test_histories_are_linearizable(make_index: MakeIndex) -> None:
    _run(make_index, [0], 0)
    _run(make_index, [1], 2)


@pytest.mark.exhaustive
@pytest.mark.parametrize("group", range(GROUPS))
def test_many_histories_are_linearizable(make_index: MakeIndex, group: int) -> None:
    first = group * GROUP_SIZE
    _run(make_index, range(first, first + GROUP_SIZE), CACHE_SECONDS[group % 2])


@pytest.mark.soak
@pytest.mark.parametrize("group", range(SOAK_GROUPS))
def test_very_many_histories_are_linearizable(make_index: MakeIndex, group: int) -> None:
    first = FIRST_SOAK_SEED + group * SOAK_GROUP_SIZE
    _run(make_index, range(first, first + SOAK_GROUP_SIZE), CACHE_SECONDS[group % 2])


@pytest.mark.skipif("HISTORY" not in os.environ, reason="runs only if HISTORY contains a seed")
def test_history_of_one_seed_is_linearizable(make_index: MakeIndex) -> None:
    for cache_seconds in CACHE_SECONDS:
        _run(make_index, [int(os.environ["HISTORY"])], cache_seconds)


@pytest.mark.exhaustive
def test_seed_repeats_its_history(make_index: MakeIndex) -> None:
    first, again = (run_history(make_index(**SETTINGS), 7).history.operations for _ in range(2))
    assert [str(operation) for operation in first] == [str(operation) for operation in again]
    other = run_history(make_index(**SETTINGS), 8).history.operations
    assert [operation.kind for operation in first] != [operation.kind for operation in other]


# Planted faults.


def _read_modify_write(
    self: ImageListWriter,
    repository: RepositoryName,
    stored: StoredImages,
    images: dict[str, str],
    *,
    replaces: bool = False,
) -> int:
    """Rewrite the whole list, and so lose what was pushed since it was read."""
    assert stored.active_head is not None
    merged = stored.merged() | images
    self._store.delete_segments(repository, [key for key, _ in stored.segments])
    for item in self._store.segment_items(repository, stored.active_head.generation, pack(merged)):
        item.save()
    return 0


def _accept_any_generation(grant: Grant, state: RepositoryState | None, required: Role) -> Authorized:
    return _decide_for_token(grant if state is None else replace(grant, generation=state.generation), state, required)


def _compact_without_the_push(compact: Callable[..., int]) -> Callable[..., int]:
    return lambda self, repository, stored, head, _, **options: compact(self, repository, stored, head, {}, **options)


def _cache_five_times_as_long(initialize: Callable[..., None]) -> Callable[..., None]:
    return lambda self, seconds, clock: initialize(self, 5 * seconds, clock)


FAULTS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "a push overwrites the list": lambda: patch.object(ImageListWriter, "append", _read_modify_write),
    "a compaction loses the push that starts it": lambda: patch.object(
        ImageListWriter, "_compact_with", _compact_without_the_push(ImageListWriter._compact_with)
    ),
    "a token is valid for every generation": lambda: patch(
        "chalicelib.repositories.authorization._decide_for_token", _accept_any_generation
    ),
    "cached credentials ignore the stored hash": lambda: patch.object(
        Passwords, "_cache_entry", lambda _, secret, __: secret
    ),
    "a list is cached for too long": lambda: patch.object(
        ImageListCache, "__init__", _cache_five_times_as_long(ImageListCache.__init__)
    ),
    "a change does not invalidate the cache": lambda: patch.object(ImageListCache, "invalidate", lambda *_: None),
    "a removed collaborator keeps the role": lambda: patch.object(CollaboratorStore, "remove", lambda *_: None),
    "a revoked robot still works": lambda: patch.object(Robots, "revoke", lambda *_: None),
    "a deletion does not mark the head": lambda: patch.object(RepositoryStore, "delete", lambda *_, **__: None),
}


# The first seed to try, for faults that few histories detect. It saves a minute.
FIRST_SEEDS = {
    "a change does not invalidate the cache": 19,
    "a list is cached for too long": 8,
    "a removed collaborator keeps the role": 18,
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_detected(make_index: MakeIndex, fault: str) -> None:
    index = make_index(**SETTINGS, image_list_cache_seconds=2)
    first = FIRST_SEEDS.get(fault, 0)
    with FAULTS[fault]():
        for seed in range(first, first + MAX_HISTORIES):
            try:
                run_history(index, seed)
            except NotLinearizable as error:
                print(f"{fault}: {str(error).splitlines()[0]}")
                return
    pytest.fail(f"{MAX_HISTORIES} histories did not detect this fault: {fault}")
