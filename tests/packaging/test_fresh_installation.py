"""`pip install` of the wheel, where there is Python and nothing else, is enough to begin."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tools.harness.hdf5_content import contents

pytestmark = pytest.mark.packaging

MOST_MEGABYTES = 350
"""Of what `pip install cvzmpi` installs, without the bytecode that Python makes of it."""

FIVE_LINES = Path(__file__).with_name("five_lines.py")
SETTINGS = ("--set", "seed=3", "--set", "inject.n_inject=40", "--set", "inject.n_repeat=2")

# Processor seconds, and how often the machine is asked: the fastest counts. The promises are 0.1
# and 0.2 s on a quiet machine of today; the bounds leave room for slow and busy ones.
STARTS = {"import cvzmpi": (0.1, 0.3), "cvzmpi --help": (0.2, 0.6)}
TRIES = 9


def datasets(directory):
    """All datasets of the sector files, without the attributes that name the software."""
    return {
        file: {name: value for name, value in content.items() if "@" not in name}
        for file, content in contents(directory).items()
    }


@pytest.fixture(scope="session")
def simulated(plain, tmp_path_factory):
    """The light curves of a small campaign."""
    directory = tmp_path_factory.mktemp("simulated")
    arguments = ("--stars", 3, "--seed", 5, "--cadences", 6000)
    ended = plain.run("cvzmpi", "simulate", directory / "input", *arguments, cwd=directory)
    assert ended.returncode == 0, ended.stderr
    return directory / "input"


@pytest.fixture(scope="session")
def alone(plain, simulated, tmp_path_factory):
    """The results of one process without MPI."""
    directory = tmp_path_factory.mktemp("alone")
    arguments = ("--input", simulated, "--output", "output", *SETTINGS)
    ended = plain.run("cvzmpi", "run", *arguments, cwd=directory)
    assert ended.returncode == 0, ended.stderr
    assert [line for line in ended.stderr.splitlines() if line.startswith("cvzmpi")] == []
    return directory / "output"


# ----------------------------------------------------------------- plain


def test_the_plain_package_is_light(plain, tell):
    tell(f"plain: installed in {plain.seconds:.0f} s, {plain.megabytes:.0f} MB")
    tell(f"plain: {plain.bytecode:.0f} MB of bytecode beside")
    assert plain.megabytes < MOST_MEGABYTES


@pytest.mark.parametrize("command", ["cc", "gcc", "mpicc", "mpiexec", "mpirun", "git", "h5pcc"])
def test_nothing_was_there_to_help(plain, command):
    assert not plain.has(command)


@pytest.mark.parametrize("package", ["mpi4py", "lightkurve", "pandas", "pyarrow", "psycopg"])
def test_what_belongs_to_extras_is_not_there(plain, package, tmp_path):
    ended = plain.run("python", "-c", f"import {package}", cwd=tmp_path)
    assert f"ModuleNotFoundError: No module named '{package}'" in ended.stderr


def test_five_lines_find_the_flares_of_a_real_light_curve_and_draw_them(plain, demo_file, tmp_path):
    shutil.copy(demo_file, tmp_path)
    assert len(FIVE_LINES.read_text().split("\n\n")[-1].splitlines()) <= 5
    ended = plain.run("python", FIVE_LINES, demo_file.name, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "peak_time" in ended.stdout
    assert (tmp_path / "flares.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {demo_file.name, "flares.png"}


def test_a_campaign_is_worked_on_looked_at_and_drawn_without_mpi(plain, alone, tmp_path):
    files = sorted(map(str, alone.rglob("*_1.h5")))
    assert len(files) == 3
    for words in (
        ["show", *files],
        ["plot", files[0], "-o", "one.png"],
        ["ffd", "--all", "--results", alone],
        ["status", "--output", alone],
        ["verify", "--output", alone],
    ):
        ended = plain.run("cvzmpi", *words, cwd=tmp_path)
        assert ended.returncode == 0, (words, ended.stderr)
    assert (tmp_path / "one.png").exists()
    assert len(list((tmp_path / "ffd").iterdir())) > 0


@pytest.mark.parametrize("command", ["index", "report"])
def test_the_tables_of_a_campaign_say_which_extra_they_need(plain, alone, tmp_path, command):
    ended = plain.run("cvzmpi", command, alone, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f'cvzmpi {command} needs pyarrow: pip install "cvzmpi[index]"\n'


@pytest.mark.parametrize("what", STARTS)
def test_it_starts_at_once(plain, what, tmp_path, tell):
    promised, bound = STARTS[what]
    command = {
        "import cvzmpi": "[sys.executable, '-c', 'import cvzmpi']",
        "cvzmpi --help": f"[{str(plain.directory / 'bin' / 'cvzmpi')!r}, '--help']",
    }[what]
    measure = f"""
import resource, subprocess, sys
def used():
    times = resource.getrusage(resource.RUSAGE_CHILDREN)
    return times.ru_utime + times.ru_stime
for _ in range({TRIES}):
    before = used()
    subprocess.run({command}, check=True, stdout=subprocess.DEVNULL)
    print(used() - before)
"""
    ended = plain.run("python", "-c", measure, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    seconds = np.min([float(line) for line in ended.stdout.split()])
    tell(f"{what}: {seconds:.3f} s of processor time, promised {promised} s")
    assert seconds < bound


# ----------------------------------------------------------------- extras


def test_with_the_index_a_campaign_has_tables_and_a_report(fresh, alone, tmp_path, tell):
    made = fresh("index")
    tell(f"[index]: installed in {made.seconds:.0f} s, {made.megabytes:.0f} MB")
    results = shutil.copytree(alone, tmp_path / "output")
    for words in (["index", results], ["report", results, "--light-curves", 1]):
        ended = made.run("cvzmpi", *words, cwd=tmp_path)
        assert ended.returncode == 0, (words, ended.stderr)
    assert (results / "index" / "flares.parquet").exists()
    assert (tmp_path / "report" / "index.html").exists()


@pytest.fixture(scope="session")
def with_mpi(fresh):
    """The virtual environment after `pip install cvzmpi[mpi]`."""
    return fresh("mpi")


def test_three_ranks_with_an_mpi_from_pip_give_the_same_datasets(
    with_mpi, simulated, alone, tmp_path, tell
):
    tell(f"[mpi]: installed in {with_mpi.seconds:.0f} s, {with_mpi.megabytes:.0f} MB")
    arguments = ("--input", simulated, "--output", "output", *SETTINGS)
    cvzmpi = with_mpi.directory / "bin" / "cvzmpi"
    ended = with_mpi.run("mpiexec", "-n", 3, cvzmpi, "run", *arguments, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert datasets(tmp_path / "output") == datasets(alone)


def test_larger_teams_say_what_is_missing(with_mpi, simulated, tmp_path):
    arguments = ("--input", simulated, "--output", "output", "--set", "ranks_per_team=2")
    cvzmpi = with_mpi.directory / "bin" / "cvzmpi"
    ended = with_mpi.run("mpiexec", "-n", 3, cvzmpi, "run", *arguments, cwd=tmp_path)
    assert ended.returncode == 2
    (line,) = (line for line in ended.stderr.splitlines() if line.startswith("cvzmpi: "))
    assert "ranks_per_team = 2 needs h5py built with parallel HDF5" in line
    assert not (tmp_path / "output").exists()


def test_ranks_without_mpi_are_one_line_not_campaigns_of_their_own(
    with_mpi, plain, simulated, tmp_path
):
    arguments = ("--input", simulated, "--output", "output")
    without = plain.directory / "bin" / "cvzmpi"
    ended = with_mpi.run("mpiexec", "-n", 3, without, "run", *arguments, cwd=tmp_path)
    assert ended.returncode == 2
    (line,) = (line for line in ended.stderr.splitlines() if line.startswith("cvzmpi: "))
    assert line.startswith("cvzmpi: several ranks need MPI, and mpi4py is not installed: pip ")
    assert not (tmp_path / "output").exists()
