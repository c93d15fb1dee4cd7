"""What earlier versions left is read, indexed and gone on with, to the last bit."""

import json
import re
import shutil
from ast import literal_eval
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from tests.earlier_versions import (
    CHECKPOINT,
    CURRENT,
    ROOT,
    ROWS,
    assert_same_files,
    ledger_rows,
)
from tests.main_job import bytes_of, result_files
from tools.harness.hdf5_content import content, values

# Checkpoints of the injections are as frequent as can be: after every ticket, of 40 flares there.
SETTINGS = (
    *("--set", "seed=7", "--set", "inject.n_inject=120", "--set", "inject.n_repeat=2"),
    *("--set", "checkpoint.interval=0.000001"),
)
UNITS = {"9000000001_1", "9000000002_1"}


@pytest.fixture(scope="module")
def inputs(earlier, tmp_path_factory):
    """Light curves that the earlier version invented."""
    directory = tmp_path_factory.mktemp("input")
    earlier.succeeds("simulate", directory, "--stars", "2", "--cadences", "2000", "--seed", "7")
    return directory


@pytest.fixture(scope="module")
def finished(earlier, inputs, tmp_path_factory):
    """The whole campaign of the earlier version, undisturbed."""
    output = tmp_path_factory.mktemp("finished") / "output"
    earlier.succeeds(*run_in(output, inputs))
    return output


@pytest.fixture
def copy(finished, tmp_path):
    """That campaign, ledger and all, to be changed."""
    return shutil.copytree(finished, tmp_path / "output")


def run_in(output, inputs, *more):
    return ["run", "--input", inputs, "--output", output, *SETTINGS, *more]


def states(output):
    """The state of each unit, and the attempts that it has used up."""
    query = "SELECT name, state, charged FROM latest JOIN units ON units.id = unit_id"
    return {name: (state, charged) for name, state, charged in ledger_rows(output, query)}


def story(output):
    """All that ever happened, as the ledger has it."""
    return ledger_rows(output, "SELECT * FROM events ORDER BY id")


def tables(directory):
    """The columns of the tables in a directory, by table and name; comparable, NaN included."""
    found = {path.name: pq.read_table(path) for path in directory.glob("*.parquet")}
    assert found
    return {
        (name, column): repr(table[column].to_pylist())
        for name, table in found.items()
        for column in table.column_names
    }


def numbers_in(text):
    return re.findall(r"\d[\d,.]*\d|\d", text)


def renamed(table, column):
    """A column of the index of an earlier version, as it is called now."""
    if table == "flares.parquet" and column.startswith("equivalent_duration"):
        return table, f"mask_{column}"
    return table, {"observed_time": "searched"}.get(column, column)


def untouched(output):
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in result_files(output)}


# ----------------------------------------------------------------- the versions themselves


def test_each_version_runs_its_own_package(earlier):
    assert earlier.package() == earlier.root / "cvzmpi"
    assert CURRENT.package() == ROOT / "cvzmpi"


def test_the_same_stars_are_invented_with_the_same_flares_and_other_spots(inputs, tmp_path):
    CURRENT.succeeds("simulate", tmp_path, "--stars", "2", "--cadences", "2000", "--seed", "7")
    now, before = bytes_of(tmp_path), bytes_of(inputs)
    assert now.keys() == before.keys()
    assert now["truth.csv"] == before["truth.csv"]
    for name in now.keys() - {"truth.csv"}:
        new, old = (fits.getdata(directory / name, 1) for directory in (tmp_path, inputs))
        for column in ("TIME", "CADENCENO", "QUALITY"):
            np.testing.assert_array_equal(new[column], old[column])
        ratio = new["PDCSAP_FLUX"] / old["PDCSAP_FLUX"]
        np.testing.assert_array_equal(np.isnan(ratio), np.isnan(old["PDCSAP_FLUX"]))
        # spots come into view gradually now, and dim the star by a few percent at most
        assert 1e-5 < np.nanmax(np.abs(ratio - 1)) < 0.02
        assert np.nanmax(np.abs(np.diff(ratio))) < 1e-3


def test_a_new_campaign_has_the_results_of_the_earlier_version(earlier, inputs, finished, tmp_path):
    CURRENT.succeeds(*run_in(tmp_path / "output", inputs))
    assert_same_files(earlier, tmp_path / "output", finished)


# ----------------------------------------------------------------- finished campaigns


def test_a_finished_campaign_has_nothing_to_do(inputs, copy):
    files, events = untouched(copy), story(copy)
    assert states(copy) == dict.fromkeys(UNITS, ("done", 0))
    CURRENT.succeeds(*run_in(copy, inputs))
    assert untouched(copy) == files
    assert story(copy) == events


def test_files_without_their_ledger_are_found_done(inputs, copy):
    files = untouched(copy)
    (copy / "ledger.sqlite").unlink()
    CURRENT.succeeds(*run_in(copy, inputs))
    assert untouched(copy) == files
    assert states(copy) == dict.fromkeys(UNITS, ("done", 0))


def test_status_history_and_verify_read_an_earlier_ledger(earlier, copy):
    files = untouched(copy)

    def status(version):
        return json.loads(version.succeeds("status", "--json", "--output", copy).stdout)

    before, now = status(earlier), status(CURRENT)
    for key in ("units", "half_done", "jobs", "slowest", "failures"):
        assert now[key] == before[key]
    CURRENT.succeeds("verify", "--output", copy)
    for unit in UNITS:
        told = CURRENT.succeeds("history", unit, cwd=with_configuration(copy)).stdout
        assert {"qualified", "preprocessed", "working", "done"} <= set(re.findall(r"\w+", told))
    assert untouched(copy) == files


def with_configuration(output, more=""):
    """The directory of a campaign, with its configuration."""
    (output.parent / "cvzmpi.toml").write_text(f'[output]\ndirectory = "{output}"\n{more}')
    return output.parent


def test_the_numbers_that_are_shown_are_the_same(earlier, copy):
    def numbers(version):
        shown = version.succeeds("show", copy / "002" / "9000000002_1.h5").stdout
        return Counter(numbers_in(shown))

    flares = values(copy / "002" / "9000000002_1.h5")
    # The list of flares has the equivalent duration of the template in place of this sum.
    sums = Counter(
        f"{value:.2f}"
        for name in ("equivalent_duration", "equivalent_duration_error")
        for value in flares[f"flares/{name}"]
    )
    assert numbers(earlier) - numbers(CURRENT) <= sums


def test_index_and_rates_are_those_of_the_earlier_version(earlier, copy, tmp_path):
    """Of sector files alone, and of an earlier index that is brought up to date."""
    CURRENT.succeeds("index", copy)
    new, new_master = tables(copy / "index"), content(copy / "index" / "campaign.h5")
    shutil.rmtree(copy / "index")
    earlier.succeeds("index", copy)
    before, before_master = tables(copy / "index"), content(copy / "index" / "campaign.h5")
    CURRENT.succeeds("index", copy)
    updated, updated_master = tables(copy / "index"), content(copy / "index" / "campaign.h5")
    for read in (new, before, updated):  # whether a file is old enough depends on when it is read
        del read["light_curves.parquet", "settled"]
    # The largest flare is now that of the largest fitted template.
    sums = before.pop(("light_curves.parquet", "largest_flare"))
    assert set(numbers_in(sums)) <= set(numbers_in(before["flares.parquet", "equivalent_duration"]))
    before = {renamed(*column): content for column, content in before.items()}
    for now, now_master in ((new, new_master), (updated, updated_master)):
        assert before.items() <= now.items()
        assert before_master.items() - {("@digest", before_master["@digest"])} <= now_master.items()
    assert updated == new

    for version, name in ((earlier, "before"), (CURRENT, "now")):
        options = ("--all", "--format", "parquet", "--output", tmp_path / name)
        version.succeeds("ffd", "--results", copy, *options)
    rates, now = tables(tmp_path / "before"), tables(tmp_path / "now")
    # Energies were those of the TESS band, and are bolometric.
    for of_energy in (("ffd_flares.parquet", "energy"), ("ffd_stars.parquet", "energy_min")):
        assert rates.pop(of_energy) != now[of_energy]
    # Intervals now have the uncertainty of the completeness in them, and are those of Jeffreys.
    for bound in [name for name in rates if re.search("rate_(low|high|limit)", name[1])]:
        assert np.isfinite(literal_eval(now[bound].replace("nan", "0"))).all()
        del rates[bound]
    # is calculated in another order
    for name in (("ffd_stars.parquet", "luminosity"), *limits_of_completeness(rates)):
        same = pytest.approx(literal_eval(rates.pop(name)), rel=1e-12, nan_ok=True)
        assert literal_eval(now[name]) == same, name
    assert rates.items() <= now.items()


def limits_of_completeness(rates):
    return [name for name in rates if re.search("ed_[0-9]+_(low|high)", name[1])]


def test_a_report_is_made_of_an_earlier_campaign(copy, tmp_path):
    report = tmp_path / "report"
    CURRENT.succeeds("report", copy, "--light-curves", "0", "--output", report)
    for star in (unit.partition("_")[0] for unit in UNITS):
        page = f"stars/{star[-3:]}/{star}/index.html"
        assert page in (report / "data" / "stars.js").read_text()
        assert star in (report / page).read_text()


# ----------------------------------------------------------------- stopped in the middle

# All in the second light curve: each has two checkpoints before its three tickets of injections.
# Where its file is then: the last checkpoint, and the flares that are still to be injected.
STOPPED = {
    "after detect": ((CHECKPOINT, 3, "SIGKILL"), ("detect", None)),
    "after model": ((CHECKPOINT, 4, "SIGKILL"), ("model", 120)),
    "in the injections": ((ROWS, 5, "SIGKILL"), ("model", 80)),
}


@pytest.mark.parametrize("how", STOPPED)
def test_what_was_killed_is_finished_as_if_it_had_not_been(
    earlier, inputs, finished, tmp_path, how
):
    output = tmp_path / "output"
    where, left = STOPPED[how]
    earlier.stopped(*where, *run_in(output, inputs))
    assert progress(output) == left
    assert is_finished(earlier, inputs, finished, output)


def test_what_ctrl_c_stopped_is_finished_as_if_it_had_not_been(earlier, inputs, finished, tmp_path):
    output = tmp_path / "output"
    earlier.stopped(ROWS, 5, "SIGINT", *run_in(output, inputs))
    ((job_ended,),) = ledger_rows(output, "SELECT ended FROM jobs")
    assert job_ended is not None
    strands = states(output)["9000000002_1"][0] == "working"
    assert strands == earlier.strands_at_ctrl_c
    assert is_finished(earlier, inputs, finished, output)


def progress(output):
    """How far the second light curve is."""
    found = values(output / "002" / "9000000002_1.h5")
    remaining = found.get("recoveries@n_inject_remaining")
    return str(found["@checkpoint"]), None if remaining is None else int(remaining)


def format_version(output):
    """That of its file."""
    return int(values(output / "002" / "9000000002_1.h5")["@format_version"])


def is_finished(earlier, inputs, finished, output):
    """The current version goes on where it was, and leaves what the earlier one would have made."""
    events, (checkpoint, left) = story(output), progress(output)
    assert format_version(output) == 1
    ended = CURRENT.succeeds(*run_in(output, inputs))
    assert f" {2 * (120 if left is None else left)} injections" in ended.stderr
    assert list(output.rglob("*.damaged*")) == []
    assert_same_files(earlier, output, finished)
    # Where the injections had begun, it has the answers of one search for some flares.
    assert format_version(output) == (1 if checkpoint == "model" else 2)
    assert states(output) == dict.fromkeys(UNITS, ("done", 0))
    assert story(output)[: len(events)] == events
    CURRENT.succeeds("verify", "--output", output)
    return True


def test_what_teams_left_with_a_ledger_in_postgresql_is_finished_by_teams(
    earlier, inputs, finished, tmp_path, postgres
):
    url = postgres.make_database(f"earlier_{earlier.root.name[:7]}")
    output = tmp_path / "output"
    arguments = run_in(output, inputs, *("--set", f"ledger.url={url}", "--set", "ranks_per_team=2"))
    earlier.stopped(ROWS, 2, "SIGKILL", *arguments, ranks=3)
    CURRENT.succeeds(*arguments, ranks=3)
    assert list(output.rglob("*.damaged*")) == []
    assert_same_files(earlier, output, finished)
    with_configuration(output, f'[ledger]\nurl = "{url}"\n')
    status = CURRENT.succeeds("status", "--json", cwd=tmp_path).stdout
    assert json.loads(status)["units"]["done"] == len(UNITS)
    assert not (output / "ledger.sqlite").exists()
