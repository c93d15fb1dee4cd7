"""The product says whether and how the 180-degree ambiguity of its azimuth was resolved."""

import logging
from datetime import datetime

import numpy as np
import pytest
from astropy.io import fits

from cvzmpi.level2.disambiguation.geometry import geometry_of
from cvzmpi.level2.inversion.inversion_file import AZIMUTH_NOTE
from cvzmpi.level2.maps.level1 import read_level1
from cvzmpi.level2.maps.preprocess import preprocess
from cvzmpi.level2.pictures.open_map import open_map
from cvzmpi.level2.product.check import check_product
from cvzmpi.level2.product.level2_product import write_product
from cvzmpi.level2.settings import PreprocessSettings
from tests.edited_hdf5 import edited
from tests.level2.disambiguation.example_sun import BIPOLE, Sun, angles, charges
from tests.level2.product.test_level2_product import inverted_from
from tests.level2.simulated_level1 import simulate_level1
from tests.main_job import bytes_of

dkist = pytest.importorskip("dkist", reason="Level 1 data need the dkist package")
pytest.importorskip("dkist_data_simulator", reason="it makes the Level 1 data")

CREATED = datetime(2024, 5, 1, 12)
N_STEPS, N_SLIT = 12, 14


@pytest.fixture(scope="module")
def level1(tmp_path_factory):
    """A dataset with a slit that is turned by 20 degrees."""
    directory = tmp_path_factory.mktemp("level1") / "dataset"
    simulate_level1(directory, N_STEPS, N_SLIT, turned=20)
    return directory


@pytest.fixture(scope="module")
def prepared(level1, tmp_path_factory):
    return preprocess(level1, tmp_path_factory.mktemp("prepared"), PreprocessSettings())


@pytest.fixture(scope="module")
def true_azimuth(level1):
    """Of the field that is put into the inverted map, in degrees."""
    return np.degrees(angles(seen_by(level1))[2])


def seen_by(level1):
    """A field where the pixels of the map are, by its headers."""
    geometry = geometry_of(read_level1(level1, files_needed=False).headers())
    # poles as far from each other as fits the map
    size = np.hypot(*geometry.scan) * N_STEPS / 42
    poles = [(x * size, y * size, depth * size, charge) for x, y, depth, charge in BIPOLE]
    return Sun(charges(*poles), 0, 0, geometry.scan, geometry.slit, N_STEPS, N_SLIT).seen()


@pytest.fixture(scope="module")
def inverted(level1, prepared, tmp_path_factory):
    """A map that was inverted, with the angles of a known field put in its file."""
    path = inverted_from(prepared, tmp_path_factory.mktemp("inverted") / "map.inverted.h5")
    strength, inclination, azimuth = angles(seen_by(level1))
    with edited(path) as file:
        file["parameters/field_strength"][...] = strength
        file["parameters/inclination"][...] = inclination
        file["parameters/azimuth"][...] = np.mod(azimuth, np.pi)
        file["uncertainties/azimuth"][...] = 0.02
        file["field_significance"][...] = 10
        file["status"][...] = 1
        file["field_significance"][0, 0] = 1  # nothing is detected there
    return path


def product_of(level1, prepared, inverted, directory, method):
    write_product(level1, prepared, inverted, directory, "inv.ABC123", CREATED, method)
    return directory


@pytest.mark.parametrize("method", ["acute", "minimum_energy"])
def test_the_azimuth_of_a_product_goes_from_0_to_360_and_each_pixel_says_how(
    method, level1, prepared, inverted, true_azimuth, tmp_path
):
    directory = product_of(level1, prepared, inverted, tmp_path / "p", method)
    assert check_product([directory]).shape == [N_STEPS, N_SLIT]
    product = dkist.load_dataset(directory)
    how = product.meta["maps"]["azimuth_disambiguation"].data.compute()
    assert how[0, 0] == 0
    assert (how.ravel()[1:] > 0).all()
    azimuth = product["mag_azimuth"].data.compute()
    away = np.abs((azimuth - true_azimuth + 180) % 360 - 180)
    assert (away[how > 0] < 1e-3).mean() > 0.95
    assert azimuth[0, 0] == pytest.approx(true_azimuth[0, 0] % 180)
    assert azimuth.max() > 180
    with fits.open(sorted(directory.glob("*.fits"))[5]) as file:
        assert file[0].header["DISAMBIG"] == f"{method}, version 1"
        assert "SoPh" in file[0].header["DISAMREF"]
        assert "0 to 360" in " ".join(str(file[0].header["COMMENT"]).split())
        assert file["Azimuth Disambiguation"].header["BTYPE"] == "meta.code"
        for unit in file:
            unit.verify("exception")
            assert unit.verify_checksum()
    assert AZIMUTH_NOTE not in product.meta["inventory"]["note"]


def test_by_default_it_is_as_it_was(level1, prepared, inverted, true_azimuth, tmp_path):
    write_product(level1, prepared, inverted, tmp_path / "p", "inv.ABC123", CREATED)
    none = product_of(level1, prepared, inverted, tmp_path / "none", "none")
    assert {k.name: v for k, v in of_names(tmp_path / "p")} == {
        k.name: v for k, v in of_names(none)
    }
    product = dkist.load_dataset(none)
    assert "azimuth_disambiguation" not in product.meta["maps"]
    assert AZIMUTH_NOTE in product.meta["inventory"]["note"]
    assert product["mag_azimuth"].data.compute() == pytest.approx(true_azimuth % 180, abs=1e-3)
    with fits.open(min(none.glob("*.fits"))) as file:
        assert "DISAMBIG" not in file[0].header


def of_names(directory):
    return ((path, path.read_bytes()) for path in directory.glob("*.fits"))


def test_written_again_it_is_the_same_to_the_last_byte(level1, prepared, inverted, tmp_path):
    arguments = (level1, prepared, inverted, tmp_path / "p", "minimum_energy")
    before = bytes_of(product_of(*arguments))
    # as after a kill: a file is missing, and the ASDF file
    min((tmp_path / "p").glob("*.fits")).unlink()
    next((tmp_path / "p").glob("*.asdf")).unlink()
    assert bytes_of(product_of(*arguments)) == before


def test_files_that_were_written_with_another_method_are_made_anew(
    level1, prepared, inverted, tmp_path
):
    directory = product_of(level1, prepared, inverted, tmp_path / "p", "none")
    again = product_of(level1, prepared, inverted, directory, "acute")
    other = product_of(level1, prepared, inverted, tmp_path / "other", "acute")
    assert dict(of_names(again)).keys() == {again / path.name for path, _ in of_names(other)}
    assert [content for _, content in sorted(of_names(again))] == [
        content for _, content in sorted(of_names(other))
    ]


def test_a_map_that_cannot_be_resolved_is_written_and_says_why(
    level1, prepared, inverted, true_azimuth, tmp_path, caplog
):
    with edited(inverted) as file:
        kept = file["field_significance"][()]
        file["field_significance"][...] = 1
    try:
        with caplog.at_level(logging.WARNING):
            directory = product_of(level1, prepared, inverted, tmp_path / "p", "acute")
    finally:
        with edited(inverted) as file:
            file["field_significance"][...] = kept
    assert "the azimuth is not resolved: 0 of its pixels" in caplog.text
    product = dkist.load_dataset(directory)
    note = product.meta["inventory"]["note"]
    assert AZIMUTH_NOTE in note
    assert "acute cannot: 0 of its pixels have a field with a clear azimuth" in note
    assert product["mag_azimuth"].data.compute() == pytest.approx(true_azimuth % 180, abs=1e-3)
    with fits.open(min(directory.glob("*.fits"))) as file:
        assert file[0].header["DISAMBIG"] == "none"
        assert "Azimuth Disambiguation" not in file


def test_a_picture_of_a_resolved_azimuth_goes_all_the_way_round(
    level1, prepared, inverted, tmp_path
):
    for method, last in (("none", 180), ("minimum_energy", 360)):
        directory = product_of(level1, prepared, inverted, tmp_path / method, method)
        assert open_map(directory).quantities["azimuth"].limits() == (0, last)
