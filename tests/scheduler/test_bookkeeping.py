"""How the units of a job ended, and whether all of them did."""

from cvzmpi.scheduler.bookkeeping import JobOutcome
from cvzmpi.scheduler.campaign import Outcome


def test_outcomes_are_told_apart():
    job = JobOutcome()
    good, bad, left = Outcome("a"), Outcome("b", "too few cadences"), Outcome("c", unfinished="no")
    for outcome in (good, bad, left):
        job.record(outcome)
    assert (job.done, job.failed, job.unfinished) == ([good], [bad], [left])


def test_a_job_is_complete_when_all_units_were_given_out_and_ended():
    job = JobOutcome()
    assert not job.complete
    job.all_given_out = True
    job.record(Outcome("a", "an error is an end"))
    assert job.complete
    job.record(Outcome("b", unfinished="stopped"))
    assert not job.complete
