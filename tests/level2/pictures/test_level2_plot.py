"""`cvzmpi level2 plot`: whatever file a map is in is drawn, with its scale and its gaps."""

import hashlib
import math
import shutil
from datetime import datetime, timezone

import h5py
import numpy as np
import pytest
from astropy.io import fits

from cvzmpi.level2.inversion.inversion_file import read_so_far
from cvzmpi.level2.maps.map_scale import ASTRONOMICAL_UNIT, MapScale, earth_distance, scale_of
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.pictures.map_picture import draw_maps
from cvzmpi.level2.pictures.open_map import open_map
from cvzmpi.level2.pictures.pixel_picture import draw_pixel
from cvzmpi.level2.pictures.quantities import Quantity
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from tests.level2.sunspot import SCALE, SHAPE, WITHOUT_PROFILES, make_sunspot

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def sunspot(tmp_path_factory):
    return make_sunspot(tmp_path_factory.mktemp("sunspot"))


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    return make_sunspot(tmp_path_factory.mktemp("half"), n_inverted=7)


@pytest.fixture
def working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", ["inverted", "prepared", "ASDF", "FITS", "directory"])
def test_a_map_is_drawn_from_whatever_file_it_is_in(example, call, working_directory, kind):
    files = {
        "inverted": example.inverted,
        "prepared": example.prepared,
        "ASDF": next(example.product.glob("*.asdf")),
        "FITS": sorted(example.product.glob("*.fits"))[1],
        "directory": example.product,
    }
    status, printed, errors = call("level2", "plot", files[kind])
    assert (status, errors) == (0, "")
    (drawn,) = (working_directory / "plots").iterdir()
    assert printed == f"plots/{drawn.name}\n"
    assert drawn.read_bytes().startswith(PNG)
    opened = open_map(files[kind])
    assert opened.shape == (3, 8)
    assert "arcsec" in opened.size_in_words()


def test_a_picture_of_the_same_file_is_the_same_and_may_be_a_pdf(sunspot, call, working_directory):
    for name in ("one.pdf", "other.pdf", "one.png", "other.png"):
        assert call("level2", "plot", sunspot.inverted, "-o", name)[0] == 0
    for suffix in ("pdf", "png"):
        one, other = ((working_directory / f"{n}.{suffix}").read_bytes() for n in ("one", "other"))
        assert hashlib.sha256(one).digest() == hashlib.sha256(other).digest()


def test_a_product_has_the_values_of_the_inverted_map_in_its_own_units(example):
    inverted, product = open_map(example.inverted), open_map(example.product)
    assert inverted.quantities["field_strength"].unit == "G"
    assert product.quantities["field_strength"].unit == "T"
    for name in ("field_strength", "field_strength_uncertainty"):
        of_inverted = inverted.quantities[name].values
        np.testing.assert_allclose(product.quantities[name].values, 1e-4 * of_inverted, rtol=1e-6)
    for name in ("inclination", "azimuth", "velocity", "chi_squared", "continuum", "damping"):
        np.testing.assert_allclose(
            product.quantities[name].values, inverted.quantities[name].values, rtol=1e-5, atol=1e-6
        )
        assert product.quantities[name].unit == inverted.quantities[name].unit
    assert product.shape == inverted.shape
    of_product, of_inverted = product.profiles(2, 3), inverted.profiles(2, 3)
    np.testing.assert_allclose(of_product.observed, of_inverted.observed, atol=1e-6)
    np.testing.assert_allclose(of_product.fitted, of_inverted.fitted, atol=1e-6)
    np.testing.assert_allclose(of_product.wavelength, of_inverted.wavelength, atol=1e-6)


# ----------------------------------------------------------------- scale


def test_an_arcsecond_has_725_km_at_one_astronomical_unit_and_the_sun_its_radius():
    assert SCALE.mm_per_arcsec == pytest.approx(0.72527, abs=1e-5)
    # the apparent radius of the Sun at that distance, for the nominal radius of the IAU
    assert 959.22 * SCALE.mm_per_arcsec == pytest.approx(695.7, abs=0.01)


@pytest.mark.parametrize(
    ("day", "expected"),  # of JPL's ephemeris, in astronomical units
    [("2022-06-06", 1.01467), ("2023-01-04", 0.98330), ("2024-10-10", 0.99862)],
)
def test_the_distance_of_the_earth_is_right_to_three_in_ten_thousand(day, expected):
    time = datetime.fromisoformat(day).replace(tzinfo=timezone.utc)
    assert earth_distance(time) / ASTRONOMICAL_UNIT == pytest.approx(expected, rel=3e-4)


def test_all_files_of_an_observation_have_the_scale_of_its_headers(example):
    scales = [open_map(f).scale for f in (example.prepared, example.inverted, example.product)]
    for scale in scales:
        # CDELT1 and CDELT3 of `dkist-data-simulator`
        assert scale.slit_arcsec == pytest.approx(3600 / 60_000, rel=1e-6)
        assert scale.scan_arcsec == pytest.approx(3600 / 120_000, rel=1e-6)
        assert scale.observer_distance == pytest.approx(ASTRONOMICAL_UNIT, rel=0.018)
    assert scales[0].observer_distance == scales[1].observer_distance
    assert scales[2].observer_distance == pytest.approx(scales[0].observer_distance, rel=1e-9)


def header(scan, **changed):
    """A header of a scan position, with the slit along a direction between the axes."""
    cosine, sine = math.cos(0.5), math.sin(0.5)
    return {
        **{"NAXIS1": 11, "CTYPE1": "HPLT-TAN", "CUNIT1": "arcsec", "CRPIX1": 6.0, "CRVAL1": 100.0},
        **{"NAXIS2": 1, "CTYPE2": "HPLN-TAN", "CUNIT2": "arcsec", "CRPIX2": 1.0, "CRVAL2": scan},
        **{"CDELT1": 0.25, "CDELT2": 0.25, "PC1_1": cosine, "PC1_2": -sine, "PC2_1": sine},
        **{"PC2_2": cosine, "DATE-AVG": "2024-01-01T00:00:00", "DSUN_OBS": 1.5e11},
        **changed,
    }


def test_a_turned_map_has_its_scale_and_binned_pixels_are_larger():
    scale = scale_of([header(-500 + 0.2 * step) for step in range(5)], slit_bin=3)
    assert scale.slit_arcsec == pytest.approx(0.75)
    assert scale.scan_arcsec == pytest.approx(0.2)
    assert scale.centre == pytest.approx((-499.6, 100))
    assert scale.observer_distance == 1.5e11
    assert MapScale.from_record(scale.as_record()) == scale


@pytest.mark.parametrize(
    "headers",
    [
        [header(1), header(1)],
        [header(1, CUNIT1="furlong"), header(2)],
        [header(1, CTYPE1="AWAV"), header(2)],
        [header(1, CRVAL1=math.nan), header(2)],
        [{}, {}],
    ],
)
def test_headers_that_do_not_say_where_pixels_are_give_no_scale(headers):
    assert scale_of(headers) is None


def test_the_axes_are_in_arcsec_with_megametres_above(sunspot):
    opened = open_map(sunspot.inverted)
    figure = draw_maps(opened, [opened.quantities["field_strength"]], with_status=False)
    panel = figure.axes[0]
    assert panel.get_xlabel() == "Scan [arcsec]"
    assert panel.get_xlim() == pytest.approx((0, 16 * 0.9))
    assert panel.get_ylim() == pytest.approx((0, 24 * 0.6))
    (above,) = panel.child_axes
    figure.draw_without_rendering()
    assert above.get_xlabel() == "Mm"
    assert above.get_xlim() == pytest.approx((0, 16 * 0.9 * 0.72527), rel=1e-4)
    assert "14.4 x 14.4 arcsec, 10.4 x 10.4 Mm" in figure.texts[0].get_text()
    width, height = panel.get_position().size * figure.get_size_inches()
    assert width == pytest.approx(height)  # a square on the sky is one in the picture


def test_a_file_without_a_scale_is_drawn_in_pixels_and_says_so(tmp_path):
    opened = open_map(make_sunspot(tmp_path, n_inverted=2, scale=None).inverted)
    figure = draw_maps(opened, [opened.quantities["velocity"]], with_status=False)
    assert figure.axes[0].get_xlabel() == "Scan [pixels]"
    assert figure.axes[0].child_axes == []
    assert "16 x 24 pixels; the file does not know its scale" in figure.texts[0].get_text()


# ----------------------------------------------------------------- quality


def test_a_half_done_inversion_is_drawn_as_far_as_it_is(half):
    opened = open_map(half.inverted)
    counts = opened.as_json()["counts"]
    assert counts["not inverted yet"] == 9 * 24
    assert counts["failed: no usable profiles"] == 1
    assert sum(counts.values()) == 16 * 24
    assert opened.notes == ["168 of 384 pixels inverted so far, 44%"]
    values = opened.quantities["field_strength"].values
    assert np.isnan(values[7:]).all()
    assert np.isnan(values[WITHOUT_PROFILES])
    assert np.isfinite(values[:7]).sum() == 7 * 24 - 1
    assert np.isfinite(opened.quantities["continuum"].values[7:]).all()  # it is observed
    figure = draw_maps(opened, list(opened.quantities.values())[:2], with_status=True)
    legend = figure.axes[-1].get_legend().get_texts()
    assert "not inverted yet\n216" in [text.get_text() for text in legend]


def test_the_range_of_colours_is_robust_and_written_and_velocities_are_symmetric():
    values = np.linspace(0, 1000, 10_001).reshape(1, -1)
    values[0, -1] = 1e9
    strength = Quantity.of("field_strength", "G", values)
    assert strength.limits() == pytest.approx((10, 990), rel=1e-3)
    assert strength.limits_in_words() == "10 to 990: percentiles 1 to 99"
    velocity = Quantity.of("velocity", "km/s", np.append(np.linspace(-3, 1, 1001), np.nan)[None])
    lowest, highest = velocity.limits()
    assert lowest == -highest == pytest.approx(-2.97, abs=0.02)
    azimuth = Quantity.of("azimuth", "deg", np.array([[20.0, 30.0]]))
    assert azimuth.limits() == (0, 180)
    assert Quantity.of("damping", "", np.full((2, 2), np.nan)).limits() == (0, 1)
    assert Quantity.of("damping", "", np.full((2, 2), 5.0)).limits() == (4.5, 5.5)


def test_other_quantities_are_drawn_by_name(sunspot, call, working_directory):
    wanted = ("--quantity", "damping", "--quantity", "velocity_uncertainty")
    assert call("level2", "plot", sunspot.inverted, "-o", "a.png", *wanted)[0] == 0
    status, _, errors = call("level2", "plot", sunspot.inverted, "--quantity", "velocty")
    assert status == 2
    assert "has no quantity velocty; did you mean 'velocity'" in errors
    assert errors.count("\n") == 1


# ----------------------------------------------------------------- one pixel


def test_a_pixel_has_its_profiles_their_fit_and_its_parameters(sunspot, call, working_directory):
    assert call("level2", "plot", sunspot.inverted, "--pixel", "8,12", "-o", "p.png")[0] == 0
    assert (working_directory / "p.png").read_bytes().startswith(PNG)
    opened = open_map(sunspot.inverted)
    profiles = opened.profiles(8, 12)
    with PreparedMap.read(sunspot.prepared).profiles() as stored:
        np.testing.assert_array_equal(profiles.observed, stored[8, 12])
    inverted, _ = read_so_far(sunspot.inverted)
    parameters = [[values[8, 12] for values in inverted.parameters.values()]]
    expected = MilneEddington(profiles.wavelength).stokes(np.array(parameters, float))[0]
    np.testing.assert_array_equal(profiles.fitted, expected)
    assert np.std(profiles.observed - profiles.fitted) < 1.3e-3
    values = {value.name: value for value in opened.values(8, 12)}
    assert values["field_strength"].value == inverted.parameters["field_strength"][8, 12]
    assert values["field_strength"].uncertainty == inverted.uncertainties["field_strength"][8, 12]
    degrees = np.degrees(float(inverted.parameters["inclination"][8, 12]))
    assert values["inclination"].value == pytest.approx(degrees)
    figure = draw_pixel(opened, 8, 12, profiles)
    written = " ".join(text.get_text() for text in figure.axes[-1].texts)
    assert f"{values['field_strength'].value:.1f} ± " in written
    assert len(figure.axes) == 4 + 4 + 1


def test_a_pixel_that_is_not_inverted_yet_shows_what_was_observed(half):
    opened = open_map(half.inverted)
    profiles = opened.profiles(10, 3)
    assert profiles.fitted is None
    assert opened.status_in_words(10, 3) == "not inverted yet"
    assert [value.name for value in opened.values(10, 3)] == ["continuum"]
    assert len(draw_pixel(opened, 10, 3, profiles).axes) == 4 + 1


def test_profiles_are_found_where_the_prepared_map_is_said_to_be(sunspot, call, tmp_path):
    alone = tmp_path / "elsewhere" / sunspot.inverted.name
    alone.parent.mkdir()
    shutil.copy(sunspot.inverted, alone)
    opened = open_map(alone)
    assert opened.scale is None
    assert any("without its prepared map" in note for note in opened.notes)
    picture = ("-o", tmp_path / "p.png", "--pixel", "1,1")
    status, _, errors = call("level2", "plot", alone, *picture)
    assert status == 2
    assert errors.endswith("which is not beside it: name it with --prepared\n")
    assert call("level2", "plot", alone, *picture, "--prepared", sunspot.prepared)[0] == 0
    other = make_sunspot(tmp_path / "other", n_inverted=0).prepared
    with h5py.File(other, "r+") as file:
        file.attrs["stokes_sha256"] = "another"
    status, _, errors = call("level2", "plot", alone, *picture, "--prepared", other)
    assert status == 2
    assert errors.count("\n") == 1


# ----------------------------------------------------------------- what cannot be drawn


def truncated(sunspot, directory):
    content = sunspot.inverted.read_bytes()
    return written(directory / "a.inverted.h5", content[: len(content) // 2])


def written(path, content):
    path.write_bytes(content)
    return path


def other_hdf5(_, directory):
    with h5py.File(directory / "other.h5", "w") as file:
        file.attrs["format"] = "cvzmpi sector"
    return directory / "other.h5"


def other_fits(_, directory):
    fits.PrimaryHDU(np.zeros((3, 3))).writeto(directory / "other.fits")
    return directory / "other.fits"


BAD = {
    "nothing there": (lambda _, d: d / "nothing.h5", "No such file or directory"),
    "truncated": (truncated, "a.inverted.h5"),
    "empty": (lambda _, d: written(d / "empty.h5", b""), "empty; expected an inverted"),
    "text": (lambda _, d: written(d / "a.txt", b"Dear Jane"), "no HDF5, FITS or ASDF file"),
    "another HDF5": (other_hdf5, "a cvzmpi sector; expected an inverted"),
    "another FITS": (other_fits, "none of Level 2 with maps of the field"),
    "broken FITS": (lambda _, d: written(d / "b.fits", b"SIMPLE  =" + b"x" * 90), "b.fits"),
    "another ASDF": (
        lambda _, d: written(d / "a.asdf", b"#ASDF 1.0.0\n--- {a: 1}\n...\n"),
        "an ASDF file that names no FITS files",
    ),
    "ASDF of missing files": (
        lambda _, d: written(d / "a.asdf", b"#ASDF 1.0.0\n--- {a: [x.fits]}\n...\n"),
        "x.fits: missing; a.asdf names it",
    ),
    "ASDF of files elsewhere": (
        lambda _, d: written(d / "a.asdf", b"#ASDF 1.0.0\n--- {a: [../x.fits]}\n...\n"),
        "expected a file beside it",
    ),
    "a directory of other things": (lambda _, d: d, "a directory with 0 ASDF files"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_map_is_one_line_and_exit_status_2(sunspot, call, tmp_path, kind):
    make, message = BAD[kind]
    file, picture = make(sunspot, tmp_path), tmp_path / "p.png"
    status, printed, errors = call("level2", "plot", file, "-o", picture)
    assert (status, printed) == (2, "")
    assert message in errors
    assert errors.count("\n") == 1
    assert not picture.exists()


@pytest.mark.parametrize("pixel", ["16,0", "0,24"])
def test_a_pixel_outside_of_the_map_is_refused(sunspot, call, tmp_path, pixel):
    where = ("--pixel", pixel, "-o", tmp_path / "p.png")
    status, _, errors = call("level2", "plot", sunspot.inverted, *where)
    assert status == 2
    last = ",".join(str(n - 1) for n in SHAPE)
    assert errors.endswith(f"has no pixel {pixel}: expected 0,0 to {last}\n")
    assert call("level2", "plot", sunspot.inverted, "--pixel", "1;2")[0] == 2


def test_a_picture_is_png_or_pdf(sunspot, call, tmp_path):
    status, _, errors = call("level2", "plot", sunspot.inverted, "-o", tmp_path / "p.gif")
    assert status == 2
    assert "use .png or .pdf" in errors
