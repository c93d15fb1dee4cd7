"""The job, with a toy campaign: each unit once, a failure costs one unit, and nothing hangs."""

import io
import socket
from itertools import chain

import pytest
from main_job import run
from mpi4py import MPI
from toy_campaign import STEPS, ToyCampaign, toy_units

from cvzmpi.engine import job
from cvzmpi.engine.campaign import Unit
from cvzmpi.engine.claim import Claim
from cvzmpi.engine.launch import World
from cvzmpi.engine.progress import ProgressDisplay
from cvzmpi.errors import ConfigError, LightCurveError

mpi = pytest.mark.mpi(min_size=2)
alone_or_with_all = pytest.mark.parametrize("kind", ["alone", pytest.param("all", marks=mpi)])


def work_through(campaign, ranks_per_team=1):
    """Run a job; how it ended (on rank 0), what the ranks worked on, and the log of rank 0."""
    world = World(MPI.COMM_WORLD)
    log = io.StringIO()
    display = ProgressDisplay("units", campaign.step_name, log)
    schedule = job.run(campaign, world, job.JobLimits(ranks_per_team), display)
    assert (schedule is not None) == (world.rank == 0)
    worked = world.communicator.allgather(campaign.worked)
    return schedule, worked, log.getvalue()


@alone_or_with_all
@pytest.mark.parametrize("n_units", [0, 1, 23])
@pytest.mark.parametrize("ranks_per_team", [1, 2, 4])
def test_each_unit_is_worked_on_exactly_once_by_all_members_of_one_team(
    kind, n_units, ranks_per_team
):
    campaign = ToyCampaign(toy_units(n_units), n_done=2)
    schedule, worked, log = work_through(campaign, ranks_per_team)

    visits = {}
    for unit, team, size, member in chain.from_iterable(worked):
        visits.setdefault(unit, []).append((team, size, member))
    assert sorted(visits) == sorted(unit.name for unit in campaign.units)
    for members in visits.values():
        team, size, _ = members[0]
        assert sorted(members) == [(team, size, member) for member in range(size)]
    if len(worked) > 1:
        assert worked[0] == [], "rank 0 schedules and does no work of its own"
    if schedule is not None:
        assert sorted(o.unit for o in schedule.done) == sorted(u.name for u in campaign.units)
        assert {o.unit: o.result["content"] for o in schedule.done} == {
            unit.name: unit.content for unit in campaign.units
        }
        assert (schedule.failed, schedule.n_waiting) == ([], 0)
        assert f"{n_units + 2} units: 2 done before" in log
        assert f"{n_units} units done in " in log
        assert f", {n_units * STEPS} steps" in log


@alone_or_with_all
def test_only_rank_0_looks_for_work_and_only_workers_prepare(kind):
    campaign = ToyCampaign(toy_units(3))
    work_through(campaign)
    world = World(MPI.COMM_WORLD)
    assert campaign.n_found == (world.rank == 0)
    assert campaign.n_prepared == (world.rank > 0 or world.size == 1)


@alone_or_with_all
def test_a_team_works_in_the_order_of_the_schedule(kind):
    units = [Unit("short", 1), Unit("long", 9), Unit("begun", 0.1, begun=True)]
    everybody = MPI.COMM_WORLD.Get_size()
    _, worked, _ = work_through(ToyCampaign(units), ranks_per_team=everybody)
    assert [unit for unit, *_ in worked[-1]] == ["begun", "long", "short"]


@alone_or_with_all
def test_a_failure_costs_one_unit_and_says_where_it_was(kind):
    failing = {"unit-1": (0, LightCurveError("too few\ncadences")), "unit-3": (0, KeyError("x"))}
    schedule, worked, log = work_through(ToyCampaign(toy_units(6), failing))
    assert sum(len(units) for units in worked) == 6
    if schedule is None:
        return
    assert sorted(o.unit for o in schedule.done) == ["unit-0", "unit-2", "unit-4", "unit-5"]
    errors = {outcome.unit: outcome.error for outcome in schedule.failed}
    assert sorted(errors) == ["unit-1", "unit-3"]
    host = socket.gethostname()
    assert errors["unit-1"].startswith("too few cadences (rank ")
    assert errors["unit-1"].endswith(f" on {host})")
    # a defect names its type and the line that raised it
    assert errors["unit-3"].startswith("KeyError: 'x' [team.py:")
    assert log.count("failed unit-") == 2
    assert "4 units done in " in log
    assert ", 2 failed, " in log


@mpi
def test_the_failure_of_a_helper_is_told_with_its_rank_and_costs_one_unit():
    everybody = MPI.COMM_WORLD.Get_size() - 1
    if everybody < 2:
        pytest.skip("a team of two needs three ranks")
    failing = {"unit-1": (everybody - 1, LightCurveError("no memory left"))}
    schedule, worked, _ = work_through(ToyCampaign(toy_units(3), failing), everybody)
    assert [len(units) for units in worked] == [0] + [3] * everybody
    if schedule is not None:
        (outcome,) = schedule.failed
        assert outcome.unit == "unit-1"
        host = socket.gethostname()
        where = f"(rank 1, member {everybody - 1} on {host})"
        assert outcome.error == f"LightCurveError: no memory left {where}"


@alone_or_with_all
@pytest.mark.parametrize("ranks_per_team", [1, 2])
def test_a_signal_to_any_rank_stops_all_teams_and_nothing_new_is_begun(kind, ranks_per_team):
    world = World(MPI.COMM_WORLD)
    n_workers = max(world.size - 1, 1)
    n_teams = -(-n_workers // ranks_per_team)
    # every team works until it is told to stop; the last member of one of them gets the signal
    campaign = ToyCampaign(toy_units(20))
    campaign.signalling = {"unit-0": min(ranks_per_team, n_workers) - 1}
    schedule, worked, log = work_through(campaign, ranks_per_team)
    begun = {unit for unit, *_ in chain.from_iterable(worked)}
    assert len(begun) <= n_teams
    if schedule is not None:
        assert not schedule.complete
        assert {outcome.unit for outcome in schedule.unfinished} == begun
        assert (schedule.done, schedule.failed) == ([], [])
        assert "stopping at the next checkpoint: " in log
        assert "20 not finished, run it again" in log


@alone_or_with_all
def test_a_unit_that_another_job_has_is_left_to_it(kind):
    campaign = ToyCampaign(toy_units(4))
    campaign.claims = MPI.COMM_WORLD.bcast(campaign.claims)
    held = Claim.take(campaign.claims / "unit-2") if MPI.COMM_WORLD.Get_rank() == 0 else None
    MPI.COMM_WORLD.Barrier()
    schedule, worked, log = work_through(campaign)
    assert "unit-2" not in {unit for unit, *_ in chain.from_iterable(worked)}
    if schedule is not None:
        assert held is not None
        assert [outcome.unit for outcome in schedule.unfinished] == ["unit-2"]
        assert len(schedule.done) == 3
        assert "unit-2 is not finished: another job works on it" in log


@alone_or_with_all
def test_an_error_in_finding_the_work_is_raised_on_all_ranks(kind):
    campaign = ToyCampaign(toy_units(3), workload_error=ConfigError("nowhere: no such directory"))
    with pytest.raises(ConfigError, match="nowhere: no such directory"):
        work_through(campaign)
    assert campaign.worked == []


# ----------------------------------------------------------------- real processes

PATCHED = """
import sys
from pathlib import Path
from cvzmpi.cvz.campaign import CvzCampaign
from cvzmpi.engine.campaign import Unit, Workload
from cvzmpi.errors import LightCurveError
CvzCampaign.begin = classmethod(lambda cls, config: CvzCampaign.__new__(cls))
CvzCampaign.prepare = lambda self: None
CvzCampaign.find_work = lambda self: Workload([Unit(str(n), 1.0) for n in range(4)])
CvzCampaign.claim_file = lambda self, unit: Path(f"{{unit.name}}.claim")
CvzCampaign.progress = lambda self, unit: 0
CvzCampaign.work = lambda self, unit, team, control: {{}}
def fail(*arguments):
    from mpi4py import MPI
    if MPI.COMM_WORLD.rank == {rank}:
        raise {error}
CvzCampaign.{method} = fail
sys.argv = ["cvzmpi", "run", "--input", ".", "--output", "."]
from cvzmpi.cli import main
main()
"""


def run_with(tmp_path, ranks, **broken):
    return run([], ranks=ranks, cwd=tmp_path, timeout=60, program=["-c", PATCHED.format(**broken)])


@pytest.mark.parametrize(("rank", "method"), [(0, "find_work"), (2, "prepare")])
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


def test_the_same_job_without_the_defect_ends_well(tmp_path):
    ended = run_with(tmp_path, 3, rank=-1, method="prepare", error="ValueError")
    assert ended.status == 0, ended.stderr
    assert "4 light curves done in" in ended.stderr
