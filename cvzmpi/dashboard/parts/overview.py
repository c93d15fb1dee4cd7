"""The parts of the overview: units by state, speed, jobs, what is at work and what is next."""

from __future__ import annotations

from cvzmpi.dashboard.look.job_life import Life
from cvzmpi.dashboard.look.look import Look
from cvzmpi.dashboard.parts.cells import (
    Addresses,
    Parts,
    Rows,
    ago,
    ago_cell,
    cell,
    unit_cell,
    words,
)
from cvzmpi.dashboard.parts.results import result_rows
from cvzmpi.estimates import duration
from cvzmpi.ledger.records import Job, LedgerUnit
from cvzmpi.ledger.states import State
from cvzmpi.ledger.status.report import left_in_words, speed_in_words
from cvzmpi.ledger.status.status import RunningJob, Status
from cvzmpi.messages.wording import counted

_N_RESULTS = 5
_N_NAMED = 5
_KINDS = {Life.LIVES: "good", Life.SILENT: "warning", Life.DEAD: "bad"}
_STATE_KINDS = {State.DONE: "good", State.PUBLISHED: "good", State.ERROR: "bad"}


def overview_parts(look: Look, addresses: Addresses) -> Parts:
    """The parts of the overview.

    Raises
    ------
    LedgerError
    """
    status, lately = look.status(), look.lately()
    campaign = look.campaign
    return {
        "at": f"{status.at:%Y-%m-%d %H:%M:%S} UTC",
        "total": counted(sum(status.counts.values()), campaign.unit_name),
        "speed": speed_in_words(status, campaign.step_name),
        "left": _left(status),
        "undelivered": _undelivered(status),
        "left-at-work": _left_at_work(status),
        "states": _states(status, addresses),
        "jobs": [_job(running, look.life(running)) for running in status.running],
        "ended": [_ended(job) for job in lately.ended],
        "at-work": _units(status.longest_at_work, addresses),
        "waiting": _units(status.longest_waiting, addresses),
        "next": _next(status, addresses),
        "slowest": [
            [unit_cell(name, addresses), cell(duration(seconds))]
            for name, seconds in status.slowest
        ],
        "results": result_rows(look, addresses, _N_RESULTS),
    }


def _left(status: Status) -> str:
    if left := left_in_words(status.speed):
        return left
    if not any(n for state, n in status.counts.items() if state in _OPEN):
        return "nothing is left to do"
    return "not known yet" if status.speed.n_active else "no job has units now"


_OPEN = {State.DISCOVERED, State.QUALIFIED, State.PREPROCESSED, State.WORKING}


def _undelivered(status: Status) -> str:
    if not status.undelivered:
        return ""
    waiting = counted(status.undelivered, "event waits", "events wait")
    return f"{waiting} in the outbox for the database."


def _left_at_work(status: Status) -> str:
    if not status.left_at_work:
        return ""
    named = ", ".join(status.left_at_work[:_N_NAMED])
    more = ", ..." if len(status.left_at_work) > _N_NAMED else ""
    n = len(status.left_at_work)
    return f"{n:,} at work without a living job; the next job goes on: {named}{more}"


def _states(status: Status, addresses: Addresses) -> Rows:
    total = sum(status.counts.values())
    return [
        [
            words(
                str(state).replace("_", " "),
                href=addresses.state(state.value),
                kind=f"text {_STATE_KINDS.get(state, '')}".strip(),
            ),
            cell(f"{n:,}"),
            cell(f"{100 * n / total:.1f} %"),
            cell(f"{status.half_done:,} half done" if _has_half_done(status, state) else ""),
        ]
        for state, n in status.counts.items()
        if n
    ]


def _has_half_done(status: Status, state: State) -> bool:
    return state is State.PREPROCESSED and status.half_done > 0


def _job(running: RunningJob, life: Life) -> list[dict[str, str]]:
    job = running.job
    return [
        words(f"{job.id} {job.program}"),
        words(life, kind=f"text {_KINDS[life]}"),
        cell(duration(max(running.silent, 0.0))),
        words(job.queue_id or "-"),
        words(job.host),
        cell(job.ranks),
        cell(job.nodes),
        cell(ago(job.started)),
        cell(running.n_working),
        cell(running.n_claimed - running.n_working),
        cell(f"{job.steps_per_second or 0.0:,.0f}"),
        words(job.log or ""),
    ]


def _ended(job: Job) -> list[dict[str, str]]:
    assert job.ended is not None, "only those that ended are asked for"
    outcome = job.outcome or ""
    kind = "bad" if outcome == "died" or outcome.startswith("failed") else ""
    return [
        words(f"{job.id} {job.program}"),
        words(outcome, kind=f"text {kind}".strip()),
        ago_cell(job.ended),
        cell(duration((job.ended - job.started).total_seconds())),
        words(job.queue_id or "-"),
        words(job.host),
        cell(job.ranks),
        cell(f"{job.steps:,}"),
    ]


def _units(units: list[LedgerUnit], addresses: Addresses) -> Rows:
    return [[unit_cell(unit.name, addresses), ago_cell(unit.since)] for unit in units]


def _next(status: Status, addresses: Addresses) -> Rows:
    return [
        [
            unit_cell(unit.name, addresses),
            cell("half done" if unit.progress else ""),
            cell(f"priority {unit.priority:g}" if unit.priority else ""),
        ]
        for unit in status.next
    ]
