"""Open a job of any campaign on rank 0: its log, its place in the ledger, its units.

A campaign says what it looks at before the job is entered in the ledger, and which units the job
may claim. All else is the same for every campaign.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cvzmpi.ledger.claims import Narrow, all_units
from cvzmpi.ledger.client.job_writer import JobWriter
from cvzmpi.ledger.client.liveness import queue_id
from cvzmpi.ledger.client.rules import Evidence, JobRules
from cvzmpi.ledger.failures import failures
from cvzmpi.ledger.ledger import Ledger
from cvzmpi.ledger.records import Job, LedgerUnit
from cvzmpi.ledger.states import FINISHED, State
from cvzmpi.runtime.all_ranks import complain
from cvzmpi.runtime.disk_room import DiskRoom
from cvzmpi.runtime.job_config import JobConfig, LedgerConfig
from cvzmpi.runtime.job_log import begin_log
from cvzmpi.runtime.ledger_source import LedgerSource
from cvzmpi.runtime.wait_for_ledger import wait_for_ledger
from cvzmpi.scheduler.campaign import Outcome, Overview, Unit, UnitSource


class CampaignConfig(Protocol):
    """The part of a configuration that all campaigns share."""

    @property
    def job(self) -> JobConfig:
        """The section `[job]`."""

    @property
    def ledger(self) -> LedgerConfig:
        """The section `[ledger]`."""

    def ledger_location(self) -> str | Path:
        """The place of the ledger, as for `Ledger.open`."""

    def outboxes(self) -> Path:
        """Directory of the outboxes."""

    def logs(self) -> Path:
        """Directory of the log files."""


@dataclass(frozen=True)
class OpenJob:
    """A job that is entered in the ledger."""

    ledger: Ledger
    job: Job
    config: CampaignConfig

    def source(
        self,
        as_unit: Callable[[LedgerUnit], Unit],
        evidence: Evidence,
        n_ranks: int,
        steps_per_unit: int,
        *,
        states: Sequence[State] = (State.PREPROCESSED,),
        batch: Sequence[str] | None = None,
        only: Narrow = all_units,
        failed_in: Collection[State] = tuple(State),
        as_recorded: Callable[[Outcome], Outcome] = lambda outcome: outcome,
    ) -> LedgerSource:
        """Begin to claim units.

        Parameters
        ----------
        as_unit, n_ranks, as_recorded
            As in `LedgerSource`.
        evidence : Evidence
            Asked about the units of dead jobs.
        states : sequence of State
            In which a unit can be claimed.
        batch : sequence of str, optional
            The only units that this job is for.
        only : callable
            Leaves out units that the campaign does not let jobs have now.
        failed_in : collection of State
            Units that failed in another state are not counted among those of this job.
        """
        ledger, job, config = self.ledger, self.job, self.config
        limited = batch is not None and ledger.claims.limit_to(
            job, list(dict.fromkeys(batch)), states
        )
        rules = JobRules(
            states,
            config.job.max_attempts,
            config.ledger.lease,
            limited=limited,
            only=only,
            patience=config.ledger.patience,
        )
        return LedgerSource(
            JobWriter(ledger, job, config.outboxes(), rules, evidence),
            lambda: overview_of(
                ledger,
                job,
                batch=set(batch) if limited and batch is not None else None,
                steps_per_unit=steps_per_unit,
                open_states=(*states, State.WORKING),
                failed_in=failed_in,
                only=only,
            ),
            as_unit,
            n_ranks,
            as_recorded,
            DiskRoom(config.outboxes().parent).news,
        )


def open_job(
    config: CampaignConfig,
    program: str,
    ranks: int,
    nodes: int,
    look: Callable[[Ledger], Callable[[OpenJob], UnitSource]],
    check: Callable[[], None] = lambda: None,
) -> UnitSource:
    """Open the ledger, begin the log of a job, enter it in the ledger, and begin to claim units.

    Where something fails, the ledger is closed, and a job that was entered has ended. While the
    ledger's database is away, all of it is tried again.

    Parameters
    ----------
    program : str
        What the job is called in the ledger.
    ranks, nodes : int
        Of the job.
    look : callable
        Looks at the ledger before the job is in it. Gives what makes the source of the job's units.
    check : callable
        Raises what must be found out before the ledger is opened.

    Raises
    ------
    LedgerUnavailableError
        If the ledger's database is away for longer than `ledger.patience`.
    LedgerError
        If the ledger cannot be opened.
    ConfigError
        If the log cannot be written.
    CvzmpiError
        Whatever `check`, `look` and what it gives raise.
    """

    def begin() -> UnitSource:
        check()
        with ExitStack() as on_error:
            ledger = on_error.enter_context(Ledger.open(config.ledger_location()))
            make_source = look(ledger)
            queue = queue_id(os.environ)
            log = begin_log(config.logs(), config.job.log_level, queue)
            job = ledger.jobs.begin(program, ranks=ranks, nodes=nodes, queue_id=queue, log=log)
            on_error.callback(ledger.jobs.end, job, "nothing was begun")
            source = make_source(OpenJob(ledger, job, config))
            on_error.pop_all()
        return source

    return wait_for_ledger(begin, config.ledger.patience, complain)


def overview_of(
    ledger: Ledger,
    job: Job,
    *,
    batch: Collection[str] | None,
    steps_per_unit: int,
    open_states: Collection[State] = (State.QUALIFIED, State.PREPROCESSED, State.WORKING),
    failed_in: Collection[State] = tuple(State),
    only: Narrow = all_units,
) -> Overview:
    """Count what there is to do.

    Parameters
    ----------
    batch : collection of str, optional
        The units of the job; without it, all.
    open_states : collection of State
        In which a unit is to be worked on.
    failed_in, only
        As in `OpenJob.source`.
    """
    counts = ledger.claims.batch_counts(job, limited=batch is not None, only=only)
    failed = [
        failure
        for failure in failures(ledger)
        if failure.from_state in failed_in and (batch is None or failure.unit.name in batch)
    ]
    cost, squared = ledger.claims.cost_of(job, open_states, limited=batch is not None, only=only)
    return Overview(
        n_open=sum(n for (state, _), n in counts.items() if state in open_states),
        n_begun=sum(n for (state, begun), n in counts.items() if begun and state in open_states),
        n_done=sum(n for (s, _), n in counts.items() if s in FINISHED),
        rejected=[Outcome(failure.unit.name, failure.message) for failure in failed],
        steps_per_unit=steps_per_unit,
        cost=cost,
        cost_squared=squared,
    )
