"""The job, with a toy campaign: each unit once, a failure costs one unit, and nothing hangs."""

import errno
import io
import os
import socket
import time
from itertools import chain

import pytest
from mpi4py import MPI

from cvzmpi.errors import ConfigError, FileInUseError, LightCurveError
from cvzmpi.messages.wording import counted
from cvzmpi.mpi.launch import World
from cvzmpi.mpi.stopping import DEFECT
from cvzmpi.scheduler import job
from cvzmpi.scheduler.campaign import Outcome, Remainder, Unit
from cvzmpi.scheduler.progress import ProgressDisplay
from cvzmpi.scheduler.schedule import Schedule
from cvzmpi.storage.file_lock import FileLock
from tests.mpi_marks import mpi
from tests.scheduler.scripted_campaign import STEPS, ScriptedCampaign, some_units
from tools.harness.job_process import run

alone_or_with_all = pytest.mark.parametrize("kind", ["alone", pytest.param("all", marks=mpi)])


def work_through(campaign, ranks_per_team=1):
    """Run a job; how it ended (on rank 0), what the ranks worked on, and the log of rank 0."""
    world = World(MPI.COMM_WORLD)
    log = io.StringIO()
    display = ProgressDisplay("unit", campaign.step_name, log)
    result = job.run(campaign, world, display, ranks_per_team)
    assert (result is not None) == (world.rank == 0)
    worked = world.communicator.allgather(campaign.worked)
    return result, worked, log.getvalue()


@alone_or_with_all
@pytest.mark.parametrize("n_units", [0, 1, 23])
@pytest.mark.parametrize("ranks_per_team", [1, 2, 4])
def test_each_unit_is_worked_on_exactly_once_by_all_members_of_one_team(
    tmp_path, kind, n_units, ranks_per_team
):
    campaign = ScriptedCampaign(tmp_path, some_units(n_units), n_done=2)
    result, worked, log = work_through(campaign, ranks_per_team)

    visits = {}
    for unit, team, size, member in chain.from_iterable(worked):
        visits.setdefault(unit, []).append((team, size, member))
    assert sorted(visits) == sorted(unit.name for unit in campaign.units)
    for members in visits.values():
        team, size, _ = members[0]
        assert sorted(members) == [(team, size, member) for member in range(size)]
    if len(worked) > 1:
        assert worked[0] == [], "rank 0 schedules and does no work of its own"
    if result is not None:
        assert sorted(o.unit for o in result.done) == sorted(u.name for u in campaign.units)
        assert {o.unit: o.result["content"] for o in result.done} == {
            unit.name: unit.content for unit in campaign.units
        }
        assert result.failed == []
        assert result.complete
        assert f"{n_units + 2} units: 2 done before" in log
        assert f"{counted(n_units, 'unit')} done in " in log
        assert f", {n_units * STEPS} steps" in log


@alone_or_with_all
def test_only_rank_0_looks_for_work_and_only_workers_prepare(tmp_path, kind):
    campaign = ScriptedCampaign(tmp_path, some_units(3))
    work_through(campaign)
    world = World(MPI.COMM_WORLD)
    assert campaign.n_opened == (world.rank == 0)
    assert campaign.n_prepared == (world.rank > 0 or world.size == 1)


@alone_or_with_all
def test_a_team_works_in_the_order_of_the_schedule(tmp_path, kind):
    units = [Unit("short", 1), Unit("long", 9), Unit("begun", 0.1, begun=True)]
    everybody = MPI.COMM_WORLD.Get_size()
    _, worked, _ = work_through(ScriptedCampaign(tmp_path, units), ranks_per_team=everybody)
    assert [unit for unit, *_ in worked[-1]] == ["begun", "long", "short"]


@alone_or_with_all
def test_a_failure_costs_one_unit_and_says_where_it_was(tmp_path, kind):
    failing = {"unit-1": (0, LightCurveError("too few\ncadences")), "unit-3": (0, KeyError("x"))}
    result, worked, log = work_through(ScriptedCampaign(tmp_path, some_units(6), failing))
    assert sum(len(units) for units in worked) == 6
    if result is None:
        return
    assert sorted(o.unit for o in result.done) == ["unit-0", "unit-2", "unit-4", "unit-5"]
    errors = {outcome.unit: outcome.error for outcome in result.failed}
    assert sorted(errors) == ["unit-1", "unit-3"]
    host = socket.gethostname()
    assert errors["unit-1"].startswith("too few cadences (rank ")
    assert errors["unit-1"].endswith(f" on {host})")
    # a defect names its type and the line that raised it
    assert errors["unit-3"].startswith("KeyError: 'x' [team.py:")
    assert log.count("failed unit-") == 2
    assert "4 units done in " in log
    assert ", 2 failed, " in log


@alone_or_with_all
def test_what_the_machine_is_at_fault_for_puts_a_unit_off(tmp_path, kind):
    full = LightCurveError("cannot be written")
    full.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    failing = {"unit-1": (0, full), "unit-3": (0, FileInUseError("open elsewhere"))}
    result, worked, log = work_through(ScriptedCampaign(tmp_path, some_units(6), failing))
    assert sum(len(units) for units in worked) == 6
    if result is None:
        return
    assert sorted(o.unit for o in result.done) == ["unit-0", "unit-2", "unit-4", "unit-5"]
    assert (result.failed, result.complete) == ([], False)
    assert {o.unit: o.machine_fault for o in result.unfinished} == {"unit-1": True, "unit-3": False}
    assert log.count("is not finished: ") == 2


@alone_or_with_all
def test_a_job_ends_when_more_units_meet_a_fault_of_the_machine_than_are_done(tmp_path, kind):
    full = OSError(errno.ENOSPC, "No space left on device")
    failing = {unit.name: (0, full) for unit in some_units(100)}
    result, worked, log = work_through(ScriptedCampaign(tmp_path, some_units(100), failing))
    assert sum(len(units) for units in worked) < 20
    if result is not None:
        assert (result.failed, result.done, result.complete) == ([], [], False)
        assert "units were put off: " in log


@mpi
def test_a_fault_of_the_machine_that_a_helper_meets_puts_the_unit_off(tmp_path):
    everybody = MPI.COMM_WORLD.Get_size() - 1
    if everybody < 2:
        pytest.skip("a team of two needs three ranks")
    failing = {"unit-1": (everybody - 1, OSError(errno.EDQUOT, "Disk quota exceeded"))}
    result, _, _ = work_through(ScriptedCampaign(tmp_path, some_units(3), failing), everybody)
    if result is not None:
        (outcome,) = result.unfinished
        assert (outcome.unit, outcome.machine_fault, result.failed) == ("unit-1", True, [])
        assert "Disk quota exceeded" in outcome.unfinished


@mpi
def test_the_failure_of_a_helper_is_told_with_its_rank_and_costs_one_unit(tmp_path):
    everybody = MPI.COMM_WORLD.Get_size() - 1
    if everybody < 2:
        pytest.skip("a team of two needs three ranks")
    failing = {"unit-1": (everybody - 1, LightCurveError("no memory left"))}
    result, worked, _ = work_through(ScriptedCampaign(tmp_path, some_units(3), failing), everybody)
    assert [len(units) for units in worked] == [0] + [3] * everybody
    if result is not None:
        (outcome,) = result.failed
        assert outcome.unit == "unit-1"
        host = socket.gethostname()
        where = f"(rank 1, member {everybody - 1} on {host})"
        assert outcome.error == f"LightCurveError: no memory left {where}"


@alone_or_with_all
@pytest.mark.parametrize("ranks_per_team", [1, 2])
def test_a_signal_to_any_rank_stops_all_teams_and_nothing_new_is_begun(
    tmp_path, kind, ranks_per_team
):
    world = World(MPI.COMM_WORLD)
    n_workers = max(world.size - 1, 1)
    n_teams = -(-n_workers // ranks_per_team)
    # every team works until it is told to stop; the last member of one of them gets the signal
    campaign = ScriptedCampaign(tmp_path, some_units(20))
    campaign.signalling = {"unit-0": min(ranks_per_team, n_workers) - 1}
    result, worked, log = work_through(campaign, ranks_per_team)
    begun = {unit for unit, *_ in chain.from_iterable(worked)}
    assert len(begun) <= n_teams
    if result is not None:
        assert not result.complete
        assert {outcome.unit for outcome in result.unfinished} == begun
        assert (result.done, result.failed) == ([], [])
        assert "stopping at the next checkpoint: " in log
        assert "20 not finished, run it again" in log


@alone_or_with_all
def test_a_unit_that_another_job_has_is_left_to_it(tmp_path, kind):
    campaign = ScriptedCampaign(tmp_path, some_units(4))
    campaign.locks = MPI.COMM_WORLD.bcast(campaign.locks)
    held = FileLock.take(campaign.locks / "unit-2") if MPI.COMM_WORLD.Get_rank() == 0 else None
    MPI.COMM_WORLD.Barrier()
    result, worked, log = work_through(campaign)
    assert "unit-2" not in {unit for unit, *_ in chain.from_iterable(worked)}
    if result is not None:
        assert held is not None
        assert [outcome.unit for outcome in result.unfinished] == ["unit-2"]
        assert len(result.done) == 3
        file = campaign.locks / "unit-2"
        assert f"unit-2 is not finished: {file} is held by process {os.getpid()} on " in log


class SlowSource(Schedule):
    """Units that get ready one by one, some time after the last ended; another never does."""

    def __init__(self, units):
        super().__init__(units, steps_per_unit=STEPS)
        self.ready_at = time.monotonic() + 0.2
        self.dropped = [Outcome("lost", "no such file in the archive")]
        self.heard = []

    def next(self):
        if time.monotonic() < self.ready_at:
            return None
        self.ready_at = time.monotonic() + 0.1
        return super().next()

    def exhausted(self):
        return super().exhausted() and not self.dropped

    def began(self, unit, worker):
        self.heard.append(("began", unit.name, worker))

    def ended(self, outcome):
        self.heard.append(("ended", outcome.unit))

    def attend(self):
        ended, self.dropped = self.dropped, []
        return ended

    def status(self):
        return "all is slow"

    def close(self, stopped):
        self.heard.append(("closed", stopped))


@alone_or_with_all
def test_teams_wait_for_units_that_get_ready_while_the_job_runs(tmp_path, kind):
    units = some_units(4)
    campaign = ScriptedCampaign(tmp_path, units, source=SlowSource(units))
    result, worked, log = work_through(campaign)
    assert sum(len(units) for units in worked) == 4
    if result is None:
        return
    assert result.complete
    assert [outcome.unit for outcome in result.failed] == ["lost"]
    assert "failed lost: no such file in the archive" in log
    heard = campaign.source.heard
    workers = {worker for what, *_, worker in heard if what == "began"}
    assert {worker.host for worker in workers} == {socket.gethostname()}
    assert {worker.rank for worker in workers} <= set(range(min(1, len(worked) - 1), len(worked)))
    assert [what for what, *_ in heard].count("ended") == 4
    assert heard[-1] == ("closed", None)


@alone_or_with_all
def test_a_job_that_stops_does_not_wait_for_units_that_are_not_ready(tmp_path, kind):
    everybody = MPI.COMM_WORLD.Get_size()
    source = SlowSource(some_units(2))
    campaign = ScriptedCampaign(tmp_path, [], source=source, signalling={"unit-0": 0})
    result, worked, _ = work_through(campaign, ranks_per_team=everybody)
    assert {unit for unit, *_ in chain.from_iterable(worked)} == {"unit-0"}
    if result is not None:
        assert not result.complete
        assert source.heard[-1] == ("closed", "SIGUSR1")


class SharedSource(Schedule):
    """Units some of which others have, or had."""

    def __init__(self, units, remainder):
        super().__init__(units, steps_per_unit=STEPS)
        self.remainder = remainder

    def close(self, stopped):
        return self.remainder


OTHERS = [Outcome("2 more", unfinished="job 7 on n042 has them, and lives")]


@pytest.mark.parametrize(
    ("remainder", "said", "complete", "n_failed"),
    [
        (Remainder(0), "3 units done in ", True, 0),
        (Remainder(2, with_others=OTHERS), "2 more is not finished: job 7 on n042", False, 0),
        (Remainder(0, with_others=OTHERS), "3 units done in ", True, 0),
        (Remainder(2), "2 more is not finished: no job has them", False, 0),
        (Remainder(0, failed=[Outcome("x", error="no flux")]), "failed x: no flux", True, 1),
    ],
)
def test_what_is_left_in_the_end_is_what_the_source_sees_then(
    tmp_path, remainder, said, complete, n_failed
):
    units = some_units(3)
    campaign = ScriptedCampaign(tmp_path, units, source=SharedSource(units, remainder))
    result, _, log = work_through(campaign)
    assert (result.complete, len(result.failed)) == (complete, n_failed)
    assert said in log
    left = f"; {remainder.n_open} not finished, run it again"
    assert (left in log.splitlines()[-1]) == (remainder.n_open > 0)


@alone_or_with_all
def test_an_error_in_finding_the_work_is_raised_on_all_ranks(tmp_path, kind):
    campaign = ScriptedCampaign(
        tmp_path, some_units(3), source_error=ConfigError("nowhere: no such directory")
    )
    with pytest.raises(ConfigError, match="nowhere: no such directory"):
        work_through(campaign)
    assert campaign.worked == []


# ----------------------------------------------------------------- real processes

PATCHED = """
import sys
from pathlib import Path
from cvzmpi.cvz.work.campaign import CvzCampaign
from cvzmpi.scheduler.campaign import Unit
from cvzmpi.scheduler.schedule import Schedule
from cvzmpi.errors import LightCurveError
CvzCampaign.begin = classmethod(lambda cls, *given: CvzCampaign.__new__(cls))
CvzCampaign.prepare = lambda self: None
UNITS = [Unit(str(n), 1.0) for n in range(4)]
CvzCampaign.open_source = lambda self: Schedule(UNITS)
CvzCampaign.lock_file = lambda self, unit: Path(f"{{unit.name}}.claim")
CvzCampaign.progress = lambda self, unit: 0
def work(self, unit, team, control):
    with team.shared_array((1000,), int):
        self.meet()
        team.agree()
    return {{}}
CvzCampaign.work = work
CvzCampaign.meet = lambda self: None
def fail(*arguments):
    from mpi4py import MPI
    if MPI.COMM_WORLD.rank == {rank}:
        raise {error}
CvzCampaign.{method} = fail
sys.argv = ["cvzmpi", "run", "--input", ".", "--output", ".", *{settings}]
from cvzmpi.cli import main
main()
"""


def run_with(tmp_path, ranks, *, settings=(), **broken):
    program = ["-c", PATCHED.format(settings=settings, **broken)]
    return run([], ranks=ranks, cwd=tmp_path, timeout=60, program=program)


@pytest.mark.parametrize(("rank", "method"), [(0, "open_source"), (2, "prepare")])
def test_a_defect_on_one_rank_ends_the_job_with_its_traceback(tmp_path, rank, method):
    ended = run_with(tmp_path, 3, rank=rank, method=method, error="IndexError('a defect')")
    assert ended.status not in (0, 2)
    assert "IndexError: a defect" in ended.stderr


def test_an_error_for_the_user_on_a_worker_ends_the_job_and_is_told(tmp_path):
    ended = run_with(
        tmp_path,
        3,
        rank=2,
        method="prepare",
        error="LightCurveError('not on this node')",
    )
    assert ended.status != 0
    assert "not on this node" in ended.stderr


@pytest.mark.parametrize("leader_or_helper", [1, 2])
def test_an_error_that_the_rest_of_the_team_does_not_know_of_ends_the_job(
    tmp_path, leader_or_helper
):
    """The others wait in what is collective: for the failed rank, and with it for shared memory."""
    ended = run_with(
        tmp_path,
        3,
        rank=leader_or_helper,
        method="meet",
        error="MemoryError('of this node')",
        settings=("--set", "ranks_per_team=2"),
    )
    assert ended.status == DEFECT
    assert "MemoryError: of this node" in ended.stderr
    (line,) = ended.complaints
    member = leader_or_helper - 1
    assert line.startswith("cvzmpi: the job ends: MemoryError: of this node (rank 1, member ")
    assert f"member {member} on {socket.gethostname()})" in line


def test_the_same_job_without_the_defect_ends_well(tmp_path):
    ended = run_with(tmp_path, 3, rank=-1, method="prepare", error="ValueError")
    assert ended.status == 0, ended.stderr
    assert "4 light curves done in" in ended.stderr
