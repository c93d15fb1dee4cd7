"""Nothing that has the name of a file can take the one who opens it with it."""

import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from cvzmpi.errors import CvzmpiError
from cvzmpi.storage import hdf5_file
from cvzmpi.storage.hdf5_file import opened_hdf5
from cvzmpi.storage.structure_checksum import new_in_memory, whole_image
from tools.harness.job_process import environment


class RefusedError(CvzmpiError):
    pass


class DamagedError(CvzmpiError):
    pass


def opened(path):
    return opened_hdf5(path, RefusedError, DamagedError)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.h5"


def plain(path):
    """A file without a structure checksum."""
    with h5py.File(path, "w") as file:
        file["values"] = np.arange(100.0)
        file["group/more"] = np.arange(7)
        file["group"].attrs["text"] = "of some length"
    return path.read_bytes()


def test_a_plain_file_is_read(path):
    plain(path)
    with opened(path) as file:
        assert file["values"][99] == 99


def test_a_file_with_a_checksum_needs_no_trial(path, monkeypatch):
    with new_in_memory() as file:
        file["values"] = np.arange(100.0)
        path.write_bytes(whole_image(file))
    monkeypatch.delattr(hdf5_file, "read_on_trial")
    with opened(path) as file:
        assert file["values"][99] == 99


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (os.mkfifo, "not a regular file"),
        (os.mkdir, "a directory, not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
        (lambda path: path.symlink_to("nothing"), "cannot be read: No such file"),
        (lambda path: path.symlink_to(path.name), "cannot be read: Too many levels"),
    ],
)
def test_what_is_no_file_is_refused_in_one_line(path, make, expected):
    make(path)
    with pytest.raises(RefusedError) as caught, opened(path):
        pass
    assert str(caught.value).startswith(f"{path}: {expected}")


@pytest.mark.parametrize("content", [b"", b"text\n" * 999, bytes(10_000), b"\x89HDF\r\n\x1a\n"])
def test_what_is_no_hdf5_is_damaged(path, content):
    path.write_bytes(content)
    with pytest.raises(DamagedError) as caught, opened(path):
        pass
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: ")


def test_a_file_with_a_user_block_of_another_is_read(path):
    with h5py.File(path, "w", userblock_size=4096) as file:
        file["values"] = np.arange(100.0)
    with opened(path) as file:
        assert file["values"][99] == 99


def test_a_dataset_that_claims_more_than_the_file_has_is_damage(path):
    content = bytearray(plain(path))
    place = content.index(np.int64([100, 100]).tobytes())  # its length, and the most it can be
    content[place + 5] ^= 0x10  # 16 TiB more values
    path.write_bytes(content)
    with pytest.raises(DamagedError), opened(path) as file:
        file["values"][()]


@pytest.mark.parametrize("first", range(0, 800, 200))
def test_no_flipped_bit_of_a_plain_file_takes_the_reader_with_it(path, first):
    """In a process of its own, for it must not be these tests that end."""
    content = plain(path)
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from tests.storage.test_hdf5_file import DamagedError, RefusedError, opened\n"
        "from cvzmpi.storage import trial_reading\n"
        "path, first = Path(sys.argv[1]), int(sys.argv[2])\n"
        "trial_reading.CPU_SECONDS = 1.0\n"
        "content = path.read_bytes()\n"
        "for place in range(first, first + 200, 4):\n"
        "    changed = bytearray(content)\n"
        "    changed[place] ^= 1 << place // 4 % 8\n"
        "    path.write_bytes(changed)\n"
        "    try:\n"
        "        with opened(path) as file:\n"
        "            file['values'][()], file['group/more'][()], dict(file['group'].attrs)\n"
        "    except (DamagedError, RefusedError):\n"
        "        pass\n"
        "print('goes on')"
    )
    assert len(content) > 800
    ended = subprocess.run(
        [sys.executable, "-c", code, path, str(first)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment(PYTHONPATH=os.pathsep.join(sys.path)),
    )
    assert (ended.returncode, ended.stdout) == (0, "goes on\n"), ended.stderr
