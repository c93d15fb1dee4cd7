"""The checksum over the structure of an HDF5 file: it finds every bit, and writing leaves it."""

import os
import shutil
import subprocess

import h5py
import numpy as np
import pytest
from mpi4py import MPI

from cvzmpi.mpi.team import Team
from cvzmpi.storage.checkpoint_file import CheckpointWriter
from cvzmpi.storage.structure_checksum import (
    SETTINGS,
    USER_BLOCK,
    DamagedStructureError,
    bytes_to_leave_out,
    new_in_memory,
    verify_structure,
    whole_image,
    write_record,
)

CHANGING = ("rows", "small/rows", "small/n_left", "seconds")


def fill(file):
    rng = np.random.default_rng(1)
    file["large"] = rng.random(5000)
    file["rows"] = np.zeros((600, 3))
    file["small/rows"] = np.zeros(10, "u4")
    file["small/constant"] = np.arange(10)
    file["text"] = "no values, but a place in a heap"
    file["small"].attrs["n_left"] = np.int64(600)
    file.attrs["seconds"] = np.float64(0)
    file.attrs["config"] = '{"a": 1}'


@pytest.fixture
def image():
    with new_in_memory() as file:
        fill(file)
        return whole_image(file, CHANGING)


@pytest.fixture
def path(tmp_path, image):
    path = tmp_path / "file.h5"
    path.write_bytes(image)
    return path


def is_vouched_for(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return verify_structure(descriptor)
    finally:
        os.close(descriptor)


def written_in_place(path):
    """The bytes whose change is no damage, by the places of values: attributes by their size."""
    with h5py.File(path) as file:
        ranges = {
            name: (file[name].id.get_offset(), file[name].id.get_storage_size())
            for name in ("large", "rows", "small/rows")
        }
    return {place for start, size in ranges.values() for place in range(start, start + size)}


def test_a_file_has_it_and_any_reader_opens_it(path, tmp_path):
    assert is_vouched_for(path)
    plain = tmp_path / "plain.h5"
    with h5py.File(plain, "w") as file:
        fill(file)
    with h5py.File(path) as ours, h5py.File(plain) as theirs:
        names = []
        theirs.visit(names.append)
        for name in names:
            assert dict(ours[name].attrs) == dict(theirs[name].attrs)
            if isinstance(theirs[name], h5py.Dataset):
                np.testing.assert_array_equal(ours[name][()], theirs[name][()])
    if shutil.which("h5diff"):
        subprocess.run(["h5diff", path, plain], check=True)


def test_the_record_is_a_text_that_says_what_it_is(path):
    title, line, _ = path.read_bytes()[:USER_BLOCK].split(b"\n")
    assert title.startswith(b"cvzmpi structure 1 ")
    assert b'"sha256"' in line


def test_every_bit_but_those_that_change_in_place_is_found(path, image):
    """All bytes of a small file, a bit of each."""
    free = written_in_place(path)
    unseen = []
    descriptor = os.open(path, os.O_RDWR)
    for place in sorted(set(range(USER_BLOCK, len(image))) - free):
        os.pwrite(descriptor, bytes([image[place] ^ 1 << place % 8]), place)
        try:
            verify_structure(descriptor)
        except DamagedStructureError:
            pass
        else:
            unseen.append(place)
        os.pwrite(descriptor, image[place : place + 1], place)
    os.close(descriptor)
    assert len(unseen) == 8 + 8 + 4, "two attributes, and HDF5's own flags"
    assert set(range(USER_BLOCK + 20, USER_BLOCK + 24)) < set(unseen)


def test_a_flipped_bit_in_the_record_leaves_the_file_without_one(path, image):
    used = image.index(b"\0")
    for place in range(used):
        changed = bytearray(image)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        assert not is_vouched_for(path)


@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: content + b"\0"])
def test_a_file_of_another_size_is_damaged(path, image, change):
    path.write_bytes(change(image))
    with pytest.raises(DamagedStructureError, match=f"and had {len(image)}"):
        is_vouched_for(path)


@pytest.mark.parametrize("content", [b"", b"x" * 5000, b"cvzmpi structure 1 00000000\n{}\n"])
def test_what_has_no_record_has_no_checksum(path, content):
    path.write_bytes(content)
    assert not is_vouched_for(path)


def test_a_file_that_is_written_on_disk_gets_it_there(tmp_path):
    path = tmp_path / "large.h5"
    with h5py.File(path, "w", **SETTINGS) as file:
        fill(file)
        file.flush()
        left_out = bytes_to_leave_out(file)
    assert not is_vouched_for(path)
    write_record(path, left_out)
    assert is_vouched_for(path)
    with h5py.File(path) as file:
        assert file["small/constant"][3] == 3


def test_writing_in_place_alone_leaves_it_at_any_time(path):
    write_in_place(path, None)


@pytest.mark.mpi(min_size=2)
def test_writing_in_place_together_leaves_it_at_any_time(mpi_tmp_path, image):
    if not h5py.get_config().mpi:
        pytest.skip("this h5py has no parallel HDF5")
    team = Team(MPI.COMM_WORLD)
    path = mpi_tmp_path / "file.h5"
    team.lead(lambda: path.write_bytes(image))
    write_in_place(path, team)


def write_in_place(path, team):
    """What a job writes, looked at after each step as a kill would leave it."""
    rank, size = (0, 1) if team is None else (team.rank, team.size)

    def is_as_before():
        if team is not None:
            team.agree()
        assert path.stat().st_size == size_before
        assert is_vouched_for(path)
        if team is not None:
            team.agree()

    size_before = path.stat().st_size
    for _ in range(2):
        with CheckpointWriter(path, team) as writer:
            is_as_before()
            for step in range(3):
                first = (size * step + rank) * 10
                writer.file["rows"][first : first + 10] = 1.5 + step
                if rank == 0:
                    writer.file["small/rows"][step] = 2**32 - 1
                is_as_before()
                left = {"small/n_left": np.int64(-step), "seconds": np.float64(step / 7)}
                writer.commit(left)
                is_as_before()
        is_as_before()
    with h5py.File(path) as file:
        assert file["rows"][size * 10 - 1, 0] == 1.5
        assert file["small"].attrs["n_left"] == -2
