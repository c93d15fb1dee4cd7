"""How long a page takes in a headless Chromium until it can be used."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from selenium import webdriver

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1300,1000"),
)

_USABLE = """
const done = arguments[arguments.length - 1];
let scrolled = false;
function look() {
  const rows = document.querySelectorAll("table tbody tr").length;
  const charts = document.querySelector(".charts");
  if (rows && charts && !scrolled) {
    charts.scrollIntoView(); // charts are drawn when they come into view
    scrolled = true;
  }
  const drawn = !charts || charts.querySelector("canvas");
  if (document.readyState === "complete" && rows && drawn) done(performance.now());
  else setTimeout(look, 10);
}
look();
"""
"""Milliseconds from the address to a page with rows in its table and its first chart drawn."""


def seconds_until_usable(page: Path, times: int = 3) -> float:
    """The time until a table shows rows and the first chart is drawn: the median of some visits.

    Raises
    ------
    FileNotFoundError
        If there is no Chromium here.
    """
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    for name, program in programs.items():
        if program is None:
            raise FileNotFoundError(f"{name}: not found (Debian: apt-get install chromium-driver)")
    measured = []
    for _ in range(times):
        with tempfile.TemporaryDirectory(prefix="cvzmpi-browser-") as profile:
            options = webdriver.ChromeOptions()
            options.binary_location = str(programs["chromium"])
            for flag in (*_FLAGS, f"--user-data-dir={profile}"):
                options.add_argument(flag)
            service = webdriver.ChromeService(executable_path=programs["chromedriver"])
            driver = webdriver.Chrome(options=options, service=service)
            try:
                driver.set_script_timeout(120)
                driver.get(page.resolve().as_uri())
                measured.append(driver.execute_async_script(_USABLE) / 1000)
            finally:
                driver.quit()
    return sorted(measured)[len(measured) // 2]
