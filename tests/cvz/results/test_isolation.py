"""Whatever one file's content makes of a product costs one light curve: the rest is made."""

import json
import math

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import QTable
from mpi4py import MPI

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.results.index.build import update_index
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.cvz.results.products.isolated import LeftOut, isolated, or_refused
from cvzmpi.cvz.results.report.site import write_site
from cvzmpi.cvz.sector_file.checks import CHECKSUM, content_checksum
from cvzmpi.errors import ConfigError, SectorFileError, UnfinishedFileError
from cvzmpi.mpi.launch import World
from tests.cvz.example_file import write_example
from tests.edited_hdf5 import edited
from tools.harness.job_process import run

BAD, BESIDE, OTHER = (11, 1), (11, 2), (12, 1)
"""The light curve with the odd content, another one of the same star, and another star."""


def no_errors_in_a_flare(file):
    start = file["flares/start"][0]
    for name in ("flux", "flux_err"):
        file[f"lc/{name}"][start : start + 5] = 0


def header(**facts):
    def change(file):
        file.attrs["header"] = json.dumps(json.loads(file.attrs["header"]) | facts)

    return change


def endless_durations(file):
    file["injections/equivalent_duration"][...] = np.nan


def no_configuration(file):
    file.attrs["config"] = "{}"


def text_for_a_number(file):
    file["lc"].attrs["gp_period_d"] = "long"


def a_sector_beyond_all(file):
    file.attrs.modify("sector", np.int64(2**40))


DAMAGES = {
    "no_errors_in_a_flare": no_errors_in_a_flare,
    "text_as_magnitude": header(TESSMAG="10.5"),
    "endless_durations": endless_durations,
    "no_configuration": no_configuration,
    "text_for_a_number": text_for_a_number,
    "a_sector_beyond_all": a_sector_beyond_all,
}
OF_VERSION_1 = {"no_errors_in_a_flare": 1}
"""Damages that matter only to files whose templates are fitted by the products."""

HARMLESS_TO = {
    "endless_durations": {"index", "show"},
    "text_for_a_number": {"ffd", "show"},
    "a_sector_beyond_all": {"ffd", "show"},
}
"""Products that need nothing of what is odd, by damage: they may have the light curve."""


def damage(path, change):
    """Change a file as another program could: its checksum fits."""
    with edited(path) as file:
        change(file)
        file.attrs[CHECKSUM] = content_checksum(file)


def write_campaign(directory, change, version=2):
    for tic, sector in (BAD, BESIDE, OTHER):
        path = LightCurveId(tic, sector).path(directory)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_example(path, tic=tic, sector=sector, version=version)
    damage(LightCurveId(*BAD).path(directory), change)
    return directory


@pytest.fixture(params=DAMAGES)
def campaign(request, tmp_path):
    change, version = DAMAGES[request.param], OF_VERSION_1.get(request.param, 2)
    return request.param, write_campaign(tmp_path / "results", change, version)


def cvzmpi(*arguments):
    """The exit status of a command and what it printed, without a process of its own."""
    from click.testing import CliRunner

    from cvzmpi.cli import cli

    outcome = CliRunner().invoke(cli, [*map(str, arguments)], standalone_mode=False)
    if outcome.exception is not None:
        raise outcome.exception
    return outcome.return_value, outcome.output


def check(product, kind, status, output):
    """The light curve is named in one line, or the product had no need of what is odd."""
    lines = [line for line in output.splitlines() if "11_1.h5" in line]
    assert "Traceback" not in output
    if status == 0:
        assert product in HARMLESS_TO.get(kind, ())
    else:
        assert status == 1
        assert len(lines) == 1


def test_every_product_is_made_without_it(campaign, tmp_path):
    kind, results = campaign
    good = {BESIDE, OTHER}

    status, output = cvzmpi("ffd", "--all", "--results", results, "--output", tmp_path / "ffd")
    check("ffd", kind, status, output)
    sectors = QTable.read(tmp_path / "ffd" / "ffd_sectors.ecsv")
    assert good <= set(zip(sectors["tic"], sectors["sector"], strict=True))

    world = World(MPI.COMM_SELF)
    index = update_index(results, world)
    check("index", kind, int(bool(index.left_out)), "\n".join(index.left_out))
    rows = pq.read_table(table_path(results / "index", "light_curves")).to_pylist()
    assert good <= {(row["tic"], row["sector"]) for row in rows}
    assert len(rows) == 3 - len(index.left_out)

    site = write_site(results, tmp_path / "report", world, 0)
    check("report", kind, int(bool(site.left_out)), "\n".join(site.left_out))
    assert (tmp_path / "report" / "stars" / "012" / "12" / "index.html").exists()
    assert (tmp_path / "report" / "stars" / "011" / "11" / "index.html").exists()
    again = write_site(results, tmp_path / "report", world, 0)
    assert again.left_out == site.left_out  # though no page is made anew

    status, output = cvzmpi("show", *results.glob("0*/*.h5"))
    check("show", kind, status, output)
    for tic, sector in good:
        assert f"{tic}_{sector}.h5" in output


def test_pictures_are_drawn_of_the_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = write_campaign(tmp_path / "results", header(TESSMAG="10.5"))
    status, output = cvzmpi("plot", *results.glob("0*/*.h5"))
    assert status == 1
    assert "TESSMAG = '10.5' in its header, expected a number" in output
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {"11_2.png", "12_1.png"}


def test_a_page_with_light_curves_says_what_cannot_be_drawn(tmp_path):
    results = write_campaign(tmp_path / "results", endless_durations)
    site = write_site(results, tmp_path / "report", World(MPI.COMM_SELF), 1)
    # for its rates and for its light curve
    assert {line.partition(": ")[0] for line in site.left_out} == {"011/11_1.h5"}
    page = (tmp_path / "report" / "stars" / "011" / "11" / "index.html").read_text()
    assert "Left out: 011/11_1.h5: " in page
    assert (tmp_path / "report" / "stars" / "011" / "11" / "2.js").exists()


def test_processes_of_a_pool_isolate_as_well(tmp_path):
    """As people start it, and with the exit status of the program."""
    results = write_campaign(tmp_path / "results", no_errors_in_a_flare, version=1)
    arguments = ["--results", results, "--output", tmp_path / "ffd", "--processes", "2"]
    ended = run(["ffd", "--all", *arguments])
    assert ended.status == 1
    start = h5py.File(LightCurveId(*BAD).path(results))["flares/start"][0]
    (line,) = [line for line in ended.stderr.splitlines() if "11_1.h5" in line]
    assert line.endswith(f"11_1.h5: row {start}: the flux error is 0, expected above 0")
    assert "2 stars, 2 light curves; 1 left out" in ended.stderr
    assert len(QTable.read(tmp_path / "ffd" / "ffd_stars.ecsv")) == 2


def test_the_only_file_that_was_asked_for_is_refused_in_one_line(tmp_path):
    results = write_campaign(tmp_path / "results", text_for_a_number)
    ended = run(["show", LightCurveId(*BAD).path(results)])
    assert (ended.status, len(ended.complaints), ended.stdout) == (2, 1, "")


def test_a_campaign_of_nothing_else_names_it(tmp_path):
    path = LightCurveId(*BAD).path(tmp_path)
    path.parent.mkdir(parents=True)
    write_example(path, tic=BAD[0], sector=BAD[1], header={"TESSMAG": "10.5"})
    with pytest.raises(
        ConfigError, match=r"no sector file in here can be used\n.*11_1.h5: TESSMAG"
    ):
        write_site(tmp_path, tmp_path / "report", World(MPI.COMM_SELF), 0)


@pytest.mark.mpi(min_size=2)
def test_ranks_isolate_as_well(tmp_path_factory):
    world = World(MPI.COMM_WORLD)
    results = world.first(lambda: tmp_path_factory.mktemp("isolated") / "results")
    world.first(lambda: str(write_campaign(results, header(TESSMAG="10.5"), version=1)))
    index = update_index(results, world)
    assert [line.partition(": ")[0] for line in index.left_out] == ["011/11_1.h5"]
    world.first(lambda: damage(LightCurveId(*BAD).path(results), header(TESSMAG=10.5)))
    world.first(lambda: damage(LightCurveId(*BAD).path(results), no_errors_in_a_flare))
    site = write_site(results, results.parent / "report", world, 0)
    if site is not None:
        assert (site.n_stars, len(site.left_out)) == (2, 1)
        assert "the flux error is 0" in site.left_out[0]


# ----------------------------------------------------------------- the mechanism


def raising(error):
    def work():
        raise error

    return work


def test_an_error_that_nobody_foresaw_has_its_type_and_its_line(tmp_path):
    path = tmp_path / "1_1.h5"
    left_out = isolated(path, lambda: 1 / 0)
    assert left_out.line.startswith(
        f"{path}: ZeroDivisionError: division by zero [test_isolation.py"
    )
    assert not left_out.unfinished
    assert isolated(path, lambda: math.pi) == math.pi
    with pytest.raises(SectorFileError, match=r"1_1\.h5: ZeroDivisionError"):
        or_refused(path, lambda: 1 / 0)


def test_the_file_is_named_once(tmp_path):
    path = tmp_path / "1_1.h5"
    named = isolated(path, raising(SectorFileError(f"{path}: odd\nand more")))
    assert named == LeftOut(f"{path}: odd and more")
    assert isolated(path, raising(UnfinishedFileError("soon"))) == LeftOut(f"{path}: soon", True)


@pytest.mark.parametrize("error", [ConfigError("nowhere to write"), KeyboardInterrupt()])
def test_what_is_not_the_files_fault_is_not_isolated(tmp_path, error):
    with pytest.raises(type(error)):
        isolated(tmp_path, raising(error))
