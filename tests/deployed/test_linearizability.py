"""Histories on an emulator that is exact on conditions and transactions, which moto is not. Clients run freely."""

import logging
import os
from unittest.mock import patch

import pytest

from chalicelib.aws import create_clients
from chalicelib.settings import Settings
from tests.deployed.ministack import DEPLOYER, REGION, Ministack
from tests.index import Index
from tests.linearizability.run import PROOF
from tests.linearizability.traffic import CLIENTS, CONTAINERS, Traffic

ROUNDS, REQUESTS = 12, 10


def test_a_model_explains_histories_on_another_engine(emulator: Ministack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("waybill"), "disabled", True)  # each fault would be an error in it
    monkeypatch.setattr("chalicelib.storage.image_lists.COMPACT_ABOVE", 4)
    with patch.dict(os.environ, dict(zip(DEPLOYER, (emulator.url, "test", "test"), strict=True))):
        index = Index(
            Settings(bcrypt_cost=4, region=REGION, front_proof=PROOF, image_list_cache_seconds=2),
            aws=create_clients(REGION),
        )
    traffic = Traffic(index, 1)
    for number in range(ROUNDS):
        traffic.round(REQUESTS, with_faults=number % 2 == 1)
    print(
        f"{ROUNDS} rounds of {CLIENTS} clients on {CONTAINERS} containers: {traffic.statuses.total()} requests "
        f"{dict(sorted(traffic.statuses.items()))}, {traffic.repetitions} of them repetitions; "
        f"{traffic.faults.total()} faults; at most {traffic.worlds} worlds at once"
    )
    assert traffic.statuses["500"] == 0
    assert traffic.faults.total() > 10
