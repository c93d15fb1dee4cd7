"""`cvzmpi plot`: a figure whatever is in the file, always the same one."""

import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.results.pictures.light_curve import Content, not_searched
from cvzmpi.cvz.results.pictures.overview import draw_overview, plot_file
from cvzmpi.errors import ConfigError, SectorFileError
from tests.cvz.example_file import EXPOSURE, write_example


def axes_of(figure):
    """All panels, by their title or y label."""
    return {axes.get_title("left") or axes.get_ylabel(): axes for axes in figure.get_axes()}


def texts(figure):
    """Everything that is written within the panels and legends."""
    found = []
    for axes in figure.get_axes():
        found += [text.get_text() for text in axes.texts]
        if axes.get_legend():
            found += [text.get_text() for text in axes.get_legend().get_texts()]
    return found


def drawn(path):
    return draw_overview(Content.read(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, ["2 flares", "Gaussian process"]),
        ({"flares": ()}, ["no flare", "No flare detected"]),
        ({"model": False}, ["2 flares", "no Gaussian process yet", "No injections yet"]),
        ({"model": False, "flares": ()}, ["no flare", "No flares measured yet"]),
        ({"n_done": 0}, ["No injection done yet"]),
        ({"n_done": 1}, ["Too few injections yet: 1 of 300 flares × 4 places"]),
        ({"flares": (102, 2500)}, ["2 flares"]),  # near both ends of what is searched
    ],
)
def test_every_state_of_a_file_can_be_drawn(tmp_path, content, said):
    path = write_example(tmp_path / "1.h5", **content)
    output = plot_file(path, tmp_path / "1.png")
    assert output == tmp_path / "1.png"
    picture = imread(output)
    assert picture.shape[0] > 800
    assert picture.std() > 0.02  # not blank
    found = texts(drawn(path))
    for text in said:
        assert any(re.fullmatch(rf"{text}( in [0-9.]+ d)?", one) for one in found), text


def test_what_is_drawn_is_what_the_file_has(tmp_path):
    path = write_example(tmp_path / "1.h5")
    content = Content.read(path)
    figure = draw_overview(content)
    panels = axes_of(figure)
    top = panels["TIC 123456789, sector 7, $T$ = 9.87 mag"]
    assert top.get_xlabel() == "Time [BTJD d]"
    flux = top.lines[0].get_ydata()
    assert len(flux) == 2570
    assert np.median(flux) == pytest.approx(1)
    flares = content.data.flares
    assert any(np.array_equal(line.get_xdata(), flares["peak_time"]) for line in top.lines)

    zoom = panels["Largest flare"]
    largest = np.argmax(content.measured_flares["equivalent_duration"])
    assert f"peak {flares['peak_time'][largest]:.4f} BTJD" in zoom.texts[0].get_text()
    assert "minutes" in panels["Flare\nprobability"].get_xlabel()

    recovered = panels["Recovered fraction"]
    assert recovered.get_title("right") == "300 flares × 4 places"
    assert "[minutes]" in recovered.get_xlabel()
    assert "[%" in recovered.get_ylabel()


def test_an_unfinished_file_says_so(tmp_path):
    panels = axes_of(drawn(write_example(tmp_path / "1.h5", n_done=80)))
    assert "TIC 123456789, sector 7, unfinished" in panels
    assert panels["Recovered fraction"].get_title("right") == "80 of 300 flares × 4 places"


def test_where_the_detector_did_not_look_is_grey(tmp_path):
    content = Content.read(write_example(tmp_path / "1.h5"), Search.STELLA)
    stretches = not_searched(content)
    searched = np.isfinite(content.data.probability)
    grey = np.zeros(len(searched), bool)
    for start, stop in stretches:
        grey |= (content.data.light_curve.time > start) & (content.data.light_curve.time < stop)
    assert len(stretches) == 4  # both ends, the gap, and the cadences without flux
    assert not np.any(grey & searched)
    assert np.sum(~grey & ~searched) <= 12  # the few flagged cadences and edges
    assert min(stop - start for start, stop in stretches) > 19 * EXPOSURE


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".PNG"])
def test_the_same_file_gives_the_same_figure(tmp_path, suffix):
    path = write_example(tmp_path / "1.h5")
    first = plot_file(path, tmp_path / f"first{suffix}").read_bytes()
    with mpl.rc_context({"font.size": 20, "savefig.dpi": 50, "axes.facecolor": "red"}):
        second = plot_file(path, tmp_path / f"second{suffix}").read_bytes()
    assert first == second
    assert len(first) < 500_000


@pytest.mark.parametrize("name", ["plot.gif", "plot", "plot.h5", ".png"])
def test_an_unknown_suffix_is_one_line_and_nothing_is_written(tmp_path, name):
    path = write_example(tmp_path / "1.h5")
    with pytest.raises(ConfigError, match=r"use \.png or \.pdf") as error:
        plot_file(path, tmp_path / name)
    assert "\n" not in str(error.value)
    assert not (tmp_path / name).exists()


def test_an_output_that_cannot_be_written_is_one_line(tmp_path):
    path = write_example(tmp_path / "1.h5")
    with pytest.raises(ConfigError, match=r"absent.1\.png: cannot be written: No such"):
        plot_file(path, tmp_path / "absent" / "1.png")


def test_a_bad_file_is_one_line_and_draws_nothing(tmp_path):
    with pytest.raises(SectorFileError, match="no such sector file"):
        plot_file(tmp_path / "1.h5", tmp_path / "1.png")
    assert not (tmp_path / "1.png").exists()
