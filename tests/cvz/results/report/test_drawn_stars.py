"""Which stars have their light curves in a report: the most active, and those asked for."""

import pytest
from mpi4py import MPI

from cvzmpi.cvz.results.report.drawn_stars import ask_for
from cvzmpi.cvz.results.report.site import write_named_stars, write_site
from cvzmpi.errors import ConfigError
from cvzmpi.mpi.launch import World
from tests.cvz.results.example_unit import write_unit
from tools.harness.job_process import run

FLARES = {1001: (400, 1900), 1002: (400,), 1003: ()}
WORLD = World(MPI.COMM_SELF)


@pytest.fixture
def results(tmp_path):
    for tic, flares in FLARES.items():
        write_unit(tmp_path / "results", tic, 1, flares=flares)
    return tmp_path / "results"


def shown(report):
    """The stars whose light curves are in a report."""
    return {int(path.parent.name) for path in report.glob("stars/*/*/1.js")}


@pytest.mark.parametrize(("n_stars", "drawn"), [(0, set()), (2, {1001, 1002}), (9, set(FLARES))])
def test_those_with_the_most_flares_are_drawn(results, tmp_path, n_stars, drawn):
    write_site(results, tmp_path / "report", WORLD, n_stars)
    assert shown(tmp_path / "report") == drawn


def test_those_that_were_asked_for_are_added_and_stay(results, tmp_path):
    report = tmp_path / "report"
    write_site(results, report, WORLD, 1)
    before = (report / "index.html").read_bytes()
    site = write_named_stars(results, report, WORLD, [1003, 1003])
    assert (site.n_stars, site.n_drawn, site.left_out) == (1, 1, [])
    assert shown(report) == {1001, 1003}
    assert (report / "index.html").read_bytes() == before
    assert write_named_stars(results, report, WORLD, [1003]).n_drawn == 0  # nothing changed
    write_site(results, report, WORLD, 0)
    assert shown(report) == {1003}


def test_a_star_that_is_not_there_or_no_report_is_one_line(results, tmp_path):
    report = tmp_path / "report"
    with pytest.raises(ConfigError, match="report: no report in here; without --star it is made"):
        write_named_stars(results, report, WORLD, [1001])
    write_site(results, report, WORLD, 0)
    with pytest.raises(ConfigError, match="TIC 7: no light curve of this star in"):
        write_named_stars(results, report, WORLD, [1001, 7])
    assert shown(report) == set()
    ask_for([1001], report)
    (report / "data" / "asked_for.json").write_text("[1001, ")
    with pytest.raises(ConfigError, match=r"asked_for.json: expected a list of TIC numbers"):
        write_site(results, report, WORLD, 0)


def test_the_command_adds_stars_and_knows_the_earlier_name_of_its_option(results, tmp_path):
    report = tmp_path / "report"
    assert run(["report", results, "-o", report, "--pictures", "1"]).status == 0
    assert shown(report) == {1001}
    ended = run(["report", results, "-o", report, "--star", "1003", "--star", "1002"])
    assert ended.stdout.splitlines()[0] == "2 stars, 2 pages made anew"
    assert shown(report) == set(FLARES)
    assert run(["report", results, "-o", report, "--light-curves", "0"]).status == 0
    assert shown(report) == {1002, 1003}
    ended = run(["report", results, "-o", report, "--star", "7"])
    assert (ended.status, len(ended.complaints)) == (2, 1)
