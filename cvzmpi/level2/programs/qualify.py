"""Qualify: evaluate the criteria for every Observing Program that is complete.

They are evaluated once, and again if the datasets or the settings are no longer the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime

from cvzmpi.ledger import Event, Job, State
from cvzmpi.level2.programs.catalogue import Catalogue, Qualification, spectropolarimetric_versions
from cvzmpi.level2.programs.invertibility import Thresholds, evaluate
from cvzmpi.level2.programs.isolation import one_line_failure
from cvzmpi.level2.programs.program import group
from cvzmpi.level2.programs.retry import failure_event
from cvzmpi.level2.programs.states import OPEN
from cvzmpi.level2.tables import qualifications
from cvzmpi.messages.wording import counted

STEP = "qualify"

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class QualifyReport:
    """The programs whose criteria were to be evaluated, by result."""

    invertible: list[str] = field(default_factory=list)
    not_invertible: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        text = (
            f"{len(self.invertible)} found invertible, {len(self.not_invertible)} not; "
            f"{counted(len(self.incomplete), 'waits', 'wait')} for more datasets"
        )
        return text + (f"; {len(self.failed)} failed" if self.failed else "")


def qualify(
    catalogue: Catalogue,
    job: Job,
    thresholds: Thresholds,
    quiet_days: float,
    now: datetime,
    only: Iterable[str] | None = None,
) -> QualifyReport:
    """Evaluate the criteria for all programs that are complete and have no valid answer.

    A program for which that fails goes into error, and the others go on.

    Parameters
    ----------
    quiet_days : float
        A program is complete when its spectropolarimetric datasets did not change for so long.
    only : iterable of str, optional
        These programs alone.
    """
    report = QualifyReport()
    with catalogue.ledger.writing() as connection:
        newest = catalogue.newest_versions(within=connection)
        programs = group(version.dataset for version in newest.values())
        versions = spectropolarimetric_versions(newest)
        answers = catalogue.qualifications(within=connection)
        states = catalogue.states(within=connection)
        events, rows = [], []
        for name in programs if only is None else programs.keys() & set(only):
            state, answer = states[name], answers.get(name)
            valid = answer is not None and answer.thresholds == asdict(thresholds)
            if state not in OPEN or (valid and state is not State.DISCOVERED):
                continue
            try:
                if not programs[name].complete(now, quiet_days):
                    report.incomplete.append(name)
                    continue
                found = evaluate(programs[name], thresholds)
            except Exception as error:
                failure = one_line_failure(error, name, _LOGGER)
                report.failed.append(name)
                events.append(failure_event(name, state, STEP, failure))
                continue
            if not found.invertible:
                report.not_invertible.append(name)
                to_state = State.NOT_QUALIFIED
            else:  # a prepared program stays prepared
                report.invertible.append(name)
                to_state = state if state is State.PREPROCESSED else State.QUALIFIED
            limits, of_these = asdict(thresholds), versions.get(name, {})
            row = Qualification(name, found.invertible, found.failed, limits, of_these, now)
            rows.append(vars(row))
            detail = {**found.as_json(), "thresholds": limits, "datasets": of_these}
            message = "; ".join(found.reasons or found.warnings) or None
            events.append(Event(name, to_state, state, message=message, detail=detail, at=now))
        catalogue.ledger.record(events, job, within=connection)
        if rows:
            connection.execute(qualifications.insert(), rows)
    return report
