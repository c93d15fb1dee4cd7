"""Quality in pictures: the gravest bit of a pixel is seen, and the legend counts all of them."""

import numpy as np

from cvzmpi.level2.pictures.categories import FAILED, GOOD, categories_of
from cvzmpi.level2.pictures.map_picture import draw_maps
from cvzmpi.level2.pictures.open_map import open_map
from cvzmpi.level2.pictures.page_pictures import page_pictures
from cvzmpi.level2.pixels.outliers import Quality
from cvzmpi.level2.pixels.quality_in_words import names_in
from tests.level2.sunspot import WITHOUT_PROFILES, make_sunspot


def test_of_several_bits_a_pixel_shows_the_gravest_and_counts_for_each():
    spiky, both = Quality.SPIKES.value, (Quality.SPIKES | Quality.POOR_FIT).value
    dark = (Quality.NO_LIGHT | Quality.GAPS | Quality.POOR_FIT).value
    shown, categories = categories_of(np.array([[0, spiky, both], [dark, np.nan, 0]]))
    names = [one.name for one in categories]
    assert names == ["nothing noted", "spikes", "gaps", "poor fit", "no light"]
    assert [one.n_pixels for one in categories] == [2, 2, 1, 2, 1]
    assert (categories[0].colour, categories[-1].colour) == (GOOD, FAILED)
    np.testing.assert_array_equal(shown, [[0, 1, 3], [4, np.nan, 0]])


def test_every_bit_has_a_colour_of_its_own():
    bits = np.array([[bit.value for bit in Quality]], float)
    shown, categories = categories_of(bits)
    assert len({one.colour for one in categories}) == len(Quality) == len(np.unique(shown))


def test_a_map_of_nothing_yet_has_no_categories():
    shown, categories = categories_of(np.full((2, 2), np.nan))
    assert categories == []
    assert np.isnan(shown).all()


def test_the_picture_the_page_and_the_pixel_say_the_quality_in_words(tmp_path):
    opened = open_map(make_sunspot(tmp_path, n_inverted=4).inverted)
    quality = opened.quantities["quality"]
    figure = draw_maps(opened, [quality], with_status=False)
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert "no light\n1" in legend
    (said,) = (
        one
        for one in page_pictures(opened.path, None)["facts"]["quantities"]
        if one["name"] == "quality"
    )
    assert [f"{one['name']}\n{one['n_pixels']}" for one in said["legend"]] == legend
    (value,) = (one for one in opened.values(*WITHOUT_PROFILES) if one.name == "quality")
    assert "no light" in value.words
    assert np.isnan(quality.values[4:]).all()


def test_bits_in_words():
    assert names_in(0) == "nothing noted"
    assert names_in((Quality.SPIKES | Quality.POOR_FIT).value) == "spikes, poor fit"
