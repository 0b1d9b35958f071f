"""The account area in headless Chromium: every flow, on a desktop and a phone, with and without JavaScript."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.clients.browser import DESKTOP, PHONE, Browser, describe_missing_programs, run_browser
from tests.clients.conftest import ADMIN_PASSWORD, Server, run_server
from tests.clients.test_browser import PASSWORD, check_layout

pytestmark = [
    pytest.mark.xdist_group("browser"),  # the tests of this file share one browser and one server
    pytest.mark.skipif(describe_missing_programs() is not None, reason=describe_missing_programs() or ""),
]

REGISTRY, SECRET = "registry.example.com", "a secret of a registry"  # pragma: allowlist secret
MARKDOWN = "# Web server\n\nServes *pages*.\n\n| port | use |\n| --- | --- |\n| 80 | http |\n\n- one\n- two"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with run_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a registry and the account `bobby`."""
    settings = {"REGISTRIES": REGISTRY, "REGISTRY_SECRET": SECRET}
    with run_server(tmp_path_factory.mktemp("account"), **settings) as server:
        server.register("bobby", PASSWORD)
        yield server


def log_in(browser: Browser, server: Server, username: str, password: str = PASSWORD) -> None:
    browser.driver.delete_all_cookies()
    browser.open(server.url("/login"))
    browser.enter_text("username", username)
    browser.enter_text("password", password)
    browser.click("#log-in")
    assert browser.page_name == "repositories"


def open_menu(browser: Browser) -> None:
    browser.find("#account-menu").click()


def confirm(browser: Browser, row: str) -> None:
    """Open the confirmation in a row, and press its button. Before that, the button cannot be pressed."""
    button = browser.find(f"{row} .confirm button")
    assert not button.is_displayed()
    browser.find(f"{row} .confirm summary").click()
    assert button.is_displayed()
    box, width = button.rect, browser.driver.execute_script("return window.innerWidth")
    assert box["x"] >= 0, "the confirmation fits on the screen"
    assert box["x"] + box["width"] <= width
    browser.click(f"{row} .confirm button")


def done(browser: Browser) -> str:
    return browser.find("[data-done]").get_attribute("data-done") or ""


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_account_uses_every_form(browser: Browser, server: Server, size: tuple[int, int], has_scripts: bool) -> None:
    browser.driver.delete_all_cookies()
    browser.allow_scripts(has_scripts)
    browser.set_screen(size, "light")
    try:
        _use_every_form(browser, server, f"user{size[0]}{'js' if has_scripts else ''}")
    finally:
        browser.allow_scripts(True)
        browser.set_screen(DESKTOP, "light")


def _use_every_form(browser: Browser, server: Server, username: str) -> None:
    browser.open(server.url("/"))
    browser.click("#register")
    browser.enter_text("username", username)
    browser.enter_text("email", f"{username}@example.com")
    browser.enter_text("password", PASSWORD)
    browser.click("#create-account")
    assert (browser.page_name, done(browser)) == ("repositories", "registered")

    browser.click("#new")
    browser.enter_text("name", "web")
    browser.enter_text("description", "Web server of the shop")
    browser.click("#create")
    assert (browser.title, done(browser)) == (f"{username}/web", "created")

    settings = f"a[href='/r/{username}/web/settings']"
    browser.click(settings)
    browser.enter_text("long_description", MARKDOWN)
    browser.click("#describe")
    assert done(browser) == "described"
    browser.click("#change-visibility")
    assert done(browser) == "private"
    browser.enter_text("username", "bobby")
    browser.click("#share")
    assert (done(browser), len(browser.find_all("[data-collaborator='bobby']"))) == ("shared", 1)
    confirm(browser, "[data-collaborator='bobby']")
    assert done(browser) == "unshared"
    browser.click(f"a[href='/r/{username}/web']")
    assert browser.find(".markdown h3").text == "Web server"
    assert bool(browser.find_all(".copy")) is username.endswith("js")

    open_menu(browser)
    browser.click("header a[href='/account/robots']")
    browser.enter_text("name", "ci")
    browser.enter_text("password", PASSWORD)
    browser.click("#create-robot")
    assert browser.page_name == "robot_created"
    token = browser.find("[data-token] code").text
    assert requests.get(server.url("/v1/users/"), auth=(username, token), timeout=20).status_code == 200
    browser.click("[data-next='robots']")
    confirm(browser, "[data-robot='ci']")
    assert done(browser) == "revoked"
    assert requests.get(server.url("/v1/users/"), auth=(username, token), timeout=20).status_code == 401

    _use_organization(browser, server, username)
    browser.open(server.url(f"/r/{username}/web/settings"))
    browser.enter_text("new_name", "site")
    browser.enter_text("transfer_confirmation", f"{username}/web")
    browser.click("#transfer")
    assert (browser.title, done(browser)) == (f"{username}/site", "transferred")
    browser.open(server.url(f"/r/{username}/site/settings"))
    browser.enter_text("confirmation", f"{username}/site")
    browser.click("#delete")
    assert (browser.page_name, done(browser)) == ("repositories", "deleted")

    open_menu(browser)
    browser.click("header a[href='/account/settings']")
    browser.enter_text("email", f"{username}@example.org")
    browser.enter_text("email_password", PASSWORD)
    browser.click("#add-email")
    assert done(browser) == "email"
    open_menu(browser)
    browser.click("#logout")
    assert browser.page_name == "login"
    browser.open(server.url("/account"))
    assert browser.page_name == "login"

    log_in(browser, server, username)
    browser.open(server.url("/account/settings"))
    browser.enter_text("confirmation", username)
    browser.enter_text("deletion_password", PASSWORD)
    browser.click("#delete")
    assert browser.page_name == "account_deleted"
    assert requests.get(server.url("/v1/users/"), auth=(username, PASSWORD), timeout=20).status_code == 401


def _use_organization(browser: Browser, server: Server, username: str) -> None:
    name = f"team-{username}"
    open_menu(browser)
    browser.click("header a[href='/account/organizations']")
    browser.enter_text("name", name)
    browser.click("#create-organization")
    assert (browser.title, done(browser)) == (name, "organization_created")
    browser.enter_text("username", "bobby")
    browser.click("#save-member")
    assert done(browser) == "member_changed"
    browser.click("[data-member='bobby'] a[href*='member=bobby']")
    browser.find("#access option[value='write']").click()
    browser.click("#save-member")
    assert len(browser.find_all("[data-member='bobby'][data-access='write']")) == 1
    browser.click("[data-member='bobby'] button")
    assert (done(browser), len(browser.find_all("[data-member]"))) == ("member_removed", 1)

    browser.click(f"a[href='/organizations/{name}/robots']")
    browser.enter_text("name", "ci")
    browser.enter_text("password", PASSWORD)
    browser.click("#create-robot")
    token = browser.find("[data-token] code").text
    assert requests.get(server.url("/v1/users/"), auth=(name, token), timeout=20).status_code == 200
    browser.click("[data-next='robots']")
    confirm(browser, "[data-robot='ci']")
    assert done(browser) == "revoked"

    browser.click(f"a[href='/organizations/{name}']")
    browser.click("#leave")
    assert browser.find("[role='alert']").text, "an organisation needs an administrator"
    browser.click(f"a[href='/organizations/{name}/settings']")
    browser.enter_text("confirmation", name)
    browser.click("#delete")
    assert (browser.page_name, done(browser)) == ("organizations", "organization_deleted")


def test_pages_of_the_account_area_are_accessible(browser: Browser, server: Server) -> None:
    alice = server.register("alice", PASSWORD)
    url = server.url("/v1/namespaces/alice/repositories")
    for name, private in (("web", False), ("billing", True)):
        path = server.url(f"/v1/repositories/alice/{name}/")
        assert requests.put(path, json=[], auth=alice, timeout=20).status_code == 200
        form: dict[str, Any] = {"description": f"The {name} service", "private": private, "long_description": MARKDOWN}
        assert requests.put(f"{url}/{name}", json=form, auth=alice, timeout=20).status_code == 204
    share = f"{url}/web/collaborators/bobby"
    assert requests.put(share, json={"access": "read"}, auth=alice, timeout=20).status_code == 204
    assert requests.put(server.url("/v1/organizations/ops"), auth=alice, timeout=20).status_code == 201
    member, robot = (server.url(f"/v1/organizations/ops/{path}") for path in ("members/bobby", "robots/ci"))
    assert requests.put(member, json={"access": "write"}, auth=alice, timeout=20).status_code == 204
    assert requests.put(robot, json={"access": "read"}, auth=alice, timeout=20).status_code == 201
    _report_tags(server, "alice/web", ["latest", "1.0", "0.9"])
    second = {"email": "alice@example.org"}
    assert requests.put(server.url("/v1/users/alice"), json=second, auth=alice, timeout=20).status_code == 204
    browser.open(server.url("/login"))
    check_layout(browser, "login")
    browser.open(server.url("/register"))
    check_layout(browser, "register")
    log_in(browser, server, "alice")
    for path, name in (
        ("/account", "repositories"),
        ("/account/shared", "repositories"),
        ("/account/new", "create_repository"),
        ("/account/robots", "robots"),
        ("/account/settings", "account_settings"),
        ("/account/organizations", "organizations"),
        ("/organizations/ops", "organization"),
        ("/organizations/ops/robots", "robots"),
        ("/organizations/ops/settings", "organization_settings"),
        ("/r/alice/web", "repository"),
        ("/r/alice/billing", "repository"),
        ("/r/alice/web/settings", "repository_settings"),
        ("/r/alice", "repositories"),
        ("/", "home"),
    ):
        browser.open(server.url(path))
        assert browser.page_name == name
        check_layout(browser, f"account{path.replace('/', '-')}")
    assert browser.tab_stops("header") == ["home", "q", "search", "account-menu"]
    open_menu(browser)
    check_layout(browser, "account-menu")
    log_in(browser, server, "admin", ADMIN_PASSWORD)
    browser.open(server.url("/accounts"))
    check_layout(browser, "accounts")
    browser.open(server.url("/audit"))
    assert browser.find_all("[data-event='repository.pushed']")
    check_layout(browser, "audit")


def test_narrow_screen_breaks_no_heading_or_button_and_hides_nothing(browser: Browser, server: Server) -> None:
    erin = server.register("erin", PASSWORD)
    robots = server.url("/v1/users/erin/robots")
    for name in ("ci", "a-robot-with-the-longest-name-of-all-12345"[:40]):
        form: dict[str, Any] = {"access": "write", "repositories": ["erin/web"], "expires_in": 86_400}
        assert requests.put(f"{robots}/{name}", json=form, auth=erin, timeout=20).status_code == 201
    browser.set_screen(PHONE, "light")
    try:
        log_in(browser, server, "admin", ADMIN_PASSWORD)
        browser.open(server.url("/accounts"))
        _check_lines(browser)
        log_in(browser, server, "erin")
        browser.open(server.url("/account/robots"))
        _check_lines(browser)
        assert "erin/web" in browser.find("[data-robot='ci']").text
        assert "expires: 20" in browser.find("[data-robot='ci']").text
        browser.open(server.url("/account/new"))
        field, legend = browser.find("#description").rect, browser.find("legend").rect
        assert legend["y"] >= field["y"] + field["height"] + 8
        assert legend["x"] == field["x"]
    finally:
        browser.set_screen(DESKTOP, "light")


def _check_lines(browser: Browser) -> None:
    """Check that each heading of a column and each button in a table has one line."""
    texts = [text for text in browser.find_all("th, td .button, td button") if text.is_displayed()]
    assert texts
    lines = "const range = document.createRange(); range.selectNodeContents(arguments[0].firstChild); "
    lines += "return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size"
    for text in texts:
        assert browser.driver.execute_script(lines, text) == 1, text.text


def test_account_leaves_a_share_and_is_deactivated(browser: Browser, server: Server) -> None:
    frank = server.register("frank", PASSWORD)
    server.register("grace", PASSWORD)
    assert requests.put(server.url("/v1/repositories/frank/web/"), json=[], auth=frank, timeout=20).status_code == 200
    url = server.url("/v1/namespaces/frank/repositories/web/collaborators/grace")
    assert requests.put(url, json={"access": "write"}, auth=frank, timeout=20).status_code == 204
    log_in(browser, server, "grace")
    browser.open(server.url("/account/shared"))
    assert browser.find("[data-role]").get_attribute("data-role") == "write"
    check_layout(browser, "shared")
    browser.set_screen(PHONE, "light")
    confirm(browser, "[data-repository='frank/web']")
    browser.set_screen(DESKTOP, "light")
    assert done(browser) == "share_left"
    log_in(browser, server, "admin", ADMIN_PASSWORD)
    browser.open(server.url("/accounts?username=grace"))
    browser.click("[data-account='grace'] .button")
    assert browser.page_name == "deactivation"
    check_layout(browser, "deactivation")
    browser.click("#deactivate")
    assert done(browser) == "deactivated"
    assert requests.get(server.url("/v1/users/"), auth=("grace", PASSWORD), timeout=20).status_code == 403
    browser.click("[data-account='grace'] button")
    assert done(browser) == "activated"


def test_form_of_an_ended_session_continues_after_the_login(browser: Browser, server: Server) -> None:
    server.register("carol", PASSWORD)
    log_in(browser, server, "carol")
    browser.open(server.url("/account/new"))
    browser.enter_text("name", "kept")
    browser.driver.delete_all_cookies()
    browser.click("#create")
    assert browser.page_name == "login"
    check_layout(browser, "session-ended")
    browser.enter_text("username", "carol")
    browser.enter_text("password", PASSWORD)
    browser.click("#log-in")
    assert browser.page_name == "continue"
    check_layout(browser, "continue")
    browser.click("#continue")
    assert browser.title == "carol/kept"


def test_form_of_another_site_changes_nothing(browser: Browser, server: Server) -> None:
    """The page of another origin posts a form with the cookie of the user."""
    server.register("dora", PASSWORD)
    log_in(browser, server, "dora")
    target = server.url("/account/new")
    browser.open(
        f"data:text/html,<form method=post action='{target}'><input name=name value=evil>"
        "<input name=visibility value=public><button id=go>go</button></form>"
    )
    browser.find("#go").click()
    listing = requests.get(server.url("/v1/namespaces/dora/repositories"), auth=("dora", PASSWORD), timeout=20)
    assert listing.json() == []


def _report_tags(server: Server, repository: str, tags: list[str]) -> None:
    """Report pushes as the registry does."""
    events: list[Any] = [
        {
            "action": "push",
            "timestamp": f"2025-01-0{number + 1}T00:00:00Z",
            "target": {"repository": repository, "tag": tag, "digest": f"sha256:{number:064x}", "size": 1570},
        }
        for number, tag in enumerate(reversed(tags))
    ]
    headers = {"Authorization": f"Bearer {SECRET}"}
    response = requests.post(server.url("/registries/events"), json={"events": events}, headers=headers, timeout=20)
    assert response.status_code == 204
