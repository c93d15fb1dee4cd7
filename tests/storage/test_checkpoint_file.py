"""Files that are written in place survive a kill: rows come before what vouches for them."""

import shutil

import h5py
import numpy as np

from cvzmpi.storage import checkpoint_file
from cvzmpi.storage.checkpoint_file import CheckpointWriter


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
        writer.commit({"n_remaining": np.int64(2), "times/seconds": np.float64(1.5)})
    assert seen == [([7, 7, 0, 0], 4, 0), ([7, 7, 0, 0], 2, 1.5)]
