"""The file of a prepared map."""

import numpy as np
import pytest

from cvzmpi.errors import DamagedMapFileError, MapFileError
from cvzmpi.level2.maps.prepared_map import PreparedMap, PreparedMapWriter
from tests.edited_hdf5 import edited

WAVELENGTH = np.linspace(630.1, 630.3, 5)
STOKES = np.random.default_rng(1).normal(size=(3, 4, 4, 5)).astype("f4")


def write(path, steps=STOKES):
    with PreparedMapWriter(path, (3, 4), WAVELENGTH, np.ones(5)) as writer:
        for step in steps:
            writer.write(step)
        writer.record["from"] = "a test"


def test_what_was_written_is_read_back(tmp_path):
    path = tmp_path / "map.prepared.h5"
    write(path)
    prepared = PreparedMap.read(path)
    assert prepared.shape == (3, 4)
    assert np.array_equal(prepared.wavelength, WAVELENGTH)
    assert prepared.record == {"from": "a test"}
    with prepared.profiles() as profiles:
        assert np.array_equal(profiles[()], STOKES)
    prepared.verify()


def test_a_file_that_is_not_finished_has_no_name_and_leaves_nothing(tmp_path):
    def steps():
        yield STOKES[0]
        assert not (tmp_path / "map.prepared.h5").exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "map.prepared.h5", steps())
    assert list(tmp_path.iterdir()) == []


def test_changed_profiles_do_not_have_their_checksum(tmp_path):
    path = tmp_path / "map.prepared.h5"
    write(path)
    with edited(path) as file:
        file["stokes"][1, 2, 3, 4] = 7
    with pytest.raises(DamagedMapFileError, match="checksum"):
        PreparedMap.read(path).verify()


def test_wavelengths_that_do_not_fit_are_damage(tmp_path):
    path = tmp_path / "map.prepared.h5"
    write(path)
    with edited(path) as file:
        del file["wavelength"]
        file["wavelength"] = np.ones(4)
    with pytest.raises(DamagedMapFileError, match="do not fit together"):
        PreparedMap.read(path)


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(MapFileError, match="cannot be written"):
        write(tmp_path / "file" / "map.prepared.h5")
