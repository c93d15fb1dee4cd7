"""Fetch: bring light curves into scratch before a job, where there is a network.

The next ones in the order of work come first, until scratch is as full as it may be. A light curve
whose sector file holds it already is not fetched.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cvzmpi.cvz.archive.qualification import too_few_cadences
from cvzmpi.cvz.archive.scratch.scratch import StagedFile
from cvzmpi.cvz.archive.scratch.stager import NotStaged, Stager
from cvzmpi.cvz.archive.staged_source import CLAIMABLE, has_checkpoint
from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.ledger import Event, Job, Ledger, State
from cvzmpi.ledger.order import place_in_order
from cvzmpi.messages.progress_bar import ProgressBar
from cvzmpi.messages.wording import counted

_PAUSE_SECONDS = 0.02
_RECORD_SECONDS = 2.0
_ASKED_AHEAD = 32


@dataclass
class FetchResult:
    """The numbers of a fetch."""

    n_needed: int = 0  # light curves that a job would need from scratch
    n_there: int = 0  # those that are in scratch now, verified
    n_downloaded: int = 0  # those that this fetch downloaded
    failed: list[str] = field(default_factory=list)  # a line for each that cannot be had
    is_full: bool = False  # true if scratch holds as much as it may
    down: str | None = None  # the reason why the archive counts as down; None if it does not

    def __str__(self) -> str:
        needed = counted(self.n_needed, "light curve is", "light curves are")
        words = [
            f"{self.n_there:,} of {needed} in scratch, "
            f"{self.n_downloaded:,} of them new, {len(self.failed):,} failed"
        ]
        if self.is_full:
            words.append("scratch is full (archive.scratch_gb)")
        if self.down is not None:
            words.append(self.down)
        return "; ".join(words)


class Fetch:
    """Brings the light curves of a ledger's units into scratch.

    Parameters
    ----------
    job : Job
        Recorded with each event.
    """

    def __init__(self, ledger: Ledger, job: Job, stager: Stager, config: Config) -> None:
        self._ledger = ledger
        self._job = job
        self._stager = stager
        self._output = config.output.directory
        self._min_usable_cadences = config.light_curve.min_usable_cadences
        self._states: dict[Product, State] = {}
        self._happened: list[Event] = []
        self.result = FetchResult()

    def run(self, bar: ProgressBar) -> FetchResult:
        """Fetch until all is there, scratch is full, or the archive is down."""
        waiting = deque(self._needed())
        recorded = time.monotonic()
        while True:
            self._ask(waiting)
            if not self._stager.n_pending:
                break
            for result in self._stager.collect():
                self._take(result)
            now = time.monotonic()
            if now - recorded > _RECORD_SECONDS:
                self._record()
                recorded = now
            more = f" in scratch, {len(self.result.failed):,} failed"
            bar.show("light curve", self.result.n_there, self.result.n_needed, more)
            time.sleep(_PAUSE_SECONDS)
        self._record()
        self.result.down = self._stager.down
        return self.result

    def _needed(self) -> Iterable[Product]:
        """The products that are not in a sector file yet, in the order of work."""
        units = self._ledger.units(states=CLAIMABLE)
        units.sort(key=lambda unit: place_in_order(unit.progress > 0, unit.priority, unit.cost))
        needed = []
        for unit in units:
            product = Product.of_facts(unit.facts)
            if product is None or unit.progress > 0:
                continue
            if not has_checkpoint(product, self._output):
                needed.append(product)
                self._states[product] = unit.state
        self.result.n_needed = len(needed)
        return needed

    def _ask(self, waiting: deque[Product]) -> None:
        while waiting and self._stager.n_pending < _ASKED_AHEAD and self._stager.down is None:
            if not self._stager.quota.has_room(waiting[0]):
                self.result.is_full = True
                return
            self._stager.ask(waiting.popleft())

    def _take(self, result: StagedFile | NotStaged) -> None:
        if isinstance(result, StagedFile):
            self.result.n_there += 1
            self.result.n_downloaded += bool(result.address)
            self._tell_staged(result)
        elif not result.archive_down:
            self.result.failed.append(result.reason)
            self._tell(result.product, State.ERROR, message=result.reason)

    def _tell_staged(self, staged: StagedFile) -> None:
        product, detail = staged.product, staged.detail()
        if self._states[product] is State.QUALIFIED:
            self._tell(product, State.PREPROCESSED, detail=detail)
        reason = too_few_cadences(product, staged.usable_cadences, self._min_usable_cadences)
        if reason is not None:
            self._tell(product, State.NOT_QUALIFIED, message=reason, detail=detail)

    def _tell(
        self,
        product: Product,
        state: State,
        *,
        message: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        before = self._states[product]
        self._happened.append(Event(product.id.name, state, before, message=message, detail=detail))
        self._states[product] = state

    def _record(self) -> None:
        """Record the events; those of a unit that a job has changed meanwhile are left out."""
        self._ledger.record(self._happened, self._job, skip_stale=True)
        self._happened = []
