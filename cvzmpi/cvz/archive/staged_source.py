"""The staged source: units get their light curve from the archive before a team gets them.

It takes units from another source some way ahead of the teams, has the stager fetch those that need
a FITS file, and gives each out when its file is there. The files are removed when they have been
used, so that scratch stays within its bounds however large the campaign.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cvzmpi.cvz import sector_file
from cvzmpi.cvz.archive.product import Product
from cvzmpi.cvz.archive.scratch import Scratch, StagedFile
from cvzmpi.cvz.archive.stager import NotStaged, Stager
from cvzmpi.cvz.light_curve_unit import LightCurvePaths
from cvzmpi.engine.campaign import Outcome, Overview, Unit, UnitSource, Worker
from cvzmpi.errors import SectorFileError

USUAL_SIZE = 2_100_000
"""Bytes that a light curve is expected to take while it is on its way (1.8 to 2.0 MB are usual)."""

# Looking into a sector file takes a millisecond or some, and rank 0 has other things to do.
_UNITS_PER_CALL = 10


@dataclass(frozen=True)
class StagingLimits:
    """How far ahead of the teams light curves are fetched.

    Attributes
    ----------
    ahead : int
        Units that may wait for their file or for a team.
    scratch_bytes : float
        What the files may take in scratch.
    """

    ahead: int
    scratch_bytes: float


class StagedSource:
    """A source of units whose light curves are there.

    Parameters
    ----------
    inner : UnitSource
        Where the units come from; their content is a `LightCurvePaths`.
    stager : Stager
    scratch : Scratch
    output : Path
        Directory of the sector files.
    limits : StagingLimits
    preprocessed : callable
        Is told of each unit whose light curve came.
    """

    def __init__(
        self,
        inner: UnitSource,
        stager: Stager,
        scratch: Scratch,
        output: Path,
        limits: StagingLimits,
        preprocessed: Callable[[Unit, StagedFile], None] = lambda unit, staged: None,
    ) -> None:
        self._inner = inner
        self._stager = stager
        self._scratch = scratch
        self._output = output
        self._limits = limits
        self._preprocessed = preprocessed
        self._on_the_way: dict[Product, Unit] = {}
        self._ready: deque[Unit] = deque()
        self._staged: dict[str, Product] = {}  # by unit
        self._sizes = dict(scratch.products())  # also of other jobs
        self._perhaps_used = list(self._sizes)
        self._misses = 0  # units in a row without a file, since the archive is down

    def overview(self) -> Overview:
        """What there is to do."""
        return self._inner.overview()

    def next(self) -> Unit | None:
        """A unit whose light curve is there, or that needs none."""
        return self._ready.popleft() if self._ready else None

    def exhausted(self) -> bool:
        """Whether no light curve will come any more."""
        nothing_left = self._inner.exhausted() or self._gave_up()
        return nothing_left and not self._ready and not self._on_the_way

    def began(self, unit: Unit, worker: Worker) -> None:
        """A team was given the unit."""
        self._inner.began(unit, worker)

    def ended(self, outcome: Outcome) -> None:
        """A team's work on a unit ended; its FITS file is removed where it is needed no more."""
        self._inner.ended(outcome)
        product = self._staged.get(outcome.unit)
        if product is None:
            return
        if outcome.unfinished is None or self._has_checkpoint(product):
            del self._staged[outcome.unit]
            self._discard(product)

    def steps_done(self, steps: int) -> None:
        """A team did some steps of its unit."""
        self._inner.steps_done(steps)

    def attend(self) -> Sequence[Outcome]:
        """Take units from the inner source, and what the stager brought."""
        outcomes = list(self._inner.attend())
        for result in self._stager.collect():
            unit = self._on_the_way.pop(result.product)
            if isinstance(result, StagedFile):
                self._misses = 0
                self._has_come(unit, result)
            else:
                self._misses += result.archive_down
                outcome = _outcome(unit, result)
                self._sizes.pop(result.product, None)
                self._inner.ended(outcome)
                outcomes.append(outcome)
        self._discard_used()
        self._look_ahead()
        return outcomes

    def status(self) -> str:
        """How far the downloads are."""
        words = [
            f"{self._stager.n_downloaded} downloaded, {len(self._on_the_way)} on the way, "
            f"{len(self._ready)} ready"
        ]
        if self._stager.down is not None:
            words = [f"{self._stager.n_downloaded} downloaded, the archive is down"]
        inner = self._inner.status()
        return ", ".join([*words, inner] if inner else words)

    def close(self, stopped: str | None) -> None:
        """End the downloads."""
        self._stager.close()
        self._inner.close(stopped)

    def _look_ahead(self) -> None:
        """Take so many more units as there is room for."""
        for _ in range(_UNITS_PER_CALL):
            if self._gave_up() or not self._has_room():
                return
            unit = self._inner.next()
            if unit is None:
                return
            product = unit.content.product
            if product is None or unit.content.source is not None:
                self._ready.append(unit)
            elif self._has_checkpoint(product):
                self._ready.append(unit)
                self._discard(product)
            else:
                self._on_the_way[product] = unit
                self._sizes.setdefault(product, USUAL_SIZE)
                self._stager.ask(product)

    def _has_room(self) -> bool:
        n_ahead = len(self._on_the_way) + len(self._ready)
        if n_ahead >= self._limits.ahead:
            return False
        if not self._on_the_way and not self._staged:
            return True  # whatever else is in scratch: the job goes on
        return sum(self._sizes.values()) + USUAL_SIZE <= self._limits.scratch_bytes

    def _gave_up(self) -> bool:
        """Whether the archive is down and no more files are in scratch, it seems."""
        return self._stager.down is not None and self._misses >= self._limits.ahead

    def _has_come(self, unit: Unit, staged: StagedFile) -> None:
        self._sizes[staged.product] = staged.size
        self._staged[unit.name] = staged.product
        self._preprocessed(unit, staged)
        content: LightCurvePaths = unit.content
        self._ready.append(replace(unit, content=replace(content, source=staged.path)))

    def _has_checkpoint(self, product: Product) -> bool:
        """Whether the sector file holds the light curve, so that no FITS file is needed."""
        path = sector_file.sector_path(self._output, product.tic, product.sector)
        try:
            return sector_file.read_progress(path) is not None
        except SectorFileError:
            return False

    def _discard_used(self) -> None:
        """Remove some of the files that an earlier job used but did not live to remove."""
        for _ in range(min(_UNITS_PER_CALL, len(self._perhaps_used))):
            product = self._perhaps_used.pop()
            if self._has_checkpoint(product):
                self._discard(product)

    def _discard(self, product: Product) -> None:
        self._scratch.remove(product)
        self._sizes.pop(product, None)


def _outcome(unit: Unit, failure: NotStaged) -> Outcome:
    """How a unit ended for which there is no light curve."""
    if failure.archive_down:
        return Outcome(unit.name, unfinished=failure.reason)
    return Outcome(unit.name, error=failure.reason)
