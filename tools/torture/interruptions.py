"""Interruptions: signals and exceptions at random instants, after which the next job goes on.

SIGINT, SIGTERM, SIGHUP and SIGKILL go to one rank, to the launcher, or to all processes; exceptions
are raised on rank 0. Each campaign is interrupted some times, and then a job must end it.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cvzmpi.ledger import Ledger, Recorded, State
from cvzmpi.ledger.states import check_transition
from cvzmpi.mpi.launch import DEFECT
from cvzmpi.runtime.all_ranks import DONE, INCOMPLETE, SOME_FAILED
from tools.torture.main_job import Job, TortureCampaign, wait_until

EXCEPTION = "exception on rank 0"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
_TARGETS: dict[str, Callable[[list[int], random.Random], list[int]]] = {
    "rank 0": lambda ranks, chance: ranks[:1],
    "one rank": lambda ranks, chance: [chance.choice(ranks)],
    "all": lambda ranks, chance: ranks,
}
_LAUNCHER = "launcher"
KINDS = (
    *(f"{s.name} to {t}" for s in _SIGNALS for t in (*_TARGETS, _LAUNCHER)),
    *(EXCEPTION,) * (len(_TARGETS) + 1),  # as often as each of the signals
)
_MOST_OF_A_CAMPAIGN = 5
# What may come of a request to stop: that it came too late, or with a second signal of the
# launcher, is no fault.
_ORDERLY = {DONE, INCOMPLETE}


@dataclass
class Interrupted:
    """What was seen.

    Attributes
    ----------
    kinds : Counter
        Interruptions, by their kind.
    statuses : Counter
        Exit statuses of the interrupted jobs.
    campaigns : int
        That were finished after them.
    usual : float
        Seconds within which a job does not end by itself, as a rule.
    wrong : list of str
    """

    kinds: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    campaigns: int = 0
    usual: float = 0.0
    wrong: list[str] = field(default_factory=list)


def interrupt(campaign: TortureCampaign, ranks: int, n: int, seed: int) -> Interrupted:
    """Interrupt jobs until so many interruptions have come; each campaign is finished."""
    chance = random.Random(seed)
    output = campaign.directory / f"interrupted-{ranks}"
    seen = Interrupted(usual=campaign.seconds)
    while seen.kinds.total() < n and not seen.wrong:
        for _ in range(chance.randint(1, min(_MOST_OF_A_CAMPAIGN, n - seen.kinds.total()))):
            if not _interrupt_once(campaign, output, ranks, chance, seen):
                break
        job = campaign.start(output, ranks)
        if job.wait() != DONE:
            seen.wrong.append(f"the next job ends with {job.wait()}: {job.text()[-2000:]}")
        seen.wrong += campaign.wrong_at_the_end(output)
        seen.wrong += wrong_in_ledger(output)
        seen.campaigns += 1
        if not seen.wrong:
            shutil.rmtree(output)
    return seen


def _interrupt_once(
    campaign: TortureCampaign, output: Path, ranks: int, chance: random.Random, seen: Interrupted
) -> bool:
    """Interrupt a job; False where it had ended before, which does not count."""
    kind = chance.choice(KINDS)
    seconds = chance.uniform(0.1, seen.usual)
    if kind == EXCEPTION:
        job = campaign.start(output, ranks, program=("tools.torture.broken_job", f"{seconds:.3f}"))
        status = job.wait()
        had_ended = status == DONE
        # A job of one process works itself: what is raised in there fails a light curve.
        is_promised = status in {DONE, DEFECT} or (status == SOME_FAILED and ranks == 1)
    else:
        name, _, target = kind.partition(" to ")
        job = campaign.start(output, ranks, program=("cvzmpi",))
        time.sleep(seconds)
        had_ended = job.has_ended()
        _send(job, signal.Signals[name], target, chance)
        status = job.wait()
        # mpirun ends ranks by itself, and has its own statuses. Python's own start has no answer to
        # a signal, or a traceback.
        has_come = "cvzmpi" in job.text() or "to begin" in job.text()
        dies = name == "SIGKILL" or (status == -signal.Signals[name] and not has_come)
        is_promised = ranks > 1 or status in _ORDERLY or dies
    wait_until(lambda: not job.ranks(), "the end of all ranks")
    if had_ended and status == DONE:
        seen.usual = max(0.9 * seen.usual, 2.0)
        return False
    seen.kinds[kind] += 1
    seen.statuses[status] += 1
    text = job.text()
    if not is_promised:
        seen.wrong.append(f"{kind} after {seconds:.1f} s: status {status}: {text[-2000:]}")
    if kind != EXCEPTION and "Traceback" in text and "cvzmpi" in text:
        seen.wrong.append(f"{kind} after {seconds:.1f} s: {text[-2000:]}")
    seen.wrong += [f"{what}: {which}" for what, which in campaign.wrong(output)]
    return True


def _send(job: Job, number: signal.Signals, target: str, chance: random.Random) -> None:
    processes = job.ranks()  # mpirun itself is the first where there is one
    if len(processes) > 1:
        launcher, ranks = processes[:1], processes[1:]
    else:
        launcher, ranks = processes, processes
    chosen = launcher if target == _LAUNCHER else _TARGETS[target](ranks, chance) if ranks else []
    for process in {*chosen, *(launcher if target == "all" else ())}:
        with suppress(ProcessLookupError):
            os.kill(process, number)


def wrong_in_ledger(output: Path) -> list[str]:
    """What is wrong with the ledger of a finished campaign; empty if all is well."""
    wrong = []
    with Ledger.open(output / "ledger.sqlite", create=False) as ledger:
        for unit in ledger.units():
            # An exception while a FITS file is looked at is taken for its own, until the next look.
            was_rejected = unit.name.endswith(".fits") and unit.state is State.NOT_QUALIFIED
            if unit.state is not State.DONE and not was_rejected:
                wrong.append(f"{unit.name} is {unit.state}")
            wrong += _wrong_in_history(ledger.history(unit.name))
    wrong += [f"not delivered: {path}" for path in (output / "outbox").glob("*")]
    return wrong


def _wrong_in_history(history: list[Recorded]) -> list[str]:
    """Whether each event follows from the one before, and who worked gave back."""
    wrong = []
    before: Recorded | None = None
    for number, event in enumerate(history, start=1):
        state = None if before is None else before.to_state
        if event.number != number or event.from_state is not state:
            wrong.append(f"{event.unit}: a gap before event {event.number}")
        check_transition(event.unit, state, event.to_state)
        if before is not None and state is State.WORKING and not _may_end(before, event):
            wrong.append(f"{event.unit}: job {event.job.id} took it while another had it")
        if event.to_state is State.ERROR and "Defect" not in (event.message or ""):
            wrong.append(f"{event.unit} failed: {event.message}")
        before = event
    return wrong


def _may_end(began: Recorded, event: Recorded) -> bool:
    """Whether the work that a job began was ended by itself, or in place of a dead one."""
    said = event.message or ""
    return event.job.id == began.job.id or said.startswith(f"job {began.job.id} ")
