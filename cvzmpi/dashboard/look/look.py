"""Looks at the ledger: each reads it in one transaction that can change nothing, and is kept."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from cvzmpi.dashboard.look.campaign import ServedCampaign
from cvzmpi.dashboard.look.job_life import JobLife, Life
from cvzmpi.dashboard.look.kept import Kept
from cvzmpi.ledger.client.outbox import count_undelivered
from cvzmpi.ledger.records import Job, now
from cvzmpi.ledger.status import activity
from cvzmpi.ledger.status.activity import Finished, Throughput, Waiting
from cvzmpi.ledger.status.snapshot import Snapshot, snapshot
from cvzmpi.ledger.status.status import RunningJob, Status, take_status

_STATUS_SECONDS, _LATELY_SECONDS, _LONG_SECONDS = 1.0, 3.0, 15.0
_N_FINISHED = 100  # units done last, that are looked at for what was found in them


@dataclass(frozen=True)
class Lately:
    """What happened lately."""

    finished: Sequence[Finished]
    ended: Sequence[Job]


@dataclass(frozen=True)
class Figures:
    """Counts for Prometheus."""

    status: Status
    n_done: int  # how often units were done


class Look:
    """The ledger of a campaign, as it is now or was a moment ago.

    All methods raise LedgerError where it cannot be read.
    """

    def __init__(self, campaign: ServedCampaign) -> None:
        self.campaign = campaign
        self._life = JobLife(campaign.lease)
        self._status = Kept(self._take_status, _STATUS_SECONDS)
        self._lately = Kept(self._look_back, _LATELY_SECONDS)
        self._throughput = Kept(self._count, _LONG_SECONDS)
        self._waiting = Kept(self._sum_waiting, _LONG_SECONDS)
        self._figures = Kept(self._take_figures, _LATELY_SECONDS)

    def status(self) -> Status:
        """The state of the campaign, as `cvzmpi status` has it."""
        return self._status.get()

    def status_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return self.status().as_json()

    def lately(self) -> Lately:
        """The units that were done last, and the jobs that ended."""
        return self._lately.get()

    def throughput(self) -> Throughput:
        """Units done and failed over time."""
        return self._throughput.get()

    def waiting(self) -> Waiting:
        """The inputs that wait for a team."""
        return self._waiting.get()

    def figures(self) -> Figures:
        """Counts for Prometheus."""
        return self._figures.get()

    def life(self, running: RunningJob) -> Life:
        """What is known of a job that has not ended."""
        return self._life.of(running)

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """The ledger at this moment, for what is asked once."""
        return snapshot(self.campaign.location)

    def _take_status(self) -> Status:
        campaign = self.campaign
        undelivered = count_undelivered(campaign.outboxes)
        return take_status(campaign.location, undelivered, campaign.whole)

    def _look_back(self) -> Lately:
        with self.snapshot() as seen:
            return Lately(
                activity.newest_done(seen, _N_FINISHED), activity.jobs_ended_lately(seen, now())
            )

    def _count(self) -> Throughput:
        with self.snapshot() as seen:
            return activity.throughput(seen, now())

    def _sum_waiting(self) -> Waiting:
        with self.snapshot() as seen:
            return activity.waiting_inputs(seen)

    def _take_figures(self) -> Figures:
        with self.snapshot() as seen:
            n_done = activity.count_done(seen)
        return Figures(self.status(), n_done)
