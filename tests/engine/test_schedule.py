"""The schedule: half-done units first, then the longest."""

from cvzmpi.engine.campaign import Outcome, Unit, Workload
from cvzmpi.engine.schedule import Schedule


def order(units):
    schedule = Schedule(Workload(units))
    given = []
    while (unit := schedule.next()) is not None:
        given.append(unit.name)
    return given


def test_half_done_units_come_first_then_the_longest():
    units = [
        Unit("short", 1),
        Unit("long", 9),
        Unit("begun short", 1, begun=True),
        Unit("middle", 5),
        Unit("begun long", 2, begun=True),
    ]
    assert order(units) == ["begun long", "begun short", "long", "middle", "short"]
    assert order(units[::-1]) == order(units)


def test_units_of_equal_cost_have_an_order_of_their_own():
    names = [f"{n:02d}" for n in range(20)]
    assert order([Unit(name, 3) for name in reversed(names)]) == names


def test_a_unit_is_given_out_once():
    schedule = Schedule(Workload([Unit("a", 1), Unit("b", 2)]))
    assert schedule.n_waiting == 2
    assert schedule.next() == Unit("b", 2)
    assert schedule.n_waiting == 1
    assert schedule.next() == Unit("a", 1)
    assert schedule.next() is None
    assert schedule.next() is None
    assert schedule.n_waiting == 0


def test_outcomes_are_told_apart_and_what_was_rejected_has_failed():
    rejected = Outcome("broken", "not a FITS file")
    schedule = Schedule(Workload([Unit("a", 1), Unit("b", 1)], rejected=[rejected], n_done=4))
    good, bad = Outcome("a"), Outcome("b", "too few cadences")
    schedule.record(good)
    schedule.record(bad)
    assert schedule.done == [good]
    assert schedule.failed == [rejected, bad]
    assert schedule.n_done_before == 4


def test_a_schedule_leaves_the_workload_as_it_is():
    workload = Workload([Unit("a", 1), Unit("b", 2)], rejected=[Outcome("c", "no")])
    schedule = Schedule(workload)
    schedule.next()
    schedule.record(Outcome("a", "failed"))
    assert [unit.name for unit in workload.units] == ["a", "b"]
    assert len(workload.rejected) == 1
