"""The campaign as the engine sees it: which units there are, and how far each is."""

import pickle
import shutil
import time
from dataclasses import dataclass

import numpy as np
import pytest
from mpi4py import MPI

from cvzmpi.cvz.configuration import load
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.simulation.simulate import FIRST_TIC
from cvzmpi.cvz.work.campaign import CvzCampaign
from cvzmpi.errors import ConfigError, ModelFileError
from cvzmpi.ledger import Event, Ledger, State
from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team
from cvzmpi.scheduler.campaign import Control, Outcome, Unit
from tests.main_job import copy_results, result_files, rewind, simulate

N_STARS = 4
SETTINGS = ("inject.n_inject=80", "inject.n_repeat=2")
NAMES = [f"{FIRST_TIC + n}_1" for n in range(N_STARS)]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("input")
    simulate(directory, N_STARS)
    return directory


@pytest.fixture(scope="module")
def finished(inputs, models, tmp_path_factory):
    """The output directory of a whole run."""
    output = tmp_path_factory.mktemp("campaign") / "output"
    campaign = campaign_on(inputs, output, models)
    campaign.prepare()
    for unit in find_work(campaign).units:
        campaign.work(unit, Team(MPI.COMM_SELF), Control(StopRequest(), lambda steps: None))
    (output / "ledger.sqlite").unlink()  # nobody told it
    return output


@pytest.fixture
def output(finished, tmp_path):
    """A copy of the whole run's output, to be changed."""
    copy = tmp_path / "output"
    copy_results(finished, copy)
    return copy


@pytest.fixture
def targets(tmp_path):
    def write(*rows, header="tic,sector"):
        path = tmp_path / "targets.csv"
        path.write_text("\n".join([header, *rows]) + "\n")
        return path

    return write


def campaign_on(inputs, output, models, *settings, **paths):
    given = {"input.directory": str(inputs), "output.directory": str(output)} | {
        f"input.{name}": str(path) for name, path in paths.items()
    }
    return CvzCampaign(load(None, [*SETTINGS, *settings], given), StellaDetector(models))


@dataclass
class Work:
    """What a campaign found to do, the units in the order in which they are given out."""

    units: list[Unit]
    n_done: int
    rejected: list[Outcome]
    steps_per_unit: int


def find_work(campaign):
    """Open the source of a campaign, and take all its units without beginning any."""
    source = campaign.open_source()
    overview, units = source.overview(), []
    while not source.exhausted():
        unit = source.next()
        if unit is None:
            time.sleep(0.01)
        else:
            units.append(unit)
    source.close(None)
    assert overview.n_open == len(units)
    assert overview.n_begun == sum(unit.begun for unit in units)
    return Work(units, overview.n_done, list(overview.rejected), overview.steps_per_unit)


def file_of(output, star):
    return LightCurveId(FIRST_TIC + star, 1).path(output)


def names(units):
    return sorted(unit.name for unit in units)


# ----------------------------------------------------------------- what there is to do


def test_a_new_campaign_has_every_light_curve_to_begin(inputs, models, tmp_path):
    output = tmp_path / "output"
    workload = find_work(campaign_on(inputs, output, models))
    assert names(workload.units) == NAMES
    assert not any(unit.begun for unit in workload.units)
    assert (workload.n_done, workload.rejected) == (0, [])
    assert workload.steps_per_unit == 160
    assert result_files(output) == [], "looking for work leaves nothing but the ledger"


def test_a_finished_campaign_has_nothing_to_do(inputs, finished, models):
    workload = find_work(campaign_on(inputs, finished, models))
    assert (workload.units, workload.n_done, workload.rejected) == ([], N_STARS, [])


def test_what_is_half_done_comes_first_and_what_has_most_left_before_the_rest(
    inputs, output, models
):
    rewind(file_of(output, 0), 40)
    rewind(file_of(output, 1), None)
    file_of(output, 2).unlink()
    workload = find_work(campaign_on(inputs, output, models))
    assert {unit.name: unit.begun for unit in workload.units} == {
        NAMES[0]: True,
        NAMES[1]: True,
        NAMES[2]: False,
    }
    assert workload.n_done == 1
    assert [unit.name for unit in workload.units] == [NAMES[1], NAMES[0], NAMES[2]]


def test_a_larger_light_curve_costs_more(inputs, models, tmp_path):
    large = tmp_path / "input"
    shutil.copytree(inputs, large)
    files = sorted(large.glob("*.fits"))
    with files[2].open("ab") as file:
        file.write(b"\0" * 2880 * 40)
    units = find_work(campaign_on(large, tmp_path / "output", models)).units
    assert max(units, key=lambda unit: unit.cost).name == NAMES[2]


def test_a_damaged_output_is_to_be_done_anew(inputs, output, models):
    file_of(output, 1).write_bytes(b"damaged")
    workload = find_work(campaign_on(inputs, output, models))
    assert [(unit.name, unit.begun) for unit in workload.units] == [(NAMES[1], False)]
    assert file_of(output, 1).read_bytes() == b"damaged", "its team sets it aside"


@pytest.mark.parametrize("directory", ["empty", "gone"])
def test_what_was_begun_is_found_without_its_fits_files(output, models, tmp_path, directory):
    rewind(file_of(output, 0), 40)
    rewind(file_of(output, 1), None)
    if directory == "empty":
        (tmp_path / directory).mkdir()
    workload = find_work(campaign_on(tmp_path / directory, output, models))
    assert names(workload.units) == NAMES[:2]
    assert all(unit.begun for unit in workload.units)
    assert workload.n_done == 2


def test_a_campaign_and_its_units_travel_to_other_ranks(inputs, output, models):
    rewind(file_of(output, 0), 40)
    campaign = pickle.loads(pickle.dumps(campaign_on(inputs, output, models)))
    units = pickle.loads(pickle.dumps(find_work(campaign).units))
    campaign.prepare()
    result = campaign.work(
        units[0], Team(MPI.COMM_SELF), Control(StopRequest(), lambda steps: None)
    )
    assert result["path"] == str(file_of(output, 0))


@pytest.mark.parametrize(("attempts_used", "again"), [(1, True), (4, True), (5, False)])
def test_what_failed_is_tried_again_until_its_attempts_are_used_up(
    inputs, models, tmp_path, attempts_used, again
):
    output = tmp_path / "output"
    campaign = campaign_on(inputs, output, models)
    find_work(campaign)
    with Ledger.open(output / "ledger.sqlite") as ledger, ledger.job("test") as job:
        events = [Event(NAMES[1], State.WORKING)]
        events += [Event(NAMES[1], State.ERROR, message="no flux", attempts_used=attempts_used)]
        ledger.record(events, job)
    work = find_work(campaign)
    assert (NAMES[1] in names(work.units)) is again
    failed = [] if again else [Outcome(NAMES[1], error="no flux")]
    assert work.rejected == failed


def test_a_file_that_is_repaired_is_worked_on(inputs, models, tmp_path):
    directory = tmp_path / "input"
    shutil.copytree(inputs, directory)
    broken = sorted(directory.glob("*.fits"))[1]
    content = broken.read_bytes()
    broken.write_bytes(b"no FITS")
    campaign = campaign_on(directory, tmp_path / "output", models)
    (rejected,) = find_work(campaign).rejected
    assert rejected.unit == broken.name
    broken.write_bytes(content)
    work = find_work(campaign)
    assert names(work.units) == NAMES
    assert work.rejected == []


# ----------------------------------------------------------------- the list of targets


def test_a_list_of_targets_chooses(inputs, models, tmp_path, targets):
    path = targets(f"{FIRST_TIC + 2},1", f"{FIRST_TIC},1", f"{FIRST_TIC + 2},1")
    workload = find_work(campaign_on(inputs, tmp_path / "output", models, targets=path))
    assert names(workload.units) == [NAMES[0], NAMES[2]]
    assert workload.rejected == []


def test_a_list_of_targets_says_what_comes_first(inputs, models, tmp_path, targets):
    rows = [f"{FIRST_TIC + star},1,{priority}" for star, priority in enumerate(("", 2, "-1", 7.5))]
    path = targets(*rows, header="tic,sector,priority")
    work = find_work(campaign_on(inputs, tmp_path / "output", models, targets=path))
    assert [unit.name for unit in work.units] == [NAMES[n] for n in (3, 1, 0, 2)]
    path = targets(*rows[:3], f"{FIRST_TIC + 3},1,-9", header="tic,sector,priority")
    work = find_work(campaign_on(inputs, tmp_path / "output", models, targets=path))
    assert [unit.name for unit in work.units] == [NAMES[n] for n in (1, 0, 2, 3)], "changed since"


def test_a_target_without_a_light_curve_has_failed(inputs, models, tmp_path, targets):
    path = targets(f"{FIRST_TIC},1", f"{FIRST_TIC},99", "5,1")
    workload = find_work(campaign_on(inputs, tmp_path / "output", models, targets=path))
    assert names(workload.units) == NAMES[:1]
    assert [outcome.unit for outcome in workload.rejected] == [f"{FIRST_TIC}_99", "5_1"]
    assert all(str(path) in outcome.error for outcome in workload.rejected)


def test_a_target_that_was_begun_needs_no_fits_file(output, models, tmp_path, targets):
    rewind(file_of(output, 0), 40)
    path = targets(f"{FIRST_TIC},1", f"{FIRST_TIC + 1},1")
    (tmp_path / "empty").mkdir()
    workload = find_work(campaign_on(tmp_path / "empty", output, models, targets=path))
    assert names(workload.units) == NAMES[:1]
    assert (workload.n_done, workload.rejected) == (1, [])


def test_columns_of_the_list_are_found_by_name(inputs, models, tmp_path, targets):
    path = targets(f"x, 1, {FIRST_TIC + 1}", header="star, Sector, TIC")
    workload = find_work(campaign_on(inputs, tmp_path / "output", models, targets=path))
    assert names(workload.units) == [NAMES[1]]


@pytest.mark.parametrize(
    ("rows", "header", "expected"),
    [
        (["1,2"], "star,sector", "line 1: expected a column TICID"),
        ([], "", "no target in here, expected TIC numbers"),
        (["1,2", "1.5,2"], "tic,sector", "line 3: expected a TIC number, not '1.5'"),
        (["1,2", "", "7"], "tic,sector", "line 4: expected a sector (1 to 9999), not ''"),
        (["1,2,3", "1,2,high"], "tic,sector,priority", "line 3: expected a number as priority"),
        (["1,2,nan"], "tic,sector,priority", "line 2: expected a number as priority"),
    ],
)
def test_a_list_that_cannot_be_understood_is_one_line_with_its_place(
    inputs, models, tmp_path, targets, rows, header, expected
):
    path = targets(*rows, header=header)
    with pytest.raises(ConfigError) as caught:
        find_work(campaign_on(inputs, tmp_path / "output", models, targets=path))
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: {expected}")


def test_a_list_that_is_not_there_is_one_line(inputs, models, tmp_path):
    nowhere = tmp_path / "nowhere.csv"
    with pytest.raises(ConfigError, match=f"^{nowhere}: cannot be read: "):
        find_work(campaign_on(inputs, tmp_path / "output", models, targets=nowhere))


# ----------------------------------------------------------------- what is refused


@pytest.mark.parametrize("state", ["finished", "half done", "checkpoint 1"])
def test_outputs_of_another_configuration_are_refused_with_the_difference(
    inputs, output, models, state
):
    for star in range(N_STARS):
        if state != "finished":
            rewind(file_of(output, star), 40 if state == "half done" else None)
    campaign = campaign_on(inputs, output, models, "seed=8", "detect.merge_gap=10")
    with pytest.raises(ConfigError) as caught:
        find_work(campaign)
    (line,) = str(caught.value).splitlines()
    assert "detect.merge_gap: 20 -> 10; seed: 1 -> 8" in line
    assert str(file_of(output, 0)) in line


def test_outputs_of_other_models_are_refused(inputs, output, models):
    others = type(models)(models.weights, "ff" * 32)
    with pytest.raises(ConfigError, match="made with other models"):
        find_work(campaign_on(inputs, output, others))


@pytest.mark.parametrize("setting", ["ranks_per_team=4", "checkpoint.interval=60"])
def test_how_it_is_computed_may_change(inputs, output, models, setting):
    assert find_work(campaign_on(inputs, output, models, setting)).n_done == N_STARS


def test_an_input_directory_without_light_curves_is_one_line(models, tmp_path):
    (tmp_path / "empty").mkdir()
    empty = tmp_path / "empty"
    with pytest.raises(ConfigError, match=f"^{empty}: no light curve of spoc-120 in here$"):
        find_work(campaign_on(empty, tmp_path / "output", models))
    with pytest.raises(ConfigError, match=f"^{tmp_path / 'gone'}: no such input directory$"):
        find_work(campaign_on(tmp_path / "gone", tmp_path / "output", models))


def test_a_campaign_does_not_begin_without_its_models(tmp_path):
    nowhere = tmp_path / "models.npz"
    with pytest.raises(ModelFileError, match="no stella models here; name no file"):
        CvzCampaign.begin(load(None, [f"detector.file={nowhere}"]))


def test_a_campaign_does_not_begin_with_other_models_than_the_published(models, tmp_path):
    weights = {name: values.copy() for name, values in models.weights.items()}
    weights["dense1_bias"][3, 5] += 1e-6
    np.savez(tmp_path / "models.npz", **weights)
    with pytest.raises(ModelFileError, match="wrong checksum"):
        CvzCampaign.begin(load(None, [f"detector.file={tmp_path / 'models.npz'}"]))
