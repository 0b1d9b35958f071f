"""Headless Chromium: Debian's, which `.ci/run` installs."""

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
from selenium.webdriver.support.ui import WebDriverWait

from tests.clients.conftest import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots"
DESKTOP, PHONE = (1280, 900), (390, 844)
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

_OWN_STATUS = "Failed to load resource: the server responded with a status of 4"  # the page itself: it loads no other


def missing() -> str | None:
    """What this machine lacks."""
    lacking = [program for program in ("chromium", "chromedriver") if shutil.which(program) is None]
    return f"no {' and no '.join(lacking)} on this machine" if lacking else None


class Browser:
    """A person at a browser."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, address: str) -> None:
        self.driver.get(address)

    @property
    def title(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "h1").text

    @property
    def text(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "body").text

    def write(self, label: str, text: str) -> None:
        """Types into the field that a visible label names."""
        named = self.driver.find_element(By.XPATH, f"//label[normalize-space()='{label}']")
        field = self.driver.find_element(By.ID, named.get_attribute("for") or "")
        field.clear()
        field.send_keys(text)

    def press(self, button: str) -> None:
        """Presses a button and waits for the page that it leads to."""
        self._leave(self.driver.find_element(By.XPATH, f"//button[normalize-space()='{button}']"))

    def follow(self, link: str) -> None:
        self._leave(self.driver.find_element(By.LINK_TEXT, link))

    def tab_stops(self) -> list[str]:
        """What the tab key comes by, from the page's beginning."""
        stops: list[str] = []
        self.driver.execute_script("document.activeElement.blur(); window.getSelection().removeAllRanges();")
        while len(stops) < 50:
            self.driver.switch_to.active_element.send_keys(Keys.TAB)
            focused = self.driver.switch_to.active_element
            if focused.tag_name == "body":
                break
            assert focused.value_of_css_property("outline-style") == "solid", "where one is must be seen"
            stops.append(focused.get_attribute("id") or focused.text)
        return stops

    def complaints(self) -> list[str]:
        """What axe finds wrong for people who do not see, point or read well; and what the browser itself logged."""
        found: dict[str, Any] = Axe().run(self.driver)
        broken = [
            f"{rule['id']}: {node['html']} {node.get('failureSummary', '')}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]
        logged = [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]
        return broken + [message for message in logged if _OWN_STATUS not in message]

    def wear(self, size: tuple[int, int], scheme: str) -> None:
        """Becomes a screen of this size, whose owner likes the colours `light` or `dark`."""
        width, height = size
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE},
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def picture(self, name: str) -> Path:
        """A screenshot of the whole page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        shot = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": {**size, "scale": 1}}
        )
        path = SCREENSHOTS / f"{name}.png"
        path.write_bytes(b64decode(shot["data"]))
        return path

    def _leave(self, element: Any) -> None:
        page = self.driver.find_element(By.TAG_NAME, "html")
        element.click()
        WebDriverWait(self.driver, 20).until(lambda driver: driver.find_element(By.TAG_NAME, "html") != page)


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """A browser that nobody has used, until the context ends."""
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*_FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options, Service(shutil.which("chromedriver")))
    try:
        driver.set_page_load_timeout(30)
        yield Browser(driver)
    finally:
        driver.quit()
