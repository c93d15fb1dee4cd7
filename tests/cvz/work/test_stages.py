"""The stages of a light curve: stopped after any checkpoint, they go on to the same result."""

import json
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
from astropy.io import fits
from mpi4py import MPI

from cvzmpi.cvz.configuration import Config, load
from cvzmpi.cvz.detection.flare_mask import MaskRule
from cvzmpi.cvz.detection.flares import Detection
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.detection.stella.ensemble import evaluate
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.injection.injection import InjectionSearch
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.input_directory import scan_directory
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.quality.quality_marks import marks_text, quality_marks
from cvzmpi.cvz.reliability.estimate import reliability_alone
from cvzmpi.cvz.reliability.statistic import Thresholds
from cvzmpi.cvz.sector_file.checks import CHECKSUM, content_checksum
from cvzmpi.cvz.sector_file.layout import ANSWERS
from cvzmpi.cvz.sector_file.reading import (
    SectorContent,
    read_progress,
    read_sector_data,
    verify_sector_file,
)
from cvzmpi.cvz.sector_file.recovery_writer import RecoveryWriter
from cvzmpi.cvz.sector_file.writing import write_sector_file
from cvzmpi.cvz.simulation.simulate import FIRST_TIC
from cvzmpi.cvz.stand_in_archive.catalog import product_of
from cvzmpi.cvz.work import checkpoints, model_stage, starting_point
from cvzmpi.cvz.work.campaign import CvzCampaign
from cvzmpi.errors import CvzmpiError, LightCurveError, SectorFileError
from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team, TeamMateError
from cvzmpi.scheduler.campaign import Control, Unit, UnitStopped
from tests.cvz.plain_detector import BrightnessDetector
from tests.edited_hdf5 import edited
from tests.main_job import rewind, simulate
from tests.mpi_marks import mpi
from tools.harness.hdf5_content import content
from tools.harness.old_sector_file import write_version_1

N_INJECT, N_REPEAT = 170, 3
SETTINGS = (
    "seed=7",
    f"inject.n_inject={N_INJECT}",
    f"inject.n_repeat={N_REPEAT}",
    "checkpoint.interval=1e-9",  # as often as can be
)
COUNTS = [
    170,
    149,
    129,
    109,
    89,
    69,
    49,
    29,
    9,
    0,
]  # of an eighth of the flares that are left, at least 20


class Killed(BaseException):
    """The end of a process, as far as a test can have it."""


def campaign_on(inputs, outputs, models, *settings):
    return campaign_with(StellaDetector(models), inputs, outputs, *settings)


def campaign_with(detector, inputs, outputs, *settings):
    paths = {"input.directory": str(inputs), "output.directory": str(outputs)}
    campaign = CvzCampaign(load(None, [*SETTINGS, *settings], paths), detector)
    campaign.prepare()
    outputs.mkdir(parents=True, exist_ok=True)  # as a job does
    campaign.inputs, campaign.outputs = inputs, outputs
    return campaign


def the_unit(inputs):
    """The only light curve; its FITS file may be gone."""
    sources, _ = scan_directory(inputs)
    source = sources[0] if sources else LightCurveSource(LightCurveId(FIRST_TIC, 1))
    return Unit(source.id.name, 1.0, content=source)


def work(campaign, team=None):
    """Work on the only light curve; the result, and how many injections were reported."""
    reports = []
    unit = the_unit(campaign.inputs)
    result = campaign.work(
        unit, team or Team(MPI.COMM_SELF), Control(StopRequest(), reports.append)
    )
    return result, sum(reports)


def the_file(directory):
    (path,) = directory.rglob("*.h5")
    return path


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("input")
    simulate(directory, 1)
    return directory


@pytest.fixture(scope="module")
def reference(inputs, models, tmp_path_factory):
    """A run without a stop: its file, and copies of that after each checkpoint."""
    directory = tmp_path_factory.mktemp("reference")
    states = []

    def keep(path):
        states.append(directory / f"state-{len(states)}")
        shutil.copyfile(path, states[-1])

    write, count_down = write_sector_file, RecoveryWriter.count_down

    def watched_write(path, *content):
        write(path, *content)
        keep(path)

    def watched_count_down(self, *numbers):
        count_down(self, *numbers)
        keep(the_file(directory / "output"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "write_sector_file", watched_write)
        patch.setattr(RecoveryWriter, "count_down", watched_count_down)
        work(campaign_on(inputs, directory / "output", models))
    return the_file(directory / "output"), states


@pytest.fixture
def begun(reference, tmp_path):
    """Make an output directory whose file is in one of the states of the reference run."""

    def make(state):
        path, states = reference
        output = tmp_path / "output"
        copy = output / path.parent.name / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(states[state], copy)
        return output, copy

    return make


N_STATES = 1 + len(COUNTS)


# ----------------------------------------------------------------- the states of a file


def test_a_run_goes_through_the_checkpoints_in_order(reference):
    _, states = reference
    progress = [read_progress(state) for state in states]
    assert [p.checkpoint for p in progress] == ["detect"] + ["model"] * len(COUNTS)
    assert [p.n_inject_remaining for p in progress[1:]] == COUNTS
    assert [p.done for p in progress] == [False] * len(COUNTS) + [True]


def test_the_count_vouches_for_the_rows_at_every_checkpoint(reference):
    path, states = reference
    final = SectorContent.read(path).recovery
    for name in ANSWERS:
        answers = getattr(final, name)
        assert 0.02 < answers.mean() < 0.98, "some are found, and some are not"
        for state in states[1:]:
            with h5py.File(state) as file:
                done = N_INJECT - file["recoveries"].attrs["n_inject_remaining"]
                recovered = file["recoveries"][name][()]
            np.testing.assert_array_equal(recovered[:done], answers[:done])
            assert not recovered[done:].any()
    assert (final.recovered != final.recovered_significance).any(), "they are two searches"


def test_a_file_says_what_each_stage_took(reference):
    with h5py.File(reference[0]) as file:
        seconds = {stage: file.attrs[f"seconds_{stage}"] for stage in Stage}
    assert sorted(seconds) == ["detect", "download", "inject", "model"]
    assert all(0 < s < 120 for s in seconds.values())


def test_the_simulated_flares_are_found(reference):
    """What follows is a comparison of something with something."""
    with h5py.File(reference[0]) as file:
        assert len(file["flares/peak"]) >= 1
        assert file["lc/flare_mask"][()].any()
        has_time = np.isfinite(file["lc/time"][()])
        np.testing.assert_array_equal(np.isfinite(file["lc/gp_mu"][()]), has_time)


def test_a_file_has_what_each_search_found_and_where_it_looked(reference):
    data = read_sector_data(reference[0])
    found_by = data.flares["found_by"]
    assert set(found_by.tolist()) <= {1, 2, 3}
    assert (found_by == 3).any()
    usable = data.light_curve.usable(load(None).light_curve.quality_bitmask)
    assert not (np.isfinite(data.significance) & ~usable).any()
    assert not (data.left_out & ~usable).any()
    np.testing.assert_array_equal(
        Search.STELLA.mask(data.flares, len(usable)), data.flare_mask, err_msg="as in version 1"
    )
    assert data.significance_mask.any()
    # a flare of both has the cadences of stella, the mask those of the search itself
    for row in np.flatnonzero(found_by & 2):
        flare = slice(data.flares["start"][row], data.flares["stop"][row] + 1)
        assert data.significance_mask[flare].any()
    assert (data.noise_raised > 0).all()


def test_stella_looks_at_each_mirror_image_as_at_the_light_curve(inputs, models, tmp_path):
    """What it sees there is in the events; the images themselves are kept nowhere."""
    seen = []

    class Watched(StellaDetector):
        def evaluate(self, observation, team, shared):
            seen.append((observation, shared))
            return super().evaluate(observation, team, shared)

        def probability_of_flares(self, observation, rule, spans, team, shared):
            seen.append((observation, shared))
            return super().probability_of_flares(observation, rule, spans, team, shared)

    low = "detect.threshold=0.02"  # above which much is seen in images, too
    campaign = campaign_with(Watched(models), inputs, tmp_path / "output", low)
    work(campaign)
    (observation, stack), *images = seen
    assert len(images) >= 2
    for image, of_image in images:
        assert of_image is not stack, "its memory is free before the injections"
        assert (image.flux != observation.flux).any()
        np.testing.assert_array_equal(image.rows, observation.rows)
    events = read_sector_data(the_file(tmp_path / "output")).mirror_events
    numbers = set(range(1, len(images) + 1))
    assert set(events["image"].tolist()) <= numbers
    rule = MaskRule.of(load(None, [*SETTINGS, low]).detect)
    n_seen = 0
    for number, (image, _) in enumerate(images, start=1):
        probability = evaluate(image.flux, campaign._detector.networks).probability()
        expected = Detection.apply(rule, probability, image.evaluated).flares
        of_image = events["image"] == number
        by_stella = of_image & (events["found_by"] & 1 != 0)
        assert np.sum(by_stella) == len(expected)
        n_seen += len(expected)
        greatest = [probability[first : last + 1].max() for first, last in expected]
        assert sorted(events["max_probability"][by_stella]) == sorted(greatest), "to the last bit"
    assert n_seen > 3


def test_the_reliability_of_a_flare_is_that_of_its_light_curve_alone(reference):
    with h5py.File(reference[0]) as file:
        flares, mirrored = (
            {name: column[()] for name, column in file[table].items()}
            for table in ("flares", "mirror_events")
        )
    thresholds = Thresholds(Config().significance.min_snr, Config().detect.threshold)
    r = reliability_alone(flares, mirrored, 2, thresholds)
    assert np.array_equal(flares["reliability"], r.astype(np.float32))
    assert np.all((r > 0) & (r < 1))
    assert np.all(r < reliability_alone(flares, mirrored, 8, thresholds)), "of as many more images"


def test_the_marks_of_a_file_are_those_that_products_find_in_it(reference):
    for state in reference[1]:
        data = read_sector_data(state)
        config = json.loads(read_progress(state).config_json)
        assert data.marks == marks_text(quality_marks(data, config))


def test_a_light_curve_with_the_light_of_others_is_marked_from_the_first_checkpoint_on(
    inputs, models, tmp_path, monkeypatch
):
    """And a file that has no marks yet, of an older version, gets them when it goes on."""
    (tmp_path / "input").mkdir()
    with fits.open(next(inputs.rglob("*.fits"))) as hdus:
        hdus[1].header["CROWDSAP"] = 0.049
        hdus.writeto(tmp_path / "input" / "lc.fits")
    marks = []
    write = write_sector_file

    def watched_write(path, data, *rest):
        marks.append(data.marks)
        write(path, data, *rest)
        if len(marks) == 1:
            with edited(path) as file:
                del file.attrs["quality_marks"]
                file.attrs[CHECKSUM] = content_checksum(file)
            raise Killed

    monkeypatch.setattr(checkpoints, "write_sector_file", watched_write)
    campaign = campaign_on(tmp_path / "input", tmp_path / "output", models)
    with pytest.raises(Killed):
        work(campaign)
    work(campaign)
    assert marks == ["crowded", "crowded"]
    assert read_sector_data(the_file(tmp_path / "output")).marks == "crowded"


# ----------------------------------------------------------------- stop and go on


@pytest.mark.parametrize("state", range(N_STATES - 1))
def test_a_run_that_was_stopped_at_any_checkpoint_goes_on_to_the_same_file(
    begun, reference, inputs, models, state, monkeypatch
):
    output, path = begun(state)
    n_remaining = [N_INJECT, *COUNTS][state]
    calls = []
    for module, name in (
        (starting_point, "read_light_curve"),
        (model_stage, "search_by_significance"),
    ):
        function = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *a, f=function, n=name, **k: calls.append(n) or f(*a, **k)
        )
    searched = []
    recovered = InjectionSearch.recovered
    monkeypatch.setattr(
        InjectionSearch,
        "recovered",
        lambda self, injections, ids: searched.append(ids) or recovered(self, injections, ids),
    )
    _, reported = work(campaign_on(inputs, output, models))
    assert content(path) == content(reference[0])
    # what is in the file is not computed again
    assert calls == (["search_by_significance"] if state == 0 else [])
    assert sum(ids.stop - ids.start for ids in searched) == n_remaining
    assert reported == n_remaining * N_REPEAT


def test_a_run_that_is_stopped_after_every_checkpoint_comes_to_the_same_file(
    reference, inputs, models, tmp_path, monkeypatch
):
    write, count_down = write_sector_file, RecoveryWriter.count_down

    def killed_write(*content):
        write(*content)
        raise Killed

    def killed_count_down(self, *numbers):
        count_down(self, *numbers)
        raise Killed

    monkeypatch.setattr(checkpoints, "write_sector_file", killed_write)
    monkeypatch.setattr(RecoveryWriter, "count_down", killed_count_down)
    output = tmp_path / "output"
    remaining = []
    while True:
        campaign = campaign_on(inputs, output, models)
        if any(output.rglob("*.h5")) and read_progress(the_file(output)).done:
            break
        with pytest.raises(Killed):
            work(campaign)
        remaining.append(read_progress(the_file(output)).n_inject_remaining)
    assert remaining == [0, *COUNTS]  # checkpoint 1 has no injections yet
    assert content(the_file(output)) == content(reference[0])


def test_a_run_that_is_asked_to_stop_does_so_at_the_next_checkpoint(
    reference, inputs, models, tmp_path, monkeypatch
):
    output = tmp_path / "output"
    stop = StopRequest()
    search = InjectionSearch.recovered
    monkeypatch.setattr(
        InjectionSearch,
        "recovered",
        lambda *arguments: (stop.ask("SIGUSR1"), search(*arguments))[1],
    )
    campaign = campaign_on(inputs, output, models, "checkpoint.interval=1000.0")
    unit = the_unit(campaign.inputs)
    with pytest.raises(UnitStopped):
        campaign.work(unit, Team(MPI.COMM_SELF), Control(stop, lambda n: None))
    assert read_progress(the_file(output)).n_inject_remaining == COUNTS[1]
    monkeypatch.undo()
    work(campaign_on(inputs, output, models))
    assert content(the_file(output)) == content(reference[0])


def test_what_another_job_finished_meanwhile_is_left_as_it_is(begun, reference, inputs, models):
    output, path = begun(N_STATES - 2)
    campaign = campaign_on(inputs, output, models)
    unit = the_unit(campaign.inputs)
    shutil.copyfile(reference[0], path)
    before = path.stat().st_mtime_ns
    campaign.work(unit, Team(MPI.COMM_SELF), Control(StopRequest(), lambda n: None))
    assert path.stat().st_mtime_ns == before


def test_rows_that_no_count_vouches_for_are_written_again(begun, reference, inputs, models):
    output, path = begun(2)
    with edited(path) as file:
        for name in ANSWERS:
            rows = file["recoveries"][name]
            rows[60:100] = ~rows[60:100]
    work(campaign_on(inputs, output, models))
    assert content(path) == content(reference[0])


def test_the_time_of_the_injections_adds_up_over_the_stops(begun, inputs, models):
    output, path = begun(3)
    with edited(path) as file:
        file.attrs.modify("seconds_inject", np.float64(1000))
        before = {stage: file.attrs[f"seconds_{stage}"] for stage in Stage}
    work(campaign_on(inputs, output, models))
    with h5py.File(path) as file:
        after = {stage: file.attrs[f"seconds_{stage}"] for stage in Stage}
    assert 1000 < after.pop("inject") < 1120
    assert before.pop("inject") == 1000
    assert after == before


@pytest.mark.parametrize("state", [0, 1, 4])
def test_a_begun_light_curve_needs_its_fits_file_no_more(begun, reference, models, tmp_path, state):
    output, path = begun(state)
    (tmp_path / "empty").mkdir()
    work(campaign_on(tmp_path / "empty", output, models))
    assert content(path) == content(reference[0])


# ----------------------------------------------------------------- files of format version 1


@pytest.fixture
def begun_in_version_1(begun, inputs, models):
    """The same with a file of that format, as a job made it that knew one search."""

    def make(state):
        output, path = begun(state)
        content = SectorContent.read(path)
        provenance = campaign_on(inputs, output, models)._provenance
        write_version_1(path, content.data, provenance)
        if content.checkpoint is Stage.MODEL:
            done = content.recovery.n_done
            with RecoveryWriter(path) as writer:
                writer.write_rows(slice(0, done), content.recovery.recovered)
                writer.count_down(N_INJECT - done, 1.0)
        assert read_progress(path).format_version == 1
        return output, path

    return make


@pytest.mark.parametrize("state", range(1, N_STATES))
def test_a_file_of_version_1_with_injections_is_finished_as_one(
    begun_in_version_1, reference, inputs, models, state
):
    output, path = begun_in_version_1(state)
    before = content(path)
    _, reported = work(campaign_on(inputs, output, models))
    assert reported == COUNTS[state - 1] * N_REPEAT
    progress = read_progress(path)
    assert (progress.format_version, progress.done) == (1, True)
    verify_sector_file(path)
    after = content(path)
    written = {"recoveries/recovered", "recoveries/checksum", "recoveries@n_inject_remaining"}
    assert {n: v for n, v in after.items() if n not in written} == {
        n: v for n, v in before.items() if n not in written
    }
    assert after["recoveries/recovered"] == content(reference[0])["recoveries/recovered"]


def test_a_file_of_version_1_before_the_model_goes_on_as_a_new_one(
    begun_in_version_1, reference, inputs, models
):
    output, path = begun_in_version_1(0)
    work(campaign_on(inputs, output, models))
    assert content(path) == content(reference[0])


@pytest.mark.parametrize("state", [0, 2])
@pytest.mark.parametrize(
    ("setting", "refused"),
    [("significance.min_snr=6", False), ("detect.search=either", False), ("seed=8", True)],
)
def test_settings_that_version_1_did_not_have_are_no_difference(
    begun_in_version_1, inputs, models, state, setting, refused
):
    output, path = begun_in_version_1(state)
    campaign = campaign_on(inputs, output, models, setting)
    if refused:
        with pytest.raises(SectorFileError, match="another configuration"):
            work(campaign)
    else:
        work(campaign)
    assert read_progress(path).done is not refused


# ----------------------------------------------------------------- what is not gone on with


@pytest.mark.parametrize("setting", ["inject.n_repeat=2", "seed=8", "significance.min_snr=6"])
def test_another_configuration_is_refused_with_the_difference(begun, inputs, models, setting):
    output, path = begun(3)
    before = path.read_bytes()
    changed = campaign_on(inputs, output, models, setting)
    with pytest.raises(SectorFileError, match=r"another configuration \(.* -> .*\)") as caught:
        changed.work(the_unit(inputs), Team(MPI.COMM_SELF), Control(StopRequest(), lambda n: None))
    assert setting.partition("=")[0] in str(caught.value)
    assert path.read_bytes() == before


def test_a_damaged_file_is_kept_and_its_light_curve_starts_anew(begun, reference, inputs, models):
    output, path = begun(3)
    damaged = path.read_bytes()[:50_000]
    path.write_bytes(damaged)
    result, reported = work(campaign_on(inputs, output, models))
    assert content(path) == content(reference[0])
    kept = path.with_name(f"{path.name}.damaged")
    assert kept.read_bytes() == damaged
    assert kept.name in result["note"]
    assert str(path) in result["note"]
    assert reported == N_INJECT * N_REPEAT


def test_a_damaged_file_without_fits_fails_each_time_and_is_never_forgotten(
    begun, models, tmp_path
):
    output, path = begun(3)
    path.write_bytes(path.read_bytes()[:50_000])
    (tmp_path / "empty").mkdir()
    for _ in range(2):
        with pytest.raises(LightCurveError, match="FITS file is needed again"):
            work(campaign_on(tmp_path / "empty", output, models))


def test_a_damaged_file_whose_fits_is_in_the_archive_makes_way_for_the_next_attempt(
    begun, reference, inputs, models
):
    output, path = begun(3)
    path.write_bytes(path.read_bytes()[:50_000])
    campaign = campaign_on(inputs, output, models)
    unit = the_unit(inputs)
    fetched = replace(unit.content, product=product_of(FIRST_TIC, 1))
    not_there = replace(unit, content=replace(fetched, path=None))
    with pytest.raises(LightCurveError, match=r"kept as .*\.damaged, .* fetched again"):
        campaign.work(not_there, Team(MPI.COMM_SELF), Control(StopRequest(), lambda n: None))
    assert not path.exists()
    there = replace(unit, content=fetched)
    campaign.work(there, Team(MPI.COMM_SELF), Control(StopRequest(), lambda n: None))
    assert content(path) == content(reference[0])


# ----------------------------------------------------------------- another detector


def test_the_stages_work_with_any_detector(inputs, tmp_path):
    campaign = campaign_with(BrightnessDetector(), inputs, tmp_path / "output")
    assert work(campaign)[1] == N_INJECT * N_REPEAT
    path = the_file(tmp_path / "output")
    progress, data = read_progress(path), read_sector_data(path)
    assert progress.models_checksum == BrightnessDetector.checksum
    assert progress.done
    # it looks at all usable cadences, also beside gaps and at the ends
    usable = data.light_curve.usable(load(None).light_curve.quality_bitmask)
    np.testing.assert_array_equal(np.isfinite(data.probability), usable)
    assert set(data.probability[usable]) == {0, 1}
    with h5py.File(path) as file:
        assert 0.1 < np.mean(file["recoveries/recovered"]) < 0.9


# ----------------------------------------------------------------- teams


@pytest.fixture(scope="module")
def alone(models, tmp_path_factory):
    """Input and output of a run of rank 0 alone, with which the others compare."""
    if not h5py.get_config().mpi:
        pytest.skip("this h5py has no parallel HDF5")
    directory = tmp_path_factory.mktemp("alone")
    if MPI.COMM_WORLD.Get_rank() == 0:
        simulate(directory / "input", 1)
        work(campaign_on(directory / "input", directory / "output", models))
    directory = MPI.COMM_WORLD.bcast(directory)
    return directory / "input", directory / "output"


@mpi
@pytest.mark.parametrize(
    ("remaining", "interval"),
    [("everything", "1e-9"), ("everything", "5"), ("gp", "5"), (130, "1e-9"), (10, "5")],
)
def test_a_team_of_any_size_makes_the_same_file(mpi_tmp_path, alone, models, remaining, interval):
    """From any state."""
    world = MPI.COMM_WORLD
    inputs, output = alone
    together = mpi_tmp_path / "together"
    if world.Get_rank() == 0 and remaining != "everything":
        shutil.copytree(output, together)
        rewind(the_file(together), None if remaining == "gp" else remaining)
    world.Barrier()
    campaign = campaign_on(inputs, together, models, f"checkpoint.interval={interval}")
    unit = the_unit(inputs)
    reports = []
    campaign.work(unit, Team(world), Control(StopRequest(), reports.append))
    world.Barrier()
    n_remaining = remaining if isinstance(remaining, int) else N_INJECT
    assert sum(reports) == (n_remaining * N_REPEAT if world.Get_rank() == 0 else 0)
    assert content(the_file(together)) == content(the_file(output))
    world.Barrier()


@mpi
@pytest.mark.parametrize("bad", ["first", "last"])
def test_a_failure_of_one_member_is_raised_by_all_and_costs_no_rows(
    mpi_tmp_path, alone, models, bad, monkeypatch
):
    world = MPI.COMM_WORLD
    failing = {"first": 0, "last": world.Get_size() - 1}[bad]
    inputs, output = alone
    together = mpi_tmp_path / "together"
    if world.Get_rank() == 0:
        shutil.copytree(output, together)
        rewind(the_file(together), 130)
    world.Barrier()
    campaign = campaign_on(inputs, together, models)
    unit = the_unit(campaign.inputs)
    world.Barrier()
    recovered = InjectionSearch.recovered

    def fail(self, injections, ids):
        if world.Get_rank() == failing:
            raise MemoryError("of this node")
        return recovered(self, injections, ids)

    with monkeypatch.context() as patch:
        patch.setattr(InjectionSearch, "recovered", fail)
        with pytest.raises((MemoryError, CvzmpiError)) as caught:
            # the one that fails takes a ticket, or there is none left for it and nobody fails
            campaign.work(unit, _Patient(world, failing), Control(StopRequest(), lambda n: None))
    if world.Get_rank() == failing:
        assert isinstance(caught.value, MemoryError)
    else:
        assert isinstance(caught.value, TeamMateError)
        assert f"MemoryError: of this node (rank 0, member {failing} on " in str(caught.value)
    world.Barrier()
    assert read_progress(the_file(together)).n_inject_remaining == 130
    world.Barrier()
    campaign.work(unit, Team(world), Control(StopRequest(), lambda n: None))
    world.Barrier()
    assert content(the_file(together)) == content(the_file(output))
    world.Barrier()


class _Patient(Team):
    """A team in which one member takes its first ticket before the others."""

    def __init__(self, communicator, first):
        super().__init__(communicator)
        self._first = first

    def tickets(self, first, last):
        tickets = super().tickets(first, last)
        mine = iter(tickets)
        taken = [next(mine)] if self.rank == self._first else []
        self.communicator.Barrier()
        return _Begun(tickets, taken, mine)


class _Begun:
    def __init__(self, tickets, taken, rest):
        self._tickets, self._taken, self._rest = tickets, taken, rest
        self.taken = tickets.taken
        self.close = tickets.close

    def __iter__(self):
        yield from self._taken
        yield from self._rest
