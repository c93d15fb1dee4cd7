"""The staged source: units get their light curve from the archive before a team gets them.

It takes units from another source some way ahead of the teams, has the stager fetch those that need
a FITS file, and gives each out when its file is there. The files are removed when they have been
used, so that scratch stays within its bounds however large the campaign.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from cvzmpi.cvz.archive.qualification import too_few_cadences
from cvzmpi.cvz.archive.scratch.scratch import StagedFile
from cvzmpi.cvz.archive.scratch.stager import NotStaged, Stager
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.cvz.sector_file.reading import read_progress
from cvzmpi.errors import SectorFileError
from cvzmpi.ledger import State
from cvzmpi.scheduler.campaign import Outcome, Overview, Remainder, Unit, UnitSource, Worker

CLAIMABLE = (State.QUALIFIED, State.PREPROCESSED)
"""A unit is given to a job before its light curve is there, which the job itself fetches."""

# Looking into a sector file takes a millisecond or some, and rank 0 has other things to do.
_UNITS_PER_CALL = 10


class RecordingSource(UnitSource, Protocol):
    """A source of units that also records how their light curves come: the ledger's."""

    def preprocessed(self, unit: Unit, **detail: Any) -> None:
        """Record that the light curve of a unit is there, verified."""
        ...

    def not_qualified(self, unit: Unit, message: str) -> None:
        """Record that the light curve of a unit is there, and is not worth the work."""
        ...


def has_checkpoint(product: Product, output: Path) -> bool:
    """True if the sector file holds the light curve, so that no FITS file is needed."""
    try:
        return read_progress(product.id.path(output)) is not None
    except SectorFileError:
        return False


class StagedSource:
    """A source of units whose light curves are there.

    Parameters
    ----------
    inner : RecordingSource
        The source of the units, whose content is a `LightCurveSource`.
    output : Path
        Directory of the sector files.
    ahead : int
        Units that may wait for their file or for a team.
    min_usable_cadences : int
        Light curves with fewer do not qualify.
    left_undone : Outcome, optional
        Work that the job could not do before it began; reported once.
    """

    def __init__(
        self,
        inner: RecordingSource,
        stager: Stager,
        output: Path,
        *,
        ahead: int,
        min_usable_cadences: int,
        left_undone: Outcome | None = None,
    ) -> None:
        self._inner = inner
        self._stager = stager
        self._output = output
        self._ahead = ahead
        self._min_usable_cadences = min_usable_cadences
        self._left_undone = [left_undone] if left_undone is not None else []
        self._on_the_way: dict[Product, Unit] = {}
        self._ready: deque[Unit] = deque()
        self._staged: dict[str, Product] = {}  # by unit
        self._perhaps_used = stager.quota.products()
        self._misses = 0  # units in a row without a file, since the archive is down

    def overview(self) -> Overview:
        """The work that there is."""
        return self._inner.overview()

    def next(self) -> Unit | None:
        """A unit whose light curve is there, or that needs none."""
        return self._ready.popleft() if self._ready else None

    def exhausted(self) -> bool:
        """True if no light curve will come any more."""
        nothing_left = self._inner.exhausted() or self._gave_up()
        return nothing_left and not self._ready and not self._on_the_way

    def began(self, unit: Unit, worker: Worker) -> None:
        """A team was given the unit."""
        self._inner.began(unit, worker)

    def ended(self, outcome: Outcome) -> None:
        """A team's work on a unit ended; its FITS file is removed if it is needed no more."""
        self._inner.ended(outcome)
        product = self._staged.get(outcome.unit)
        if product is None:
            return
        if outcome.unfinished is None or has_checkpoint(product, self._output):
            del self._staged[outcome.unit]
            self._stager.discard(product)

    def steps_done(self, steps: int) -> None:
        """A team did some steps of its unit."""
        self._inner.steps_done(steps)

    def attend(self) -> Sequence[Outcome]:
        """Take units from the inner source, and the light curves that came."""
        outcomes = [*self._left_undone, *self._inner.attend()]
        self._left_undone = []
        for result in self._stager.collect():
            unit = self._on_the_way.pop(result.product)
            if isinstance(result, StagedFile):
                outcome = self._has_come(unit, result)
            else:
                outcome = self._does_not_come(unit, result)
            if outcome is not None:
                outcomes.append(outcome)
        self._discard_used()
        self._look_ahead()
        return outcomes

    def ranks_of_others(self) -> int:
        """The ranks of other jobs that work on the same light curves."""
        return self._inner.ranks_of_others()

    def status(self) -> str:
        """The numbers of downloads."""
        words = [
            f"{self._stager.n_downloaded} downloaded, {len(self._on_the_way)} on the way, "
            f"{len(self._ready)} ready"
        ]
        if self._stager.down is not None:
            words = [f"{self._stager.n_downloaded} downloaded, the archive is down"]
        inner = self._inner.status()
        return ", ".join([*words, inner] if inner else words)

    def close(self, stopped: str | None) -> Remainder | None:
        """End the downloads."""
        self._stager.close()
        return self._inner.close(stopped)

    def _look_ahead(self) -> None:
        """Take more units, as many as may be waiting and fit into scratch."""
        for _ in range(_UNITS_PER_CALL):
            if self._gave_up() or not self._may_take():
                return
            unit = self._inner.next()
            if unit is None:
                return
            product = unit.content.product
            if product is None or unit.content.path is not None:
                self._ready.append(unit)
            elif has_checkpoint(product, self._output):
                self._ready.append(unit)
                self._stager.discard(product)
            else:
                self._on_the_way[product] = unit
                self._stager.ask(product)

    def _may_take(self) -> bool:
        n_ahead = len(self._on_the_way) + len(self._ready)
        if n_ahead >= self._ahead:
            return False
        if not self._on_the_way and not self._staged:
            return True  # the job goes on even if other files fill scratch
        return self._stager.quota.has_room()

    def _gave_up(self) -> bool:
        """True if the archive is down and, it seems, no more files are in scratch."""
        return self._stager.down is not None and self._misses >= self._ahead

    def _has_come(self, unit: Unit, staged: StagedFile) -> Outcome | None:
        self._misses = 0
        self._inner.preprocessed(unit, **staged.detail())
        reason = too_few_cadences(staged.product, staged.usable_cadences, self._min_usable_cadences)
        if reason is not None:
            self._inner.not_qualified(unit, reason)
            self._stager.discard(staged.product)
            return Outcome(unit.name, result={"note": f"does not qualify: {reason}"})
        self._staged[unit.name] = staged.product
        content: LightCurveSource = unit.content
        self._ready.append(replace(unit, content=replace(content, path=staged.path)))
        return None

    def _does_not_come(self, unit: Unit, failure: NotStaged) -> Outcome:
        self._misses += failure.archive_down
        if failure.archive_down:
            outcome = Outcome(unit.name, unfinished=failure.reason)
        else:
            outcome = Outcome(unit.name, error=failure.reason)
        self._inner.ended(outcome)
        return outcome

    def _discard_used(self) -> None:
        """Remove some of the files that an earlier job used but did not live to remove."""
        for _ in range(min(_UNITS_PER_CALL, len(self._perhaps_used))):
            product = self._perhaps_used.pop()
            if has_checkpoint(product, self._output):
                self._stager.discard(product)
