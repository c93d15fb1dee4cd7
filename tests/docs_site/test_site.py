"""The built site: it opens nothing from the network; its pages, pictures and links are there."""

import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.docs_site

SITE = Path(__file__).resolve().parents[2] / "docs" / "_build" / "html"
TUTORIALS = {
    "first-flares": 2,
    "cluster": 1,
    "flare-rates": 2,
    "reliability": 3,
    "magnetic-maps": 2,
    "own-detector": 1,
}
"""The tutorials, and how many figures each has at least."""


class Page(HTMLParser):
    """What a page loads by itself, and where it leads to."""

    def __init__(self, path):
        super().__init__()
        self.path, self.loads, self.links, self.ids = path, [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids |= {given["id"]} if given.get("id") else set()
        loaded = given.get("src") or given.get("srcset") or given.get("data-src")
        if loaded:
            self.loads.append(loaded)
        if tag == "link" and given.get("rel") not in {"canonical", "author"}:
            self.loads.append(given["href"])
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])


@pytest.fixture(scope="module")
def pages():
    found = [Page(path) for path in sorted(SITE.rglob("*.html"))]
    assert len(found) > 30
    return {page.path: page for page in found}


def test_no_page_loads_anything_from_the_network(pages):
    remote = {(page.path.name, what) for page in pages.values() for what in page.loads}
    assert {(page, what) for page, what in remote if re.match(r"(https?:)?//", what)} == set()


def test_no_style_and_no_script_loads_anything_from_the_network():
    for path in [*SITE.rglob("*.css"), *SITE.rglob("*.js")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"""(?:@import|url\()\s*["']?(?:https?:)?//""", text), path
        assert not re.search(r"""(?:fetch|importScripts)\(\s*["'](?:https?:)?//""", text), path


def test_links_within_the_site_lead_to_pages_and_headings(pages):
    for page in pages.values():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = Path(os.path.normpath(page.path.parent / unquote(parts.path)))
            target = page.path if not parts.path else target
            assert target.exists(), f"{page.path.name}: {link}"
            if parts.fragment and target in pages:
                assert parts.fragment in pages[target].ids, f"{page.path.name}: {link}"


@pytest.mark.parametrize("name", TUTORIALS)
def test_a_tutorial_was_executed_and_shows_its_figures(name):
    text = (SITE / "tutorials" / f"{name}.html").read_text(encoding="utf-8")
    figures = re.findall(r'<img[^>]* src="\.\./_images/([0-9a-f]{64})\.png"', text)
    assert len(figures) >= TUTORIALS[name]
    assert all((SITE / "_images" / f"{name}.png").stat().st_size > 10_000 for name in figures)
    assert "Traceback" not in text
    assert not re.search("[a-z]Warning: ", text)


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("settings", ["inject.n_inject", "ledger.patience", "inversion.noise"]),
        ("commands", ["cvzmpi run", "cvzmpi level2 scan", "--min-completeness"]),
        ("errors", ["LedgerUnavailableError", "exit status"]),
        ("library", ["cvzmpi.read", "cvzmpi.search", "cvzmpi.inject", "SectorFile", "Campaign"]),
        ("engine", ["Detector", "UnitSource", "work_through"]),
    ],
)
def test_the_reference_has_what_is_public(page, expected):
    text = re.sub("<[^>]*>", "", (SITE / "reference" / f"{page}.html").read_text(encoding="utf-8"))
    assert [name for name in expected if name not in text] == []


def test_a_browser_shows_a_page_on_a_phone_without_scrolling_sideways(browser):
    for page in ("index", "tutorials/flare-rates", "reference/settings", "results"):
        browser.set_window_size(500, 900)
        browser.get((SITE / f"{page}.html").as_uri())
        width, shown = browser.execute_script(
            "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert width <= shown, page
        wrong = [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]
        assert wrong == []
