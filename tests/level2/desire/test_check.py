"""Files of a DeSIRe inversion are checked: whatever does not fit is one line that names it."""

import os
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from astropy.io import fits

from cvzmpi.level2.desire import look_into
from cvzmpi.level2.desire.check import check_files
from cvzmpi.level2.desire.files import DesireFiles
from cvzmpi.level2.product.checked_product import ProductError
from cvzmpi.storage.whole_file import sha256_of
from tests.level2.desire.example_desire import (
    CANONICAL,
    N_SLIT,
    N_STEPS,
    OTHER,
    arrays,
)

QUANTITIES = [
    *("optical_depth", "temperature", "electron_pressure", "microturbulence", "mag_strength"),
    *("velocity", "mag_inclination", "mag_azimuth", "geo_height", "gas_pressure", "density"),
]


@pytest.fixture
def write(tmp_path):
    """Write arrays, and find the files."""
    return lambda written: DesireFiles.find([written.write(tmp_path / "desire")])


@pytest.fixture
def fault(level1):
    """The line about files, found in this process, which is faster."""

    def fault(files, level1=level1):
        with pytest.raises(ProductError) as error:
            look_into.look_into(files, level1)
        line = str(error.value)
        assert "\n" not in line
        return line

    return fault


def test_files_of_several_arms_pass(write, example_arrays, arms, level1):
    files = write(example_arrays)
    checked = check_files(files, level1)
    assert checked.checksums == {str(path): sha256_of(path) for path in files.all}
    assert checked.shape == [N_STEPS, N_SLIT]
    assert checked.lines == ["FeI630", "CaII854"]
    assert checked.quantities == QUANTITIES
    assert checked.canonical_dataset == arms[CANONICAL].name
    assert checked.dataset_ids == [arms[CANONICAL].name, arms[OTHER].name]
    assert checked.not_finite == {}


def test_the_last_scan_position_may_be_left_out(write, level1):
    assert look_into.look_into(write(arrays(n_steps=N_STEPS - 1)), level1).shape[0] == N_STEPS - 1


def test_only_the_datasets_of_its_lines_are_inverted(write, arms, level1):
    checked = look_into.look_into(write(arrays(line_ids=[23])), level1)
    assert checked.dataset_ids == [arms[CANONICAL].name]


def test_values_that_are_not_finite_are_counted(write, example_arrays, level1):
    example_arrays.atmosphere[1:3, :, 0, 0] = np.nan
    example_arrays.observed[0, 0, 0, :2] = np.inf
    n_depths = example_arrays.atmosphere.shape[1]
    checked = look_into.look_into(write(example_arrays), level1)
    assert checked.not_finite == {"inv_res_mod.fits": 2 * n_depths, "per_ori.fits": 2}


@pytest.mark.parametrize("empty", [0, np.nan])
def test_pixels_that_were_not_inverted_pass(write, example_arrays, level1, empty):
    example_arrays.atmosphere[..., 0, 0] = empty
    look_into.look_into(write(example_arrays), level1)


def test_a_line_in_float64_offsets_passes(write, example_arrays, level1):
    example_arrays.offsets = example_arrays.offsets.astype(float)
    example_arrays.ids = example_arrays.ids.astype(np.int16)
    assert look_into.look_into(write(example_arrays), level1).lines == ["FeI630", "CaII854"]


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("atmosphere", arrays().atmosphere[:10], "inv_res_mod.fits: 10 quantities: expected 11"),
        ("atmosphere", arrays().atmosphere[:, :1], "inv_res_mod.fits: one depth: expected several"),
        ("atmosphere", arrays(n_steps=3).atmosphere, "4 scan positions, inv_res_mod.fits has 3"),
        ("atmosphere", arrays(n_slit=5).atmosphere, "6 pixels along the slit, inv_res_mod.fits"),
        ("atmosphere", arrays().atmosphere[0], "(7, 4, 6): expected four axes"),
        ("atmosphere", arrays().atmosphere.astype(float), "BITPIX = -64: expected -32"),
        ("atmosphere", arrays().atmosphere.astype(np.int32), "BITPIX = 32: expected -32"),
        ("fit", arrays().fit.astype(np.int16), "inv_res_pre.fits: BITPIX = 16: expected -32"),
        ("fit", arrays().fit[:3], "inv_res_pre.fits: 3 Stokes parameters: expected 4"),
        ("fit", arrays().fit[:, 1:], "per_ori.fits: an array of the shape (4, 40, 4, 6), "),
        ("observed", arrays().observed[..., 1:], "inv_res_pre.fits has (4, 40, 4, 6)"),
        ("offsets", arrays().offsets[1:], "39 wavelength offsets, and 40 wavelengths"),
        ("ids", arrays().ids[1:], "39 line ids, and 40 wavelengths"),
        ("ids", np.full(40, 7, "f4"), "line id 7 is not known; known: 23 (FeI630), 9 (NaID)"),
        ("ids", np.full(40, 22.6, "f4"), "line id 22.6 is not known"),
        ("ids", np.full(40, np.nan, "f4"), "line id nan is not known"),
        ("ids", np.r_[arrays().ids[:-1], 23].astype("f4"), "line id 23 (FeI630) has two parts"),
        ("ids", np.r_[arrays().ids[:-1], 9].astype("f4"), "NaID has one wavelength"),
        ("offsets", arrays().offsets[::-1], "mA: expected them to increase"),
        ("offsets", np.full((40, 1), 1, "f4"), "extension 1: expected an image with one axis"),
    ],
)
def test_a_file_that_does_not_fit_is_one_line(write, example_arrays, fault, name, value, line):
    setattr(example_arrays, name, np.ascontiguousarray(value))
    assert line in fault(write(example_arrays))


def test_offsets_that_are_not_equally_spaced_are_one_line(write, example_arrays, fault):
    example_arrays.offsets[3] += 0.002
    assert "FeI630: wavelength offsets are 12.77 mA apart, some by 0.002 mA more or less" in fault(
        write(example_arrays)
    )


def test_offsets_that_are_not_finite_are_one_line(write, example_arrays, fault):
    example_arrays.offsets[3] = np.nan
    assert "FeI630: 1 wavelength offsets are not finite" in fault(write(example_arrays))


def test_spacing_is_equal_to_five_digits(write, example_arrays, level1):
    """Those of DKIST's own example are rounded to float32 of values up to 1500."""
    example_arrays.offsets[3] += 0.0005
    look_into.look_into(write(example_arrays), level1)


def test_extensions_that_differ_are_one_line(write, example_arrays, fault):
    files = write(example_arrays)
    with fits.open(files.observed, mode="update") as units:
        units[1].data[0] -= 0.01
    assert fault(files).endswith("wavelength offsets differ from those of inv_res_pre.fits")


def test_an_extension_that_is_missing_is_one_line(write, example_arrays, fault):
    files = write(example_arrays)
    with fits.open(files.observed, mode="update") as units:
        del units[2]
    assert fault(files).endswith("per_ori.fits: there is no extension 2")


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("DESR-BIN", None, "DESR-BIN is missing"),
        ("DESR-FID", None, "DESR-FID is missing"),
        ("DESR-BIN", 0, "DESR-BIN = 0: expected a whole number from 1"),
        ("DESR-BIN", 2.5, "DESR-BIN = 2.5: expected a whole number"),
        ("DESR-BIN", True, "DESR-BIN = True: expected a whole number"),
        ("DESR-FID", "one", "DESR-FID = one: expected a whole number"),
        ("DESR-FID", 2, "DESR-FID = 2: no Level 1 dataset of this arm is here; here: "),
        ("DESR-BIN", 4, "6 pixels along the slit, each of 4 of Level 1 (DESR-BIN)"),
        ("DESR-BIN", 2, "has 20: expected 10"),
    ],
)
def test_a_keyword_that_does_not_fit_is_one_line(write, example_arrays, fault, key, value, line):
    example_arrays.keywords.pop(key)
    if value is not None:
        example_arrays.keywords[key] = value
    assert line in fault(write(example_arrays))


@pytest.mark.parametrize("n_steps", [2, 5])
def test_scan_positions_that_level1_does_not_have_are_one_line(write, fault, n_steps):
    assert f"inv_res_mod.fits: {n_steps} scan positions; Level 1 dataset" in fault(
        write(arrays(n_steps=n_steps))
    )


def test_depths_that_differ_between_pixels_are_one_line(write, example_arrays, fault):
    example_arrays.atmosphere[0, 2, 1, 1] += 0.01
    assert "log optical depth 2 is 0.4 in one pixel and 0.41 in another" in fault(
        write(example_arrays)
    )


def test_depths_that_are_not_equally_spaced_are_one_line(write, example_arrays, fault):
    example_arrays.atmosphere[0, -1] -= 0.1
    assert "expected equal spacing" in fault(write(example_arrays))


def test_atmospheres_without_any_depths_are_one_line(write, example_arrays, fault):
    example_arrays.atmosphere[0] = np.nan
    assert "no pixel has optical depths" in fault(write(example_arrays))


def test_a_quantity_or_a_line_without_any_value_is_one_line(write, example_arrays, fault, tmp_path):
    example_arrays.atmosphere[4] = np.nan
    assert fault(write(example_arrays)).endswith("mag_strength has no finite value")
    other = arrays()
    other.fit[:, -1:] = np.nan
    other.fit[:, 24:] = np.nan
    files = DesireFiles.find([other.write(tmp_path / "other")])
    assert fault(files).endswith("inv_res_pre.fits: CaII854 has no finite value")


def test_a_scaled_array_is_one_line(write, example_arrays, fault):
    files = write(example_arrays)
    fits.setval(files.atmosphere, "BSCALE", value=2.0, after="NAXIS4")
    assert "BSCALE = 2.0: expected none, or 1" in fault(files)


def test_level1_that_is_not_here_is_one_line(write, example_arrays, fault, arms, tmp_path):
    files = write(example_arrays)
    assert fault(files, {}).endswith("no Level 1 dataset of this arm is here; none is here")
    canonical = {arms[CANONICAL].name: arms[CANONICAL]}
    assert "CaII854: no Level 1 dataset with 854.19 to 854.22 nm is here; here: " in fault(
        files, canonical
    )
    unread = {"AAAAA": tmp_path / "AAAAA"}
    assert fault(files, unread).endswith("none is here; " + f"{tmp_path}/AAAAA: no such directory")


def test_two_datasets_of_the_fiducial_arm_that_fit_are_one_line(
    write, example_arrays, fault, level1, arms
):
    assert "and the inversion could be of each" in fault(
        write(example_arrays), {**level1, "AGAIN": arms[CANONICAL]}
    )


def test_wavelengths_beyond_level1_are_one_line(write, example_arrays, fault):
    """So offsets in a unit ten times smaller are noticed."""
    example_arrays.offsets *= 100
    assert "FeI630: no Level 1 dataset with 623.56 to " in fault(write(example_arrays))


@pytest.mark.parametrize("part", [0.5, 0.99])
def test_a_truncated_file_is_one_line(write, example_arrays, fault, part):
    files = write(example_arrays)
    os.truncate(files.atmosphere, int(files.atmosphere.stat().st_size * part * 0.8))
    assert "inv_res_mod.fits: " in fault(files)
    assert "truncated" in fault(files)


def test_what_is_no_regular_file_is_one_line(write, example_arrays, level1):
    files = write(example_arrays)
    files.atmosphere.unlink()
    with pytest.raises(ProductError, match=r"inv_res_mod\.fits: .*No such file"):
        check_files(files, level1)
    os.mkfifo(files.atmosphere)
    with pytest.raises(ProductError, match=r"inv_res_mod\.fits: not a regular file"):
        check_files(files, level1)


def test_damaged_files_are_one_line_each_or_pass(write, example_arrays, level1, tmp_path):
    """A damaged value of an array may pass; anything else that is damaged is one line."""
    files = write(example_arrays)
    whole = {path: path.read_bytes() for path in files.all}
    random = np.random.default_rng(5)
    lines = []
    for number in range(100):
        path = files.all[number % 3]
        path.write_bytes(_damaged(whole[path], random))
        with suppress_and_keep(ProductError, lines), warnings.catch_warnings():
            warnings.simplefilter("error")
            look_into.look_into(files, level1)
        path.write_bytes(whole[path])
    assert len(lines) > 50
    for line in lines:
        assert line.startswith(str(tmp_path))
        assert "\n" not in line
        assert len(line) < 1000


@contextmanager
def suppress_and_keep(expected, lines):
    try:
        yield
    except expected as error:
        lines.append(str(error))


def _damaged(content, random):
    """Cut off, or with other bytes, mostly in the headers."""
    kind = random.integers(4)
    if kind == 0:
        return content[: random.integers(len(content) - 2880)]
    changed = bytearray(content)
    if kind == 1:  # one card of the first header
        card = 80 * int(random.integers(12))
        changed[card : card + 80] = random.bytes(80)
    elif kind == 2:  # characters of the first header
        for place in random.integers(0, 800, 20):
            changed[place] = random.integers(256)
    else:
        place = int(random.integers(len(content) - 400))
        changed[place : place + 400] = random.bytes(400)
    return bytes(changed)
