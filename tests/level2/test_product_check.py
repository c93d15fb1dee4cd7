"""Level 2 products: each way to be wrong is named."""

import shutil

import asdf
import pytest
from astropy.io import fits
from example_product import INVERSION_ID

from cvzmpi.level2.product_check import ProductError, check_product, checksum


def the_asdf(product):
    (path,) = product.glob("*.asdf")
    return path


def first_fits(product):
    return min(product.glob("*.fits"))


def change_asdf(product, change):
    """Change the inversion in the ASDF file by a function."""
    path = the_asdf(product)
    with asdf.open(path, lazy_load=False, memmap=False) as file:
        inversion = file["inversion"]
        changed = change(inversion)
        asdf.AsdfFile({"inversion": inversion if changed is None else changed}).write_to(path)


def test_a_product_that_passes_is_described(example, product):
    checked = check_product([product])
    assert checked.inversion_id == INVERSION_ID
    assert checked.dataset_ids == [example.dataset_id]
    assert checked.shape == [3, 8]
    assert set(checked.quantities) == {"mag_strength", "velocity", "mag_inclination", "mag_azimuth"}
    assert checked.lines == ["FeI630"]
    assert checked.asdf == str(the_asdf(product))
    assert list(checked.checksums)[-1] == checked.asdf
    assert checked.checksums == {str(p): checksum(p) for p in product.iterdir()}


def test_a_directory_and_its_files_are_the_same(product):
    assert check_product(list(product.iterdir())) == check_product([product])


def test_dkist_own_sample_passes_but_for_its_files(tmp_path):
    import gzip

    from dkist.data import test

    packed = next(iter(test.__path__)) + "/test_L2_inversion.asdf.gz"
    path = tmp_path / "sample.asdf"
    with gzip.open(packed) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)
    with pytest.raises(ProductError, match=r"\.fits: missing; sample\.asdf names it"):
        check_product([path])


def test_files_that_are_missing_or_too_many_are_named(product, tmp_path):
    path = first_fits(product)
    moved = path.rename(tmp_path / path.name)
    with pytest.raises(ProductError, match=rf"{path.name}: missing; .*\.asdf names it"):
        check_product([product])
    check_product([product, moved])  # files may be anywhere
    shutil.copy(moved, product / "more.fits")
    with pytest.raises(ProductError, match=r"more\.fits: .*\.asdf does not name it"):
        check_product([product, moved])
    with pytest.raises(ProductError, match=r"gone: there is no such file"):
        check_product([product / "gone"])
    (product / "notes.txt").touch()
    with pytest.raises(ProductError, match=r"notes\.txt: expected FITS files and one ASDF file"):
        check_product([product])


def test_no_file_of_a_directory_that_is_no_product_is_named(tmp_path):
    """Who hands in a product may not be one who may look there."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "diary.txt").touch()
    with pytest.raises(ProductError, match=r"private: expected FITS files and one ASDF") as caught:
        check_product([tmp_path / "private"])
    assert "diary" not in str(caught.value)


def test_there_is_one_asdf_file(product):
    shutil.copy(the_asdf(product), product / "second.asdf")
    with pytest.raises(ProductError, match="2 ASDF files: expected one"):
        check_product([product])
    for path in product.glob("*.asdf"):
        path.unlink()
    with pytest.raises(ProductError, match="0 ASDF files: expected one"):
        check_product([product])


def test_a_file_that_dkist_cannot_load_is_named(product, example):
    the_asdf(product).write_text("no ASDF")
    with pytest.raises(ProductError, match=r"\.asdf: dkist cannot load it: "):
        check_product([product])
    (level1,) = example.level1.glob("*.asdf")
    shutil.copy(level1, the_asdf(product))
    with pytest.raises(ProductError, match=r"\.asdf: a Dataset, not a dkist\.Inversion"):
        check_product([product])


def test_a_fits_file_of_the_wrong_shape_is_named(product):
    path = first_fits(product)
    with fits.open(path, mode="update") as units:
        units[1].data = units[1].data[:, :-1]
    with pytest.raises(
        ProductError, match=rf"{path.name}: .* has shape \(1, 7\): expected \(1, 8\)"
    ):
        check_product([product])
    path.write_text("no FITS")
    with pytest.raises(ProductError, match=rf"{path.name}: no FITS file of this product"):
        check_product([product])


def test_an_unknown_line_is_named(product):
    change_asdf(product, lambda inversion: rename(inversion.profiles, "FeI630_fit", "MgI517_fit"))
    with pytest.raises(
        ProductError, match=r"profile 'MgI517_fit' is not known; known: FeI630_orig"
    ):
        check_product([product])


def test_a_line_without_its_fit_is_named(product):
    change_asdf(product, lambda inversion: drop(inversion.profiles, "FeI630_fit"))
    with pytest.raises(ProductError, match="there is no profile FeI630_fit"):
        check_product([product])


def test_unknown_and_missing_quantities_are_named(product):
    change_asdf(product, lambda inversion: rename(inversion, "mag_azimuth", "colour"))
    with pytest.raises(ProductError, match="quantity 'colour' is not known; known: optical_depth"):
        check_product([product])
    change_asdf(product, lambda inversion: drop(inversion, "colour"))
    with pytest.raises(ProductError, match="there is no mag_azimuth, which every product needs"):
        check_product([product])


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("inversionId", "inv.abc", "inversionId 'inv.abc': expected inv. and six of A-Z and 0-9"),
        ("datasetIds", [], "datasetIds: expected the datasets that were inverted"),
    ],
)
def test_the_inventory_says_what_it_is(product, key, value, message):
    change_asdf(product, lambda inversion: inversion.meta["inventory"].update({key: value}))
    with pytest.raises(ProductError, match=message):
        check_product([product])


def rename(collection, old, new):
    """Give a cube of a collection another name, in place."""
    cube = dict.pop(collection, old)
    dict.__setitem__(collection, new, cube)
    collection.aligned_axes[new] = collection.aligned_axes.pop(old)


def drop(collection, name):
    """Take a cube out of a collection, in place."""
    dict.pop(collection, name)
    collection.aligned_axes.pop(name)
