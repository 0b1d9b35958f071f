"""The forms of the account pages: invalid input, errors and headers."""

from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.api.messages import Request
from tests.functional.email_pages import get, link_in, post, post_body, register
from tests.index import Index
from tests.pages import Page


@pytest.mark.parametrize("path", ["/confirm", "/forgotten"])
def test_invalid_address_is_rejected_with_the_form(email_index: Index, path: str) -> None:
    for email in ("", "alice", "alice@example.com\r\nBcc: eve@example.com", "<script>@x"):
        page = post(email_index, path, email=email)
        assert (page.status, page.name) == (400, "request_email")
        assert "email" in (page.alert or "")
        assert page.fields(path) == {"email": ""}
        assert page.form(path).find("input[@aria-invalid='true']") is not None
    assert get(email_index, path).form(path).find("input[@aria-invalid='false']") is not None


@pytest.mark.parametrize("path", ["/confirm", "/forgotten"])
def test_index_without_email_shows_no_form(index: Index, path: str) -> None:
    index.create_account("alice")
    for page in (get(index, path), post(index, path, email="alice@example.com")):
        assert (page.status, page.name) == (200, "email_disabled")
        assert [form.get("action") for form in page.root.iter("form")] == ["/"], "only the search"
        assert "/forgotten" not in page.links


FORM_PATHS = ("/confirm", "/forgotten", "/reset")


@pytest.mark.parametrize("path", FORM_PATHS)
def test_unreadable_form_is_rejected_with_a_page(email_index: Index, path: str) -> None:
    for body, status in (
        (b"email=" + b"a" * 5000, 413),
        (b"email=\xff", 400),
        (b"email=%ff", 400),
        (b"&".join(b"a%d=b" % place for place in range(20)), 400),
        (b"link=a&link=b", 400),
    ):
        page = Page(post_body(email_index, path, body))
        assert (page.status, page.name) == (status, "error")
        assert "form" in (page.alert or "")


@settings(max_examples=100)
@given(
    st.sampled_from(FORM_PATHS),
    st.binary(max_size=100)
    | st.dictionaries(st.sampled_from(["link", "email", "password"]), st.text()).map(lambda f: urlencode(f).encode())
    | st.sampled_from([b"", b"{}", b'{"link": "x"}', b"link", b"&&&", b"=", b"--x\r\n\r\n"]),
    st.sampled_from([None, "application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]),
)
def test_any_posted_body_returns_a_page(email_index: Index, path: str, body: bytes, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    page = Page(email_index.request("POST", path, body=body, headers=headers))
    assert page.status in (200, 400, 410, 413)
    assert page.status == 200 or page.alert


@settings(max_examples=100)
@given(st.sampled_from(("/confirm", "/reset")), st.text(max_size=60))
def test_any_link_returns_a_page(email_index: Index, path: str, link: str) -> None:
    assert get(email_index, path, link=link).status in (200, 410)


def test_unavailable_storage_returns_a_page_with_status_503(email_index: Index) -> None:
    register(email_index)
    link = link_in(email_index, "/confirm")
    with email_index.failing_calls("GetItem"):
        response = email_index.request("GET", f"/confirm?link={link}")
    assert response.headers["retry-after"] == "2"
    page = Page(response)
    assert (page.status, page.name) == (503, "error")
    assert page.alert
    assert get(email_index, "/confirm", link=link).status == 200


def test_internal_error_returns_a_page_without_details(
    email_index: Index, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    register(email_index)
    link = link_in(email_index, "/confirm")
    monkeypatch.setattr("chalicelib.storage.users.UserStore.get", lambda *_: 1 / 0)
    page = get(email_index, "/confirm", link=link)
    assert (page.status, page.name) == (500, "error")
    assert "request id" in (page.alert or "")
    assert "ZeroDivisionError" not in page.source
    assert "ZeroDivisionError" in caplog.text
    assert link not in caplog.text


def test_accept_header_is_ignored(email_index: Index) -> None:
    for accept in ("text/html", "application/json", "image/png", "nonsense"):
        assert Page(email_index.request("GET", "/forgotten", headers={"accept": accept})).status == 200


def test_repr_of_a_request_contains_no_secrets() -> None:
    assert "secret" not in repr(
        Request(method="GET", query={"link": "secret"}, headers={"authorization": "secret"}, body=b"secret")
    )


def test_head_returns_the_headers_of_get(email_index: Index) -> None:
    for path in FORM_PATHS:
        head, whole = email_index.request("HEAD", path), email_index.request("GET", path)
        assert (head.status, head.headers) == (whole.status, whole.headers)
