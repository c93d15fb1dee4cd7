"""The output directory on file systems that are full, read-only, or none at all."""

import subprocess
from contextlib import contextmanager

import pytest

from cvzmpi.cvz.checkup.finding import Level
from cvzmpi.cvz.checkup.output import check_output
from cvzmpi.cvz.configuration import Config, OutputConfig


def finding_of(directory):
    return check_output(Config(output=OutputConfig(directory=directory)))


@contextmanager
def mounted(directory, *options):
    """A small file system in memory; skipped where it cannot be mounted."""
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "none", str(directory)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        pytest.skip(f"cannot mount: {ended.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(directory)], check=True)


@pytest.mark.parametrize("name", [".", "output", "a/b/output"])
def test_where_it_is_or_will_be_a_file_can_be_locked(tmp_path, name):
    finding = finding_of(tmp_path / name)
    assert finding.level in {Level.OK, Level.NOTE}
    assert f"{tmp_path / name}: locks work" in finding.says
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file", "file/output"])
def test_a_file_in_place_of_the_directory(tmp_path, name):
    (tmp_path / "file").write_text("")
    finding = finding_of(tmp_path / name)
    assert finding.level is Level.PROBLEM
    assert finding.says == f"{tmp_path / 'file'} is no directory"


def test_a_full_file_system(tmp_path):
    output = tmp_path / "output"
    with mounted(output, "size=200m"):
        (output / "large").write_bytes(bytes(190 << 20))
        finding = finding_of(output)
        assert [path.name for path in output.iterdir()] == ["large"]
    assert finding.level is Level.PROBLEM
    assert "MB free" in finding.says
    assert "make room" in finding.remedy


def test_a_read_only_file_system(tmp_path):
    with mounted(tmp_path / "output", "ro"):
        finding = finding_of(tmp_path / "output")
    assert finding.level is Level.PROBLEM
    assert finding.says.endswith("Read-only file system")


def test_a_file_system_without_room_for_more_files(tmp_path):
    with mounted(tmp_path / "output", "nr_inodes=1,size=1g"):
        finding = finding_of(tmp_path / "output")
    assert finding.level is Level.PROBLEM
    assert finding.says.endswith("No space left on device")


def test_little_room_is_a_note(tmp_path):
    with mounted(tmp_path / "output", "size=500m"):
        finding = finding_of(tmp_path / "output")
    assert finding.level is Level.NOTE
    assert finding.says.endswith("locks work, 0.5 GB free")
