"""A product says how far to trust its values: quality, detection, the weak-field approximation."""

import shutil

import h5py
import numpy as np
import pytest
from astropy.io import fits

from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.inversion.inverted_datasets import OF_THE_FIELD, QUALITY
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.pictures.map_picture import plot_maps
from cvzmpi.level2.pictures.open_map import open_map
from cvzmpi.level2.pixels.field_components import COMPONENTS
from cvzmpi.level2.pixels.outliers import Quality
from cvzmpi.level2.pixels.weak_field import PRODUCTS
from cvzmpi.level2.product.check import check_product
from cvzmpi.level2.product.level2_product import write_product
from tests.edited_hdf5 import edited
from tests.level2.example_product import CREATED

dkist = pytest.importorskip("dkist", reason="products are read with the dkist package")
pytest.importorskip("dkist_data_simulator", reason="it makes the Level 1 data")

TESLA = np.float32(1e-4)


def test_readers_of_a_product_find_what_the_inverted_map_has(example):
    found = inversion_file.read(example.inverted)
    maps = dkist.load_dataset(example.product).meta["maps"]
    assert np.array_equal(maps["quality"].data.compute(), found.quality)
    assert np.array_equal(maps["number_of_outliers"].data.compute(), found.n_outliers)
    significance = maps["significance_of_magnetic_field"].data.compute()
    assert np.array_equal(significance, found.field_significance)
    for name in ("longitudinal", "transverse"):
        key = f"weak_field_{name}_magnetic_field"
        for one, suffix in ((key, ""), (f"uncertainty_of_{key}", "_error")):
            expected = TESLA * found.weak_field[f"{name}{suffix}"]
            assert np.allclose(maps[one].data.compute(), expected, rtol=1e-6, equal_nan=True)
            assert str(maps[one].unit) == "T"
    keys = {
        "longitudinal": "longitudinal_magnetic_field",
        "longitudinal_error": "uncertainty_of_longitudinal_magnetic_field",
        "transverse": "transverse_magnetic_field",
        "transverse_lower": "lower_limit_of_transverse_magnetic_field",
        "transverse_upper": "upper_limit_of_transverse_magnetic_field",
        "strength_lower": "lower_limit_of_magnetic_field_strength",
        "strength_upper": "upper_limit_of_magnetic_field_strength",
    }
    assert keys.keys() == set(COMPONENTS)
    for name, key in keys.items():
        expected = TESLA * found.field_components[name]
        assert np.allclose(maps[key].data.compute(), expected, rtol=1e-6, equal_nan=True)


def test_the_header_names_every_bit_of_the_quality_and_says_what_values_are(example):
    with fits.open(min(example.product.glob("*.fits"))) as units:
        header = units["Quality"].header
        assert [header[f"FLAG{bit.value.bit_length() - 1}"] for bit in Quality] == [
            bit.name for bit in Quality
        ]
        assert header.comments["FLAG0"] == "1: samples that stand out were left out"
        assert (header["BTYPE"], header["BUNIT"]) == ("meta.code.qual", "")
        field = units["Weak-field Longitudinal Magnetic Field"].header
        assert (field["BTYPE"], field["BUNIT"]) == ("phys.magField", "T")
        said = " ".join(str(field["COMMENT"]).split())
        assert "Positive towards the observer. By the weak-field approximation" in said
        assert "At 400 G good to 8 %" in said


def test_pictures_of_a_product_show_the_same_as_those_of_the_map(example):
    inverted, product = open_map(example.inverted), open_map(example.product)
    for name, factor in {
        "quality": 1,
        "outliers": 1,
        "significance": 1,
        "longitudinal": 1e-4,
    }.items():
        np.testing.assert_allclose(
            product.quantities[name].values, factor * inverted.quantities[name].values, rtol=1e-5
        )
    assert (inverted.quantities["longitudinal"].unit, product.quantities["longitudinal"].unit) == (
        "G",
        "T",
    )
    assert "transverse_uncertainty" in product.quantities


def test_a_map_of_an_earlier_version_has_a_product_and_pictures_without_them(example, tmp_path):
    earlier = shutil.copy(example.inverted, tmp_path / "map.inverted.h5")
    with edited(earlier) as file:
        for name in {one.partition("/")[0] for one in (*QUALITY, *OF_THE_FIELD)}:
            del file[name]
    with h5py.File(earlier) as file:
        assert "quality" not in file
    prepared = PreparedMap.read(example.prepared)
    product = tmp_path / "product"
    write_product(example.level1, prepared, earlier, product, "inv.OLDER1", CREATED)
    check_product([product])
    maps = dkist.load_dataset(product).meta["maps"]
    assert "chi_squared" in maps
    assert not any("weak" in name or name == "quality" for name in maps)
    for path in (earlier, product):
        opened = open_map(path)
        assert not {"quality", "significance", *PRODUCTS} & opened.quantities.keys()
        assert plot_maps(opened, tmp_path / f"{path.name}.png").stat().st_size > 0
