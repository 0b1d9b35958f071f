"""An index that sends emails, and requests to the pages of its links."""

import re
import time
from urllib.parse import urlencode

from chalicelib.domain.choices import AccountActivation
from chalicelib.security.email_links import EmailLinks, LinkPurpose
from chalicelib.security.signing import DerivedKeySigner, KmsSigner
from chalicelib.settings import Settings
from tests.index import PASSWORD, Index, Response, basic
from tests.pages import Page

HOST = "https://index.example.com"
NEW_PASSWORD = "battery staple"
THIRD_PASSWORD = "a third password"  # pragma: allowlist secret
NEXT_STEPS = {"confirm": "/confirm", "forgotten": "/forgotten"}


def create_email_index() -> Index:
    return Index(
        Settings(
            account_activation=AccountActivation.EMAIL, email_sender="waybill@example.com", base_url=HOST, bcrypt_cost=4
        ),
        captures_emails=True,
    )


def register(index: Index, username: str = "alice") -> str:
    """Register, and return the Authorization header."""
    form = {"username": username, "password": PASSWORD, "email": f"{username}@example.com"}
    assert index.request("POST", "/v1/users/", json=form).status == 201
    return basic(username)


def link_in(index: Index, path: str) -> str:
    """Return the link to the page `path` in the latest email."""
    match = re.search(rf"^  {HOST}{path}\?link=(\S+)$", index.emails[-1].text, re.MULTILINE)
    assert match is not None
    return match[1]


def register_and_confirm(index: Index, username: str = "alice") -> str:
    """Register an account, confirm its address and allow another email. Return the Authorization header."""
    auth = register(index, username)
    assert post(index, "/confirm", link=link_in(index, "/confirm")).status == 200
    allow_another_email(index)
    return auth


def request_reset_link(index: Index, username: str = "alice") -> str:
    """Request an email for a new password, and return its link."""
    assert post(index, "/forgotten", email=f"{username}@example.com").status == 200
    return link_in(index, "/reset")


def allow_another_email(index: Index) -> None:
    """Remove the counters of emails, as if the last one was long ago."""
    index.reset_counters("email")


def expired_link(index: Index, purpose: LinkPurpose, *subject: str) -> str:
    """Return a link that the same index created two days ago."""
    signer = DerivedKeySigner(KmsSigner(index.aws.kms, index.settings.key))
    return EmailLinks(signer, lambda: time.time() - 2 * 86400).issue(purpose, *subject)


def get(index: Index, path: str, **query: str) -> Page:
    return Page(index.request("GET", f"{path}?{urlencode(query)}" if query else path))


def post(index: Index, path: str, **form: str) -> Page:
    return Page(post_body(index, path, urlencode(form).encode()))


def post_body(index: Index, path: str, body: bytes) -> Response:
    return index.request("POST", path, body=body, headers={"content-type": "application/x-www-form-urlencoded"})


def login_status(index: Index, auth: str) -> int:
    return index.request("GET", "/v1/users/", auth).status


def assert_unusable(page: Page) -> None:
    """The page says that the link cannot be used, and links to the forms for new ones."""
    assert (page.status, page.name) == (410, "error")
    assert page.alert
    assert page.next_steps == NEXT_STEPS
