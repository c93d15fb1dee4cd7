"""Which job has which unit: one at a time, in the order of work, and only while it lives."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from cvzmpi.errors import StaleEventError
from cvzmpi.ledger import Event, Ledger, NewUnit, State
from cvzmpi.ledger.db.tables import latest, units
from tests.ledger.way import bring_to, state_of

READY = (State.PREPROCESSED,)


def names(units):
    return [unit.name for unit in units]


def test_half_done_units_come_first_then_by_priority_then_the_longest(ledger, job):
    ledger.add_units(
        [
            NewUnit("short", cost=1),
            NewUnit("long", cost=9),
            NewUnit("wanted", cost=1, priority=2),
            NewUnit("unwanted", cost=99, priority=-1),
            NewUnit("half done", cost=1, priority=-5),
        ],
        job,
    )
    for unit in ledger.units():
        progress = 7 if unit.name == "half done" else 0
        ledger.record(
            [Event(unit.name, s, progress=progress) for s in (State.QUALIFIED, State.PREPROCESSED)],
            job,
        )
    order = ["half done", "wanted", "long", "short", "unwanted"]
    assert names(ledger.claims.take(job, 2, READY)) == order[:2]
    assert names(ledger.claims.take(job, 9, READY)) == order[2:]
    assert ledger.claims.take(job, 9, READY) == []


def test_units_in_several_states_are_merged_in_one_order(ledger, job):
    bring_to(ledger, job, State.QUALIFIED, "q", cost=2)
    bring_to(ledger, job, State.PREPROCESSED, "p1", cost=3)
    bring_to(ledger, job, State.PREPROCESSED, "p2", cost=1)
    bring_to(ledger, job, State.DONE, "d", cost=9)
    taken = ledger.claims.take(job, 9, (State.PREPROCESSED, State.QUALIFIED))
    assert names(taken) == ["p1", "q", "p2"]


def test_jobs_that_claim_at_the_same_time_never_get_the_same_unit(location):
    with Ledger.open(location) as ledger:
        bring_to(
            ledger, ledger.jobs.begin("test"), State.PREPROCESSED, *(f"u{i}" for i in range(90))
        )

    def claim(number):
        with Ledger.open(location) as ledger:
            job = ledger.jobs.begin(f"run {number}")
            return [name for _ in range(5) for name in names(ledger.claims.take(job, 4, READY))]

    with ThreadPoolExecutor(5) as pool:
        taken = [name for units in pool.map(claim, range(5)) for name in units]
    assert len(taken) == len(set(taken)) == 90


def test_a_unit_that_one_job_has_cannot_be_begun_by_another(ledger, job):
    other = ledger.jobs.begin("other")
    bring_to(ledger, job, State.PREPROCESSED, "a")
    assert names(ledger.claims.take(job, 1, READY)) == ["a"]
    with pytest.raises(StaleEventError, match=f"a: job {job.id} has it"):
        ledger.record([Event("a", State.WORKING)], other)
    ledger.record([Event("a", State.WORKING)], job)


@pytest.mark.parametrize("end", [State.PREPROCESSED, State.ERROR])
def test_a_claim_ends_with_the_work(ledger, job, end):
    other = ledger.jobs.begin("other")
    bring_to(ledger, job, State.PREPROCESSED, "a")
    ledger.claims.take(job, 1, READY)
    ledger.record([Event("a", State.WORKING), Event("a", end)], job)
    if end is State.ERROR:
        ledger.record([Event("a", State.PREPROCESSED)], job)
    assert names(ledger.claims.take(other, 1, READY)) == ["a"]


def test_the_claims_of_a_job_end_with_it(ledger, job):
    bring_to(ledger, job, State.PREPROCESSED, "a", "b")
    other = ledger.jobs.begin("other")
    assert len(ledger.claims.take(other, 2, READY)) == 2
    (holder,) = ledger.claims.of_others(job)
    assert holder == (other, 2)
    ledger.jobs.end(other, "ended")
    assert ledger.claims.of_others(job) == []
    ledger.jobs.begin("idle")
    assert [n for _, n in ledger.claims.of_others(job)] == [0]
    assert len(ledger.claims.take(job, 2, READY)) == 2


def test_what_is_given_back_is_free_and_what_is_unwanted_is_left(ledger, job):
    bring_to(ledger, job, State.PREPROCESSED, "a", "b", "c")
    ledger.claims.take(job, 3, READY)
    with ledger.writing() as connection:
        ledger.claims.give_back(job, ["a", "c"], within=connection)
    assert names(ledger.claims.take(job, 3, READY, except_for={"a"})) == ["c"]
    assert state_of(ledger, "a") is State.PREPROCESSED


def test_a_campaign_can_keep_units_from_jobs(ledger, job):
    bring_to(ledger, job, State.PREPROCESSED, "free", "kept")
    kept = sa.select(units.c.id).where(units.c.name == "kept")

    def only(query):
        return query.where(latest.c.unit_id.not_in(kept))

    assert ledger.claims.batch_counts(job, only=only) == {(State.PREPROCESSED, False): 1}
    assert names(ledger.claims.take(job, 9, READY, only=only)) == ["free"]
    assert names(ledger.claims.take(job, 9, READY)) == ["kept"]


def test_who_has_a_unit_can_be_asked(ledger, job):
    bring_to(ledger, job, State.PREPROCESSED, "a", "b")
    ledger.claims.take(job, 1, READY)
    with ledger.writing() as connection:
        holders = [ledger.claims.holder(name, within=connection) for name in ("a", "b")]
    assert [holder and holder.id for holder in holders] == [job.id, None]


def test_a_job_with_a_batch_claims_only_what_is_in_it(ledger, job):
    units = [f"u{i}" for i in range(5)]
    bring_to(ledger, job, State.PREPROCESSED, *units)
    other = ledger.jobs.begin("other")
    assert ledger.claims.limit_to(job, [*units, "not there"], READY) is False
    assert ledger.claims.limit_to(job, ["u1", "u3", "not there"], READY) is True
    assert ledger.claims.batch_counts(job, limited=True) == {(State.PREPROCESSED, False): 2}
    assert ledger.claims.batch_counts(job) == {(State.PREPROCESSED, False): 5}
    ledger.claims.take(other, 4, READY)
    assert ledger.claims.of_others(job, limited=True) == [(other, 2)]
    assert ledger.claims.take(job, 9, READY, limited=True) == []
    assert names(ledger.claims.take(job, 9, READY)) == ["u4"]


def test_what_a_job_works_on_keeps_a_batch_limited(ledger, job):
    """Where that job dies, its unit can be claimed, and belongs to another batch."""
    bring_to(ledger, job, State.PREPROCESSED, "mine", "begun")
    other = ledger.jobs.begin("other")
    ledger.record([Event("begun", State.WORKING)], other)
    assert ledger.claims.limit_to(job, ["mine"], READY) is True
    ledger.record([Event("begun", State.PREPROCESSED)], other)
    assert names(ledger.claims.take(job, 9, READY, limited=True)) == ["mine"]
