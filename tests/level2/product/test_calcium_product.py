"""From Level 1 data of Ca II 854.2 nm to a product that dkist opens, and its pictures."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from cvzmpi.errors import MapFileError
from cvzmpi.level2.inversion import calcium_file
from cvzmpi.level2.inversion.inverted_datasets import WEAK_FIELD_MODEL
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.pictures.map_picture import plot_maps
from cvzmpi.level2.pictures.open_map import open_map
from cvzmpi.level2.pictures.page_pictures import page_pictures, pixel_values
from cvzmpi.level2.pictures.pixel_picture import plot_pixel
from cvzmpi.level2.product.check import check_product
from cvzmpi.level2.product.checked_product import ProductError
from cvzmpi.level2.product.level2_product import write_product
from tests.level2.example_product import CREATED
from tests.level2.product.changed_product import change_asdf
from tests.level2.simulated_calcium import simulate_calcium
from tests.main_job import bytes_of
from tools.harness.job_process import run

dkist = pytest.importorskip("dkist", reason="products are read with the dkist package")
pytest.importorskip("dkist_data_simulator", reason="it makes the Level 1 data")

SHAPE = (3, 10)
ID = "inv.CALCI1"


@dataclass(frozen=True)
class Made:
    level1: Path
    prepared: Path
    inverted: Path
    product: Path
    field: np.ndarray
    velocity: np.ndarray


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """By the commands, as people make it."""
    directory = tmp_path_factory.mktemp("calcium")
    level1, prepared, inverted, product = (
        directory / name for name in ("level1", "prepared", "inverted", "product")
    )
    field, velocity = simulate_calcium(level1, *SHAPE)

    def cvzmpi(*arguments):
        ended = run(["level2", *map(str, arguments)])
        assert ended.status == 0, ended.stderr

    cvzmpi("prepare", level1, "--output", prepared)
    cvzmpi("invert", prepared, "--output", inverted)
    (map_of,), (found,) = prepared.glob("*.h5"), inverted.glob("*.h5")
    cvzmpi("write", level1, map_of, found, "--output", product, "--inversion-id", ID)
    return Made(level1, map_of, found, product, field, velocity)


@pytest.fixture(scope="module")
def opened(made):
    return dkist.load_dataset(made.product)


def test_fields_and_velocities_are_those_of_the_sun(made):
    found = calcium_file.read(made.inverted).values
    field, velocity = found["core/longitudinal"], found["core/velocity"]
    assert (
        np.abs(field - made.field).max() < 0.05 * 900 + 5 * found["core/longitudinal_error"].max()
    )
    assert np.median(np.abs(field - made.field)) < 10
    assert np.median(np.abs(found["wing/longitudinal"] - made.field)) < 25
    # Velocities are relative to the mean of the quiet Sun, and wavelengths known to 0.1 pm or so.
    assert np.abs(velocity - made.velocity).max() < 0.2


def test_dkist_opens_it_as_an_inversion_of_a_velocity_with_maps_of_the_field(made, opened):
    assert type(opened) is dkist.Inversion
    assert set(opened.keys()) == {"velocity", "velocity_uncertainty"}
    assert set(opened.profiles.keys()) == {"CaII854_orig"}
    maps = opened.meta["maps"]
    found = calcium_file.read(made.inverted)
    for part, title in (("core", "core"), ("wing", "wings")):
        key = f"weak_field_longitudinal_magnetic_field_{title}"
        expected = np.float32(1e-4) * found.values[f"{part}/longitudinal"]
        assert np.allclose(maps[key].data.compute(), expected, rtol=1e-6)
        assert f"uncertainty_of_{key}" in maps
        assert str(maps[key].unit) == "T"
    assert np.array_equal(maps["quality"].data.compute(), found.quality)
    inventory = opened.meta["inventory"]
    assert (inventory["model"], inventory["spectralLines"]) == (WEAK_FIELD_MODEL, ["CaII854"])
    assert "Centeno 2018" in inventory["note"]
    assert opened[0:2, 3:6]["velocity"].data.shape == (2, 3)


def test_its_files_say_what_they_are(made):
    with fits.open(min(made.product.glob("*.fits")), checksum=True) as units:
        assert units[0].header["INVMODEL"] == WEAK_FIELD_MODEL
        assert units["Ca II Profile Original"].header["SPECPFIN"] == "Ca II"
        core = units["Weak-field Longitudinal Magnetic Field, Core"].header
        assert (core["BUNIT"], core["BTYPE"]) == ("T", "phys.magField")
        assert "FLAG0" in units["Quality"].header


def test_it_passes_the_check(made):
    checked = check_product([made.product])
    assert (checked.inversion_id, checked.lines) == (ID, ["CaII854"])
    assert checked.quantities == ["velocity"]
    assert checked.shape == list(SHAPE)


def test_of_another_model_it_would_lack_what_every_product_needs(made, tmp_path):
    copy = Path(shutil.copytree(made.product, tmp_path / "product"))
    change_asdf(copy, lambda inversion: inversion.meta["inventory"].update(model="another"))
    with pytest.raises(ProductError, match="there is no mag_strength, which every product needs"):
        check_product([copy])


def test_without_its_field_it_is_refused(made, tmp_path):
    copy = Path(shutil.copytree(made.product, tmp_path / "product"))
    key = "weak_field_longitudinal_magnetic_field_core"
    change_asdf(copy, lambda inversion: inversion.meta["maps"].__delitem__(key))
    with pytest.raises(ProductError, match=f"there is no {key}"):
        check_product([copy])


def test_written_again_it_is_the_same_to_the_last_byte(made, tmp_path):
    prepared = PreparedMap.read(made.prepared)
    for _ in range(2):
        write_product(made.level1, prepared, made.inverted, tmp_path, ID, CREATED)
        before = bytes_of(tmp_path)
    write_product(made.level1, prepared, made.inverted, tmp_path, ID, CREATED)
    assert bytes_of(tmp_path) == before


@pytest.mark.parametrize("kind", ["prepared", "inverted", "product"])
def test_pictures_and_pages_show_it(made, tmp_path, kind):
    path = getattr(made, kind)
    opened = open_map(path)
    assert opened.shape == SHAPE
    assert plot_maps(opened, tmp_path / "maps.png").stat().st_size > 0
    assert plot_pixel(opened, 1, 2, tmp_path / "pixel.png").stat().st_size > 0
    drawn = [one["name"] for one in page_pictures(path, None)["facts"]["quantities"]]
    if kind == "prepared":
        assert drawn == ["continuum", "linear_polarisation", "circular_polarisation"]
    else:
        expected = ["continuum", "velocity", "core_field", "core_field_uncertainty", "wing_field"]
        assert drawn == [*expected, "quality"]
        values = {one["name"] for one in pixel_values(path, None, 1, 2)["values"]}
        assert {"velocity", "core_field", "wing_field", "quality"} <= values
    assert np.abs(opened.quantities["continuum"].values[:, ::2].mean() - 0.9) < 0.12


def test_the_product_shows_what_the_map_shows_in_its_own_unit(made):
    inverted, product = open_map(made.inverted), open_map(made.product)
    for name, factor in (("core_field", 1e-4), ("wing_field", 1e-4), ("velocity", 1)):
        np.testing.assert_allclose(
            product.quantities[name].values, factor * inverted.quantities[name].values, rtol=1e-5
        )


def test_a_map_without_its_prepared_map_is_drawn_without_profiles(made, tmp_path):
    alone = tmp_path / "alone" / "map.inverted.h5"
    alone.parent.mkdir()
    alone.write_bytes(made.inverted.read_bytes())
    opened = open_map(alone)
    assert "continuum" not in opened.quantities
    with pytest.raises(MapFileError, match="name it with --prepared"):
        opened.profiles(0, 0)
