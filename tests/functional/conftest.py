"""Fixtures for several modules."""

import pytest

from tests.functional.email_pages import create_email_index
from tests.index import Index


@pytest.fixture
def email_index(aws: None) -> Index:
    """An index whose accounts become active when their address is confirmed. It captures its emails."""
    return create_email_index()
