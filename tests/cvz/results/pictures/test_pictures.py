"""Pictures of flares, completeness and stars: what they show, units on all axes."""

import re

import numpy as np
import pytest
from matplotlib.image import imread

from cvzmpi.cvz.results.pictures.light_curve import Content, draw_zooms
from cvzmpi.cvz.results.pictures.recovery import draw_completeness
from cvzmpi.cvz.results.pictures.star import draw_ffd
from cvzmpi.cvz.results.products.ffd import StarFfd, cumulative_ffd
from cvzmpi.cvz.results.products.searched_sector import SearchedSector
from cvzmpi.pictures.style import save
from tests.cvz.example_file import write_example

# What has no unit.
_NUMBERS = (*("Flux / median flux", "Completeness", "Recovered fraction", "Flare\n"),)


@pytest.fixture
def content(tmp_path):
    return Content.read(write_example(tmp_path / "1.h5"))


def star(tmp_path, flares=(400, 1900)):
    return StarFfd.of([SearchedSector.read(write_example(tmp_path / "1.h5", flares=flares))])


def labels(figure):
    labels = [(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.get_axes()]
    return [label for pair in labels for label in pair if label]


def check(draw, tmp_path):
    """Draw it, look that it is not blank and that each axis has its unit; the figure."""
    figures = []
    save(lambda: figures.append(draw()) or figures[0], tmp_path / "picture.png")
    assert imread(tmp_path / "picture.png").std() > 0.02
    for label in labels(figures[0]):
        assert re.search(r"\[.+\]|per day", label) or label.startswith(_NUMBERS), label
    return figures[0]


def test_each_flare_has_a_panel_the_largest_first(content, tmp_path):
    figure = check(lambda: draw_zooms(content), tmp_path)
    titles = [axes.get_title("left") for axes in figure.get_axes() if axes.get_title("left")]
    flares = content.measured_flares
    order = np.argsort(-flares["equivalent_duration"])
    assert titles == [f"flare {i}, peak {flares['peak_time'][i]:.4f} BTJD d" for i in order]


@pytest.mark.parametrize("how", [{"flares": ()}, {"model": False}])
def test_without_flares_it_is_said(tmp_path, how):
    content = Content.read(write_example(tmp_path / "1.h5", **how))
    (axes,) = check(lambda: draw_zooms(content), tmp_path).get_axes()
    assert "No flare" in axes.texts[0].get_text()


def test_the_curve_goes_through_the_limits_that_are_written(content, tmp_path):
    figure = check(lambda: draw_completeness(content.recovery, "title"), tmp_path)
    left, _ = figure.get_axes()
    texts = [text.get_text() for text in left.texts]
    assert any(text.startswith("50%") and text.endswith(" s") for text in texts)


def test_the_distribution_has_each_flare_raw_and_corrected(tmp_path):
    one = star(tmp_path)
    figure = check(lambda: draw_ffd(one), tmp_path)
    raw = next(line for line in figure.get_axes()[0].lines if line.get_label() == "as found")
    points = cumulative_ffd(one)
    assert np.array_equal(raw.get_xdata(), points["ed"])
    assert np.array_equal(raw.get_ydata(), points["raw_rate"])


def test_a_star_without_flares_has_its_upper_limit(tmp_path):
    quiet = star(tmp_path, flares=())
    text = draw_ffd(quiet).get_axes()[0].texts[0].get_text()
    assert f"fewer than {quiet.upper_limit:.3g} a day" in text
