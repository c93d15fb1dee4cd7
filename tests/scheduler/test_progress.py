"""The progress display: one line a minute in a log, a live one on a terminal."""

import io
import re
from dataclasses import replace

import pytest

from cvzmpi.scheduler import progress
from cvzmpi.scheduler.campaign import Outcome, Overview, Unit
from cvzmpi.scheduler.progress import ProgressDisplay
from tests.terminal import Terminal

UNITS = [Unit("a", 3, begun=True), Unit("b", 2), Unit("c", 1)]
THREE = Overview(n_open=3, n_begun=1)


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves."""

    class Clock:
        now = 1000.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(progress.time, "monotonic", clock.monotonic)
    return clock


def display_of(overview, stream):
    display = ProgressDisplay("light curve", "injection", stream)
    display.begin(overview)
    return display


def lines(stream):
    """The lines of a log, each with its date and time, which are cut off."""
    found = stream.getvalue().splitlines()
    stamp = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")
    assert all(stamp.match(line) for line in found), found
    return [line[20:] for line in found]


def test_the_plan_is_told_first_with_what_was_rejected(clock):
    log = io.StringIO()
    rejected = [Outcome("bad.fits", "not a FITS file")]
    display_of(replace(THREE, rejected=rejected, n_done=4), log)
    assert lines(log) == [
        "8 light curves: 4 done before, 1 half done, 2 to begin",
        "failed bad.fits: not a FITS file",
    ]


def test_a_log_gets_a_line_soon_after_the_start_and_then_one_a_minute(clock):
    log = io.StringIO()
    display = display_of(replace(THREE, steps_per_unit=600), log)
    display.assigned(UNITS[0])
    for _ in range(959):  # eight times a second for just under two minutes
        clock.now += 0.125
        display.steps_done(1)
    # the plan, a line soon after the start, and one a minute later
    assert lines(log)[1] == "0 of 3 light curves done, 1 working, 0 failed, 8 injections/s"
    assert len(lines(log)) == 1 + 1 + 1
    clock.now += 3
    display.refresh()
    assert lines(log)[3:] == ["0 of 3 light curves done, 1 working, 0 failed, 8 injections/s"]


def test_the_line_counts_done_working_and_failed(clock):
    display = display_of(replace(THREE, n_done=2, steps_per_unit=1000), io.StringIO())
    assert display.line() == "2 of 5 light curves done, 0 working, 0 failed, 0 injections/s"
    for unit in UNITS:
        display.assigned(unit)
    display.steps_done(600)
    display.steps_done(400)
    clock.now += 10
    display.ended(Outcome("a"))
    display.ended(Outcome("b", "too few cadences"))
    expected = "3 of 5 light curves done, 1 working, 1 failed, 100 injections/s"
    assert display.line().startswith(expected)


def time_left_after(clock, n_done, seconds, n_open=400, overview=None, **unit):
    """What a job says that has done so many units, one by one, in so many seconds."""
    overview = overview or Overview(n_open=n_open, cost=n_open, cost_squared=n_open)
    display = display_of(overview, io.StringIO())
    for n in range(n_done):
        display.assigned(Unit(str(n), 1, **unit))
        clock.now += seconds / n_done
        display.steps_done(1000, str(n))
        display.ended(Outcome(str(n)))
    return display.line().partition("injections/s")[2].removeprefix(", ")


def seconds_of(text):
    """The range of a time left, in seconds."""
    seconds = {"s": 1, "min": 60, "h": 3600}
    low, unit, high, high_unit = re.search(r"(\d+) ?(\w+)? to (\d+) (\w+) left", text).groups()
    return int(low) * seconds[unit or high_unit], int(high) * seconds[high_unit]


def test_no_time_left_is_told_from_a_few_units_or_a_few_seconds(clock):
    assert time_left_after(clock, 2, 3600) == ""
    assert time_left_after(clock, 40, 9) == ""


def test_the_time_left_is_a_range_that_becomes_narrow(clock):
    widths = []
    for n_done in (5, 40, 200):
        low, high = seconds_of(time_left_after(clock, n_done, 6.0 * n_done))
        assert low <= 6 * (400 - n_done) <= high
        widths.append(high - low)
    assert widths[0] > widths[1] > widths[2]


def test_half_done_units_do_not_leave_time_for_steps_that_they_do_not_need(clock):
    overview = Overview(n_open=20, n_begun=20, cost=20, cost_squared=20)
    text = time_left_after(clock, 16, 160, overview=overview, begun=True, part=0.1)
    low, high = seconds_of(text)
    assert low <= 4 * 10 <= high < 100


def test_the_steps_of_long_units_tell_before_one_is_done(clock):
    display = display_of(
        Overview(n_open=4, steps_per_unit=1000, cost=4, cost_squared=4), io.StringIO()
    )
    display.assigned(Unit("a", 1))
    display.assigned(Unit("b", 1))
    clock.now += 1000
    assert " left" not in display.line()
    for unit in "ab":
        display.steps_done(500, unit)
    clock.now += 10
    low, high = seconds_of(display.line())
    assert low <= 2000 + 1000 <= high


def test_other_jobs_shorten_the_time_left(clock):
    display = ProgressDisplay("light curve", "injection", io.StringIO(), n_ranks=3)
    display.begin(Overview(n_open=400, cost=400, cost_squared=400))
    for n in range(100):
        display.refresh("", ranks_of_others=3)  # a job like this one
        display.assigned(Unit(str(n), 1))
        clock.now += 6
        display.ended(Outcome(str(n)))
    low, high = seconds_of(display.line())
    assert low <= 200 * 6 / 2 <= high


def test_failures_and_notes_are_told_at_once(clock):
    log = io.StringIO()
    display = display_of(THREE, log)
    display.assigned(UNITS[0])
    display.ended(Outcome("a", "too few cadences"))
    display.assigned(UNITS[1])
    display.ended(Outcome("b", result={"note": "started anew"}))
    assert lines(log)[1:] == ["failed a: too few cadences", "b: started anew"]


def test_a_unit_that_ended_without_a_team_is_told_and_counted(clock):
    log = io.StringIO()
    display = display_of(THREE, log)
    display.dropped(Outcome("b", "no such file in the archive"))
    assert lines(log)[1:] == ["failed b: no such file in the archive"]
    assert display.line().startswith("0 of 3 light curves done, 0 working, 1 failed")


def test_the_line_ends_with_what_else_is_going_on(clock):
    display = display_of(THREE, io.StringIO())
    display.refresh("downloads: 2 of 3")
    assert display.line().endswith(" injections/s, downloads: 2 of 3")
    display.refresh()
    assert display.line().endswith(", downloads: 2 of 3")
    display.refresh("")
    assert display.line().endswith(" injections/s")


def test_the_summary_counts_what_this_job_did(clock):
    log = io.StringIO()
    display = display_of(replace(THREE, n_done=7), log)
    with display:
        for unit in UNITS:
            display.assigned(unit)
            display.steps_done(1500)
        clock.now += 3 * 3600 + 7 * 60
        for name, error in (("a", None), ("b", None), ("c", "no")):
            display.ended(Outcome(name, error))
    assert lines(log)[-1] == ("2 light curves done in 3 h 07 min, 1 failed, 4,500 injections")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (41.4, "41 s"), (89, "89 s"), (90, "2 min"), (720, "12 min"), (5370, "90 min")],
)
def test_durations_read_as_a_person_would_say_them(clock, seconds, text):
    log = io.StringIO()
    display = display_of(Overview(n_open=0), log)
    with display:
        clock.now += seconds
    if text == "90 min":
        text = "1 h 30 min"
    assert f" done in {text}," in lines(log)[-1]


def test_a_terminal_shows_the_line_live_and_keeps_what_was_said(clock, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    display = display_of(replace(THREE, steps_per_unit=10), terminal)
    with display:
        display.assigned(UNITS[0])
        clock.now += 1
        display.steps_done(5)
        display.ended(Outcome("a", "an error [with brackets]"))
        clock.now += 1
        display.refresh()
    shown = terminal.getvalue()
    assert "5 injections/s" in shown
    assert "failed a: an error [with brackets]" in shown
    assert "0 of 3 light curves done, 0 working, 1 failed" in shown


def test_a_terminal_without_a_cursor_gets_the_lines_of_a_log(clock, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    terminal = Terminal()
    with display_of(THREE, terminal):
        clock.now += 60
    assert lines(terminal)[-1].startswith("0 light curves done in 60 s")


def test_one_of_anything_is_told_in_the_singular(clock):
    log = io.StringIO()
    display = ProgressDisplay("light curve", "injection", log, n_ranks=1)
    with display:
        display.begin(Overview(n_open=1))
        display.assigned(UNITS[0])
        display.steps_done(1)
        display.ended(Outcome("a"))
    assert lines(log) == [
        "1 light curve: 0 done before, 0 half done, 1 to begin; 1 rank",
        "1 light curve done in 0 s, 0 failed, 1 injection",
    ]


def test_the_first_line_of_a_log_comes_within_seconds(clock):
    log = io.StringIO()
    display = display_of(replace(THREE, n_done=20_000), log)
    display.assigned(UNITS[0])
    clock.now += 2
    display.refresh()
    assert lines(log)[-1].startswith("20,000 of 20,003 light curves done, 1 working")
