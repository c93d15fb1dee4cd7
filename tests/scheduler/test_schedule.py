"""The schedule: half-done units first, then the longest."""

from cvzmpi.scheduler.campaign import Outcome, Overview, Unit
from cvzmpi.scheduler.schedule import Schedule


def order(units):
    schedule = Schedule(units)
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
    schedule = Schedule([Unit("a", 1), Unit("b", 2)])
    assert schedule.next() == Unit("b", 2)
    assert not schedule.exhausted()
    assert schedule.next() == Unit("a", 1)
    assert schedule.exhausted()
    assert schedule.next() is None


def test_the_overview_counts_what_there_is_to_do():
    rejected = [Outcome("broken", "not a FITS file")]
    units = [Unit("a", 1, begun=True), Unit("b", 1)]
    schedule = Schedule(units, rejected, n_done=4, steps_per_unit=7)
    assert schedule.overview() == Overview(2, 1, 4, rejected, 7, cost=2, cost_squared=2)


def test_a_schedule_leaves_the_list_of_units_as_it_is():
    units = [Unit("a", 1), Unit("b", 2)]
    Schedule(units).next()
    assert [unit.name for unit in units] == ["a", "b"]
