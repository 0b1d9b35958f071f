"""Histories are linearizable on an emulator that checks conditions and transactions exactly, which moto does not."""

import logging
import os
from unittest.mock import patch

import pytest

from chalicelib.aws import create_clients
from chalicelib.settings import Settings
from tests.deployed.ministack import DEPLOYER, REGION, Ministack
from tests.index import Index
from tests.linearizability.traffic import Traffic

ROUNDS, OPERATIONS = 12, 10


def test_histories_on_the_emulator_are_linearizable(emulator: Ministack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("waybill"), "disabled", True)  # it would log an error for each fault
    monkeypatch.setattr("chalicelib.storage.compaction.COMPACT_ABOVE", 4)
    with patch.dict(os.environ, dict(zip(DEPLOYER, (emulator.url, "test", "test"), strict=True))):
        index = Index(
            Settings(bcrypt_cost=4, region=REGION, image_list_cache_seconds=2),
            aws=create_clients(REGION),
        )
    traffic = Traffic(index, 1)
    for number in range(ROUNDS):
        traffic.run_round(OPERATIONS, with_faults=number % 2 == 1)
    print(traffic.summary())
    assert traffic.statuses["500"] == 0
    assert traffic.faults.total() > 10
