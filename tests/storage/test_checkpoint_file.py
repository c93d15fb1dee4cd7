"""Files that survive a kill: whole at birth, and vouched for in the right order."""

import shutil

import h5py
import numpy as np
import pytest

from cvzmpi.storage import checkpoint_file
from cvzmpi.storage.checkpoint_file import CheckpointWriter, set_aside, write_whole


def test_a_file_takes_the_place_of_the_one_before(tmp_path):
    path = tmp_path / "new" / "file"
    write_whole(path, b"first")
    write_whole(path, b"second", fsync=False)
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


def test_what_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_whole(path, b"first")

    def full_disk(aside, path, fsync):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint_file, "take_name", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_damaged_files_are_kept_one_beside_the_other(tmp_path):
    path = tmp_path / "map.h5"
    kept = []
    for content in (b"a", b"b", b"c"):
        path.write_bytes(content)
        kept.append(set_aside(path))
        assert not path.exists()
    assert [p.name for p in kept] == ["map.h5.damaged", "map.h5.damaged-1", "map.h5.damaged-2"]
    assert [p.read_bytes() for p in kept] == [b"a", b"b", b"c"]


def test_attributes_change_only_after_the_rows_are_flushed(tmp_path, monkeypatch):
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        file["rows"] = np.zeros(4)
        file.attrs["n_remaining"] = np.int64(4)
        file.create_group("times").attrs["seconds"] = np.float64(0)
    seen = []

    def look(synchronised):
        copy = shutil.copy(synchronised, tmp_path / "as it is on disk.h5")
        with h5py.File(copy) as file:
            attributes = int(file.attrs["n_remaining"]), float(file["times"].attrs["seconds"])
            seen.append((file["rows"][()].tolist(), *attributes))

    monkeypatch.setattr(checkpoint_file, "synchronise", look)
    with CheckpointWriter(path, None) as writer:
        writer.file["rows"][:2] = 7
        writer.vouch({"n_remaining": np.int64(2), "times/seconds": np.float64(1.5)})
    assert seen == [([7, 7, 0, 0], 4, 0), ([7, 7, 0, 0], 2, 1.5)]
