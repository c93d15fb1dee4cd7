"""The inversion in bulk as the engine sees it, and as real jobs."""

import random
import time

import h5py
import numpy as np
import pytest

from cvzmpi.errors import MapFileError
from cvzmpi.level2.inversion.campaigns import MapCampaign, find_prepared
from cvzmpi.level2.maps.map_names import INVERTED_SUFFIX
from cvzmpi.level2.maps.simulated_map import simulate_prepared
from cvzmpi.level2.settings import InversionSettings
from tools.harness.hdf5_content import contents
from tools.harness.job_process import kill, run, start

SHAPES = {"small": (2, 40), "large": (3, 70)}
N_PIXELS = 290
WAVELENGTH = 630.08 + 0.0039 * np.arange(63)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    directory = tmp_path_factory.mktemp("prepared")
    for seed, (name, shape) in enumerate(SHAPES.items()):
        simulate_prepared(directory, name, shape, seed, WAVELENGTH)
    return directory


@pytest.fixture(scope="module")
def finished(prepared, tmp_path_factory):
    """What one rank makes."""
    output = tmp_path_factory.mktemp("one") / "output"
    ended = run(command(prepared, output))
    assert ended.status == 0, ended.stderr
    assert f"0 failed, {N_PIXELS} pixels" in ended.stderr
    return contents(output)


def command(prepared, output, ranks_per_team=1, interval=0.05):
    return [
        *("level2", "invert", prepared, "--output", output),
        *("--ranks-per-team", ranks_per_team, "--interval", interval),
    ]


def campaign(prepared, output, **settings):
    return MapCampaign(find_prepared(prepared), output, InversionSettings(**settings))


# ----------------------------------------------------------------- what there is to do


def test_new_maps_are_to_be_begun(prepared, tmp_path):
    source = campaign(prepared, tmp_path / "output").open_source()
    assert {unit.name: (unit.cost, unit.begun) for unit in iter(source.next, None)} == {
        "small": (80, False),
        "large": (210, False),
    }
    assert source.overview().steps_per_unit == 145
    assert not (tmp_path / "output").exists(), "looking for work leaves nothing"


def test_a_map_that_cannot_be_read_is_rejected_and_the_others_are_worked_on(prepared, tmp_path):
    for path in prepared.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "bad.prepared.h5").write_bytes(b"no HDF5")
    work = campaign(tmp_path, tmp_path / "output").open_source().overview()
    assert [outcome.unit for outcome in work.rejected] == ["bad"]
    assert work.n_open == 2


def test_a_directory_without_maps_is_an_error(tmp_path):
    with pytest.raises(MapFileError, match="no prepared map"):
        find_prepared(tmp_path)


# ----------------------------------------------------------------- real jobs


@pytest.mark.parametrize(("ranks", "ranks_per_team"), [(2, 1), (4, 1), (5, 4)])
def test_any_number_of_ranks_makes_the_same_maps(
    prepared, finished, tmp_path, ranks, ranks_per_team
):
    ended = run(command(prepared, tmp_path / "output", ranks_per_team), ranks=ranks)
    assert ended.status == 0, ended.stderr
    assert contents(tmp_path / "output") == finished


def test_a_finished_campaign_has_nothing_to_do(prepared, finished, tmp_path):
    output = tmp_path / "output"
    run(command(prepared, output))
    work = campaign(prepared, output).open_source().overview()
    assert (work.n_open, work.n_done) == (0, 2)
    others = campaign(prepared, output, noise=0.5).open_source().overview()
    assert others.rejected, "other settings"


def test_a_job_killed_again_and_again_makes_the_same_maps(prepared, finished, tmp_path):
    output = tmp_path / "output"
    chance = random.Random(5)
    n_killed = 0
    while n_killed < 2:
        before = pixels_done(output)
        job = start(command(prepared, output, 2), ranks=3)
        # Somewhere after the first new checkpoint: each job gets further, and is killed.
        target = before + chance.randrange(1, 60)
        while pixels_done(output) < target and job.poll() is None:
            time.sleep(0.002)
        if job.poll() is not None:
            job.communicate()
            break
        kill(job)
        n_killed += 1
        assert list(output.rglob("*.damaged*")) == []
    ended = run(command(prepared, output, 2), ranks=3)
    assert ended.status == 0, ended.stderr
    assert n_killed == 2
    assert contents(output) == finished


def pixels_done(output):
    """Pixels that have a status, vouched for or not."""
    total = 0
    for path in output.glob(f"*{INVERTED_SUFFIX}"):
        with h5py.File(path, "r", locking=False) as file:
            total += int((file["status"][()] > 0).sum())
    return total
