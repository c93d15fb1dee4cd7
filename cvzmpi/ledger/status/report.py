"""Status and histories as text for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from cvzmpi.estimates import Estimate, duration, time_left
from cvzmpi.ledger.order import IN_WORDS
from cvzmpi.ledger.records import Job, LedgerUnit, Recorded, now
from cvzmpi.ledger.states import State
from cvzmpi.ledger.status.queries import N_UNITS
from cvzmpi.ledger.status.speed import Speed
from cvzmpi.ledger.status.status import RunningJob, Status
from cvzmpi.messages.wording import counted

_ALWAYS_RUNS = 0.95  # share of the time from which on no other time than that of running is said
_SILENT_SECONDS = 30.0  # after which it is said that a job is silent


def status_report(status: Status, step_name: str) -> Group:
    """The status of a campaign.

    Parameters
    ----------
    step_name : str
        What a step of a unit is called.
    """
    parts: list[RenderableType] = [_units(status), speed_in_words(status, step_name)]
    if status.undelivered:
        waiting = counted(status.undelivered, "event waits", "events wait")
        parts.append(f"{waiting} in the outbox for the database")
    if status.left_at_work:
        n_left, shown = len(status.left_at_work), ", ".join(status.left_at_work[:N_UNITS])
        more = ", ..." if n_left > N_UNITS else ""
        parts.append(f"{n_left} at work without a living job, the next one goes on: {shown}{more}")
    if status.running:
        parts += ["", _jobs(status.running, step_name)]
    if status.longest_at_work:
        parts += ["", _list("longest at work", status.longest_at_work)]
    if status.slowest:
        slowest = ", ".join(f"{name} ({duration(s)})" for name, s in status.slowest)
        parts.append(f"slowest lately: {slowest}")
    if status.next:
        parts += [_list("longest waiting", status.longest_waiting), _next(status.next)]
    if status.failures:
        parts += ["", _failures(status)]
    return Group(*parts)


def history_report(unit: LedgerUnit, history: list[Recorded]) -> Group:
    """The whole story of a unit."""
    facts = ", ".join(
        f"{key} {value}" for key, value in unit.facts.items() if not isinstance(value, list)
    )
    table = Table("when (UTC)", "state", "who", "what", box=None, pad_edge=False)
    for event in history:
        state = str(event.to_state)
        if event.to_state is State.WORKING:
            state += f", attempt {unit_attempt(history, event.number)}"
        table.add_row(f"{event.at:%Y-%m-%d %H:%M:%S}", state, _who(event), what_in_words(event))
    return Group(f"{unit.name}: {unit.state} since {ago(unit.since)}", facts, "", table)


def unit_attempt(history: list[Recorded], number: int) -> int:
    """The number of the attempt that began with an event."""
    before = [event.attempts_used for event in history if event.number <= number]
    return next((used for used in reversed(before) if used is not None), 0) + 1


def ago(time: datetime) -> str:
    """The time since an instant, in words."""
    return duration(max((now() - time).total_seconds(), 0.0))


def _units(status: Status) -> RenderableType:
    total = sum(status.counts.values())
    parts = []
    for state, n in status.counts.items():
        if n:
            says_half_done = state is State.PREPROCESSED and status.half_done > 0
            half = f" ({status.half_done} half done)" if says_half_done else ""
            parts.append(f"{n:,} {state}{half}".replace("_", " "))
    at = status.at.astimezone(timezone.utc)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC  {counted(total, 'unit')}: {', '.join(parts)}"


def speed_in_words(status: Status, step_name: str) -> str:
    """What was done lately, how fast that is, and how long the rest takes."""
    speed = status.speed
    parts = [f"{speed.n_done:,} done in {duration(speed.seconds)}"]
    if speed.per_hour is not None:
        parts.append(_per_hour(speed.per_hour))
    if speed.n_active:
        parts.append(f"{status.steps_per_second:,.0f} {step_name}s/s")
    else:
        parts = [*(parts if speed.n_done else []), "no job has units now"]
    return ", ".join([*parts, *_left(speed)])


def left_in_words(speed: Speed) -> str:
    """How long the rest takes while jobs run, and at their share of the time; "" if not known."""
    return ", ".join(_left(speed))


def _left(speed: Speed) -> list[str]:
    running, calendar, share = (
        speed.running_seconds_left,
        speed.calendar_seconds_left,
        speed.running_share,
    )
    if running is None:
        return []
    said = [time_left(running, "left" if speed.n_active else "of running left")]
    if calendar is not None and share is not None and share < _ALWAYS_RUNS:
        words = f"at the share of time in which jobs ran this week ({100 * share:.0f} %)"
        said.append(time_left(calendar, words))
    return said


def _per_hour(rate: Estimate) -> str:
    """A rate to the digits that its interval supports, as `about 1,460 an hour (780 to 2,500)`."""
    decimals = 0 if rate.value >= 10 else 1
    digits = min(2 - math.floor(math.log10(rate.high - rate.low)), decimals)
    value, low, high = (
        f"{round(number, digits):,.{decimals}f}" for number in (rate.value, rate.low, rate.high)
    )
    return f"about {value} an hour ({low} to {high})"


def _jobs(running: list[RunningJob], step_name: str) -> RenderableType:
    columns = ["job", "queue", "host", "ranks", "nodes", "running", "at work", "claimed"]
    table = Table(*columns, f"{step_name}s/s", "", box=None, pad_edge=False)
    for r in running:
        silent = f"silent for {duration(r.silent)}" if r.silent > _SILENT_SECONDS else ""
        table.add_row(
            f"{r.job.id} {r.job.program}",
            r.job.queue_id or "-",
            r.job.host,
            str(r.job.ranks),
            str(r.job.nodes),
            ago(r.job.started),
            str(r.n_working),
            str(r.n_claimed - r.n_working),
            f"{r.job.steps_per_second or 0.0:,.0f}",
            silent,
        )
    return table


def _list(title: str, units: list[LedgerUnit]) -> str:
    return f"{title}: " + ", ".join(f"{unit.name} ({ago(unit.since)})" for unit in units)


def _next(units: list[LedgerUnit]) -> str:
    named = []
    for unit in units:
        why = "half done" if unit.progress else ""
        if unit.priority:
            why = ", ".join(filter(None, [why, f"priority {unit.priority:g}"]))
        named.append(f"{unit.name} ({why})" if why else unit.name)
    return f"next ({IN_WORDS}): " + ", ".join(named)


def _failures(status: Status) -> RenderableType:
    table = Table("failed", "why", "as", box=None, pad_edge=False)
    for group in status.failures:
        table.add_row(str(group.n_units), group.message, ", ".join(group.examples))
    return table


def _who(event: Recorded) -> str:
    where = f", rank {event.rank} on {event.host}" if event.rank is not None else ""
    return f"{_job(event.job)}{where}"


def _job(job: Job) -> str:
    queue = f" ({job.queue_id})" if job.queue_id else ""
    return f"{job.program} {job.id}{queue}, cvzmpi {job.software}"


def what_in_words(event: Recorded) -> str:
    """What an event tells: its message, its values, and how far the unit is."""
    parts = [event.message] if event.message else []
    parts += _words(event.detail or {})
    if event.progress:
        parts.append(f"progress {event.progress}")
    return ", ".join(parts)


def _words(detail: Mapping[str, Any]) -> Iterator[str]:
    """The values of an event, each with its name; those of a value that has some, one by one."""
    for key, value in detail.items():
        if isinstance(value, dict):
            yield from (f"{name} {_short(inside)}" for name, inside in value.items())
        else:
            yield f"{key} {value}"


def _short(value: Any) -> str:
    """A value with as many digits as a reader needs."""
    return f"{value:.5g}" if isinstance(value, float) else str(value)
