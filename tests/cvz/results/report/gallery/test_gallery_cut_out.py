"""The hours around a flare, from its sector file."""

import json
from dataclasses import replace

import numpy as np
import pytest

from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.report.gallery.choice import MOST_FLARES, SETS, ChosenFlare
from cvzmpi.cvz.results.report.gallery.cut_out import MOST_CADENCES, CutOut
from cvzmpi.errors import SectorFileError
from tests.cvz.example_file import EXPOSURE, write_example


@pytest.fixture
def file(tmp_path):
    return SearchedFile.read(write_example(tmp_path / "123456789_7.h5"))


def flare_of(file, number, **change):
    measures = {name: column[number].item() for name, column in file.measured_flares.items()}
    return ChosenFlare(number + 1, measures | change, {}, None)


def test_it_has_hours_before_and_after_and_the_values_of_the_file(file):
    flare = flare_of(file, 0)
    cut_out, curve = CutOut.of(file, flare), file.data.light_curve
    start, stop = flare.measures["start"], flare.measures["stop"]
    rows = np.flatnonzero(cut_out.inside)
    assert len(rows) == stop - start + 1
    assert cut_out.minutes[0] < -85
    assert cut_out.minutes[-1] > 145
    assert cut_out.minutes[rows[0] : rows[-1] + 1] == pytest.approx(
        (curve.time[start : stop + 1] - flare.measures["peak_time"]) * 1440
    )
    median = np.median(curve.flux[file.searched.usable].astype(float))
    inside = slice(start, stop + 1)
    for values, expected in (
        (cut_out.flux, curve.flux),
        (cut_out.error, curve.flux_err),
        (cut_out.mean, file.data.gp_mu),
        (cut_out.sd, file.data.gp_sigma),
    ):
        assert values[rows] == pytest.approx(expected[inside] / median)
    assert cut_out.probability[rows] == pytest.approx(file.data.probability[inside])


def test_the_template_is_that_of_the_table(file):
    flare = flare_of(file, 1)
    shown = CutOut.of(file, flare).template
    # the sum over the template is the equivalent duration, but for what is cut off
    seconds = np.nansum(shown) * EXPOSURE * 86400
    assert seconds == pytest.approx(flare.measures["equivalent_duration"], rel=0.03)
    none = CutOut.of(file, flare_of(file, 1, template_fitted=False)).template
    assert np.isnan(none).all()


def test_cadences_that_were_not_used_are_told_and_the_model_goes_through_them(file):
    # quality 16 at the rows 50 to 59
    flare = flare_of(file, 0, start=65, stop=70, peak=66)
    times = file.data.light_curve.time
    flare.measures.update(start_time=times[65], stop_time=times[70], peak_time=times[66])
    cut_out = CutOut.of(file, flare)
    unusable = np.flatnonzero(~cut_out.usable)
    assert len(unusable) == 10
    assert np.isfinite(cut_out.mean[unusable]).all()
    assert np.isnan(cut_out.error[unusable]).all()
    assert cut_out.packed()["unusable"] == unusable.tolist()
    assert np.count_nonzero(cut_out.flags_near) == 5  # within 10 cadences


def test_a_long_flare_is_cut_around_its_peak(file):
    times = file.data.light_curve.time
    flare = flare_of(file, 0, start=1300, stop=2400, peak=1900)
    flare.measures.update(start_time=times[1300], stop_time=times[2400], peak_time=times[1900])
    cut_out = CutOut.of(file, flare)
    assert len(cut_out.minutes) == MOST_CADENCES
    assert cut_out.minutes[MOST_CADENCES // 4] == 0


def test_a_gallery_of_the_longest_flares_has_at_most_three_megabytes(file):
    flare = flare_of(file, 0, start=1300, stop=2400, peak=1900)
    times = file.data.light_curve.time
    flare.measures.update(start_time=times[1300], stop_time=times[2400], peak_time=times[1900])
    longest = CutOut.of(file, flare)
    template = np.full(MOST_CADENCES, 0.1234)  # none of the columns is short
    probability = np.linspace(0.1, 0.9, MOST_CADENCES)
    packed = replace(longest, template=template, probability=probability).packed()
    size = len(json.dumps(packed, separators=(",", ":")))
    about_2_kb_of_words = 2000
    assert (size + about_2_kb_of_words) * MOST_FLARES * len(SETS) < 3e6


def test_whole_numbers_are_as_near_as_a_tenth_of_the_error(file):
    cut_out = CutOut.of(file, flare_of(file, 0))
    packed = cut_out.packed()
    known = np.isfinite(cut_out.flux)
    flux = 1 + packed["unit"] * np.array(packed["flux"], float)
    tolerance = np.nanmedian(cut_out.error) / 10
    assert flux[known] == pytest.approx(cut_out.flux[known], abs=tolerance)
    inside = np.flatnonzero(cut_out.inside)
    assert (packed["first"], packed["last"]) == (inside[0], inside[-1])


def test_a_flare_that_the_file_does_not_have_is_refused(file):
    with pytest.raises(SectorFileError, match="has changed since it was indexed"):
        CutOut.of(file, flare_of(file, 0, stop=9999))
