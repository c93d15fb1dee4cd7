"""Which stars have their light curves in a report: the most active, and those asked for."""

import pyarrow as pa
import pytest
from mpi4py import MPI

from cvzmpi.cvz.results.report.drawn_stars import ask_for, drawn_stars
from cvzmpi.cvz.results.report.site import write_named_stars, write_site
from cvzmpi.errors import ConfigError
from cvzmpi.mpi.launch import World
from tests.cvz.results.example_unit import write_unit
from tools.harness.job_process import run

ACTIVE = {1001: (400, 1900), 1002: (400,)}  # all of their flares are in the gallery
QUIET = {1003: (), 1004: ()}
WORLD = World(MPI.COMM_SELF)

TABLE = pa.table({"tic": [7, 7, 8, 9, 9, 10], "n_flares": [1, 2, 4, 3, 0, 0]})


@pytest.fixture
def results(tmp_path):
    for tic, flares in (ACTIVE | QUIET).items():
        write_unit(tmp_path / "results", tic, 1, flares=flares)
    return tmp_path / "results"


def shown(report):
    """The stars whose light curves are in a report."""
    return {int(path.parent.name) for path in report.glob("stars/*/*/1.js")}


@pytest.mark.parametrize(
    ("n_stars", "also", "drawn"),
    [
        (0, (), set()),
        (1, (), {8}),
        (2, (), {8, 7}),
        (2, [10, 8], {8, 7, 10}),
        (9, (), {7, 8, 9, 10}),
    ],
)
def test_those_with_the_most_flares_and_those_that_pages_lead_to(tmp_path, n_stars, also, drawn):
    assert drawn_stars(TABLE, n_stars, also, tmp_path) == drawn


def test_those_that_were_asked_for_are_added_and_stay(results, tmp_path):
    report = tmp_path / "report"
    write_site(results, report, WORLD, 1)
    assert shown(report) == set(ACTIVE)
    before = (report / "index.html").read_bytes()
    site = write_named_stars(results, report, WORLD, [1003, 1003])
    assert (site.n_stars, site.n_drawn, site.left_out) == (1, 1, [])
    assert shown(report) == {*ACTIVE, 1003}
    assert (report / "index.html").read_bytes() == before
    assert write_named_stars(results, report, WORLD, [1003]).n_drawn == 0  # nothing changed
    write_site(results, report, WORLD, 0)
    assert shown(report) == {1003}


def test_a_star_that_is_not_there_or_no_report_is_one_line(results, tmp_path):
    report = tmp_path / "report"
    with pytest.raises(ConfigError, match="report: no report in here; without --star it is made"):
        write_named_stars(results, report, WORLD, [1003])
    write_site(results, report, WORLD, 0)
    with pytest.raises(ConfigError, match="star 7: no light curve of it in"):
        write_named_stars(results, report, WORLD, [1003, 7])
    assert shown(report) == set()
    ask_for([1003], report)
    (report / "data" / "asked_for.json").write_text("[1003, ")
    with pytest.raises(ConfigError, match=r"asked_for.json: expected a list of numbers of stars"):
        write_site(results, report, WORLD, 0)


def test_the_command_adds_stars_and_knows_the_earlier_name_of_its_option(results, tmp_path):
    report = tmp_path / "report"
    assert run(["report", results, "-o", report, "--pictures", "3"]).status == 0
    assert shown(report) == {*ACTIVE, 1003}
    assert run(["report", results, "-o", report, "--light-curves", "0"]).status == 0
    assert shown(report) == set()
    ended = run(["report", results, "-o", report, "--star", "1003", "--star", "1004"])
    assert ended.stdout.splitlines()[0] == "2 stars, 2 pages made anew"
    assert shown(report) == set(QUIET)
    ended = run(["report", results, "-o", report, "--star", "7"])
    assert (ended.status, len(ended.complaints)) == (2, 1)


@pytest.mark.mpi(min_size=2)
def test_ranks_share_the_stars_that_were_asked_for(tmp_path_factory):
    world = World(MPI.COMM_WORLD)
    directory = world.first(lambda: tmp_path_factory.mktemp("asked_for"))
    if world.rank == 0:
        for tic in QUIET:
            write_unit(directory / "results", tic, 1, flares=())
    world.communicator.Barrier()
    write_site(directory / "results", directory / "report", world, 0)
    site = write_named_stars(directory / "results", directory / "report", world, list(QUIET))
    assert (site is None) == (world.rank > 0)
    if site is not None:
        assert (site.n_stars, site.n_drawn) == (2, 2)
        assert shown(directory / "report") == set(QUIET)
