"""The file of an inverted map: what it says of itself, and what a damaged one is."""

import h5py
import numpy as np
import pytest

from cvzmpi.errors import DamagedMapFileError, MapFileError
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.inversion.inversion_writer import InversionWriter
from cvzmpi.level2.inversion.origin import Origin
from cvzmpi.level2.pixels.field_components import COMPONENTS
from cvzmpi.level2.pixels.inverted_pixels import Inverted
from cvzmpi.level2.pixels.weak_field import PRODUCTS
from cvzmpi.level2.spectroscopy.milne_eddington import N_PARAMETERS, PARAMETERS
from tests.edited_hdf5 import edited

SHAPE = (2, 70)
ORIGIN = Origin('{"noise": 0.001}', "abc", {"numpy": "2"})


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "map.inverted.h5"
    inversion_file.create(path, SHAPE, 4, ORIGIN, fsync=False)
    return path


def results(n, value):
    return Inverted(
        parameters=np.full((n, N_PARAMETERS), value, float) + np.arange(N_PARAMETERS),
        uncertainties=np.full((n, N_PARAMETERS), value / 10),
        chi_squared=np.full(n, 1.5),
        n_iterations=np.full(n, 9),
        status=np.ones(n, np.uint8),
        quality=np.full(n, 3, np.uint16),
        n_outliers=np.full(n, 2),
        field_significance=np.full(n, value / 2),
        weak_field=np.full((n, len(PRODUCTS)), value, float) + np.arange(len(PRODUCTS)),
        field_components=np.full((n, len(COMPONENTS)), value, float) + np.arange(len(COMPONENTS)),
    )


def finish(path):
    with InversionWriter(path, None, fsync=False) as writer:
        for step in range(2):
            writer.write((step, slice(0, 64)), results(64, 10 * step))
            writer.write((step, slice(64, 70)), results(6, 10 * step + 5))
        writer.count_down(0)


def test_a_new_file_has_all_tickets_to_do_and_says_what_it_is(path):
    progress = inversion_file.read_progress(path)
    assert (progress.n_tickets, progress.n_tickets_remaining, progress.done) == (4, 4, False)
    assert progress.settings_json == ORIGIN.settings_json
    with h5py.File(path) as file:
        assert file.attrs["model"] == "Milne-Eddington"
        assert "180 degrees" in file.attrs["note"]
        assert file["parameters/field_strength"].attrs["units"] == "G"
        assert np.isnan(file["parameters/velocity"][()]).all()
        assert not file["status"][()].any()


def test_where_there_is_no_file_there_is_no_progress(tmp_path):
    assert inversion_file.read_progress(tmp_path / "none.h5") is None


def test_what_was_written_is_read_back(path):
    finish(path)
    found = inversion_file.read(path)
    assert found.origin == ORIGIN
    for index, name in enumerate(PARAMETERS):
        expected = np.full(SHAPE, index, float)
        expected[0, 64:] += 5
        expected[1, :64] += 10
        expected[1, 64:] += 15
        assert np.array_equal(found.parameters[name], expected)
    assert (found.status == 1).all()


def test_the_bits_of_the_quality_have_names(path):
    finish(path)
    assert (inversion_file.read(path).quality == 3).all()
    with h5py.File(path) as file:
        quality = file["quality"]
        names = quality.attrs["flag_meanings"].split()
        bits = dict(zip(names, quality.attrs["flag_masks"].tolist(), strict=True))
        assert (bits["spikes"], bits["gaps"], bits["saturated"], bits["fringes"]) == (1, 2, 4, 8)
        assert (file["n_outliers"][()] == 2).all()


def test_a_map_that_an_earlier_version_began_without_quality_is_finished_and_read(path):
    with edited(path) as file:
        del file["quality"], file["n_outliers"]
    finish(path)
    assert not inversion_file.read(path).quality.any()


def test_what_the_polarisation_says_of_the_field_is_read_back(path):
    finish(path)
    found = inversion_file.read(path)
    assert found.field_significance[0, 64:].tolist() == [2.5] * 6
    assert [found.weak_field[name][1, 0] for name in PRODUCTS] == [10, 11, 12, 13]
    assert [found.field_components[name][1, 0] for name in COMPONENTS] == list(range(10, 17))


def test_a_map_begun_before_fields_were_tested_is_finished_and_read_without_the_test(path):
    with edited(path) as file:
        del file["field_significance"], file["weak_field"], file["field_components"]
    finish(path)
    found = inversion_file.read(path)
    assert found.field_significance is None
    assert found.weak_field == found.field_components == {}
    assert found.parameters["field_strength"][1, 0] == 10


def test_rows_are_not_done_before_the_count_says_so(path):
    with InversionWriter(path, None, fsync=False) as writer:
        writer.write((0, slice(0, 64)), results(64, 1))
    assert inversion_file.read_progress(path).n_tickets_remaining == 4
    with pytest.raises(MapFileError, match="4 tickets are not inverted yet"):
        inversion_file.read(path)


def test_the_file_does_not_grow_while_it_is_written(path):
    before = path.stat().st_size
    finish(path)
    assert path.stat().st_size == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.__delitem__("parameters/azimuth"),
        lambda file: file.__delitem__("status"),
        lambda file: file.__delitem__("weak_field/transverse"),
        lambda file: file.attrs.__delitem__("n_tickets"),
        lambda file: file.attrs.modify("n_tickets_remaining", np.int64(5)),
        lambda file: file.attrs.modify("settings", "{"),
    ],
)
def test_a_file_whose_parts_do_not_fit_together_is_damaged(path, damage):
    with edited(path) as file:
        damage(file)
    with pytest.raises(DamagedMapFileError, match=str(path)):
        inversion_file.read_progress(path)


@pytest.mark.parametrize("content", [b"no HDF5", None])
def test_a_file_that_is_torn_or_no_hdf5_is_damaged(path, content):
    path.write_bytes(path.read_bytes()[:2000] if content is None else content)
    with pytest.raises(DamagedMapFileError, match=str(path)):
        inversion_file.read_progress(path)


def test_another_kind_of_file_is_refused_and_not_called_damaged(path):
    with edited(path) as file:
        file.attrs["format"] = "something else"
    with pytest.raises(MapFileError, match="not a cvzmpi inverted map") as caught:
        inversion_file.read_progress(path)
    assert not isinstance(caught.value, DamagedMapFileError)


def test_a_newer_format_is_refused(path):
    with edited(path) as file:
        file.attrs["format_version"] = 2
    with pytest.raises(MapFileError, match="format version 2, expected 1"):
        inversion_file.read_progress(path)
