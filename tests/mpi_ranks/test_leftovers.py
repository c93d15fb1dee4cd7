"""Shared memory of killed jobs is removed, and only that."""

import mmap
import os

from cvzmpi.mpi.mpi_files import remove_leftovers


def old_file(directory, name):
    path = directory / name
    path.write_bytes(b"x" * mmap.PAGESIZE)
    os.utime(path, (0, 0))
    return path


def test_only_old_unused_files_of_mpi_are_removed(tmp_path):
    unused = old_file(tmp_path, "vader_segment.node.0.1234.0")
    also_unused = old_file(tmp_path, "osc_sm.node.1234.5")
    foreign = old_file(tmp_path, "somebody.else")
    young = tmp_path / "vader_segment.node.0.99.0"
    young.write_bytes(b"x")
    used = old_file(tmp_path, "vader_segment.node.0.5678.0")
    with used.open("r+b") as stream, mmap.mmap(stream.fileno(), 0):
        os.utime(used, (0, 0))
        removed = remove_leftovers(tmp_path)
    assert set(removed) == {unused, also_unused}
    assert foreign.exists()
    assert young.exists()
    assert used.exists()
