"""The theme of all pages: contrast in light and dark, and the switch between them."""

import re

import pytest

from cvzmpi.web.assets import ASSETS, shared_assets

THEMES = dict(
    re.findall(r"color-scheme: (\w+);([^}]*)", (ASSETS / "theme.css").read_text(encoding="utf-8"))
)
TEXT = {"text", "muted", "accent", "link", "good", "bad", "warning"}
LINES = {"control", "focus", "data", "model", "flare", "injected", "left-out"}
LINES |= {f"series-{number}" for number in range(1, 7)}


def colours(theme):
    return dict(re.findall(r"--([\w-]+): (#\w{6})", THEMES[theme]))


def luminance(colour):
    """Of WCAG 2.2."""
    values = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_of_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_lines_stand_out_from_every_ground(theme):
    colour = colours(theme)
    assert colour.keys() >= TEXT | LINES | {"grid", "band", "line"}
    grounds = [colour["background"], colour["panel"]]
    weak = {
        name: round(contrast(colour[name], ground), 2)
        for least, names in ((4.5, TEXT), (3, LINES))
        for name in names
        for ground in grounds
        if contrast(colour[name], ground) < least
    }
    assert weak == {}
    assert contrast(colour["accent"], colour["on-accent"]) > 4.5


def test_the_dark_theme_is_the_same_by_choice_and_by_the_system():
    blocks = re.findall(r"color-scheme: dark;([^}]*)", (ASSETS / "theme.css").read_text())
    chosen, of_system = ("".join(block.split()) for block in blocks)
    assert chosen == of_system


@pytest.fixture
def small_page(tmp_path):
    for name, content in shared_assets():
        path = tmp_path / "assets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    page = tmp_path / "page.html"
    page.write_text(
        '<!doctype html><html lang="en"><head><title>A page</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="assets/theme.css">'
        '<script src="assets/theme.js"></script></head><body>'
        '<header class="page-header"><button type="button" data-theme-switch hidden></button>'
        '</header><main id="content"><h1>A page</h1></main></body></html>'
    )
    return page


def test_the_system_decides_until_the_reader_does(small_page, web_page):
    def background():
        return web_page.run("return getComputedStyle(document.body).backgroundColor")

    web_page.open(small_page)
    light = background()
    web_page.prefer("dark")
    web_page.open(small_page)
    dark = background()
    assert light != dark
    assert web_page.run("return cvzmpi.theme()") == "dark"
    web_page.tab_to("[data-theme-switch]")
    assert web_page.texts("[data-theme-switch]") == ["Light theme"]
    web_page.run("document.addEventListener('cvzmpi:theme', e => { globalThis.said = e.detail; })")
    web_page.press(" ")
    assert web_page.run("return [globalThis.said, cvzmpi.theme()]") == ["light", "light"]
    assert background() == light
    web_page.open(small_page)  # the choice is remembered
    assert background() == light
    assert web_page.run("return cvzmpi.colour('text')") == colours("light")["text"]


def test_the_helper_of_the_tests_sees_faults(small_page, web_page):
    web_page.open(small_page)
    assert web_page.faults() == []
    web_page.run(
        "const image = document.createElement('img'); image.style.minWidth = '3000px';"
        "document.querySelector('main').append(image);"
    )
    assert any(fault.startswith("image-alt") for fault in web_page.faults())
    assert web_page.scrolls_sideways()
