"""A flipped bit in the structure of sector files: real jobs and commands go on."""

import random
import shutil

import pytest

from cvzmpi.cvz.sector_file.checks import check_on_trial
from cvzmpi.cvz.sector_file.paths import sector_files
from cvzmpi.storage.trial_reading import UnsoundFileError, read_on_trial
from tests.main_job import FAST, copy_results, simulate
from tools.harness.hdf5_content import contents
from tools.harness.job_process import run
from tools.harness.old_sector_file import without_record

TEAM_OF_TWO = ("--set", "ranks_per_team=2")


@pytest.fixture(scope="module")
def done(models, tmp_path_factory):
    """A directory with the input of three light curves, and the output of an undisturbed run."""
    directory = tmp_path_factory.mktemp("done")
    simulate(directory / "input", 3)
    ended = run(arguments(directory, directory / "output"), ranks=3)
    assert ended.status == 0, ended.stderr
    return directory


def arguments(done, output):
    return ["run", "--input", done / "input", "--output", output, *FAST, *TEAM_OF_TWO]


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 0x10
    path.write_bytes(content)


def flip_of_the_configuration(path):
    """A digit of the seed becomes another character; JSON need not mind."""
    flip(path, path.read_bytes().index(b'"seed": 7') + len('"see'))


def make_fatal(path):
    """Flip a bit of a file without a checksum over its structure, over which HDF5 crashes."""
    old = without_record(path.read_bytes())
    chance = random.Random(2)
    for _ in range(1000):
        changed = bytearray(old)
        changed[chance.randrange(800, 9000)] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        try:
            read_on_trial(path, check_on_trial)
        except UnsoundFileError as error:
            if "crashes" in str(error):
                return
    pytest.fail("HDF5 stands every flipped bit")


def test_damaged_files_cost_a_job_without_a_ledger_nothing_but_their_own_light_curves(
    done, tmp_path
):
    output = tmp_path / "output"
    copy_results(done / "output", output)
    fatal, misleading, whole = sector_files(output).values()
    make_fatal(fatal)
    flip_of_the_configuration(misleading)
    unchanged = whole.stat()
    damaged = {path: path.read_bytes() for path in (fatal, misleading)}

    ended = run(["index", output])
    assert ended.status == 1, ended.stderr
    assert "1 light curve" in ended.stdout
    assert "2 files are not in it" in ended.stdout
    ended = run(arguments(done, output), ranks=3)
    assert ended.status == 0, ended.stderr
    assert "1 done before" in ended.plan
    assert contents_of_light_curves(output) == contents(done / "output")
    for path, content in damaged.items():
        kept = path.with_name(f"{path.name}.damaged")
        assert kept.read_bytes() == content
        assert kept.name in ended.stderr
    assert "HDF5 crashes" in ended.stderr
    assert (whole.stat().st_ino, whole.stat().st_mtime_ns) == (
        unchanged.st_ino,
        unchanged.st_mtime_ns,
    )


@pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
def test_a_flipped_bit_of_the_configuration_is_not_another_configuration(done, tmp_path, old):
    """In the first file that the ledger knows: the one that a job looks into."""
    output = tmp_path / "output"
    shutil.copytree(done / "output", output)
    first, *_ = sector_files(output).values()
    if old:
        first.write_bytes(without_record(first.read_bytes()))
    flip_of_the_configuration(first)
    ended = run(arguments(done, output))
    assert ended.status == 0, ended.stderr
    assert run(["verify", "--output", output]).status in (0, 1)
    ended = run(arguments(done, output))
    assert ended.status == 0, ended.stderr
    assert contents_of_light_curves(output) == contents(done / "output")


@pytest.mark.parametrize("command", ["show", "plot"])
def test_commands_about_a_file_that_crashes_hdf5_are_one_line(done, tmp_path, command):
    output = tmp_path / "output"
    copy_results(done / "output", output)
    path, *_ = sector_files(output).values()
    make_fatal(path)
    ended = run([command, path])
    assert ended.status == 2
    (line,) = ended.complaints
    assert line.startswith(f"cvzmpi: {path}: HDF5 crashes")
    assert "Traceback" not in ended.stderr


def contents_of_light_curves(output):
    shutil.rmtree(output / "index", ignore_errors=True)
    return contents(output)
