"""`cvzmpi ffd` counts each flare with its reliability: as of the campaign, or the light curve."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import QTable
from click.testing import CliRunner
from mpi4py import MPI

import cvzmpi
from cvzmpi.cli import cli
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.results.index.build import update_index
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.cvz.results.products import star_outcome
from cvzmpi.cvz.results.products.ffd_tables import star_rows
from cvzmpi.mpi.launch import World
from tests.cvz.results.example_unit import other_events, settle, write_unit
from tools.harness import job_process

UNITS = [(1001, 1), (1001, 2), (2001, 1), (1002, 13)]


@pytest.fixture
def results(tmp_path):
    for number, unit in enumerate(UNITS):
        write_unit(tmp_path / "results", *unit, change=other_events(number))
    return tmp_path / "results"


def index(results, search=Search.SIGNIFICANCE):
    update_index(results, World(MPI.COMM_SELF), search)


def ffd(results, *arguments, tics=("--all",)):
    """The tables by name, and what is said about reliabilities."""
    output = results.parent / "ffd"
    command = ["ffd", *tics, "--results", results, "--output", output, *arguments]
    outcome = CliRunner().invoke(cli, [*map(str, command)], catch_exceptions=False)
    names = ("stars", "sectors", "flares")
    stars = "" if tics == ("--all",) else "".join(f"_{tic}" for tic in sorted(tics))
    tables = {n: QTable.read(output / f"ffd_{n}{stars}.ecsv", format="ascii.ecsv") for n in names}
    said = outcome.stderr.splitlines()
    return tables, [line for line in said if line.startswith("reliability of flares")], outcome


def by_flare(table):
    """Reliabilities by star, sector and peak."""
    keys = zip(table["tic"], table["sector"], table["peak_time"].value, strict=True)
    return dict(zip(keys, table["reliability"], strict=True))


def of_files(results, units=UNITS):
    """The same as the files have it."""
    values = {}
    for unit in units:
        flares = cvzmpi.read(LightCurveId(*unit).path(results)).measured_flares
        keys = [(*unit, peak) for peak in flares["peak_time"]]
        values |= dict(zip(keys, flares["reliability"].astype(float), strict=True))
    return values


def of_index(results):
    """The same as the index has it."""
    flares = pq.read_table(table_path(results / "index", "flares")).to_pylist()
    return {(f["tic"], f["sector"], f["peak_time"]): f["reliability"] for f in flares}


def test_without_an_index_they_are_those_of_the_files(results):
    tables, said, _ = ffd(results)
    assert by_flare(tables["flares"]) == of_files(results)
    assert said == ["reliability of flares in 4 light curves: their light curve alone"]
    for star in tables["stars"]:
        own = tables["flares"]["reliability"][tables["flares"]["tic"] == star["tic"]]
        assert 0 < star["n_true"] < len(own)
        assert star["n_true"] == pytest.approx(own.sum())  # all are above the bound
        assert star["rate_low"] <= star["rate"] <= star["rate_high"]
    assert tables["sectors"]["n_true"].sum() == pytest.approx(tables["stars"]["n_true"].sum())


def test_with_an_index_they_are_those_of_the_campaign(results):
    alone, _, _ = ffd(results)
    index(results)
    tables, said, _ = ffd(results)
    assert by_flare(tables["flares"]) == of_index(results)
    assert of_index(results) != of_files(results)
    assert said == ["reliability of flares in 4 light curves: all light curves in the index"]
    assert np.all(tables["stars"]["rate"] != alone["stars"]["rate"])


def test_stars_that_are_asked_for_have_the_same_rows_and_a_line_about_them(results):
    index(results)
    every, _, _ = ffd(results)
    one, said, outcome = ffd(results, tics=(1001,))
    assert said == ["reliability of flares in 2 light curves: all light curves in the index"]
    assert by_flare(one["flares"]).items() <= by_flare(every["flares"]).items()
    (row,) = one["stars"]
    (same,) = every["stars"][every["stars"]["tic"] == 1001]
    assert all(
        np.array_equal(row[n], same[n]) for n in ("n_counted", "n_true", "rate", "rate_limit")
    )
    assert (
        f"from {row['n_counted']} flares ({row['n_true']:.3g} expected to be real)"
        in (outcome.stdout.splitlines()[0])
    )


def test_a_file_that_changed_since_counts_alone(results):
    index(results)
    before = of_index(results)
    write_unit(results, 1001, 2, change=other_events(5))
    path = LightCurveId(1001, 2).path(results)
    settle(path)
    tables, said, _ = ffd(results)
    others = {flare: r for flare, r in before.items() if flare[:2] != (1001, 2)}
    assert by_flare(tables["flares"]) == others | of_files(results, [(1001, 2)])
    assert said == [
        "reliability of flares in 3 light curves: all light curves in the index",
        "reliability of flares in 1 light curve: their light curve alone",
    ]


def test_an_index_of_another_search_or_a_torn_one_is_none(results):
    index(results, Search.STELLA)
    tables, said, _ = ffd(results)
    assert by_flare(tables["flares"]) == of_files(results)
    assert said == ["reliability of flares in 4 light curves: their light curve alone"]
    index(results)
    table_path(results / "index", "flares").write_bytes(b"torn")
    assert ffd(results)[1] == said


def test_flares_of_version_1_count_as_certain_beside_others(results):
    write_unit(results, 1001, 3, version=1)
    index(results)
    tables, said, _ = ffd(results)
    values = by_flare(tables["flares"])
    old = {flare: r for flare, r in values.items() if flare[1] == 3}
    assert len(old) == 2
    assert set(old.values()) == {1.0}
    pooled = {flare: r for flare, r in of_index(results).items() if not np.isnan(r)}
    assert values == pooled | old
    assert said == [
        "reliability of flares in 4 light curves: all light curves in the index",
        "reliability of flares in 1 light curve: no mirror images: they count as certain",
    ]


def test_a_least_reliability_counts_and_lists_fewer_and_keeps_the_rates(results):
    index(results)
    every, _, _ = ffd(results)
    values = sorted(by_flare(every["flares"]).values())
    least = (values[2] + values[3]) / 2
    few, _, _ = ffd(results, "--min-reliability", least)
    listed = {flare: r for flare, r in by_flare(every["flares"]).items() if r >= least}
    assert by_flare(few["flares"]) == listed
    assert 0 < len(listed) < len(values)
    assert few["stars"]["n_counted"].sum() == len(listed)
    for name in ("n_true", "rate", "rate_low", "rate_limit"):
        assert list(few["stars"][name]) == list(every["stars"][name])
    assert few["stars"].meta["min_reliability"] == least
    assert few["stars"].meta["search"] == "significance"


def test_a_light_curve_that_is_left_out_takes_its_reliabilities_along(results):
    write_unit(results, 1001, 1, change=other_events(0), n_done=20)
    index(results)
    tables, said, outcome = ffd(results, tics=(1001,))
    assert "left out: " in outcome.stderr
    pooled = {flare: r for flare, r in of_index(results).items() if flare[:2] == (1001, 2)}
    assert by_flare(tables["flares"]) == pooled
    assert said == ["reliability of flares in 1 light curve: all light curves in the index"]


def test_a_light_curve_that_spoils_its_star_takes_its_reliabilities_along(results, monkeypatch):
    def spoilt_by_the_first(star):
        if star.sectors[0].sector == 1:
            raise ValueError("of odd content")
        return star_rows(star)

    monkeypatch.setattr(star_outcome, "star_rows", spoilt_by_the_first)
    index(results)
    tables, _, outcome = ffd(results, tics=(1001,))
    assert "1001_1.h5: " in outcome.stderr
    pooled = {flare: r for flare, r in of_index(results).items() if flare[:2] == (1001, 2)}
    assert by_flare(tables["flares"]) == pooled


def test_several_processes_use_the_index_alike(results):
    index(results)
    texts = []
    for processes in (1, 2):
        output = results.parent / f"{processes}"
        command = ["ffd", "--all", "--results", results, "--output", output]
        ended = job_process.run([*command, "--processes", f"{processes}"])
        assert ended.status == 0, ended.stderr
        texts.append([path.read_text() for path in sorted(output.iterdir())])
    assert texts[0] == texts[1]
