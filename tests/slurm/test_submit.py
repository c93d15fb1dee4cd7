"""jobs/submit.py: a campaign in batches, one job each, each submitted once."""

import csv
import sys

import pytest

from tests.slurm.slurm_cluster import wait_until
from tools.harness.hdf5_content import contents
from tools.harness.job_process import ROOT

pytestmark = pytest.mark.slurm

PROGRAM = ROOT / "jobs" / "submit.py"
OPTIONS = ("--partition=ckpt", "--nodes=1", "--ntasks-per-node=3", "--size=4")


@pytest.fixture
def submit(cluster, campaign):
    """Run submit.py in the campaign: exit status, lines, complaints."""

    def run(*arguments):
        ended = cluster.run(sys.executable, PROGRAM, campaign, *OPTIONS, *arguments)
        return ended.returncode, ended.stdout.splitlines(), ended.stderr.splitlines()

    return run


def test_a_dry_run_says_what_it_would_do_and_does_nothing(cluster, submit, campaign):
    status, lines, complaints = submit("--dry-run", "--time=20", "--", "--qos=my qos")
    assert (status, complaints) == (0, [])
    assert lines[0] == "6 light curves in 2 batches: 0 done, 0 in the queue, 2 to submit"
    first = lines[1].split()
    assert first[0] == "sbatch"
    assert {"--partition=ckpt", "--nodes=1", "--ntasks-per-node=3", "--time=20"} <= set(first)
    assert "'--qos=my qos'" in lines[1]
    assert lines[1].endswith("cvz_ckpt.slurm . --set input.targets=batches/batch_001.csv")
    assert [path.name for path in campaign.iterdir()] == ["cvzmpi.toml"]
    assert cluster.ask("squeue", "--noheader") == ""


def test_batches_are_submitted_once_and_get_done(cluster, submit, campaign, undisturbed):
    log = campaign / "batches" / "jobs.csv"
    everything_queued = "6 light curves in 2 batches: 0 done, 2 in the queue, 0 to submit"
    with cluster.nodes_taken():  # however fast the machine is, no batch gets done meanwhile
        status, lines, _ = submit("--max-jobs=1")
        assert (status, len(lines)) == (0, 3)
        status, lines, _ = submit()
        assert lines[0] == "6 light curves in 2 batches: 0 done, 1 in the queue, 1 to submit"
        assert lines[1].startswith("batch_002: job ")
        # the second and further times, even where jobs.csv is lost
        known = log.read_text()
        log.unlink()
        assert submit() == (0, [everything_queued], [])
        log.write_text(known)
        assert submit() == (0, [everything_queued], [])

    jobs = {row["batch"]: row["job_id"] for row in csv.DictReader(known.splitlines())}
    assert list(jobs) == ["batch_001", "batch_002"]
    for batch, job in jobs.items():
        job_log = campaign / "logs" / f"{batch}_{job}.log"
        facts = cluster.wait_for_end(job, job_log)
        assert (facts["JobState"], facts["ExitCode"]) == ("COMPLETED", "0:0"), job_log.read_text()
    wait_until(lambda: cluster.ask("squeue", "--noheader") == "", "the queue to be empty")
    assert contents(campaign / "output") == undisturbed
    done = "6 light curves in 2 batches: 2 done, 0 in the queue, 0 to submit"
    assert submit() == (0, [done], [])


def test_batches_stay_and_new_light_curves_get_a_new_one(cluster, submit, campaign):
    del cluster
    targets = campaign / "targets.csv"
    (campaign / "cvzmpi.toml").write_text('[input]\ntargets = "targets.csv"\n')
    targets.write_text("sector,tic\n1,11\n1,12\n1,11\n")
    submit("--size=1", "--partition=none")  # which is refused, after the lists were written
    targets.write_text("sector,tic\n1,13\n1,12\n1,14\n1,11\n")
    status, lines, _ = submit("--dry-run", "--size=5")
    assert (status, lines[0].split(":")[0]) == (0, "4 light curves in 3 batches")
    lists = sorted((campaign / "batches").iterdir())
    assert [path.name for path in lists] == ["batch_001.csv", "batch_002.csv"]
    assert [path.read_text() for path in lists] == ["tic,sector\n11,1\n", "tic,sector\n12,1\n"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--script=nothing"], "submit: --script nothing: expected ckpt, node, or the path"),
        (["--size=0"], "submit: Invalid value for '--size': 0 is not in the range x>=1."),
        (["--partition=none"], "submit: sbatch: Batch job submission failed: Invalid partition"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(submit, arguments, complaint):
    status, _, complaints = submit(*arguments)
    assert (status, len(complaints)) == (2, 1)
    assert complaints[0].startswith(complaint)


def test_a_wrong_campaign_is_said_in_one_line(submit, campaign):
    (campaign / "cvzmpi.toml").write_text('[input]\ndirectory = "nothing"\n')
    assert submit() == (2, [], [f"submit: {campaign}/nothing: no such input directory"])
    (campaign / "cvzmpi.toml").unlink()
    expected = f"submit: {campaign}: no cvzmpi.toml in here, expected a campaign's directory"
    assert submit() == (2, [], [expected])
