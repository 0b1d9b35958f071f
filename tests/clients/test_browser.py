"""The pages in headless Chromium: their forms and links, their layout, and their accessibility."""

import re
import time
from collections.abc import Iterator
from itertools import product
from urllib.parse import quote

import pytest
import requests
from selenium.webdriver.support.ui import WebDriverWait

from tests.clients.browser import DESKTOP, PHONE, Browser, describe_missing_programs, run_browser
from tests.clients.conftest import Server, run_server

pytestmark = [
    pytest.mark.xdist_group("browser"),  # all tests of this file share one browser and two servers
    pytest.mark.skipif(describe_missing_programs() is not None, reason=describe_missing_programs() or ""),
]

PASSWORD, NEW_PASSWORD = "correct horse", "battery staple"
EARLY_USER = "early_user"  # registers when the server starts, so that a second email is allowed a minute later


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with run_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def email_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose accounts become active when their address is confirmed. EARLY_USER has registered."""
    with run_server(tmp_path_factory.mktemp("email"), ACCOUNT_ACTIVATION="email") as server:
        server.register(EARLY_USER, PASSWORD)
        yield server


@pytest.fixture(scope="module")
def repository_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with 44 public repositories."""
    with run_server(tmp_path_factory.mktemp("repositories")) as server:
        alice = server.register("alice", PASSWORD)
        images = [{"id": f"{number:064x}", "checksum": "sha256:" + f"{number * 7:064x}"} for number in range(1, 121)]
        for auth, path, description, pushed in (
            (alice, "alice/web", "What the web is served with: nginx, certificates, and <b>no</b> surprises.", images),
            (alice, "alice/web-tools_2", "", images[:3]),
            (alice, "alice/" + "a-very-long-name-" * 8 + "end", "A name that is longer than a line.", []),
            (server.admin, "library/websockify", "An official repository.", images[:1]),
        ):
            url = server.url(f"/v1/repositories/{path}/")
            assert requests.put(url, json=pushed, auth=auth, timeout=20).status_code == 200
            namespace, _, name = path.partition("/")
            url = server.url(f"/v1/namespaces/{namespace}/repositories/{name}")
            assert requests.put(url, json={"description": description}, auth=auth, timeout=20).status_code == 204
        for number in range(40):
            url = server.url(f"/v1/repositories/alice/service{number:02}/")
            assert requests.put(url, json=[], auth=alice, timeout=20).status_code == 200
        yield server


def emailed_links(server: Server, recipient: str, path: str) -> list[str]:
    """Return the links to a page in the emails that the server printed for a recipient, oldest first."""
    printed = re.split(r"^email to ", server.log.read_text(), flags=re.MULTILINE)[1:]
    received = [email for email in printed if email.startswith(f"{recipient}: ")]
    return [match[0] for email in received if (match := re.search(rf"http\S+{path}\?link=\S+", email))]


def login_status(server: Server, username: str, password: str = PASSWORD) -> int:
    return requests.get(server.url("/v1/users/"), auth=(username, password), timeout=20).status_code


def check_layout(browser: Browser, name: str) -> None:
    """Check accessibility and width on a desktop and a phone, light and dark, and save a screenshot of each."""
    for (device, size), scheme in product({"desktop": DESKTOP, "phone": PHONE}.items(), ("light", "dark")):
        browser.set_screen(size, scheme)
        browser.save_screenshot(f"{name}-{device}-{scheme}")
        assert browser.find_problems() == [], f"{name}, {device}, {scheme}"
        width = browser.driver.execute_script("return document.documentElement.scrollWidth")
        assert width <= size[0], f"{name} is wider than the screen of a {device}"
    browser.set_screen(DESKTOP, "light")


def test_user_registers_and_confirms_the_address(browser: Browser, email_server: Server) -> None:
    email_server.register("alice", PASSWORD)
    assert login_status(email_server, "alice") == 403
    (link,) = emailed_links(email_server, "alice@example.com", "/confirm")
    browser.open(link)
    assert browser.page_name == "confirm"
    assert "alice@example.com" in browser.text
    check_layout(browser, "confirm")
    assert login_status(email_server, "alice") == 403, "opening the page confirms nothing"
    assert browser.tab_stops() == ["confirm"]
    browser.click("#confirm")
    assert browser.page_name == "confirmed"
    check_layout(browser, "confirmed")
    assert login_status(email_server, "alice") == 200
    browser.open(link)
    assert browser.page_name == "already_done"
    check_layout(browser, "confirmed-already")
    browser.open(link[:-9])
    assert browser.page_name == "error"
    check_layout(browser, "link-error")
    browser.click("[data-next='confirm']")
    assert browser.page_name == "request_email"


def test_user_replaces_a_forgotten_password(browser: Browser, repository_server: Server) -> None:
    repository_server.register("bobby", PASSWORD)
    browser.open(repository_server.url("/"))
    browser.click("[data-link='forgotten']")
    assert browser.page_name == "request_email"
    check_layout(browser, "forgotten")
    assert browser.tab_stops() == ["email", "send"]
    browser.enter_text("email", "bobby@example.com")
    browser.click("#send")
    assert browser.page_name == "email_sent"
    check_layout(browser, "email-sent")
    (link,) = emailed_links(repository_server, "bobby@example.com", "/reset")
    browser.open(link)
    assert browser.page_name == "reset"
    check_layout(browser, "reset")
    assert browser.tab_stops() == ["username", "password", "change-password"]
    browser.enter_text("password", "wbr_looks_like_a_robot")
    browser.click("#change-password")
    assert browser.page_name == "reset"
    assert "wbr_" in browser.find("[role='alert']").text
    check_layout(browser, "reset-error")
    browser.enter_text("password", NEW_PASSWORD)
    browser.click("#change-password")
    assert browser.page_name == "password_changed"
    check_layout(browser, "password-changed")
    assert login_status(repository_server, "bobby") == 401
    assert login_status(repository_server, "bobby", NEW_PASSWORD) == 200
    browser.open(link)
    assert browser.page_name == "error"


def test_visitor_searches_and_reads_repository_pages(browser: Browser, repository_server: Server) -> None:
    browser.open(repository_server.url("/"))
    host = repository_server.url("").removeprefix("http://")
    assert browser.page_name == "home"
    assert host in browser.title
    assert browser.find("[data-repository]").get_attribute("data-repository") == "library/websockify"
    check_layout(browser, "home")
    assert browser.tab_stops("header") == ["home", "q", "search", "login", "register"]
    browser.find("summary").click()
    assert f"docker pull {host}/alice/web" in browser.text
    browser.search("we")
    assert browser.page_name == "search"
    assert browser.find("[data-total]").get_attribute("data-total") == "3"
    assert "and <b>no</b> surprises" in browser.text, "HTML in a description is shown as text"
    check_layout(browser, "search")
    browser.click("a[href='/r/alice/web']")
    assert (browser.page_name, browser.title) == ("repository", "alice/web")
    check_layout(browser, "repository")
    browser.click("a[href='/r/alice/web/images']")
    assert f"{100:064x}" in browser.text
    browser.click("a[rel='next']")
    assert f"{120:064x}" in browser.text
    check_layout(browser, "images")
    browser.click("#home")
    browser.search("alice")
    browser.click("a[rel='next']")
    assert browser.find("[data-page-number]").get_attribute("data-page-number") == "2"
    check_layout(browser, "search-page-2")
    browser.open(repository_server.url("/r/alice/missing"))
    assert browser.page_name == "error"
    check_layout(browser, "not-found")


def test_one_click_selects_a_whole_command(browser: Browser, repository_server: Server) -> None:
    browser.open(repository_server.url("/"))
    command = browser.find("pre code")
    command.click()
    selected = browser.driver.execute_script("return window.getSelection().toString()")
    assert selected.strip() == command.text


def test_script_in_a_search_text_does_not_run(browser: Browser, repository_server: Server) -> None:
    for query in ("<script>document.title='run'</script>", '"><img src=x onerror="document.title=1">'):
        browser.open(repository_server.url("/?q=" + quote(query)))
        assert browser.page_name == "search"
        assert query in browser.driver.title
        assert not browser.find_all("main img, main script")


def test_copy_button_copies_the_command(browser: Browser, repository_server: Server) -> None:
    permissions = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    browser.driver.execute_cdp_cmd("Browser.grantPermissions", permissions)
    browser.open(repository_server.url("/r/alice/web"))
    command = browser.find("pre code").text
    browser.find("pre .copy").click()
    WebDriverWait(browser.driver, 20).until(lambda _: browser.find("pre .copy").text == "Copied")
    copied = browser.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert copied == command


def test_unknown_page_leads_on(browser: Browser, repository_server: Server) -> None:
    browser.open(repository_server.url("/log-in"))
    assert browser.page_name == "error"
    check_layout(browser, "unknown-page")
    browser.click("[data-next='home']")
    assert browser.page_name == "home"


def test_api_reference_is_a_page(browser: Browser, repository_server: Server) -> None:
    browser.open(repository_server.url("/"))
    browser.click("[data-link='api']")
    assert browser.page_name == "api"
    check_layout(browser, "api")


def test_confirmation_email_is_sent_again_after_a_minute(browser: Browser, email_server: Server) -> None:
    """The last test of this file, because most of the minute passes during the other tests."""
    (first,) = emailed_links(email_server, f"{EARLY_USER}@example.com", "/confirm")
    attempts = 0
    while len(links := emailed_links(email_server, f"{EARLY_USER}@example.com", "/confirm")) < 2:
        assert attempts < 40, "the second email was not sent"
        browser.open(email_server.url("/confirm"))
        browser.enter_text("email", f"{EARLY_USER}@example.com")
        browser.click("#send")
        assert browser.page_name == "email_sent"
        attempts += 1
        time.sleep(2)
    assert login_status(email_server, EARLY_USER) == 403
    browser.open(links[1])
    browser.click("#confirm")
    assert login_status(email_server, EARLY_USER) == 200
    browser.open(first)
    assert browser.page_name == "already_done"
