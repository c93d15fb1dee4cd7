"""In every mode of the inversion: killed anywhere, and gone on with by others, the same bits.

`make torture-inversion` does the same with whole jobs, at random instants.
"""

import os
import signal

import pytest
from mpi4py import MPI

from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.inversion.calcium_maps import work_on_map
from cvzmpi.level2.inversion.map_inversion import Tools
from cvzmpi.level2.maps.simulated_map import simulate_prepared
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team
from cvzmpi.scheduler.campaign import Control
from cvzmpi.storage import checkpoint_file
from tests.level2.simulated_calcium import simulate_prepared_calcium
from tests.mpi_marks import one_or_all
from tools.harness.hdf5_content import content
from tools.harness.invented_programs import WAVELENGTH
from tools.harness.inversion_modes import MODES, settings_of

SHAPE = (3, 5)  # a ticket is a scan position


@pytest.fixture(scope="module")
def team():
    return Team(MPI.COMM_WORLD.Dup())


@pytest.fixture(scope="module")
def prepared(team, tmp_path_factory):
    return team.lead(
        lambda: simulate_prepared(
            tmp_path_factory.mktemp("prepared"), "map", SHAPE, wavelength=WAVELENGTH
        )[0]
    )


def invert(settings, prepared, path, team, fsync=False):
    tools = Tools(InversionSettings(**settings), {}, checkpoint_interval=0.0, fsync=fsync)
    work_on_map(tools, prepared, path, team, Control(StopRequest(), lambda steps: None))


def killed_at(n, settings, prepared, path):
    """Invert in another process, which dies in place of making something durable the n-th time.

    Each checkpoint does so twice: for the rows, and for the count of them.

    Returns
    -------
    bool
        Whether it came so far.
    """
    child = os.fork()
    if child == 0:
        left = n

        def synchronise(path):
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        checkpoint_file.synchronise = synchronise
        try:
            invert(settings, prepared, path, Team.alone(), fsync=True)
        finally:
            os._exit(0)  # nothing of the process that tests runs twice
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def at_each_instant(settings, prepared, directory, team):
    """Contents of the files of runs killed at each instant, finished by the team."""
    n, died = 0, True
    while died:
        n += 1
        path = directory / f"killed_{n}.inverted.h5"
        died = team.lead(lambda at=n, path=path: killed_at(at, settings, prepared, path))
        if died:
            assert not inversion_file.read_progress(path).done or n % 2 == 0
            invert(settings, prepared, path, team)
            yield content(path)


def check_each_kill(settings, prepared, directory, team):
    def undisturbed():
        path = directory / "undisturbed.inverted.h5"
        invert(settings, prepared, path, Team.alone())
        return content(path)

    expected = team.lead(undisturbed)
    n_kills = 0
    for finished in at_each_instant(settings, prepared, directory, team):
        assert finished == expected
        n_kills += 1
    n_sweeps = InversionSettings(**settings).n_sweeps
    assert n_kills == 6 * (1 + n_sweeps)  # three tickets, of which each is a checkpoint


@pytest.mark.parametrize("mode", MODES)
@one_or_all
def test_killed_at_each_checkpoint_the_map_is_that_of_an_undisturbed_run(
    team, tmp_path, prepared, mode, kind
):
    directory = team.lead(lambda: tmp_path)
    settings = team.lead(lambda: settings_of(mode, directory))
    check_each_kill(settings, prepared, directory, team)


@one_or_all
def test_so_is_a_map_of_calcium(team, tmp_path, kind):
    directory = team.lead(lambda: tmp_path)
    prepared = team.lead(lambda: simulate_prepared_calcium(directory, "map", SHAPE))
    check_each_kill({}, prepared, directory, team)
