"""The checkpoints of a light curve in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.sector_file.data import SectorData
from cvzmpi.cvz.sector_file.layout import ANSWERS

if TYPE_CHECKING:
    from cvzmpi.cvz.sector_file.data import Recovery
    from cvzmpi.mpi.team import Team


class CheckpointsInMemory:
    """What the stages made so far: `cvz.work.checkpoints.Checkpoints`, for a team of one.

    Parameters
    ----------
    reached : callable
        Takes the checkpoint that was reached, whenever one is.
    flares_done : callable
        Takes the number of injected flares that were searched for since the last time.
    """

    def __init__(
        self, reached: Callable[[Stage], None], flares_done: Callable[[int], None]
    ) -> None:
        self._reached, self._flares_done = reached, flares_done
        self.data: SectorData | None = None
        # bool, shape (n_inject, n_repeat) each: of the searches, in the order of `ANSWERS`
        self.answers: list[np.ndarray] = []
        self.n_done = 0  # injected flares

    def go_on_from(self, data: SectorData, answers: Recovery | None) -> None:
        """Begin with what was made before."""
        self._keep(data)
        if answers is not None:
            self.n_done = answers.n_done
            earlier = (answers.recovered, answers.recovered_significance)
            for ours, theirs in zip(self.answers, earlier, strict=True):
                ours[: self.n_done] = theirs
        self._reached(data.checkpoint)
        self._flares_done(self.n_done)

    def write(self, data: SectorData) -> None:
        """Keep the data."""
        self._keep(data)
        self._reached(data.checkpoint)

    def recoveries(self, team: Team) -> CheckpointsInMemory:
        """Itself: it takes the answers as well."""
        del team
        return self

    def __enter__(self) -> CheckpointsInMemory:
        return self

    def __exit__(self, *error: object) -> None:
        return

    def write_rows(self, flare_ids: slice, *answers: np.ndarray) -> None:
        """Keep the answers for some flares, of each search."""
        for ours, theirs in zip(self.answers, answers, strict=True):
            ours[flare_ids] = theirs
        self._flares_done(flare_ids.stop - flare_ids.start)

    def count_down(self, n_remaining: int, seconds: float) -> None:
        """Keep the count of flares that remain, and the time that the stage has taken so far."""
        assert self.data is not None
        assert self.data.injections is not None
        self.n_done = len(self.data.injections.amplitude) - n_remaining
        self.data.seconds[Stage.INJECT] = seconds

    def _keep(self, data: SectorData) -> None:
        self.data = data
        if data.injections is not None:
            shape = data.injections.cadence.shape
            self.answers = [np.zeros(shape, bool) for _ in ANSWERS]
