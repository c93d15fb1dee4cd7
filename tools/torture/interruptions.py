"""Interruptions: signals and exceptions at random instants, after which the next job goes on.

SIGINT, SIGTERM, SIGHUP and SIGKILL go to one rank, to the launcher, or to all processes; exceptions
are raised on rank 0. Each campaign is interrupted some times, and then a job must end it.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

from cvzmpi.mpi.stopping import DEFECT
from cvzmpi.runtime.all_ranks import DONE, INCOMPLETE, SOME_FAILED
from tools.harness.job_process import wait_until
from tools.harness.marked_job import MarkedJob
from tools.torture.disturbance import Target, wait_for_instant
from tools.torture.ledger_history import wrong_in_ledger
from tools.torture.main_job import TortureCampaign

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


class InterruptedMainJob(Target):
    """Jobs on light curves, interrupted; `statuses` are those with which they ended."""

    def __init__(self, campaign: TortureCampaign, ranks: int) -> None:
        self._campaign, self._ranks = campaign, ranks
        self._output = campaign.directory / f"interrupted-{ranks}"
        self._usual = campaign.seconds  # within which a job does not end by itself, as a rule
        self._kind, self._seconds = "", 0.0
        self._is_promised = True
        self.statuses: Counter[int] = Counter()

    def most(self, left: int, chance: random.Random) -> int:
        """A few."""
        return chance.randint(1, min(_MOST_OF_A_CAMPAIGN, left))

    def start(self, chance: random.Random | None) -> MarkedJob:
        """Draw the interruption; an exception needs a program of its own."""
        program: tuple[str, ...] = ("cvzmpi",)
        if chance is not None:
            self._kind = chance.choice(KINDS)
            self._seconds = chance.uniform(0.1, self._usual)
            if self._kind == EXCEPTION:
                program = ("tools.torture.broken_job", f"{self._seconds:.3f}")
        return self._campaign.start(self._output, self._ranks, program=program)

    def disturb(self, job: MarkedJob, chance: random.Random) -> str | None:
        """Interrupt it, and wait for its end."""
        if self._kind == EXCEPTION:
            status = job.wait()
            had_ended = status == DONE
            # A job of one process works itself: what is raised in there fails a light curve.
            some_failed = status == SOME_FAILED and self._ranks == 1
            self._is_promised = status in {DONE, DEFECT} or some_failed
        else:
            name, _, target = self._kind.partition(" to ")
            had_ended = not wait_for_instant(job, lambda: True, "nothing", self._seconds)
            _send(job, signal.Signals[name], target, chance)
            status = job.wait()
            # mpirun ends ranks by itself, and has its own statuses. Python's own start has no
            # answer to a signal, or a traceback.
            has_come = "cvzmpi" in job.text() or "to begin" in job.text()
            dies = name == "SIGKILL" or (status == -signal.Signals[name] and not has_come)
            self._is_promised = self._ranks > 1 or status in _ORDERLY or dies
        wait_until(lambda: not job.ranks(), "the end of all ranks")
        if had_ended and status == DONE:
            self._usual = max(0.9 * self._usual, 2.0)
            return None
        self.statuses[status] += 1
        return self._kind

    def look(self, job: MarkedJob) -> Iterator[tuple[str, str]]:
        """It ended as promised, without a traceback, and its files are whole."""
        when, text = f"{self._kind} after {self._seconds:.1f} s", job.text()
        if not self._is_promised:
            yield "status", f"{when}: {job.wait()}: {text[-2000:]}"
        if self._kind != EXCEPTION and "Traceback" in text and "cvzmpi" in text:
            yield "traceback", f"{when}: {text[-2000:]}"
        yield from self._campaign.wrong(self._output)

    def finish(self, jobs: list[MarkedJob]) -> Iterator[tuple[str, str]]:
        """The next job ends it; files are those of the undisturbed run, the ledger tells it all."""
        (job,) = jobs
        if (status := job.wait()) != DONE:
            yield "next job", f"ends with {status}: {job.text()[-2000:]}"
        yield from self._campaign.wrong_at_the_end(self._output)
        yield from wrong_in_ledger(self._output / "ledger.sqlite", self._output / "outbox")
        shutil.rmtree(self._output)


def _send(job: MarkedJob, number: signal.Signals, target: str, chance: random.Random) -> None:
    processes = job.ranks()  # mpirun itself is the first where there is one
    if len(processes) > 1:
        launcher, ranks = processes[:1], processes[1:]
    else:
        launcher, ranks = processes, processes
    chosen = launcher if target == _LAUNCHER else _TARGETS[target](ranks, chance) if ranks else []
    for process in {*chosen, *(launcher if target == "all" else ())}:
        with suppress(ProcessLookupError):
            os.kill(process, number)
