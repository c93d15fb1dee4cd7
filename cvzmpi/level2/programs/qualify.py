"""Qualify: evaluate the criteria for every Observing Program that is complete.

An answer is given once, and again where it no longer holds: other datasets, or other settings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from cvzmpi.ledger import Event, Job, State
from cvzmpi.level2.programs.catalogue import Catalogue, spectropolarimetric_versions
from cvzmpi.level2.programs.invertibility import Invertibility, Thresholds, evaluate
from cvzmpi.level2.programs.program import group
from cvzmpi.level2.tables import qualifications

_OPEN = (State.DISCOVERED, State.QUALIFIED, State.NOT_QUALIFIED, State.PREPROCESSED)
"""States in which a program waits for an answer, or may get another one."""


@dataclass(frozen=True)
class QualifyReport:
    """What became of the programs that had no valid answer, by name."""

    invertible: list[str]
    not_invertible: list[str]
    incomplete: list[str]

    def __str__(self) -> str:
        return (
            f"{len(self.invertible)} found invertible, {len(self.not_invertible)} not; "
            f"{len(self.incomplete)} wait for more datasets"
        )


def qualify(
    catalogue: Catalogue,
    job: Job,
    thresholds: Thresholds,
    quiet_days: float,
    now: datetime,
    only: Iterable[str] | None = None,
) -> QualifyReport:
    """Answer for all programs that are complete and have no answer that holds.

    Parameters
    ----------
    catalogue : Catalogue
    job : Job
    thresholds : Thresholds
    quiet_days : float
        A program is complete when its spectropolarimetric datasets were quiet for so long.
    now : datetime
    only : iterable of str, optional
        Just these programs.
    """
    report = QualifyReport([], [], [])
    with catalogue.ledger.writing() as connection:
        newest = catalogue.newest_versions(within=connection)
        programs = group(version.dataset for version in newest.values())
        versions = spectropolarimetric_versions(newest)
        answers = catalogue.qualifications(within=connection)
        states = catalogue.states(within=connection)
        events, rows = [], []
        for name in programs if only is None else programs.keys() & set(only):
            state, answer = states[name], answers.get(name)
            if state not in _OPEN:
                continue
            if (
                state is not State.DISCOVERED
                and answer is not None
                and answer.thresholds == asdict(thresholds)
            ):
                continue
            if not programs[name].complete(now, quiet_days):
                report.incomplete.append(name)
                continue
            found = evaluate(programs[name], thresholds)
            (report.invertible if found.invertible else report.not_invertible).append(name)
            events.append(_event(name, state, found, thresholds, versions.get(name, {}), now))
            rows.append(
                {
                    "program": name,
                    "invertible": found.invertible,
                    "failed": found.failed,
                    "thresholds": asdict(thresholds),
                    "versions": versions.get(name, {}),
                    "at": now,
                }
            )
        catalogue.ledger.record(events, job, within=connection)
        if rows:
            connection.execute(qualifications.insert(), rows)
    return report


def _event(
    name: str,
    state: State,
    found: Invertibility,
    thresholds: Thresholds,
    versions: dict[str, int],
    now: datetime,
) -> Event:
    if not found.invertible:
        to_state = State.NOT_QUALIFIED
    else:  # what is prepared stays so
        to_state = state if state is State.PREPROCESSED else State.QUALIFIED
    reasons = [r for v in found.verdicts if v.weight == "required" for r in v.reasons]
    return Event(
        name,
        to_state,
        from_state=state,
        message="; ".join(reasons or found.warnings) or None,
        detail={**found.as_json(), "thresholds": asdict(thresholds), "datasets": versions},
        at=now,
    )
