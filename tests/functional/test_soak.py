"""Mixed traffic for some minutes, with faults in every other round. It loses nothing, and memory stays flat.

Clients run freely, on containers that share their tables. Each round must be linearizable (`tests/linearizability`).
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
from moto.dynamodb.models.dynamo_type import Item

from chalicelib.storage.image_list_writer import ImageListWriter
from infra.devserver.moto_aws import read_items
from tests.index import Index
from tests.linearizability.checker import NotLinearizable
from tests.linearizability.traffic import Traffic
from tests.snapshot import Snapshot

SECONDS = float(os.environ.get("SECONDS") or 300)
OPERATIONS = 20  # of each client in a round, without those that follow from them
WARM_UP_FRACTION = 0.3  # of the time, until the caches are full
MAX_GROWTH = 1.05


@pytest.fixture
def index(make_index: Callable[..., Index], monkeypatch: pytest.MonkeyPatch) -> Index:
    """Return an index that compacts often. It logs nothing, because each fault would be an error with a traceback."""
    monkeypatch.setattr("chalicelib.storage.compaction.COMPACT_ABOVE", 4)
    monkeypatch.setattr(logging.getLogger("waybill"), "disabled", True)
    return make_index(image_list_cache_seconds=2)


def _soak(index: Index, seed: int, seconds: float, rounds: int) -> tuple[Traffic, float]:
    """Return the traffic, and the memory at the end as a ratio of the memory after the warm-up."""
    traffic, empty = Traffic(index, seed), Snapshot(index)
    start, warm = time.monotonic(), 0.0
    while time.monotonic() < start + seconds or traffic.rounds < rounds:
        traffic.run_round(OPERATIONS, with_faults=traffic.rounds % 2 == 1)
        empty.restore()
        index.calls.clear()
        index.lines.clear()
        if not warm and time.monotonic() >= start + seconds * WARM_UP_FRACTION:
            warm = _megabytes()
    end = _megabytes()
    print(
        f"{time.monotonic() - start:.0f} seconds, seed {seed}: {traffic.summary()}; {warm:.1f} MB after the warm-up, "
        f"{end:.1f} MB at the end"
    )
    assert traffic.statuses["500"] == 0, "no fault becomes an internal server error"
    return traffic, end / warm


def _megabytes() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.soak
def test_mixed_traffic_with_faults_loses_nothing(index: Index) -> None:
    traffic, growth = _soak(index, time.time_ns() % 1_000_000, SECONDS, rounds=4)
    assert traffic.faults.total() > 10
    assert traffic.repetitions > 10
    assert growth < MAX_GROWTH, "memory stays flat"


def test_moto_keeps_no_replaced_items(index: Index) -> None:
    alice = index.create_account("alice")
    for number in range(30):
        index.push(f"alice/web{number % 3}", alice, f"image{number}")
    existing = len(read_items(index.aws, index.settings))
    gc.collect()
    assert len([found for found in gc.get_objects() if isinstance(found, Item)]) < existing + 10


@pytest.mark.exhaustive
def test_short_soak_injects_faults_and_repeats_requests(index: Index) -> None:
    traffic, _ = _soak(index, 1, 0, rounds=4)
    assert traffic.faults.total() > 3
    assert traffic.repetitions > 3
    assert traffic.statuses["503"] + traffic.statuses["lost"] > 3


@pytest.mark.exhaustive
def test_soak_detects_lost_pushes(index: Index) -> None:
    append, number = ImageListWriter.append, count()

    def lose_every_tenth(*args: Any, **options: Any) -> int:
        return append(*args, **options) if next(number) % 10 else 0

    with patch.object(ImageListWriter, "append", lose_every_tenth), pytest.raises(NotLinearizable):
        _soak(index, 2, 0, rounds=10)
