"""The room on a disk is told now and then, and never stops a job."""

import shutil

from cvzmpi.runtime import disk_room
from cvzmpi.runtime.disk_room import DiskRoom


def test_it_is_told_at_most_once_a_minute(tmp_path, monkeypatch):
    room = DiskRoom(tmp_path)
    told = room.news()["disk"]
    assert told["disk"] == str(tmp_path)
    assert told["total_bytes"] == shutil.disk_usage(tmp_path).total
    assert 0 < told["free_bytes"] < told["total_bytes"]
    assert room.news() == {}
    monkeypatch.setattr(disk_room, "_SECONDS", 0.0)
    assert room.news().keys() == {"disk"}


def test_a_directory_that_is_gone_is_no_news(tmp_path):
    assert DiskRoom(tmp_path / "gone").news() == {}
