"""`cvzmpi.search` and `cvzmpi.inject`: a campaign's answers, without a campaign."""

import doctest
import os
import subprocess
import sys

import numpy as np
import pytest
from astropy import units as u

import cvzmpi
from cvzmpi.cvz.in_memory import search as search_module
from cvzmpi.cvz.results.show import show_file
from cvzmpi.cvz.sector_file.reading import read_progress
from cvzmpi.errors import ConfigError, LightCurveError, SectorFileError
from tests.cvz.example_file import write_example
from tests.cvz.in_memory.campaign_of_one import run_campaign
from tests.main_job import simulate
from tools.harness.hdf5_content import content
from tools.harness.job_process import environment

SETTINGS = {"seed": 7, "inject.n_inject": 90, "inject.n_repeat": 3}


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("input"), 1)[0]


@pytest.fixture(scope="module")
def campaign_file(fits, models, tmp_path_factory):
    """The sector file that a campaign on one rank leaves."""
    output = tmp_path_factory.mktemp("campaign")
    (path,), _ = run_campaign(models, fits.parent, output, SETTINGS)
    return path


@pytest.fixture(scope="module")
def found(fits):
    return cvzmpi.search(fits, settings=SETTINGS)


@pytest.fixture(scope="module")
def done(found):
    return cvzmpi.inject(found)


def columns_of(file):
    """All columns of a sector file that is read or in memory, as bytes."""
    tables = file.data.tables()
    columns = {f"{t}/{n}": np.asarray(tables[t][n]).tobytes() for t in tables for n in tables[t]}
    answers = file.answers
    return columns | {
        "answers": (answers.recovered.tobytes(), answers.recovered_significance.tobytes()),
        "flares": {name: values.tobytes() for name, values in file.measured_flares.items()},
        "facts": file.data.gp_facts,
        "marks": file.marks,
    }


# ----------------------------------------------------------------- the answers of a campaign


def test_search_and_injections_are_a_campaigns_to_the_last_bit(done, campaign_file):
    read = cvzmpi.read(campaign_file)
    assert len(done.flares) > 0
    assert 0 < done.recovery.fraction < 1
    assert columns_of(done) == columns_of(read)
    assert (done.config_hash, done.models_checksum) == (read.config_hash, read.models_checksum)


def test_the_file_that_is_written_is_the_campaigns_but_for_the_seconds(
    done, campaign_file, tmp_path
):
    path = done.write(tmp_path)
    assert path == tmp_path / campaign_file.relative_to(campaign_file.parents[1])
    assert content(path) == content(campaign_file)


def test_a_campaign_takes_the_file_that_is_written_as_done(done, fits, models, tmp_path):
    path = done.write(tmp_path)
    before = path.read_bytes()
    _, steps = run_campaign(models, fits.parent, tmp_path, SETTINGS)
    assert steps == 0
    assert path.read_bytes() == before


def test_a_campaign_goes_on_from_a_search_that_is_written(
    found, fits, models, campaign_file, tmp_path
):
    path = found.write(tmp_path)
    assert read_progress(path).n_inject_remaining == 90
    _, steps = run_campaign(models, fits.parent, tmp_path, SETTINGS)
    assert steps == 90 * 3
    assert content(path) == content(campaign_file)


def test_what_is_written_is_read_as_it_was(done, tmp_path):
    again = cvzmpi.read(done.write(tmp_path / "some name.h5"))
    assert columns_of(again) == columns_of(done)
    assert again.write(tmp_path / "copy.h5") == tmp_path / "copy.h5"
    assert content(tmp_path / "copy.h5") == content(tmp_path / "some name.h5")


def test_a_light_curve_is_searched_and_injected_into_in_one_go(fits, done):
    assert columns_of(cvzmpi.inject(fits, settings=SETTINGS)) == columns_of(done)


def test_other_numbers_of_flares_are_injected_as_by_a_campaign_of_these(
    found, fits, models, tmp_path
):
    before = columns_of(found)
    other = cvzmpi.inject(found, n_inject=50, n_repeat=2)
    (path,), _ = run_campaign(
        models, fits.parent, tmp_path, SETTINGS | {"inject.n_inject": 50, "inject.n_repeat": 2}
    )
    assert columns_of(other) == columns_of(cvzmpi.read(path))
    assert columns_of(found) == before  # what was given stays as it is


def test_what_is_done_already_is_not_done_again(done, monkeypatch):
    monkeypatch.setattr("cvzmpi.cvz.work.stages.model_stage", None)
    assert columns_of(cvzmpi.inject(done)) == columns_of(done)


def test_it_computes_with_one_thread_and_leaves_the_number_as_it_was(fits):
    # with more, the last bits of matrix products may differ from a campaign's
    code = (
        "import cvzmpi, threadpoolctl\n"
        "from cvzmpi.cvz.in_memory import stages\n"
        "def threads():\n"
        "    return sorted({pool['num_threads'] for pool in threadpoolctl.threadpool_info()})\n"
        "def do_stages(*arguments):\n"
        "    print(threads())\n"
        "    raise KeyboardInterrupt\n"
        "stages.do_stages = do_stages\n"
        "print(threads())\n"
        "try:\n"
        f"    cvzmpi.search({str(fits)!r})\n"
        "except KeyboardInterrupt:\n"
        "    print(threads())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment(OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2"),
    )
    before, within, after = ended.stdout.splitlines()
    assert within == "[1]"
    assert before == after
    assert before == "[2]" or os.cpu_count() == 1


# ----------------------------------------------------------------- no campaign


def test_it_loads_no_mpi_and_makes_no_file(fits, tmp_path):
    code = (
        "import sys, cvzmpi\n"
        f"cvzmpi.inject({str(fits)!r}, n_inject=10, n_repeat=1)\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & "
        "{'mpi4py', 'lightkurve', 'matplotlib', 'pyarrow', 'sqlalchemy', 'cvzmpi'}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=environment(),
    )
    assert ended.stdout == "['cvzmpi']\n"
    assert ended.stderr == ""  # no bar, for nobody looks
    assert list(tmp_path.iterdir()) == []


def test_the_examples_of_the_docstrings_run():
    failed, attempted = doctest.testmod(search_module)
    assert (failed, attempted > 10) == (0, True)


# ----------------------------------------------------------------- what is refused


def test_tic_and_sector_that_are_given_are_those_of_the_draws(fits, found):
    other = cvzmpi.search(fits, tic=5, sector=6, settings=SETTINGS)
    assert (other.tic, other.sector) == (5, 6)
    assert not np.array_equal(other.data.injections.cadence, found.data.injections.cadence)
    for wrong in ({"tic": 0}, {"sector": -1}, {"tic": "5"}, {"sector": 10**6}):
        with pytest.raises(ConfigError, match="expected a whole number"):
            cvzmpi.search(fits, **wrong)


def test_the_search_that_is_shown_can_be_chosen(fits, found):
    stella = cvzmpi.search(fits, search="stella", settings=SETTINGS)
    by_settings = cvzmpi.search(fits, settings=SETTINGS | {"detect.search": "stella"})
    assert stella.search == by_settings.search == "stella"
    assert found.search == "significance"
    assert columns_of(stella)["lc/flux"] == columns_of(found)["lc/flux"]
    assert cvzmpi.inject(stella, n_inject=10).search == "stella"
    with pytest.raises(ConfigError, match=r"search = 'stela': expected one of stella, signif"):
        cvzmpi.search(fits, search="stela")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"detect.treshold": 0.6}, "unknown key 'detect.treshold'"),
        ({"detect.threshold": 2.0}, r"detect\.threshold = 2\.0: expected less than 1"),
    ],
)
def test_settings_that_are_wrong_are_named(fits, settings, message):
    with pytest.raises(ConfigError, match=message):
        cvzmpi.search(fits, settings=settings)


@pytest.mark.parametrize(
    "changed", [{"detect.threshold": 0.6}, {"seed": 8}, {"inject.peak_tolerance": 2}]
)
def test_a_search_is_not_gone_on_with_under_other_settings(found, changed):
    (key,) = changed
    with pytest.raises(ConfigError, match=f"{key}: the search was made with"):
        cvzmpi.inject(found, settings=changed)
    with pytest.raises(ConfigError, match="tic and sector are those of the search"):
        cvzmpi.inject(found, tic=5)


def test_a_file_of_an_earlier_version_is_neither_gone_on_with_nor_written(tmp_path):
    old = cvzmpi.read(write_example(tmp_path / "1.h5", version=1))
    with pytest.raises(ConfigError, match="search its light curve anew"):
        cvzmpi.inject(old)
    with pytest.raises(SectorFileError, match="of format version 1"):
        old.write(tmp_path / "2.h5")


def test_a_light_curve_that_is_too_short_is_refused(fits):
    time = 2000 + np.arange(500) / 720
    flux = np.random.default_rng(1).normal(1, 0.001, 500)
    with pytest.raises(
        LightCurveError, match="500 usable cadences of 500, expected at least 1,000"
    ):
        cvzmpi.search((time, flux, np.full(500, 0.001)))


def test_a_file_that_is_none_is_named(tmp_path):
    with pytest.raises(LightCurveError, match=r"nothing\.fits: cannot be read"):
        cvzmpi.search(tmp_path / "nothing.fits")


def test_paths_may_have_home_and_variables(fits, done, tmp_path, monkeypatch):
    monkeypatch.setenv("HERE", str(tmp_path))
    path = done.write("$HERE/1.h5")
    assert path == tmp_path / "1.h5"
    assert cvzmpi.read("${HERE}/1.h5").done
    with pytest.raises(ConfigError, match="the variable NOWHERE_AT_ALL is not set"):
        cvzmpi.search("$NOWHERE_AT_ALL/1.fits")


# ----------------------------------------------------------------- other units


def test_a_flux_of_another_unit_is_shown_in_it(found, tmp_path, capsys):
    curve = found.data.light_curve
    relative = cvzmpi.search(
        (curve.time, curve.flux / 1000 * u.mJy, curve.flux_err / 1000 * u.mJy), tic=5, sector=6
    )
    assert relative.time_series["flux"].unit == u.mJy
    assert relative.time_series["gp_mu"].unit == u.mJy
    assert found.time_series["flux"].unit == u.electron / u.s
    show_file(relative.write(tmp_path))
    text = capsys.readouterr().out
    assert "mJy, median error" in text
    assert "e-/s" not in text
