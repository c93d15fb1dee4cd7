"""A page in a headless Chromium: opened, looked at as a person does, and checked for faults.

The fixture `web_page` (tests/conftest.py) gives a `WebPage` of one browser for all tests, and
fails the test whose page has left an error in the console.
"""

import os
import shutil
import tempfile
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

DESKTOP = (1300, 1000)
PHONE = (390, 844)
SCREENSHOTS = "CVZMPI_SCREENSHOTS"
"""The environment variable that names a directory for pictures of the pages."""

_AXE = Path(__file__).parent / "axe_core" / "axe.min.js"
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--window-size=1300,1000",
)


def start_browser(profile, downloads=None):
    """A headless Chromium with its profile in a directory; a test without one is skipped."""
    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if None in programs:
        pytest.skip("no browser (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    if downloads is not None:
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    service = webdriver.ChromeService(executable_path=programs[1])
    return webdriver.Chrome(options=options, service=service)


class WebPage:
    """What a person sees of a page and does on it.

    `browser` is the driver of selenium, `downloads` the directory where its downloads come.
    """

    def __init__(self, browser, downloads):
        self.browser = browser
        self.downloads = downloads

    def open(self, place):
        """Open a file or an address."""
        self.browser.get(place if isinstance(place, str) else Path(place).resolve().as_uri())

    def all(self, selector):
        """Every element of a CSS selector."""
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        """The first element of a CSS selector."""
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        """The visible text of every element of a selector."""
        return [element.text for element in self.all(selector)]

    def press(self, *keys):
        """Press keys where the focus is."""
        for key in keys:
            self.browser.switch_to.active_element.send_keys(key)

    def tab_to(self, selector, most=200):
        """Press Tab until the focus is on an element of a selector, as who has no mouse does."""
        for _ in range(most):
            if self.run("return document.activeElement.matches(arguments[0])", selector):
                return
            self.press(Keys.TAB)
        raise AssertionError(f"{most} times Tab do not reach {selector}")

    def run(self, script, *arguments):
        """The value of a script in the page."""
        return self.browser.execute_script(script, *arguments)

    def until(self, is_so, seconds=60):
        """Wait until something is so, while one page goes and another comes."""
        # The browser has many words for an element whose page is going.
        wait = WebDriverWait(self.browser, seconds, 0.05, [WebDriverException])
        return wait.until(lambda _: is_so())

    def size(self, size):
        """Make the window as large as that of a `DESKTOP` or a `PHONE`."""
        width, height = size
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE},
        )

    def prefer(self, theme):
        """Let the system prefer a theme: "light" or "dark"."""
        feature = {"name": "prefers-color-scheme", "value": theme}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def console_errors(self):
        """The errors and warnings in the console since the last call."""
        return [entry["message"] for entry in self.browser.get_log("browser")]

    def scrolls_sideways(self):
        """Whether the page as a whole is wider than the window."""
        width = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        return self.run(f"return {width}")

    def faults(self, selector="html"):
        """Serious and critical findings of axe-core, a line for each element."""
        if not self.run("return 'axe' in globalThis"):
            self.run(_AXE.read_text(encoding="utf-8"))
        found = self.browser.execute_async_script(
            "const options = {resultTypes: ['violations'], preload: false};"
            "axe.run(arguments[0], options).then(arguments[1])",
            selector,
        )
        return [
            f"{violation['id']}: {node['html'][:160]}: {' '.join(node['failureSummary'].split())}"
            for violation in found["violations"]
            if violation["impact"] in {"serious", "critical"}
            for node in violation["nodes"]
        ]

    def downloaded(self, name):
        """The file of a download, when it is whole.

        It is moved away, so that the next one of that name is not taken for this one.
        """
        path = self.downloads / name

        def is_whole():  # the browser reserves the name with an empty file, until it is
            under_way = any(self.downloads.glob("*.crdownload"))
            return path.exists() and path.stat().st_size > 0 and not under_way

        self.until(is_whole)
        return path.rename(Path(tempfile.mkdtemp(dir=self.downloads)) / name)

    def screenshot(self, name, whole=True):
        """A picture of the page, or of its window, where the environment names a directory.

        It has 256 colours: a third of the bytes.
        """
        directory = os.environ.get(SCREENSHOTS)
        if not directory:
            return
        if whole:
            width, height = self.run(
                "return [innerWidth, document.documentElement.scrollHeight + 20]"
            )
            self.size((width, min(height, 6000)))
        image = Image.open(BytesIO(self.browser.get_screenshot_as_png())).convert("RGB")
        image.quantize(256).save(Path(directory) / f"{name}.png", optimize=True)
