"""The Level 2 product of a DeSIRe inversion, as its readers see it."""

import shutil
import subprocess
import warnings
from datetime import datetime, timezone

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from cvzmpi.level2.desire.files import DesireFiles
from cvzmpi.level2.desire.product import write
from cvzmpi.level2.maps.level1 import read_level1
from cvzmpi.level2.product.check import check_product
from tests.level2.desire.example_desire import (
    CANONICAL,
    N_BINNED,
    N_DEPTHS,
    N_SLIT,
    N_STEPS,
    OTHER,
    arrays,
)

INVERSION_ID = "inv.DESIRE"
CREATED = datetime(2024, 5, 1, tzinfo=timezone.utc)

FACTORS = {
    "optical_depth": 1,
    "temperature": 1,
    "electron_pressure": 0.1,
    "microturbulence": 1e-5,
    "mag_strength": 1e-4,
    "velocity": 1e-5,
    "mag_inclination": 1,
    "mag_azimuth": 1,
    "geo_height": 1,
    "gas_pressure": 0.1,
    "density": 1e3,
}
"""From DeSIRe's units to those of the product, in the order of the file."""

UNITS = ["", "K", "N / m2", "km / s", "T", "km / s", "deg", "deg", "km", "N / m2", "kg / m3"]

# Pixels of the product: scan position, slit.
PIXELS = [(0, 0), (0, 5), (1, 1), (1, 4), (2, 0), (2, 2), (2, 5), (3, 0), (3, 3), (3, 5)]


def write_example(directory, level1):
    files = DesireFiles.find([directory / "desire"])
    return write(files, level1, directory / "product", INVERSION_ID, CREATED, "0abc123")


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("desire")
    arrays().write(directory / "desire")
    return directory


@pytest.fixture(scope="module")
def product(directory, level1):
    return write_example(directory, level1)


@pytest.fixture
def opened(product):
    import dkist

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dkist.load_dataset(product.asdf)


@pytest.fixture
def level1_map(arms):
    return read_level1(arms[CANONICAL])


def test_quantities_are_those_of_the_file_in_the_units_of_the_product(opened):
    given = arrays().atmosphere.astype(float)
    assert set(opened) == set(FACTORS)
    for number, (name, factor) in enumerate(FACTORS.items()):
        expected = (given[number] * factor).transpose(1, 2, 0)  # to scan, slit, depth
        if name in ("mag_inclination", "mag_azimuth"):
            expected %= 360
        found = opened[name].data.compute()
        assert found.dtype == np.dtype(">f4")
        assert np.array_equal(found, expected.astype(np.float32)), name
        assert str(opened[name].unit) == UNITS[number]


def test_profiles_are_those_of_the_files(opened):
    example = arrays()
    assert set(opened.profiles) == {"FeI630_orig", "FeI630_fit", "CaII854_orig", "CaII854_fit"}
    for line, place in (("FeI630", slice(0, 24)), ("CaII854", slice(24, 40))):
        for kind, given in (("orig", example.observed), ("fit", example.fit)):
            found = opened.profiles[f"{line}_{kind}"].data.compute()
            assert np.array_equal(found, given[:, place].transpose(2, 3, 1, 0))


def test_it_passes_the_check_of_products(product, arms):
    checked = check_product([product.directory])
    assert checked.inversion_id == INVERSION_ID
    assert checked.dataset_ids == [arms[CANONICAL].name, arms[OTHER].name]
    assert checked.shape == [N_STEPS, N_SLIT]
    assert set(checked.lines) == {"FeI630", "CaII854"}


def test_the_record_names_the_datasets_and_the_commit(opened, arms):
    record = opened.meta["inventory"]
    assert record["canonicalDataset"] == arms[CANONICAL].name
    assert record["datasetIds"] == [arms[CANONICAL].name, arms[OTHER].name]
    assert record["spectralLines"] == ["FeI630", "CaII854"]
    assert "0abc123" in record.values()


def test_depths_are_those_of_the_file(product, opened):
    with fits.open(product.fits[1]) as units:
        wcs = WCS(units[5].header)
        depths, _, _ = wcs.pixel_to_world_values(np.arange(N_DEPTHS), 0, 0)
    assert depths == pytest.approx(arrays().atmosphere[0, :, 0, 0], abs=1e-6)
    by_gwcs = opened["temperature"].wcs.low_level_wcs.pixel_to_world_values(3, 0, 0)
    assert by_gwcs[0] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning")
@pytest.mark.parametrize("alternate", [" ", "A"])
def test_both_wcs_of_fits_are_those_of_the_level1_frame(product, level1_map, alternate):
    """The middle of a pixel of the product is the middle of the pixels that it is made of."""
    frames = level1_map.files()[:N_STEPS]
    for step, along in PIXELS:
        level1 = WCS(fits.getheader(frames[step]), key=alternate)
        wanted = world(level1, middle(along), 0, 0)
        with fits.open(product.fits[step]) as units:
            of_quantity = world(WCS(units[2].header, key=alternate), 0, along, 0)
            of_profile = world(WCS(units[12].header, key=alternate), 0, 0, along, 0)
        for found in (of_quantity[1:], of_profile[2:]):
            assert found == pytest.approx(wanted[[0, 2]], rel=1e-9, abs=1e-9)


def world(wcs, *pixels):
    return np.array(wcs.pixel_to_world_values(*pixels))


def test_the_wcs_of_asdf_is_that_of_level1(opened, level1_map):
    for step, along in PIXELS:
        wanted = level1_map.wcs.pixel_to_world_values(middle(along), 0, step, 0)
        lon, lat, time = wanted[0], wanted[2], wanted[3]
        quantity = opened["velocity"].wcs.low_level_wcs.pixel_to_world_values(0, along, step)
        profile = opened.profiles["CaII854_fit"].wcs.low_level_wcs
        profile = profile.pixel_to_world_values(0, 0, along, step)
        for found in (quantity[1:], profile[2:]):
            assert found == pytest.approx([lon, lat, time], rel=1e-9, abs=1e-9)


def middle(along):
    """The place on the slit of Level 1 of the middle of a pixel, counted from 0."""
    return (along + 0.5) * N_BINNED - 0.5


def test_wavelengths_are_the_offsets_of_the_file(product, opened):
    with fits.open(product.fits[0]) as units:
        wcs = WCS(units[14].header)
        _, wavelength, _, _ = wcs.pixel_to_world_values(0, np.arange(16), 0, 0)
    expected = 854.2091 + 1e-4 * (-150 + 18.92 * np.arange(16))
    assert wavelength * 1e9 == pytest.approx(expected, abs=1e-6)  # astropy gives m
    profile = opened.profiles["CaII854_orig"].wcs.low_level_wcs
    assert profile.pixel_to_world_values(0, 15, 0, 0)[1] == pytest.approx(expected[15], abs=1e-6)


def test_astropy_and_fitsverify_find_nothing_to_say(product):
    for path in product.fits:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with fits.open(path, checksum=True) as units:
                units.verify("exception")
    if shutil.which("fitsverify") is None:
        pytest.skip("fitsverify is not installed")
    for path in product.fits:
        said = subprocess.run(["fitsverify", path], capture_output=True, text=True, check=False)
        assert "found 0 warning(s) and 0 error(s)" in said.stdout, said.stdout


def test_headers_name_the_inversion_and_its_code(product):
    with fits.open(product.fits[0]) as units:
        primary = units[0].header
        names = [unit.name for unit in units[1:]]
    assert primary["DSETID"] == INVERSION_ID
    assert primary["INVMODEL"] == "DeSIRe"
    assert len(names) == 11 + 4
    assert names[11:] == [
        *("Fe I Profile Original", "Fe I Profile Fit"),
        *("Ca II Profile Original", "Ca II Profile Fit"),
    ]


def test_a_product_that_was_killed_goes_on_and_is_the_same(directory, product, level1):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in product.fits}
    product.asdf.unlink()
    product.fits[1].write_bytes(before[product.fits[1]][0][:5000])
    product.fits[2].unlink()
    again = write_example(directory, level1)
    assert again.fits == product.fits
    for path, (content, time) in before.items():
        assert path.read_bytes() == content
        if path not in product.fits[1:3]:
            assert path.stat().st_mtime_ns == time


def test_one_scan_position_fewer_than_level1(tmp_path, level1):
    arrays(n_steps=N_STEPS - 1).write(tmp_path / "desire")
    assert len(write_example(tmp_path, level1).fits) == N_STEPS - 1
