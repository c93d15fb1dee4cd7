"""The staged source: units get their light curve from the archive before a team gets them.

It takes units from another source some way ahead of the teams, has the stager fetch those that need
a FITS file, and gives each out when its file is there. The files are removed when they have been
used, so that scratch stays within its bounds however large the campaign.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from cvzmpi.cvz.archive.qualification import too_few_cadences
from cvzmpi.cvz.archive.scratch.quota import Room
from cvzmpi.cvz.archive.scratch.scratch import Scratch, StagedFile
from cvzmpi.cvz.archive.scratch.stager import NotStaged, Stager
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.cvz.sector_file.reading import read_progress
from cvzmpi.errors import SectorFileError
from cvzmpi.scheduler.campaign import Outcome, Overview, Remainder, Unit, UnitSource, Worker

# Looking into a sector file takes a millisecond or some, and rank 0 has other things to do.
_UNITS_PER_CALL = 10


class Recorder(Protocol):
    """Who keeps what becomes of the light curves, besides what a `UnitSource` is told."""

    def preprocessed(self, unit: Unit, **detail: Any) -> None:
        """The light curve of a unit is there, verified."""
        ...

    def not_qualified(self, unit: Unit, message: str) -> None:
        """The light curve of a unit is there, and is not worth the work."""
        ...


class RecordingSource(UnitSource, Recorder, Protocol):
    """A source that keeps all of it: the ledger's."""


@dataclass(frozen=True)
class StagingRules:
    """Which light curves are fetched.

    Attributes
    ----------
    ahead : int
        Units that may wait for their file or for a team.
    min_usable_cadences : int
        Light curves with fewer do not qualify.
    """

    ahead: int
    min_usable_cadences: int = 0


class StagedSource:
    """A source of units whose light curves are there.

    Parameters
    ----------
    inner : UnitSource
        Where the units come from; their content is a `LightCurveSource`.
    stager : Stager
    scratch : Scratch
    room : Room
        In scratch.
    output : Path
        Directory of the sector files.
    rules : StagingRules
    recorder : Recorder, optional
    left_undone : Outcome, optional
        What the job could not do before it began; told once.
    """

    def __init__(
        self,
        inner: UnitSource,
        stager: Stager,
        scratch: Scratch,
        room: Room,
        output: Path,
        rules: StagingRules,
        recorder: Recorder | None = None,
        left_undone: Outcome | None = None,
    ) -> None:
        self._inner = inner
        self._stager = stager
        self._scratch = scratch
        self._room = room
        self._output = output
        self._rules = rules
        self._recorder = recorder
        self._left_undone = [left_undone] if left_undone is not None else []
        self._on_the_way: dict[Product, Unit] = {}
        self._ready: deque[Unit] = deque()
        self._staged: dict[str, Product] = {}  # by unit
        self._perhaps_used = room.products()
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

    def close(self, stopped: str | None) -> Remainder | None:
        """End the downloads."""
        self._stager.close()
        return self._inner.close(stopped)

    def _look_ahead(self) -> None:
        """Take so many more units as there is room for."""
        for _ in range(_UNITS_PER_CALL):
            if self._gave_up() or not self._has_room():
                return
            unit = self._inner.next()
            if unit is None:
                return
            product = unit.content.product
            if product is None or unit.content.path is not None:
                self._ready.append(unit)
            elif self._has_checkpoint(product):
                self._ready.append(unit)
                self._discard(product)
            else:
                self._on_the_way[product] = unit
                self._room.reserve(product)
                self._stager.ask(product)

    def _has_room(self) -> bool:
        n_ahead = len(self._on_the_way) + len(self._ready)
        if n_ahead >= self._rules.ahead:
            return False
        if not self._on_the_way and not self._staged:
            return True  # whatever else is in scratch: the job goes on
        return self._room.has_room()

    def _gave_up(self) -> bool:
        """Whether the archive is down and no more files are in scratch, it seems."""
        return self._stager.down is not None and self._misses >= self._rules.ahead

    def _has_come(self, unit: Unit, staged: StagedFile) -> Outcome | None:
        self._misses = 0
        self._room.fill(staged.product, staged.size)
        if self._recorder is not None:
            self._recorder.preprocessed(unit, **staged.detail())
        reason = too_few_cadences(staged.usable_cadences, self._rules.min_usable_cadences)
        if reason is not None:
            if self._recorder is not None:
                self._recorder.not_qualified(unit, reason)
            self._discard(staged.product)
            return Outcome(unit.name, result={"note": f"does not qualify: {reason}"})
        self._staged[unit.name] = staged.product
        content: LightCurveSource = unit.content
        self._ready.append(replace(unit, content=replace(content, path=staged.path)))
        return None

    def _does_not_come(self, unit: Unit, failure: NotStaged) -> Outcome:
        self._misses += failure.archive_down
        self._room.free(failure.product)
        if failure.archive_down:
            outcome = Outcome(unit.name, unfinished=failure.reason)
        else:
            outcome = Outcome(unit.name, error=failure.reason)
        self._inner.ended(outcome)
        return outcome

    def _has_checkpoint(self, product: Product) -> bool:
        """Whether the sector file holds the light curve, so that no FITS file is needed."""
        path = product.id.path(self._output)
        try:
            return read_progress(path) is not None
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
        self._room.free(product)
