"""The job scripts on a real Slurm that takes the nodes away: nothing is lost or done twice."""

import os
import re
import signal
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from cvzmpi.cvz.sector_file.reading import read_progress
from tests.slurm.slurm_cluster import CKPT, N_LIGHT_CURVES, NODE, wait_until
from tools.harness.hdf5_content import contents

pytestmark = pytest.mark.slurm

TWO_NODES = ("--nodes=2", "--ntasks-per-node=2")
WORKERS = (1, 2, 3)  # of its ranks; rank 0 schedules
# cvzmpi's own look at the clock would come before the signal, in jobs as short as these.
NO_DRAIN = ("--set", "job.drain_before_end=1")


def submit(cluster, campaign, script, *options, settings=()):
    return cluster.submit(f"--chdir={campaign}", *options, script, ".", *settings)


def log_of(campaign, job):
    return campaign / f"cvzmpi_{job}.log"


def said(log, text):
    """How often a log says something."""
    return log.read_text().count(text) if log.exists() else 0


def exit_statuses(log):
    """How cvzmpi ended, start by start."""
    return [int(s) for s in re.findall(r"ended with exit status (\d+)", log.read_text())]


def files(campaign):
    return sorted((campaign / "output").rglob("*.h5"))


def pid_of_rank(rank, job):
    wanted = {f"SLURM_JOB_ID={job}", f"SLURM_PROCID={rank}"}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_python = (process / "comm").read_text().startswith("python")
            if is_python and wanted <= set((process / "environ").read_text().split("\0")):
                return int(process.name)
        except OSError:
            continue  # it has ended
    raise AssertionError(f"no rank {rank} of job {job}")


@contextmanager
def standing_still(job, *ranks):
    """These ranks do nothing meanwhile: however fast the machine is, the job does not get done.

    Signals wait for them, but for SIGCONT, which Slurm sends to those that it preempts.
    """
    pids = [pid_of_rank(rank, job) for rank in ranks]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):  # preempted
                os.kill(pid, signal.SIGCONT)


def progress(campaign):
    """How far each light curve is, while nobody writes; every file must be whole."""
    found = {path: read_progress(path) for path in files(campaign)}
    return {path.stem: (p.checkpoint, p.n_inject_remaining) for path, p in found.items()}


def targets(campaign, n):
    """A list of the first n light curves."""
    pairs = "".join(f"{9000000001 + i},1\n" for i in range(n))
    (campaign / "some.csv").write_text(f"tic,sector\n{pairs}")
    return ("--set", "input.targets=some.csv")


def assert_same(campaign, undisturbed, n_files=N_LIGHT_CURVES):
    """So many files, and all in them as a run that nobody disturbed left it, bit for bit."""
    found = contents(campaign / "output")
    assert len(found) == n_files
    different = [
        (file, name)
        for file in found
        for name in found[file].keys() | undisturbed[file].keys()
        if found[file].get(name) != undisturbed[file].get(name)
    ]
    assert different == []


def assert_completed(facts, log):
    assert (facts["JobState"], facts["ExitCode"]) == ("COMPLETED", "0:0"), log.read_text()


def test_preempted_at_every_stage_it_gets_done_and_the_results_are_the_same(
    cluster, campaign, undisturbed
):
    job = submit(cluster, campaign, CKPT, "--partition=ckpt", *TWO_NODES, "--time=30")
    log = log_of(campaign, job)
    states = []

    def has_got_further(n_done):
        """The present start has brought something further, and so many light curves are done."""
        if said(log, " to begin") <= len(states):
            return False
        now = progress(campaign)
        is_new = not states or now != states[-1]
        return is_new and list(now.values()).count(("model", 0)) >= n_done

    # In its first checkpoints, in its injections, and with some light curves done.
    for n_done in (0, 0, 1):
        wait_until(lambda n=n_done: has_got_further(n), f"progress, and {n_done} done", log)
        with standing_still(job, *WORKERS), cluster.nodes_taken():
            wait_until(lambda: cluster.state(job) == "PENDING", "the requeue", log)
            states.append(progress(campaign))
            assert cluster.restarts(job) == len(states)
    facts = cluster.wait_for_end(job, log)

    assert_completed(facts, log)
    assert int(facts["Restarts"]) == 3
    starts = re.findall(r"SLURM_RESTART_COUNT=(\d)", log.read_text())
    assert starts == ["0", "1", "2", "3"], "the log keeps all starts"
    assert states[0] != states[1] != states[2]
    n_done = [list(state.values()).count(("model", 0)) for state in states]
    assert n_done[0] == 0 < n_done[2] < len(undisturbed)
    assert_same(campaign, undisturbed)


@pytest.mark.parametrize("who", ["all ranks", "the last rank"])
def test_killed_without_a_warning_it_starts_again(cluster, campaign, undisturbed, who):
    settings = targets(campaign, 3)
    job = submit(cluster, campaign, CKPT, "--partition=ckpt", *TWO_NODES, settings=settings)
    log = log_of(campaign, job)
    wait_until(lambda: len(files(campaign)) >= 2, "two files", log)
    if who == "all ranks":
        cluster.ask("scancel", "--signal=KILL", f"{job}.0")
    else:
        os.kill(pid_of_rank(3, job), signal.SIGKILL)

    assert_completed(cluster.wait_for_end(job, log), log)
    killed, last = exit_statuses(log)
    assert killed > 128
    assert last == 0
    assert_same(campaign, undisturbed, 3)


def test_preempted_with_a_grace_time_it_stops_by_itself_and_is_queued_again(
    cluster, campaign, undisturbed
):
    settings = targets(campaign, 3)
    job = submit(cluster, campaign, CKPT, "--partition=grace", *TWO_NODES, settings=settings)
    log = log_of(campaign, job)
    wait_until(lambda: len(files(campaign)) >= 2, "two files", log)
    with standing_still(job, *WORKERS):
        cluster.preempt(job, log)

    assert_completed(cluster.wait_for_end(job, log), log)
    assert exit_statuses(log) == [75, 0]
    assert said(log, "queued again") == 1
    assert_same(campaign, undisturbed, 3)


def test_warned_before_the_time_limit_it_stops_and_goes_on_in_the_next_start(
    cluster, campaign, undisturbed
):
    limit = ("--time=1", "--signal=USR1@25")
    options = ("--partition=high", "--nodes=1", "--ntasks-per-node=2", *limit)
    job = submit(cluster, campaign, NODE, *options, settings=NO_DRAIN)
    log = log_of(campaign, job)
    wait_until(lambda: len(files(campaign)) >= 2, "two files", log)
    # Slurm looks at the clock every 30 s: the warning comes 5 to 35 s after the start.
    with standing_still(job, 1):
        wait_until(lambda: said(log, "checkpoint: SIGUSR1"), "the warning", log)

    assert_completed(cluster.wait_for_end(job, log), log)
    *before, last = exit_statuses(log)
    assert set(before) == {75}
    assert last == 0
    assert_same(campaign, undisturbed)


def test_cancelled_it_stays_cancelled(cluster, campaign):
    job = submit(cluster, campaign, CKPT, "--partition=ckpt", *TWO_NODES)
    log = log_of(campaign, job)
    wait_until(lambda: files(campaign), "a file", log)
    cluster.ask("scancel", job)
    wait_until(lambda: said(log, "ended with exit status"), "its end", log)
    facts = cluster.wait_for_end(job, log)
    assert (facts["JobState"], facts["Restarts"]) == ("CANCELLED", "0")
    assert progress(campaign), "what it did stays"


def test_two_jobs_on_one_campaign_do_each_light_curve_once(cluster, campaign, undisturbed):
    options = ("--partition=ckpt", "--nodes=1", "--ntasks-per-node=3")
    jobs = [submit(cluster, campaign, CKPT, *options) for _ in range(2)]
    logs = [log_of(campaign, job) for job in jobs]

    for job, log in zip(jobs, logs, strict=True):
        assert_completed(cluster.wait_for_end(job, log), log)
    wait_until(lambda: all(said(log, "exit status 0") for log in logs), "the logs")
    done = [
        int(n) for log in logs for n in re.findall(r"(\d+) light curves done in", log.read_text())
    ]
    assert sum(done) == len(undisturbed)
    assert_same(campaign, undisturbed)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda campaign: (campaign / "cvzmpi.toml").unlink(), "no cvzmpi.toml in here"),
        (lambda campaign: (campaign / "cvzmpi.toml").write_text("sed = 1"), "unknown key 'sed'"),
    ],
)
def test_a_wrong_configuration_ends_the_job_with_one_line(cluster, campaign, make, complaint):
    make(campaign)
    job = submit(cluster, campaign, CKPT, "--partition=ckpt", *TWO_NODES)
    log = log_of(campaign, job)
    facts = cluster.wait_for_end(job, log)
    assert (facts["JobState"], facts["ExitCode"], facts["Restarts"]) == ("FAILED", "2:0", "0")
    (line,) = [line for line in log.read_text().splitlines() if line.startswith("cvzmpi: ")]
    assert complaint in line
