"""The ledger and the files are compared, and the ledger is put right by adding events."""

import shutil

import h5py
import pytest

from cvzmpi.cvz.configuration import load
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.simulation.simulate import FIRST_TIC
from cvzmpi.cvz.work.verify import Verifier
from cvzmpi.ledger import Event, Ledger, State
from tests.main_job import FAST, rewind, simulate
from tools.harness.job_process import run

N_STARS = 4
NAMES = [f"{FIRST_TIC + n}_1" for n in range(N_STARS)]


@pytest.fixture(scope="module")
def finished(models, tmp_path_factory):
    """A finished campaign: its input and its output."""
    directory = tmp_path_factory.mktemp("verified")
    simulate(directory / "input", N_STARS)
    arguments = ["run", "--input", directory / "input", "--output", directory / "output", *FAST]
    ended = run(arguments)
    assert ended.status == 0, ended.stderr
    return directory


@pytest.fixture
def campaign(finished, tmp_path):
    """A copy of it, to be changed."""
    shutil.copytree(finished / "output", tmp_path / "output")
    return load(
        None,
        FAST[1::2],
        {
            "input.directory": str(finished / "input"),
            "output.directory": str(tmp_path / "output"),
        },
    )


def file_of(campaign, star):
    return LightCurveId(FIRST_TIC + star, 1).path(campaign.output.directory)


def verify(campaign, repair=True, sample=None):
    with Ledger.open(campaign.ledger_location()) as ledger, ledger.job("verify") as job:
        return Verifier(campaign, ledger, job, repair).verify(sample)


def states(campaign):
    with Ledger.open(campaign.ledger_location()) as ledger:
        return {unit.name: str(unit.state) for unit in ledger.units()}


def n_events(campaign):
    with Ledger.open(campaign.ledger_location()) as ledger:
        return sum(unit.number for unit in ledger.units())


def test_where_all_is_well_nothing_is_added(campaign):
    before = n_events(campaign)
    found = verify(campaign)
    assert (found.n_compared, found.n_added, found.differences) == (N_STARS, 0, [])
    assert n_events(campaign) == before


def test_files_that_are_damaged_lost_or_not_finished_are_open_again(campaign):
    file_of(campaign, 0).write_bytes(b"damaged")
    file_of(campaign, 1).unlink()
    rewind(file_of(campaign, 2), 80)
    found = verify(campaign)
    assert [difference.unit for difference in found.differences] == NAMES[:3]
    assert found.n_repaired == 3
    assert states(campaign) == dict.fromkeys(NAMES[:3], "preprocessed") | {NAMES[3]: "done"}
    with Ledger.open(campaign.ledger_location()) as ledger:
        progress = [unit.progress for unit in ledger.units()]
        assert "half done" in ledger.history(NAMES[2])[-1].message
    assert [p > 0 for p in progress[:3]] == [False, False, True]
    assert verify(campaign).differences == [], "once"


def test_a_value_that_does_not_fit_its_checksum_is_found(campaign):
    with h5py.File(file_of(campaign, 2), "r+") as file:
        file["lc/flux"][17] += 1.0
    (difference,) = verify(campaign).differences
    assert difference.unit == NAMES[2]
    assert "does not fit its checksum" in difference.what
    assert states(campaign)[NAMES[2]] == "preprocessed"


def test_without_repair_it_only_says_so(campaign):
    file_of(campaign, 1).unlink()
    before = n_events(campaign)
    found = verify(campaign, repair=False)
    assert len(found.differences) == 1
    assert found.n_repaired == 0
    assert n_events(campaign) == before


def test_what_is_done_and_not_known_to_be_is_found_done(campaign):
    with Ledger.open(campaign.ledger_location()) as ledger:
        job = ledger.jobs.begin("test")
        ledger.record([Event(NAMES[0], State.PREPROCESSED)], job)
        ledger.record(
            [Event(NAMES[1], State.PREPROCESSED), Event(NAMES[1], State.ERROR, message="no")], job
        )
    found = verify(campaign)
    assert [difference.what for difference in found.differences] == [
        "is done, not preprocessed",
        "is done, not error",
    ]
    assert set(states(campaign).values()) == {"done"}


def test_a_file_that_is_something_else_is_left_to_a_person(campaign):
    with h5py.File(file_of(campaign, 0), "w") as file:
        file["x"] = 1
    found = verify(campaign)
    assert [difference.events for difference in found.differences] == [[]]
    assert found.n_repaired == 0
    assert states(campaign)[NAMES[0]] == "done"


def test_a_sample_is_a_part(campaign):
    for star in range(N_STARS):
        file_of(campaign, star).unlink()
    found = verify(campaign, sample=2)
    assert found.n_compared == len(found.differences) == 2
    assert sorted(states(campaign).values()) == ["done", "done", "preprocessed", "preprocessed"]


def test_a_lost_ledger_is_made_anew_from_the_files(campaign):
    rewind(file_of(campaign, 2), 80)
    verify(campaign)
    file_of(campaign, 3).unlink()
    verify(campaign)
    before = states(campaign)
    with Ledger.open(campaign.ledger_location()) as ledger:
        before_progress = {unit.name: unit.progress for unit in ledger.units()}
    campaign.ledger_location().unlink()
    found = verify(campaign)
    assert (found.n_added, found.differences) == (N_STARS, [])
    assert states(campaign) == before
    with Ledger.open(campaign.ledger_location()) as ledger:
        progress = {unit.name: unit.progress for unit in ledger.units()}
    assert progress[NAMES[2]] == before_progress[NAMES[2]] > 0
    assert progress[NAMES[3]] == 0


def test_the_units_of_a_job_that_is_certainly_dead_are_free(campaign):
    with Ledger.open(campaign.ledger_location()) as ledger:
        job = ledger.jobs.begin("run")
        ledger.record([Event(NAMES[0], State.PREPROCESSED, progress=0)], job)
        ledger.record([Event(NAMES[0], State.WORKING)], job)
        with ledger.writing() as connection:
            connection.exec_driver_sql(
                f"UPDATE jobs SET process = process || '0' WHERE id = {job.id}"
            )
    found = verify(campaign)
    assert found.n_died == 1
    assert states(campaign)[NAMES[0]] == "done", "as its file says"
