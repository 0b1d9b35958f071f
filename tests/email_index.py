"""An index that sends emails, for tests of claims and limits."""

import re
from typing import Any
from urllib.parse import urlencode

from chalicelib.domain.choices import AccountActivation
from chalicelib.settings import Settings
from tests.index import PASSWORD, Index, Response

BASE_URL = "https://index.example.com"


def create_email_index(**settings: Any) -> Index:
    """Create an index whose accounts need the confirmation of their address."""
    defaults = {
        "account_activation": AccountActivation.EMAIL,
        "email_sender": "waybill@example.com",
        "base_url": BASE_URL,
        "bcrypt_cost": 4,
    }
    return Index(Settings(**{**defaults, **settings}), captures_emails=True)


def register(index: Index, username: str, email: str = "") -> Response:
    """Register an account. The default address contains the username."""
    form = {"username": username, "password": PASSWORD, "email": email or f"{username}@example.com"}
    return index.request("POST", "/v1/users/", json=form)


def post(index: Index, path: str, **form: str) -> Response:
    """Submit the form of a page."""
    return index.request("POST", path, body=urlencode(form).encode())


def links_to(index: Index, email: str, page: str = "/confirm") -> list[str]:
    """Return the links to a page in the emails to an address, oldest first."""
    pattern = re.compile(rf"{re.escape(BASE_URL + page)}\?link=(\S+)")
    return [link for message in index.emails if message.to == email for link in pattern.findall(message.text)]


def confirm(index: Index, email: str, number: int = -1) -> int:
    """Use a confirmation link from the emails to an address, and return the status."""
    return post(index, "/confirm", link=links_to(index, email)[number]).status
