"""A damaged sector file is told from a whole one, whatever the damage, and never the reverse."""

import random

import h5py
import numpy as np
import pytest

from cvzmpi.cvz.sector_file.checks import CHECKSUM, content_checksum
from cvzmpi.cvz.sector_file.layout import TABLES
from cvzmpi.cvz.sector_file.reading import read_progress, read_sector_data, verify_sector_file
from cvzmpi.cvz.sector_file.recovery_writer import RecoveryWriter
from cvzmpi.cvz.sector_file.writing import fill, write_sector_file
from cvzmpi.errors import DamagedFileError
from tests.cvz.sector_content import DATASETS, N_INJECT, N_REPEAT, PROVENANCE
from tools.harness.old_sector_file import without_record


@pytest.fixture(params=["with", "without"])
def either(request, half_done):
    """With and without a checksum over its structure, which earlier versions did not write."""
    if request.param == "without":
        half_done.write_bytes(without_record(half_done.read_bytes()))
    return half_done


def test_earlier_versions_wrote_the_same_without_the_user_block(path, modelled):
    write_sector_file(path, modelled, PROVENANCE)
    with h5py.File.in_memory() as file:
        fill(file, modelled, PROVENANCE)
        file.attrs[CHECKSUM] = content_checksum(file)
        file.flush()
        assert without_record(path.read_bytes()) == file.id.get_file_image()


# ----------------------------------------------------------------- the structure


def read_all(path):
    """All that a resumed job reads."""
    read_progress(path)
    read_sector_data(path)


def damaged(path):
    with pytest.raises(DamagedFileError) as caught:
        read_all(path)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: ")
    return line


@pytest.mark.parametrize("share", [0, 0.001, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.9999])
def test_a_truncated_file_is_damaged(second_checkpoint, share):
    content = second_checkpoint.read_bytes()
    second_checkpoint.write_bytes(content[: int(share * len(content))])
    damaged(second_checkpoint)


@pytest.mark.parametrize("content", [b"not HDF5 at all\n" * 9, b"\0" * 5000, b"\x89HDF\r\n\x1a\n"])
def test_what_is_no_hdf5_is_damaged(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    damaged(path)


@pytest.mark.parametrize("position", [0, 3, 8, 13])
def test_a_flipped_byte_of_the_superblock_is_damage(second_checkpoint, position):
    content = bytearray(second_checkpoint.read_bytes())
    content[content.index(b"\x89HDF") + position] ^= 0xFF
    second_checkpoint.write_bytes(content)
    damaged(second_checkpoint)


@pytest.mark.parametrize("name", [*TABLES, *DATASETS])
def test_a_missing_group_or_dataset_is_damage_that_the_scan_sees(second_checkpoint, name):
    with h5py.File(second_checkpoint, "r+") as file:
        del file[name]
    with pytest.raises(DamagedFileError):
        read_progress(second_checkpoint)
    damaged(second_checkpoint)


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_of_a_wrong_shape_is_damage(second_checkpoint, name):
    with h5py.File(second_checkpoint, "r+") as file:
        values = file[name][()]
        del file[name]
        file[name] = values[:-1]
    damaged(second_checkpoint)


@pytest.mark.parametrize("name", ["lc", "recoveries", "lc/time", "recoveries/recovered"])
def test_a_group_in_place_of_a_dataset_or_the_reverse_is_damage(second_checkpoint, name):
    with h5py.File(second_checkpoint, "r+") as file:
        is_group = isinstance(file[name], h5py.Group)
        del file[name]
        if is_group:
            file[name] = np.zeros(5)
        else:
            file.create_group(name)
    damaged(second_checkpoint)


@pytest.mark.parametrize(
    "name", ["checkpoint", "config", "models_sha256", "tic", "sector", "exposure", "header"]
)
def test_a_missing_attribute_is_damage(either, name):
    with h5py.File(either, "r+") as file:
        del file.attrs[name]
    damaged(either)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("checkpoint", "done"),
        ("config", '{"seed": 5'),
        ("config", 3),
        ("header", "{"),
        ("tic", "x"),
    ],
)
def test_a_senseless_attribute_is_damage(either, name, value):
    with h5py.File(either, "r+") as file:
        file.attrs[name] = value
    damaged(either)


@pytest.mark.parametrize("remaining", [-1, N_INJECT + 1, None])
def test_a_count_that_cannot_be_is_damage(either, remaining):
    with h5py.File(either, "r+") as file:
        attributes = file["recoveries"].attrs
        del attributes["n_inject_remaining"]
        if remaining is not None:
            attributes["n_inject_remaining"] = remaining
    damaged(either)


# ----------------------------------------------------------------- the values


@pytest.fixture
def half_done(second_checkpoint):
    """50 flares are counted as done; the rows of ten more are written and not counted."""
    both = np.random.default_rng(4).random((2, N_INJECT, N_REPEAT)) < 0.5
    with RecoveryWriter(second_checkpoint) as writer:
        writer.write_rows(slice(0, 50), *both[:, :50])
        writer.count_down(N_INJECT - 50, 1.0)
        writer.write_rows(slice(50, 60), *both[:, 50:60])
    return second_checkpoint


@pytest.mark.parametrize("state", ["first_checkpoint", "second_checkpoint", "half_done"])
def test_a_file_as_it_was_written_is_whole_in_any_state(state, request):
    path = request.getfixturevalue(state)
    verify_sector_file(path)
    path.write_bytes(without_record(path.read_bytes()))
    verify_sector_file(path)


@pytest.mark.parametrize("name", DATASETS)
def test_a_flipped_bit_of_any_value_is_damage(half_done, name):
    whole = half_done.read_bytes()
    with h5py.File(half_done) as file:
        start, size = file[name].id.get_offset(), file[name].id.get_storage_size()
        if file[name].parent.name == "/recoveries":
            size = size * 50 // N_INJECT  # what is counted
    chance = random.Random(name)
    for position in {
        start,
        start + size - 1,
        *(chance.randrange(start, start + size) for _ in "abc"),
    }:
        content = bytearray(whole)
        content[position] ^= 1 << chance.randrange(8)
        half_done.write_bytes(content)
        assert "checksum" in damaged(half_done)
        with pytest.raises(DamagedFileError):
            verify_sector_file(half_done)


@pytest.mark.parametrize("name", ["recovered", "recovered_significance", "checksum"])
def test_rows_that_the_count_does_not_vouch_for_are_never_damage(half_done, name):
    """A kill can leave them half written."""
    with h5py.File(half_done, "r+") as file:
        rows = file["recoveries"][name]
        rows[52:70] = ~rows[52:70]
    verify_sector_file(half_done)


@pytest.mark.parametrize(
    ("group", "name", "value"),
    [
        ("/", "seed", np.int64(6)),
        ("/", "TESSMAG", 9.5),
        ("/", "config_sha256", "d0ffee"),
        ("lc", "gp_period", 3.25),
        ("lc/flux", "units", "e+/s"),
    ],
)
def test_another_value_of_an_attribute_is_damage(either, group, name, value):
    with h5py.File(either, "r+") as file:
        assert file[group].attrs[name] != value
        file[group].attrs.modify(name, value)
    assert "checksum" in damaged(either)


def test_a_count_that_vouches_for_rows_that_nobody_wrote_is_damage(either):
    with h5py.File(either, "r+") as file:
        file["recoveries"].attrs.modify("n_inject_remaining", np.int64(N_INJECT - 61))
    assert "recoveries of flare 60 " in damaged(either)


def test_a_file_without_its_checksum_is_damaged(second_checkpoint):
    with h5py.File(second_checkpoint, "r+") as file:
        del file.attrs["content_sha256"]
    damaged(second_checkpoint)
