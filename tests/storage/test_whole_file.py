"""Files are complete or not there; damaged ones are kept."""

import os

import pytest

from cvzmpi.errors import SectorFileError
from cvzmpi.storage import whole_file
from cvzmpi.storage.whole_file import is_there, set_aside, write_whole


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

    monkeypatch.setattr(whole_file, "take_name", full_disk)
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


def test_a_file_is_there_when_it_has_its_name(tmp_path):
    path = tmp_path / "a.h5"
    assert not is_there(path, SectorFileError)
    assert not is_there(path / "below", SectorFileError)
    path.touch()
    assert is_there(path, SectorFileError)
    assert not is_there(path / "below", SectorFileError)


def test_where_the_system_does_not_say_it_nothing_is_taken_for_new(tmp_path):
    with pytest.raises(SectorFileError, match="cannot be read: File name too long"):
        is_there(tmp_path / ("x" * (os.pathconf(tmp_path, "PC_NAME_MAX") + 1)), SectorFileError)
