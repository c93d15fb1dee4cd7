"""A unit belongs to one process at a time, and a lock ends with its process."""

import os
import pwd
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cvzmpi.storage.file_lock import FileLock, FileLockError, describe_holder

_HOLDER = """
import sys, time
from pathlib import Path
from cvzmpi.storage.file_lock import FileLock
lock = FileLock.take(Path(sys.argv[1]))
print("mine", flush=True)
time.sleep(60)
"""


def hold(path):
    """A process that has the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "mine\n"
    return process


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "042" / "42_1.claim"


def test_a_unit_that_another_process_has_locked_cannot_be_locked(path):
    holder = hold(path)
    try:
        assert FileLock.take(path) is None
        owner = pwd.getpwuid(os.getuid()).pw_name
        program = Path(sys.executable).name[:15]
        expected = f"process {holder.pid} on {socket.gethostname()} ({program}, of {owner})"
        assert describe_holder(path) == expected
    finally:
        kill(holder)


def test_a_holder_that_this_machine_does_not_list_is_said_to_be_unknown(path, tmp_path):
    path.parent.mkdir()
    path.touch()
    inode = path.stat().st_ino
    locks = tmp_path / "locks"
    for listed in (
        "",
        f"1: POSIX  ADVISORY  WRITE {os.getpid()} fe:00:{inode} 0 EOF\n",
        f"1: FLOCK  ADVISORY  WRITE {os.getpid()} fe:00:1{inode} 0 EOF\n",
        f"1: FLOCK  ADVISORY  WRITE {2**22 + 1} fe:00:{inode} 0 EOF\n",  # of another container
    ):
        locks.write_text(listed)
        unknown = f"a process that is not known on {socket.gethostname()}"
        assert describe_holder(path, locks) == unknown


def test_a_lock_ends_with_its_process(path):
    kill(hold(path))
    lock = FileLock.take(path)
    assert lock is not None
    lock.release()


def test_a_released_lock_leaves_nothing(path):
    lock = FileLock.take(path)
    lock.release()
    assert not path.exists()
    again = FileLock.take(path)
    assert again is not None
    again.release()


def test_a_lock_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "042").write_text("a file stands here")
    path = tmp_path / "042" / "42_1.claim"
    with pytest.raises(FileLockError) as caught:
        FileLock.take(path)
    assert str(caught.value) == f"{path}: cannot be made: File exists"
