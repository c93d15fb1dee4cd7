"""The three files of the science team are found, wherever they are named."""

import pytest

from cvzmpi.level2.desire.files import NAMES, DesireFiles
from cvzmpi.level2.product.checked_product import ProductError


@pytest.fixture
def directory(tmp_path):
    for name in NAMES:
        (tmp_path / name).touch()
    return tmp_path


def test_in_a_directory_with_others(directory):
    (directory / "notes.txt").touch()
    assert DesireFiles.find([directory]).all == tuple(directory / name for name in NAMES)


def test_named_singly_in_any_order(directory):
    paths = [directory / name for name in reversed(NAMES)]
    assert DesireFiles.find(paths).all == tuple(directory / name for name in NAMES)


def test_a_product_is_none(tmp_path):
    (tmp_path / "x.asdf").touch()
    assert DesireFiles.find([tmp_path]) is None
    assert DesireFiles.find([tmp_path / "x.asdf"]) is None
    assert DesireFiles.find([tmp_path / "gone"]) is None


@pytest.mark.parametrize("name", NAMES)
def test_one_that_is_missing_is_named(directory, name):
    (directory / name).unlink()
    with pytest.raises(ProductError, match=f"there is no {name}, which belong"):
        DesireFiles.find([directory])


def test_one_that_is_there_twice_is_named(directory):
    again = directory / "again"
    again.mkdir()
    (again / NAMES[0]).touch()
    with pytest.raises(ProductError, match=f"again/{NAMES[0]}: .*{NAMES[0]} is one as well"):
        DesireFiles.find([directory, again])


def test_other_files_besides_are_refused(directory):
    with pytest.raises(ProductError, match=r"x\.asdf: expected inv_res_mod\.fits"):
        DesireFiles.find([directory, directory / "x.asdf"])


def test_a_path_that_cannot_be_looked_at_is_one_line(tmp_path):
    with pytest.raises(ProductError, match=r"^[^\n]+: cannot be read: File name too long$"):
        DesireFiles.find([tmp_path / ("x" * 5000)])
