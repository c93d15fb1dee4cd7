"""Files that are brought to where they are published."""

import os
import signal
import subprocess
import sys
import time

import pytest

from cvzmpi.errors import TransferError
from cvzmpi.level2.transfers.bring import bring
from cvzmpi.level2.transfers.local_copy import LocalCopy
from cvzmpi.level2.transfers.transfer import TaskState, TaskStatus, Transfer, destination
from tools.harness.job_process import environment

WHERE = destination("data", "pid_1_2", "inv.ABC123")


def published(root):
    return {path.name: path.read_bytes() for path in (root / WHERE).iterdir()}


def end(driver, task):
    """The status of a task that has ended."""
    while (status := driver.status(task)).state is TaskState.ACTIVE:
        pass
    return status


def content(files):
    return {path.name: path.read_bytes() for path in files}


def test_the_destination_is_bucket_proposal_and_inversion():
    assert WHERE == "data/pid_1_2/inv.ABC123/"


@pytest.mark.parametrize("bad", ["", "..", ".hidden", "a/b", "/etc"])
def test_a_part_of_the_destination_that_is_no_plain_name_is_refused(bad):
    for parts in ((bad, "p", "i"), ("b", bad, "i"), ("b", "p", bad)):
        with pytest.raises(TransferError, match="expected a plain name"):
            destination(*parts)


def test_the_files_arrive(files, tmp_path):
    driver = LocalCopy(tmp_path / "root")
    task = driver.submit(Transfer(files, WHERE))
    assert end(driver, task) == TaskStatus(TaskState.SUCCEEDED, "3 brought, 0 there already")
    assert published(tmp_path / "root") == content(files)


def test_done_again_it_copies_only_what_is_missing_or_differs(files, tmp_path):
    root = tmp_path / "root"
    bring(LocalCopy(root), Transfer(files, WHERE))
    kept = (root / WHERE / "a.fits").stat().st_ino
    (root / WHERE / "b.fits").write_bytes(b"half")
    (root / WHERE / "c.fits").unlink()
    (root / WHERE / "c.fits.part").write_bytes(b"left by a killed copy")
    driver = LocalCopy(root)
    task = driver.submit(Transfer(files, WHERE))
    assert end(driver, task).message == "2 brought, 1 there already"
    assert published(root) == content(files)
    assert (root / WHERE / "a.fits").stat().st_ino == kept


def test_a_missing_file_fails_and_says_which(files, tmp_path):
    files[1].unlink()
    with pytest.raises(TransferError, match=r"b\.fits"):
        bring(LocalCopy(tmp_path / "root"), Transfer(files, WHERE))
    assert not (tmp_path / "root").exists()


def test_a_destination_outside_of_the_root_is_refused(files, tmp_path):
    with pytest.raises(TransferError, match="not below"):
        LocalCopy(tmp_path / "root").submit(Transfer(files, "../elsewhere/"))
    assert not (tmp_path / "elsewhere").exists()


def test_two_files_of_one_name_are_refused(files, tmp_path):
    with pytest.raises(TransferError, match="twice"):
        LocalCopy(tmp_path / "root").submit(Transfer([*files, files[0]], WHERE))


def test_a_task_of_another_process_is_unknown(files, tmp_path):
    task = LocalCopy(tmp_path / "root").submit(Transfer(files, WHERE))
    assert LocalCopy(tmp_path / "root").status(task).state is TaskState.UNKNOWN


def test_waiting_ends_when_a_remote_task_has_succeeded(files):
    class Slow:
        """A service that needs a while, as Globus does."""

        def __init__(self):
            self.asked = 0

        def new_submission(self):
            return "submission"

        def submit(self, transfer, submission):
            return "task"

        def sizes(self, directory):
            return transfer.sizes()

        def status(self, task):
            self.asked += 1
            return TaskStatus(TaskState.ACTIVE if self.asked < 3 else TaskState.SUCCEEDED)

    slow, transfer = Slow(), Transfer(files, WHERE)
    bring(slow, transfer, pause=0)
    assert slow.asked == 3
    slow.asked = -1000
    with pytest.raises(TransferError, match="not done in 0 s"):
        bring(slow, transfer, seconds=0, pause=0)


def test_a_killed_copy_leaves_only_whole_files_under_their_names(tmp_path):
    source = tmp_path / "large.fits"
    with source.open("wb") as file:
        file.truncate(400_000_000)
    root = tmp_path / "root"
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from cvzmpi.level2.transfers.bring import bring\n"
        "from cvzmpi.level2.transfers.local_copy import LocalCopy\n"
        "from cvzmpi.level2.transfers.transfer import Transfer\n"
        f"bring(LocalCopy(Path({str(root)!r})), Transfer([Path({str(source)!r})], {WHERE!r}))"
    )
    copying = subprocess.Popen([sys.executable, "-c", code], env=environment())
    part = root / WHERE / "large.fits.part"
    while not (part.exists() and part.stat().st_size) and copying.poll() is None:
        time.sleep(0.001)
    assert copying.poll() is None, "the copy was too fast to be killed"
    os.kill(copying.pid, signal.SIGKILL)
    copying.wait()
    assert not (root / WHERE / "large.fits").exists()
    bring(LocalCopy(root), Transfer([source], WHERE))
    assert [path.name for path in (root / WHERE).iterdir()] == ["large.fits"]
