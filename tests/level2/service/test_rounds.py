"""A round goes on after a step that fails, and says in one line what failed."""

import logging
import time
from types import SimpleNamespace

import pytest

from cvzmpi.errors import ConfigError, LedgerUnavailableError, MachineError, UnavailableError
from cvzmpi.level2.programs.qualify import QualifyReport
from cvzmpi.level2.service.rounds import Rounds


@pytest.fixture
def steps():
    """The steps of a campaign in which nothing is to be done."""
    return SimpleNamespace(
        scan=lambda job: SimpleNamespace(faults=[]),
        qualify=lambda job: QualifyReport(),
        empty_inbox=lambda job: [],
        publish=lambda job: [],
    )


def raising(error):
    def step(job):
        raise error

    return step


@pytest.mark.parametrize("step", ["scan", "qualify", "empty_inbox", "publish"])
@pytest.mark.parametrize(
    ("error", "text"),
    [
        (UnavailableError("the store does not answer"), "the store does not answer; later again"),
        (LedgerUnavailableError("the database is away"), "the database is away; later again"),
        (MachineError("no room on the disk"), "no room on the disk; later again"),
        (ConfigError("store.url is not set"), "store.url is not set"),
        (RuntimeError("two\nlines"), "RuntimeError: two lines ["),
        (RecursionError("maximum recursion depth exceeded"), "RecursionError: maximum"),
        (MemoryError(), "MemoryError:"),
    ],
)
def test_a_step_that_fails_is_one_line_and_the_others_are_done(steps, step, error, text, caplog):
    setattr(steps, step, raising(error))
    rounds = Rounds(steps, None, interval=60)
    with caplog.at_level(logging.ERROR):
        rounds.go_round()
    assert len(rounds.reports) == 4
    (failed,) = (report for report in rounds.reports if report.failed)
    assert failed.step == step.removeprefix("empty_")
    assert text in failed.text
    assert "\n" not in failed.text
    is_unforeseen = "; its traceback is in " in failed.text
    assert [record.exc_info is not None for record in caplog.records] == [True] * is_unforeseen


def test_rounds_go_on_whatever_happens_in_one(steps):
    calls = []

    def scan(job):
        calls.append(time.monotonic())
        raise ZeroDivisionError("division by zero")

    steps.scan = scan
    with Rounds(steps, None, interval=0.01):
        deadline = time.monotonic() + 60
        while len(calls) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(calls) >= 3
