"""Fixtures for all tiers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from chalicelib.settings import Settings
from infra.devserver.moto_aws import local_aws
from tests.index import Index

settings.register_profile("waybill", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("waybill")


@pytest.fixture
def aws() -> Iterator[None]:
    """moto, empty. A fresh one for each test: its transactions copy every table that there is."""
    with local_aws():
        yield


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters are answered at once; test_telling_apart.py has the wait."""
    monkeypatch.setattr("chalicelib.pages.account.ANSWERED_AFTER_SECONDS", 0.0)


@pytest.fixture
def make_index(aws: None) -> Callable[..., Index]:
    """Makes an index with the settings given; bcrypt costs as little as it can."""

    def make(**changed: Any) -> Index:
        return Index(Settings(**{"bcrypt_cost": 4, **changed}))

    return make


@pytest.fixture
def index(make_index: Callable[..., Index]) -> Index:
    """An index as it comes."""
    return make_index()
