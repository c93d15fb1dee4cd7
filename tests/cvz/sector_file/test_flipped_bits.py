"""Single bits flipped anywhere in a sector file: found, or harmless, and never the end of a reader.

`make flipped-bits` does this a thousand times for each kind of file.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.cvz.example_file import write_example
from tools.harness.job_process import environment

STATES = {"detect": {"model": False}, "half done": {"n_done": 80}, "done": {}}

# HDF5 crashes over the first two in the half-done file, and spins over the others.
FATAL = ("--bit=3378:3", "--bit=2862:1", "--bit=3121:2", "--bit=2057:6")


@pytest.fixture(params=STATES)
def state(request):
    return STATES[request.param]


@pytest.fixture
def sector_file(state, tmp_path):
    return write_example(tmp_path / "123456789_7.h5", **state)


@pytest.fixture
def old_sector_file(state, tmp_path):
    return write_example(tmp_path / "123456789_7.h5", **state, version=1)


def flip(path, *options):
    """In a process of its own, for it must not be these tests that end."""
    ended = subprocess.run(
        [sys.executable, "-m", "tools.torture.flipped_bits", path, *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment(PYTHONPATH=os.pathsep.join(sys.path)),
    )
    assert ended.returncode in (0, 1), ended.stderr
    found = json.loads(ended.stdout)
    assert found["wrong"] == []
    assert found["refused"] == 0
    return found


def test_a_flipped_bit_anywhere_is_damage_or_changes_nothing(sector_file):
    assert flip(sector_file, "--flips=10", "--seed=5")["damaged"] > 0


def test_in_a_file_of_an_earlier_version_as_well(old_sector_file):
    for options in ((), ("--old",)):
        assert flip(old_sector_file, "--flips=10", "--seed=5", *options)["damaged"] > 0


def test_a_flipped_bit_where_files_have_their_structure_is_damage(sector_file):
    """Among 40: 2,048 bytes of 12,000 are the user block, most of it without a meaning."""
    found = flip(sector_file, "--flips=40", "--below=12000")
    assert found["damaged"] > 20
    assert (found["crashes"], found["hangs"]) == (0, 0), "HDF5 was not asked"


def test_in_an_old_file_it_is_as_well(old_sector_file):
    assert flip(old_sector_file, "--flips=20", "--below=10000", "--old")["damaged"] > 2


def test_what_crashes_hdf5_or_has_it_spin_is_damage(tmp_path):
    path = write_example(tmp_path / "123456789_7.h5", **STATES["half done"], version=1)
    found = flip(path, *FATAL, "--old", "--limit=0.5")
    assert (found["crashes"], found["hangs"], found["damaged"]) == (2, 2, 4)


def test_with_a_checksum_the_same_is_found_without_hdf5(tmp_path):
    path = write_example(tmp_path / "123456789_7.h5", **STATES["half done"], version=1)
    bits = [f"--bit={int(text[6:10]) + 2048}:{text[-1]}" for text in FATAL]
    found = flip(path, *bits)
    assert (found["crashes"], found["hangs"], found["damaged"]) == (0, 0, 4)
