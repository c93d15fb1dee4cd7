"""Units are found by name and by state, page after page, by queries that follow an index."""

from datetime import timedelta

import pytest

from cvzmpi.ledger import Event, State
from cvzmpi.ledger.records import now
from cvzmpi.ledger.status import activity, browse
from cvzmpi.ledger.status.snapshot import Snapshot, snapshot
from tests.ledger.way import bring_to


def test_pages_have_each_unit_of_a_state_once_the_newest_first(location, ledger, job):
    names = [f"{n}_1" for n in range(2 * browse.PAGE + 7)]
    bring_to(ledger, job, State.QUALIFIED, *names)
    at = now()
    ledger.record([Event(name, State.PREPROCESSED, at=at) for name in names], job)  # all at once
    bring_to(ledger, job, State.QUALIFIED, "another_1")
    seen_names, after = [], None
    with snapshot(location) as seen:
        while True:
            page = browse.units_in(seen, State.PREPROCESSED, after)
            seen_names += [unit.name for unit in page.units]
            if (after := page.last) is None:
                break
            assert len(page.units) == browse.PAGE
    assert seen_names == names[::-1]


def test_a_beginning_finds_the_units_of_a_star(location, ledger, job):
    names = ["12_1", "12_10", "12_9", "123_1", "1_12", "1%_1", "a/b", "Ω_1"]
    bring_to(ledger, job, State.QUALIFIED, *names)
    with snapshot(location) as seen:

        def found(beginning):
            return {unit.name for unit in browse.units_named(seen, beginning).units}

        assert found("12_") == {"12_1", "12_10", "12_9"}
        assert found("12") == {"12_1", "12_10", "12_9", "123_1"}
        assert found("1%") == {"1%_1"}
        assert found("Ω") == {"Ω_1"}
        assert found("_") == found("13") == set()
        assert found("") == set(names)


def test_the_history_is_that_of_the_ledger(location, ledger, job):
    bring_to(ledger, job, State.WORKING, "1_1", facts={"tic": 1})
    detail = {"seconds": 2.5, "outcome": {"n_flares": 3}}
    ledger.record([Event("1_1", State.DONE, detail=detail, rank=2, host="n1")], job)
    with snapshot(location) as seen:
        unit, history = browse.history_of(seen, "1_1")
        assert browse.history_of(seen, "2_2") is None
    assert unit == ledger.units(names=["1_1"])[0]
    assert history == ledger.history("1_1")


def test_intervals_count_what_was_done_and_what_failed(location, ledger, job):
    at = now()
    bring_to(ledger, job, State.WORKING, *(f"{n}_1" for n in range(6)))
    for n, minutes in enumerate((50, 20, 20, 1)):
        ledger.record([Event(f"{n}_1", State.DONE, at=at - timedelta(minutes=minutes))], job)
    ledger.record([Event("4_1", State.ERROR, message="no", at=at - timedelta(minutes=20))], job)
    with snapshot(location) as seen:
        told = activity.throughput(seen, at)
        assert activity.count_done(seen) == 4
        assert [f.unit for f in activity.newest_done(seen, 1)] == ["3_1"]
    assert told.seconds == 60
    counts = [(i.n_done, i.n_failed) for i in told.intervals]
    assert sum(done for done, _ in counts) == 4
    assert [c for c in counts if c != (0, 0)] == [(1, 0), (2, 1), (1, 0)]
    assert counts[0] == (1, 0), "it begins with the first that was done"


def test_a_campaign_without_results_has_one_empty_interval(location, ledger):
    with snapshot(location) as seen:
        (interval,) = activity.throughput(seen, now()).intervals
        assert activity.newest_done(seen, 5) == activity.jobs_ended_lately(seen, now()) == []
        assert activity.waiting_inputs(seen) == activity.Waiting(0, 0, 0, 0)
    assert (interval.n_done, interval.n_failed) == (0, 0)


def test_the_sizes_of_inputs_that_wait_are_summed(location, ledger, job):
    bring_to(ledger, job, State.QUALIFIED, "1_1", "2_1", "3_1")
    fetched = {"size": 10, "address": "https://archive/x"}
    for name, detail in (("1_1", fetched), ("2_1", {"size": 5}), ("3_1", None)):
        ledger.record([Event(name, State.PREPROCESSED, detail=detail)], job)
    with snapshot(location) as seen:
        assert activity.waiting_inputs(seen) == activity.Waiting(3, 2, 15, 1)


@pytest.mark.parametrize(
    "look",
    [
        lambda seen: browse.units_in(seen, State.DONE),
        lambda seen: browse.units_in(seen, State.DONE, browse.Place(now(), "1_1")),
        lambda seen: browse.units_named(seen, "1_"),
        lambda seen: browse.history_of(seen, "1_1"),
        lambda seen: activity.throughput(seen, now()),
        lambda seen: activity.newest_done(seen, 20),
        lambda seen: activity.count_done(seen),
        lambda seen: activity.waiting_inputs(seen),
    ],
)
def test_no_query_reads_all_units_or_all_events(tmp_path, ledger, job, location, look, monkeypatch):
    if not location.endswith(".sqlite"):
        pytest.skip("PostgreSQL reads a small table as a whole, whatever the indices")
    bring_to(ledger, job, State.DONE, "1_1")
    plans = []
    rows = Snapshot.rows

    def explained(self, query, *values):
        plans.extend(plan[-1] for plan in rows(self, f"EXPLAIN QUERY PLAN {query}", *values))
        return rows(self, query, *values)

    monkeypatch.setattr(Snapshot, "rows", explained)
    with snapshot(location) as seen:
        look(seen)
    assert plans
    assert not [plan for plan in plans if plan.startswith("SCAN") and "INDEX" not in plan], plans
    assert not [plan for plan in plans if "TEMP B-TREE" in plan], plans
