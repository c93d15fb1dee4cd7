"""Sector files of format version 1: read as what they are, and verified to the last bit."""

import json
import random

import h5py
import numpy as np
import pytest

from cvzmpi.config import differences
from cvzmpi.cvz.configuration import as_in_version_1, load
from cvzmpi.cvz.detection.flares import COLUMNS
from cvzmpi.cvz.quality.quality_marks import quality_marks
from cvzmpi.cvz.results.index.summary import summarise
from cvzmpi.cvz.results.views.sector_file import SectorFile
from cvzmpi.cvz.sector_file.layout import FLARES_OF_VERSION_1, LAYOUTS
from cvzmpi.cvz.sector_file.reading import SectorContent, read_progress, verify_sector_file
from cvzmpi.cvz.sector_file.recovery_writer import RecoveryWriter
from cvzmpi.errors import DamagedFileError
from tests.cvz.example_file import write_example
from tests.edited_hdf5 import edited

DATASETS = [f"{table}/{name}" for table, columns in LAYOUTS[1]["model"].items() for name in columns]


@pytest.fixture
def old(tmp_path):
    return write_example(tmp_path / "1.h5", version=1)


@pytest.fixture
def new(tmp_path):
    return write_example(tmp_path / "2.h5")


def test_it_has_the_datasets_that_it_always_had(old):
    with h5py.File(old) as file:
        assert {f"{g}/{n}" for g in file for n in file[g]} == set(DATASETS)
        assert file.attrs["format_version"] == 1
        assert set(file["flares"]) == {
            *("start", "stop", "peak", "start_time", "stop_time", "peak_time", "amplitude"),
            *("equivalent_duration", "equivalent_duration_error", "max_probability"),
        }
    assert read_progress(old).format_version == 1


def test_what_was_the_equivalent_duration_is_the_sum_over_the_mask(old, new):
    flares, now = (SectorContent.read(path).data.flares for path in (old, new))
    for name, (dtype, _) in COLUMNS.items():
        assert flares[name].dtype == np.dtype(dtype)
        if name in FLARES_OF_VERSION_1.values():
            np.testing.assert_array_equal(flares[name], now[name], err_msg=name)
        elif dtype.startswith("f"):
            assert np.isnan(flares[name]).all(), name
    with h5py.File(old) as file:
        sums = file["flares/equivalent_duration"][()]
    np.testing.assert_array_equal(flares["mask_equivalent_duration"], sums)
    assert len(sums) == 2
    assert flares["found_by"].tolist() == [1, 1]
    assert flares["vetting"].tolist() == [0, 0]


def test_the_second_search_was_not_made(old, new):
    content = SectorContent.read(old)
    for name in ("significance", "significance_mask", "left_out", "mirror_events", "noise_raised"):
        assert getattr(content.data, name) is None
        assert getattr(SectorContent.read(new).data, name) is not None
    assert content.recovery.recovered_significance is None
    np.testing.assert_array_equal(
        content.recovery.recovered, SectorContent.read(new).recovery.recovered
    )


def test_products_read_it(old, new):
    file = SectorFile.read(old)
    assert set(file.time_series.colnames) < set(SectorFile.read(new).time_series.colnames)
    assert file.flares["found_by"].tolist() == [1, 1]
    assert len(file.injections) == 300
    row = summarise(old).light_curve
    assert row["state"] == "done"
    marks = quality_marks(file.data, file.config)
    assert row["marks"] == ",".join(mark.name for mark in marks)


@pytest.mark.parametrize("name", DATASETS)
def test_a_flipped_bit_of_any_value_is_damage(old, name):
    with h5py.File(old) as file:
        start, size = file[name].id.get_offset(), file[name].id.get_storage_size()
    chance = random.Random(name)
    content = bytearray(old.read_bytes())
    content[chance.randrange(start, start + size)] ^= 1 << chance.randrange(8)
    old.write_bytes(content)
    with pytest.raises(DamagedFileError, match="checksum"):
        verify_sector_file(old)


@pytest.mark.parametrize(
    "name", ["mirror_events", "templates", "recoveries/recovered_significance"]
)
def test_a_file_with_parts_of_both_versions_is_damaged(new, name):
    """Such as a flipped number of the version would make it."""
    with edited(new) as file:
        del file[name]
    with pytest.raises(DamagedFileError):
        read_progress(new)
    with edited(new) as file:
        file.attrs.modify("format_version", np.int64(1))
    with pytest.raises(DamagedFileError):
        read_progress(new)


@pytest.mark.parametrize("version", [1, 2])
def test_the_answers_of_as_many_searches_are_written_as_it_has_room_for(tmp_path, version):
    path = write_example(tmp_path / "3.h5", n_done=0, version=version)
    answers = np.ones((2, 300, 4), bool)
    with RecoveryWriter(path) as writer:
        for wrong in (answers[: 3 - version], answers[:0]):
            with pytest.raises(ValueError, match="zip"):
                writer.write_rows(slice(0, 300), *wrong)
        writer.write_rows(slice(0, 300), *answers[:version])
        writer.count_down(0, 1.0)
    verify_sector_file(path)


def test_its_configuration_has_no_section_of_the_second_search():
    config = load(None, ["significance.min_snr=6"])
    old = as_in_version_1(config.science_json())
    assert json.loads(old).keys() == {
        key for key in config.science() if not key.startswith("significance.")
    }
    assert old == as_in_version_1(old) == as_in_version_1(load(None).science_json())
    assert len(differences(old, as_in_version_1(load(None, ["seed=2"]).science_json()))) == 1
