"""The pages in headless Chromium, as people see them and as those do who see or point less well."""

import re
import time
from collections.abc import Iterator
from itertools import product
from urllib.parse import quote

import pytest
import requests

from tests.clients.browser import DESKTOP, PHONE, Browser, browsing, missing
from tests.clients.conftest import Server, serving

pytestmark = [
    pytest.mark.xdist_group("browser"),  # one browser, and one worker whose servers it visits
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]

PASSWORD, OTHER_PASSWORD = "correct horse", "battery staple"
LATECOMER = "latecomer"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture(scope="module")
def confirming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose accounts wait for the confirmation of their address. One account waits from the beginning."""
    with serving(tmp_path_factory.mktemp("confirming"), ACCOUNT_ACTIVATION="email") as running:
        running.register(LATECOMER, PASSWORD)
        yield running


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with some repositories."""
    with serving(tmp_path_factory.mktemp("open")) as running:
        alice = running.register("alice", PASSWORD)
        images = [{"id": f"{number:064x}", "checksum": "sha256:" + f"{number * 7:064x}"} for number in range(1, 121)]
        for auth, path, description, listed in (
            (alice, "alice/web", "What the web is served with: nginx, certificates, and <b>no</b> surprises.", images),
            (alice, "alice/web-tools_2", "", images[:3]),
            (alice, "alice/" + "a-very-long-name-" * 8 + "end", "A name that no line holds.", []),
            (running.admin, "library/websockify", "An official one.", images[:1]),
        ):
            url = running.url(f"/v1/repositories/{path}/")
            assert requests.put(url, json=listed, auth=auth, timeout=20).status_code == 200
            namespace, _, name = path.partition("/")
            url = running.url(f"/v1/namespaces/{namespace}/repositories/{name}")
            assert requests.put(url, json={"description": description}, auth=auth, timeout=20).status_code == 204
        for number in range(40):
            url = running.url(f"/v1/repositories/alice/service{number:02}/")
            assert requests.put(url, json=[], auth=alice, timeout=20).status_code == 200
        yield running


def emails(server: Server, to: str, page: str) -> list[str]:
    """The addresses that letters to somebody hold, from the server's console, oldest first."""
    printed = re.split(r"^mail to ", server.log.read_text(), flags=re.MULTILINE)[1:]
    mine = [message for message in printed if message.startswith(f"{to}: ")]
    return [found[0] for message in mine if (found := re.search(rf"http\S+{page}\?link=\S+", message))]


def signing_in(server: Server, username: str, password: str = PASSWORD) -> int:
    return requests.get(server.url("/v1/users/"), auth=(username, password), timeout=20).status_code


def look(browser: Browser, name: str) -> None:
    """Takes the page's picture on a phone and a desktop, light and dark, and hears axe in each."""
    for (terminal, size), scheme in product({"desktop": DESKTOP, "phone": PHONE}.items(), ("light", "dark")):
        browser.wear(size, scheme)
        browser.picture(f"{name}-{terminal}-{scheme}")
        assert browser.complaints() == [], f"{name} on a {terminal}, {scheme}"
        width = browser.driver.execute_script("return document.documentElement.scrollWidth")
        assert width <= size[0], f"{name} on a {terminal} is wider than its screen"
    browser.wear(DESKTOP, "light")


def test_somebody_registers_confirms_the_address_and_is_let_in(browser: Browser, confirming: Server) -> None:
    confirming.register("alice", PASSWORD)
    assert signing_in(confirming, "alice") == 403
    (address,) = emails(confirming, "alice@example.com", "/confirm")
    browser.open(address)
    assert browser.title == "Confirm your address"
    assert "alice@example.com" in browser.text
    look(browser, "confirm")
    assert signing_in(confirming, "alice") == 403, "looking at it, however often, confirms nothing"
    assert browser.tab_stops()[:2] == ["Waybill", "Yes, this is my address"]
    browser.press("Yes, this is my address")
    assert browser.title == "Your address is confirmed"
    look(browser, "confirmed")
    assert signing_in(confirming, "alice") == 200
    browser.open(address)
    assert browser.title == "There is nothing left to do"
    assert "This address is confirmed already." in browser.text
    look(browser, "confirmed-already")
    browser.open(address[:-9])
    assert browser.title == "This link cannot be used"
    look(browser, "broken")
    browser.follow("Get another link to confirm an address")
    assert browser.title == "Confirm your address"


def test_somebody_forgets_the_password_and_chooses_another(browser: Browser, open_server: Server) -> None:
    open_server.register("bobby", PASSWORD)
    browser.open(open_server.address)
    browser.follow("Forgotten your password?")
    assert browser.title == "Forgotten your password?"
    look(browser, "forgotten")
    assert browser.tab_stops()[:3] == ["Waybill", "email", "Send the letter"]
    browser.write("E-mail address of your account", "bobby@example.com")
    browser.press("Send the letter")
    assert browser.title == "Look into your mail"
    look(browser, "sent")
    (address,) = emails(open_server, "bobby@example.com", "/reset")
    browser.open(address)
    assert browser.title == "Choose a new password"
    look(browser, "reset")
    assert browser.tab_stops()[:4] == ["Waybill", "username", "password", "Change the password"]
    browser.write("New password", "wbr_looks_like_a_robot")
    browser.press("Change the password")
    assert "A password does not begin with wbr_" in browser.text
    look(browser, "reset-refused")
    browser.write("New password", OTHER_PASSWORD)
    browser.press("Change the password")
    assert browser.title == "Your password is changed"
    look(browser, "changed")
    assert signing_in(open_server, "bobby") == 401
    assert signing_in(open_server, "bobby", OTHER_PASSWORD) == 200
    browser.open(address)
    assert "used already" in browser.text


def test_a_visitor_looks_around(browser: Browser, open_server: Server) -> None:
    browser.open(open_server.address)
    host = open_server.address.removeprefix("http://")
    assert browser.title == f"The Docker index at {host}"
    assert f"docker pull {host}/alice/web" in browser.text
    look(browser, "front")
    assert browser.tab_stops()[:3] == ["Waybill", "q", "Search"]
    browser.write("Search the public repositories", "we")
    browser.press("Search")
    assert browser.title == "Public repositories that match “we”"
    assert "3 repositories." in browser.text
    assert "and <b>no</b> surprises" in browser.text, "as text"
    look(browser, "found")
    browser.follow("alice/web")
    assert browser.title == "alice/web"
    look(browser, "repository")
    browser.driver.find_element("tag name", "summary").click()
    assert f"{100:064x}" in browser.text
    look(browser, "images")
    browser.follow("Waybill")
    browser.write("Search the public repositories", "alice")
    browser.press("Search")
    browser.follow("Next page")
    assert "Page 2 of 2" in browser.text
    look(browser, "page-2")
    browser.open(open_server.url("/r/alice/missing"))
    assert browser.title == "There is nothing here"
    look(browser, "missing")


def test_a_click_marks_a_whole_command_to_copy(browser: Browser, open_server: Server) -> None:
    browser.open(open_server.address)
    command = browser.driver.find_element("css selector", "pre code")
    command.click()
    marked = browser.driver.execute_script("return window.getSelection().toString()")
    assert marked.strip() == command.text


def test_nothing_that_a_page_could_be_given_runs(browser: Browser, open_server: Server) -> None:
    for query in ("<script>document.title='run'</script>", '"><img src=x onerror="document.title=1">'):
        browser.open(open_server.url("/?q=" + quote(query)))
        assert browser.driver.title == f"Public repositories that match “{query}” - Waybill"
        assert not browser.driver.find_elements("css selector", "main img, main script")


def test_the_letter_comes_again_a_minute_later(browser: Browser, confirming: Server) -> None:
    """Last, because an account gets one letter a minute: the others take most of it."""
    (first,) = emails(confirming, f"{LATECOMER}@example.com", "/confirm")
    asked = 0
    while len(found := emails(confirming, f"{LATECOMER}@example.com", "/confirm")) < 2:
        assert asked < 40, "the second letter does not come"
        browser.open(confirming.url("/confirm"))
        browser.write("E-mail address of your account", f"{LATECOMER}@example.com")
        browser.press("Send the letter")
        assert browser.title == "Look into your mail"
        asked += 1
        time.sleep(2)
    assert signing_in(confirming, LATECOMER) == 403
    browser.open(found[1])
    browser.press("Yes, this is my address")
    assert signing_in(confirming, LATECOMER) == 200
    browser.open(first)
    assert "confirmed already" in browser.text
