"""The tally: how the units of a job ended, and whether all of them did."""

from cvzmpi.scheduler.campaign import Outcome
from cvzmpi.scheduler.tally import Tally


def test_outcomes_are_told_apart():
    tally = Tally()
    good, bad, left = Outcome("a"), Outcome("b", "too few cadences"), Outcome("c", unfinished="no")
    for outcome in (good, bad, left):
        tally.record(outcome)
    assert (tally.done, tally.failed, tally.unfinished) == ([good], [bad], [left])


def test_a_job_is_complete_when_all_units_were_given_out_and_ended():
    tally = Tally()
    assert not tally.complete
    tally.all_given_out = True
    tally.record(Outcome("a", "an error is an end"))
    assert tally.complete
    tally.record(Outcome("b", unfinished="stopped"))
    assert not tally.complete
