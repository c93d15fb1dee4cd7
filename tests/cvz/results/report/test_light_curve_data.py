"""The data of the viewer: as near to the sector file as is promised, and small."""

import numpy as np
import pytest

import cvzmpi
from cvzmpi.cvz.results.products.measured_flares import by_size
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.report.light_curve_data import light_curve_script
from tests.cvz.example_file import PEAKS, write_example
from tests.cvz.results.report.shown_light_curve import columns_of, data_of

REAL = ((425933644, 1), (117544915, 1), (53842685, 1))
"""A star with many flares, an eclipsing binary, and a pulsator, whose model is never smooth."""

LARGEST = 90_000  # characters of a script
SETTINGS = {"inject.n_inject": 60, "inject.n_repeat": 3}


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    return SearchedFile.read(write_example(tmp_path_factory.mktemp("example") / "1.h5"))


@pytest.fixture(scope="module", params=REAL, ids=lambda pair: str(pair[0]))
def real(request, real_file, tmp_path_factory):
    done = cvzmpi.inject(real_file(*request.param), settings=SETTINGS)
    return SearchedFile.read(done.write(tmp_path_factory.mktemp("real")))


def check_values(content):
    """Compare each value that is shown with that of the file."""
    data = data_of(light_curve_script(content))
    shown, curve = columns_of(data), content.data.light_curve
    usable = content.searched.usable
    median = np.median(curve.flux[usable].astype(float))
    noise = np.median(curve.flux_err[usable]) / median
    assert data["noise"] == pytest.approx(noise, rel=1e-5)
    measured = np.isfinite(curve.flux) & np.isfinite(curve.time)
    assert np.array_equal(np.isfinite(shown["flux"]), measured)

    def furthest(name, values, rows=measured):
        return np.abs(shown[name] - values)[rows].max()

    assert furthest("time", curve.time) * 86400 <= 0.0501
    flux = curve.flux.astype(float) / median
    assert np.all(
        np.abs(shown["flux"] - flux)[measured]
        <= np.maximum(0.001 * noise, 1e-7 * flux[measured]) * 1.001
    )
    assert furthest("error", curve.flux_err / median, usable) <= max(
        0.0026 * noise, 1e-5 * curve.flux_err[usable].max() / median
    )
    modelled = measured & np.isfinite(content.data.gp_mu)
    for name, values in (("mean", content.data.gp_mu), ("sd", content.data.gp_sigma)):
        assert furthest(name, values.astype(float) / median, modelled) <= 0.0101 * noise
    known = np.isfinite(content.data.probability)
    assert np.array_equal(np.isfinite(shown["probability"]), known)
    assert furthest("probability", content.data.probability, known) <= 0.0021
    assert np.array_equal(shown["quality"], curve.quality)
    assert np.array_equal(shown["state"] == "searched", content.searched.evaluated & usable)
    assert np.array_equal(shown["flaring"], content.searched.flaring)
    return data, shown


def test_every_value_is_as_near_as_is_promised(example):
    data, shown = check_values(example)
    assert (shown["state"][55], shown["state"][705]) == ("quality flags", "no measurement")
    assert data["n_cadences"] == 2600


def test_real_light_curves_are_as_near_and_small(real):
    check_values(real)
    assert len(light_curve_script(real)) < LARGEST


def test_a_flare_beyond_the_steps_keeps_its_height(tmp_path):
    def brighten(data):
        data.light_curve.flux[PEAKS[1]] = 9e5  # 449,000 times the noise above

    content = SearchedFile.read(write_example(tmp_path / "1.h5", change=brighten))
    _, shown = check_values(content)
    assert np.argmax(np.nan_to_num(shown["flux"])) == PEAKS[1]


def test_a_light_curve_without_a_model_is_shown_too(tmp_path):
    content = SearchedFile.read(write_example(tmp_path / "1.h5", model=False))
    data = data_of(light_curve_script(content))
    shown, curve = columns_of(data), content.data.light_curve
    assert (data["modelled"], data["completeness"]) == (False, None)
    assert data["flares"]["number"] == []
    assert "not measured yet" in data["summary"]
    difference = shown["flux"] - curve.flux.astype(float) / data["median_flux"]
    assert np.nanmax(np.abs(difference)) <= 0.00101 * data["noise"]
    assert shown["flaring"].any()


def test_flares_are_numbered_in_time_and_have_the_numbers_of_the_file(example):
    data, flares = data_of(light_curve_script(example)), example.measured_flares
    shown = data["flares"]
    assert shown["number"] == [1, 2]
    assert shown["peak"] == flares["peak"].tolist() == sorted(shown["peak"])
    for name in ("equivalent_duration", "equivalent_duration_error", "peak_time", "amplitude"):
        assert shown[name] == pytest.approx(flares[name].tolist(), rel=1e-9)
    assert shown["energy"] == [None, None]  # nobody knows the radius
    curve = example.completeness_curve()
    assert shown["completeness"] == pytest.approx(curve(flares["equivalent_duration"]).tolist())
    assert all(
        low <= value <= high
        for low, value, high in zip(
            shown["completeness_low"],
            shown["completeness"],
            shown["completeness_high"],
            strict=True,
        )
    )
    assert f"{flares['peak_time'][by_size(flares)[0]]:.4f}" in data["summary"]


def test_the_completeness_can_be_read_off(example):
    shown, curve = (
        data_of(light_curve_script(example))["completeness"],
        example.completeness_curve(),
    )
    knots = np.log(shown["equivalent_duration"])
    sizes = np.geomspace(curve.smallest, curve.largest, 50)
    assert np.interp(np.log(sizes), knots, shown["fraction"]) == pytest.approx(curve(sizes))
    half = curve.limit(0.5)
    assert shown["half"] == pytest.approx([half.value, half.relation, half.low, half.high])
