"""Progress of what takes long: nothing for two seconds, then a bar on a terminal, or lines."""

import io

import pytest

from cvzmpi.messages import progress_bar
from cvzmpi.messages.progress_bar import ProgressBar
from tests.terminal import Terminal


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr(progress_bar.time, "monotonic", lambda: Clock.now)
    return Clock


def steps(stream, clock, seconds):
    with ProgressBar(stream) as bar:
        for number in range(seconds):
            clock.now += 1
            bar.show("star", 1000 + number, 20_000)


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_what_ends_at_once_shows_nothing(clock, stream):
    shown = stream()
    steps(shown, clock, 1)
    assert shown.getvalue() == ""


def test_a_log_gets_a_line_after_two_seconds_and_then_one_a_minute(clock):
    log = io.StringIO()
    steps(log, clock, 123)
    texts = [line[20:] for line in log.getvalue().splitlines()]
    assert texts == [f"{n:,} of 20,000 stars" for n in (1001, 1061, 1121)]


def test_a_terminal_gets_a_bar_that_is_gone_in_the_end(clock, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    steps(terminal, clock, 5)
    shown = terminal.getvalue()
    assert "1,004 of 20,000 stars" in shown
    assert shown.endswith("\x1b[2K")  # the line is erased


def test_a_terminal_without_a_cursor_gets_lines(clock, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    terminal = Terminal()
    steps(terminal, clock, 5)
    assert len(terminal.getvalue().splitlines()) == 1


def test_where_nobody_knows_how_many_there_are_only_what_is_done_is_told(clock):
    log = io.StringIO()
    with ProgressBar(log) as bar:
        clock.now += 2
        bar.show("light curve", 12_345, more=" found, the last in sector 3")
    assert log.getvalue()[20:] == "12,345 light curves found, the last in sector 3\n"
