"""Rounds: a thread repeats the steps that need no person."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cvzmpi.errors import PutOffError, UnavailableError, one_line
from cvzmpi.ledger import Job
from cvzmpi.ledger.records import now
from cvzmpi.level2.programs.isolation import one_line_failure
from cvzmpi.level2.steps import Level2Steps

_LOGGER = logging.getLogger(__name__)

_FETCH_SECONDS = 600.0  # of a round; what is not here by then is for the next one


@dataclass(frozen=True)
class StepReport:
    """The result of a step of a round."""

    step: str
    at: datetime
    text: str  # the result in words, or the reason of the failure
    failed: bool

    def as_json(self) -> dict[str, Any]:
        """The fields as plain values, for JSON."""
        return {**asdict(self), "at": self.at.isoformat()}


class Rounds:
    """A thread that does all steps, and repeats them after an interval, within a context.

    Parameters
    ----------
    interval : float
        Seconds from the end of a round to the beginning of the next.
    """

    def __init__(self, steps: Level2Steps, job: Job, interval: float) -> None:
        self._steps = steps
        self._job = job
        self._interval = interval
        self._ended = threading.Event()
        self._reports: dict[str, StepReport] = {}
        self._thread = threading.Thread(target=self._run, name="rounds", daemon=True)

    @property
    def reports(self) -> list[StepReport]:
        """The last result of each step."""
        return list(self._reports.values())

    def __enter__(self) -> Rounds:
        """Begin the first round."""
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Begin no further step, and wait for the current one."""
        self._ended.set()
        self._thread.join()

    def go_round(self) -> None:
        """Do each step once; the others are done also if one fails."""
        steps: dict[str, Callable[[], str]] = {
            "scan": self._scan,
            "qualify": lambda: str(self._steps.qualify(self._job)),
            **({"fetch": self._fetch} if self._steps.config.level1.driver else {}),
            "inbox": self._empty_inbox,
            "publish": self._publish,
        }
        for step, do in steps.items():
            if self._ended.is_set():
                return
            self._reports[step] = _report(step, do)

    def _run(self) -> None:
        while not self._ended.is_set():
            self.go_round()
            self._ended.wait(self._interval)

    def _scan(self) -> str:
        report = self._steps.scan(self._job)
        return "\n".join([str(report), *report.faults])

    def _fetch(self) -> str:
        give_up = time.monotonic() + _FETCH_SECONDS

        def stop() -> bool:
            return self._ended.is_set() or time.monotonic() > give_up

        report = self._steps.fetch(self._job, stop=stop)
        return "\n".join([str(report), *report.lines])

    def _empty_inbox(self) -> str:
        dropped = self._steps.empty_inbox(self._job)
        return "\n".join(map(str, dropped)) or "empty"

    def _publish(self) -> str:
        outcomes = self._steps.publish(self._job)
        return "\n".join(map(str, outcomes)) or "nothing to publish"


def _report(step: str, do: Callable[[], str]) -> StepReport:
    """Do a step; whatever it raises is its report, and the next step is done."""
    try:
        return StepReport(step, now(), do(), failed=False)
    except Exception as error:
        failure = one_line_failure(error, step, _LOGGER)
        later = "; later again" if isinstance(failure, UnavailableError | PutOffError) else ""
        return StepReport(step, now(), f"{one_line(failure)}{later}", failed=True)
