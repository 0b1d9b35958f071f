"""Mixed traffic for a while, with faults switched on and off: nothing acknowledged is lost, and memory stays flat.

Clients run freely, on containers that share their tables; each round is held against the model (`tests/histories`).
"""

import gc
import logging
import os
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import Item

from chalicelib.storage.image_lists import ImageListStore
from infra.devserver import moto_aws as aws
from tests.index import Index
from tests.linearizability.checker import Inexplicable
from tests.linearizability.run import PROOF
from tests.linearizability.traffic import CLIENTS, CONTAINERS, Traffic

SECONDS = float(os.environ.get("SECONDS") or 300)
REQUESTS = 20  # of each client in a round, beside those that follow from them
WARM_UP = 0.3  # of the time, until what is kept on purpose is there
MAX_GROWTH = 1.05
ACCOUNT = "123456789012"  # moto's


@pytest.fixture
def index(make_index: Callable[..., Index], monkeypatch: pytest.MonkeyPatch) -> Index:
    """Compacts often, and logs nothing: each fault would be an error with a traceback."""
    monkeypatch.setattr("chalicelib.storage.image_lists.COMPACT_ABOVE", 4)
    monkeypatch.setattr(logging.getLogger("waybill"), "disabled", True)
    return make_index(front_proof=PROOF, image_list_cache_seconds=2)


def _soak(index: Index, seed: int, seconds: float, rounds: int) -> tuple[Traffic, float]:
    """The traffic, and how much more memory there was at the end than when it was warm, as a ratio."""
    traffic, began, warm = Traffic(index, seed), time.monotonic(), 0.0
    while time.monotonic() < began + seconds or traffic.rounds < rounds:
        traffic.round(REQUESTS, with_faults=traffic.rounds % 2 == 1)
        _clear(index)
        if not warm and time.monotonic() >= began + seconds * WARM_UP:
            warm = _megabytes()
    end = _megabytes()
    print(
        f"{time.monotonic() - began:.0f} seconds, seed {seed}: {traffic.rounds} rounds of {CLIENTS} clients on "
        f"{CONTAINERS} containers, {traffic.statuses.total()} requests {dict(sorted(traffic.statuses.items()))}, "
        f"{traffic.repetitions} of them repetitions; {traffic.faults.total()} faults {dict(traffic.faults)}; at most "
        f"{traffic.worlds} worlds at once; {warm:.1f} MB when warm, {end:.1f} MB at the end"
    )
    assert traffic.statuses["500"] == 0, "no bare fault"
    return traffic, end / warm


def _clear(index: Index) -> None:
    """Empties what grows beside the app: moto's tables, and what the driver notes."""
    index.calls.clear()
    index.lines.clear()
    for table in dynamodb_backends[ACCOUNT][index.settings.region].tables.values():
        table.items.clear()


def _megabytes() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.soak
def test_mixed_traffic_with_faults_on_and_off(index: Index) -> None:
    traffic, growth = _soak(index, time.time_ns() % 1_000_000, SECONDS, rounds=4)
    assert traffic.faults.total() > 10
    assert traffic.repetitions > 10
    assert growth < MAX_GROWTH, "memory is flat"


def test_the_engine_in_this_process_keeps_no_item_that_was_replaced(index: Index) -> None:
    alice = index.account("alice")
    for number in range(30):
        index.push(f"alice/web{number % 3}", alice, f"image{number}")
    gc.collect()
    there = len(aws.items(index.settings.stack, index.settings.region))
    assert len([found for found in gc.get_objects() if isinstance(found, Item)]) < there + 10


@pytest.mark.exhaustive
def test_the_soak_itself_in_short(index: Index) -> None:
    traffic, _ = _soak(index, 1, 0, rounds=4)
    assert traffic.faults.total() > 3
    assert traffic.repetitions > 3
    assert traffic.statuses["503"] + traffic.statuses["lost"] > 3


@pytest.mark.exhaustive
def test_the_soak_finds_a_push_that_is_acknowledged_and_lost(index: Index) -> None:
    append, number = ImageListStore.append, count()

    def forgetful(*args: Any, **more: Any) -> None:
        if next(number) % 10:
            append(*args, **more)

    with patch.object(ImageListStore, "append", forgetful), pytest.raises(Inexplicable):
        _soak(index, 2, 0, rounds=10)
