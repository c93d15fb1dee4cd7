"""A campaign over a directory with light curves of every product, from the files to the report."""

import shutil

import pytest
from click.testing import CliRunner

from cvzmpi.cli import cli
from cvzmpi.cvz.configuration import load
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.cvz.sector_file.reading import read_progress
from tests.cvz.work import many_products
from tests.cvz.work.many_products import BEST, CONFIGURATION, N_INJECT
from tests.main_job import copy_results, result_files, rewind
from tools.harness.hdf5_content import contents
from tools.harness.job_process import ROOT, run

UNITS = [LightCurveId.of_unit(name) for name in BEST]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("input")
    many_products.write_all(directory)
    return directory


def written(place, inputs, products=many_products.PRODUCTS):
    """A configuration for an output directory in a place."""
    file = place / "cvzmpi.toml"
    file.write_text(CONFIGURATION.format(inputs=inputs, place=place, products=list(products)))
    return file


@pytest.fixture(scope="module")
def alone(inputs, tmp_path_factory):
    """The whole campaign in a single process: its place, and how the job ended."""
    place = tmp_path_factory.mktemp("alone")
    ended = run(["run", written(place, inputs)])
    assert ended.status == 0, ended.stderr
    return place, ended


def test_each_target_and_sector_is_searched_once_as_its_best_product(alone):
    place, ended = alone
    assert ended.plan == "5 light curves: 0 done before, 0 half done, 5 to begin"
    assert ended.summary.endswith(f", 0 failed, {5 * N_INJECT:,} injections")
    assert sorted(path.stem for path in result_files(place / "output")) == BEST
    assert "Warning" not in ended.stderr
    (told,) = [line for line in ended.stderr.splitlines() if "not used: " in line]
    assert "files of other products, all in the log: " in told
    assert "usual.fits: spoc-120; " in "".join(
        log.read_text() for log in (place / "output").rglob("*.log")
    )
    for name in BEST:
        light_curve = LightCurveId.of_unit(name)
        assert read_progress(light_curve.path(place / "output")).id == light_curve


def test_what_is_half_done_goes_on_with_three_ranks_to_the_same_bits(alone, inputs, tmp_path):
    place, _ = alone
    copy_results(place / "output", tmp_path / "output")
    paths = [LightCurveId.of_unit(name).path(tmp_path / "output") for name in BEST]
    for path, n_remaining in zip(paths, (None, 3, None, 1, 2), strict=True):
        rewind(path, n_remaining)
    paths[0].unlink()
    ended = run(["run", written(tmp_path, inputs)], ranks=3)
    assert ended.status == 0, ended.stderr
    assert ended.plan == "5 light curves: 0 done before, 4 half done, 1 to begin"
    assert contents(tmp_path / "output") == contents(place / "output")


def test_another_choice_of_products_adds_to_what_is_there(alone, inputs, tmp_path):
    place, _ = alone
    shutil.copytree(place / "output", tmp_path / "output")
    ended = run(["run", written(tmp_path, inputs, ["spoc-120"])])
    assert ended.status == 1
    assert ended.summary.startswith("1 light curve done in ")
    of_others = [line for line in ended.failures if "expected spoc-120 (input.products)" in line]
    assert len(of_others) == len(ended.failures) == 7
    new = contents(tmp_path / "output")
    assert new.keys() - contents(place / "output").keys() == {"261136679_27.h5"}


# ----------------------------------------------------------------- what is shown


@pytest.fixture
def command(alone):
    """Run a command in this process; what it prints."""
    place, _ = alone

    def command(*arguments, exit_code=0):
        outcome = CliRunner().invoke(cli, [*map(str, arguments)])
        assert outcome.exit_code == exit_code, outcome.output
        return outcome.output

    return place, command


def test_the_ledger_and_the_files_agree(command):
    place, run_command = command
    told = run_command("verify", "--config", place / "cvzmpi.toml")
    assert "5 units compared with their files, 0 differ" in told
    assert "5 done" in run_command("status", "--config", place / "cvzmpi.toml")
    for name in BEST:
        assert f"{name}: done" in run_command(
            *("history", name, "--config", place / "cvzmpi.toml"),
        )


@pytest.mark.parametrize("listed", [False, True])
def test_submit_counts_what_is_done_of_the_products_chosen(alone, monkeypatch, tmp_path, listed):
    place, _ = alone
    monkeypatch.syspath_prepend(str(ROOT / "jobs"))
    from submit import LightCurves

    all_chosen = LightCurves.of(load(place / "cvzmpi.toml"))
    assert sorted(all_chosen.pairs) == sorted({(one.tic, one.sector) for one in UNITS})
    assert all(map(all_chosen.is_done, all_chosen.pairs))
    settings = ["input.products=['spoc-120', 'tess-spoc', 'qlp']"]
    if listed:
        (tmp_path / "stars.csv").write_text("tic,sector\n261136679,27\n277554109,11\n")
        settings.append(f"input.targets={tmp_path}/stars.csv")
    usual = LightCurves.of(load(place / "cvzmpi.toml", settings))
    assert sorted(usual.pairs) == [(261136679, 27), (277554109, 11)]
    assert [usual.is_done(pair) for pair in sorted(usual.pairs)] == [False, True]


def test_index_and_report_tell_the_products(command):
    import pyarrow.parquet as pq

    place, run_command = command
    run_command("index", place / "output")
    rows = pq.read_table(table_path(place / "output" / "index", "light_curves")).to_pylist()
    named = {LightCurveId(row["tic"], row["sector"], row["product"]).name for row in rows}
    assert sorted(named) == BEST
    told = run_command("report", place / "output", "--output", place / "report")
    assert "5 stars, 5 pages made anew" in told
