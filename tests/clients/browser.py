"""Headless Chromium, driven with Selenium. `.ci/run` installs the packages `chromium` and `chromium-driver`."""

import shutil
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_core_python.selenium import Axe
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.clients.conftest import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots"
DESKTOP, PHONE = (1280, 900), (390, 844)  # width and height in pixels
_MAX_TAB_STOPS = 50
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Chromium logs this for a page whose own status is 4xx. A page loads nothing else.
_OWN_STATUS = "Failed to load resource: the server responded with a status of 4"


def describe_missing_programs() -> str | None:
    """Return which programs are missing on this machine, or None."""
    missing = [program for program in ("chromium", "chromedriver") if shutil.which(program) is None]
    return f"{' and '.join(missing)} not installed" if missing else None


class Browser:
    """One browser window. Elements are selected by id or CSS selector, never by their text."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        self.driver.get(url)

    @property
    def page_name(self) -> str:
        """The `data-page` of the page."""
        return self.find("main").get_attribute("data-page") or ""

    @property
    def title(self) -> str:
        return self.find("h1").text

    @property
    def text(self) -> str:
        """The visible text."""
        return self.find("body").text

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def find_all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def enter_text(self, field_id: str, text: str) -> None:
        """Click the label of a field, and type into the field that receives the focus."""
        self.find(f"label[for='{field_id}']").click()
        field = self.driver.switch_to.active_element
        assert field.get_attribute("id") == field_id
        field.clear()
        field.send_keys(text)

    def search(self, text: str) -> None:
        """Search with the form in the header."""
        self.find("#q").clear()
        self.find("#q").send_keys(text)
        self.click("#search")

    def click(self, selector: str) -> None:
        """Click a link or a button, and wait for the next page."""
        page = self.find("html")
        self.find(selector).click()
        WebDriverWait(self.driver, 20).until(lambda driver: driver.find_element(By.TAG_NAME, "html") != page)

    def tab_stops(self, part: str = "main") -> list[str]:
        """Press the tab key from the start of the page, and return the ids of the elements that receive the focus.

        Only elements in `part` of the page are returned. An element without an id is returned as its text. Each focused
        element must have a visible outline.
        """
        stops: list[str] = []
        self.driver.execute_script("document.activeElement.blur(); window.getSelection().removeAllRanges();")
        count = 0
        while count < _MAX_TAB_STOPS:
            self.driver.switch_to.active_element.send_keys(Keys.TAB)
            focused = self.driver.switch_to.active_element
            if focused.tag_name == "body":
                break
            assert focused.value_of_css_property("outline-style") == "solid", "the focus must be visible"
            if focused.find_elements(By.XPATH, f"ancestor::{part}"):
                stops.append(focused.get_attribute("id") or focused.text)
            count += 1
        return stops

    def find_problems(self) -> list[str]:
        """Return the accessibility problems that axe finds, and the messages in the log of the browser."""
        result: dict[str, Any] = Axe().run(self.driver)
        violations = [
            f"{rule['id']}: {node['html']} {node.get('failureSummary', '')}"
            for rule in result["violations"]
            for node in rule["nodes"]
        ]
        logged = [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]
        return violations + [message for message in logged if _OWN_STATUS not in message]

    def allow_scripts(self, is_allowed: bool) -> None:
        """Switch JavaScript on or off for the next pages."""
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not is_allowed})

    def set_screen(self, size: tuple[int, int], color_scheme: str) -> None:
        """Emulate a screen of this size in pixels, and the color scheme `light` or `dark`."""
        width, height = size
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE},
        )
        features = [{"name": "prefers-color-scheme", "value": color_scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def save_screenshot(self, name: str) -> Path:
        """Save a picture of the whole page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        screenshot = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": {**size, "scale": 1}}
        )
        path = SCREENSHOTS / f"{name}.png"
        path.write_bytes(b64decode(screenshot["data"]))
        return path


@contextmanager
def run_browser(profile: Path) -> Iterator[Browser]:
    """Run a browser with a new profile in this folder."""
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options, Service(shutil.which("chromedriver")))
    try:
        driver.set_page_load_timeout(30)
        yield Browser(driver)
    finally:
        driver.quit()
