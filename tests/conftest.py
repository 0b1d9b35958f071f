"""Fixtures for all tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from chalicelib.settings import Settings
from infra.devserver.moto_aws import local_aws
from tests.index import Index

settings.register_profile("waybill", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("waybill")

MakeIndex = Callable[..., Index]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that selects the events of API Gateway."""
    parser.addoption("--payload-format", choices=["1.0", "2.0"], default="1.0", help="The format of Lambda events.")


def pytest_configure(config: pytest.Config) -> None:
    """Use the selected events in all tests."""
    Index.payload_format = config.getoption("--payload-format")


@pytest.fixture
def aws() -> Iterator[None]:
    """An empty moto for one test. moto's transactions copy all tables, so tables of other tests would slow it down."""
    with local_aws():
        yield


@pytest.fixture(scope="module")
def module_aws() -> Iterator[None]:
    """An empty moto for one module whose tests do not disturb each other."""
    with local_aws():
        yield


@pytest.fixture(scope="session", autouse=True)
def one_rsa_key() -> Iterator[None]:
    """Let moto use one RSA key for all keys of KMS.

    moto generates an RSA key even for an HMAC key. This takes 50 ms, which is more than the rest of an index.
    """
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rsa, "generate_private_key", lambda *_, **__: key)
        yield


@pytest.fixture(autouse=True)
def no_email_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer requests for emails at once. test_response_times.py tests the delay."""
    monkeypatch.setattr("chalicelib.pages.account.EMAIL_REQUEST_SECONDS", 0.0)


@pytest.fixture
def make_index(aws: None) -> MakeIndex:
    """Return a function that creates an index with the given settings, and with the lowest bcrypt cost."""
    return create_index


@pytest.fixture
def index(aws: None) -> Index:
    """An index with the default settings."""
    return create_index()


def create_index(**settings: Any) -> Index:
    """Create an index with the given settings, and with the lowest bcrypt cost."""
    return Index(Settings(**{"bcrypt_cost": 4, **settings}))
