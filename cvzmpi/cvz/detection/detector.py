"""The detector: what the mask rule, the injections and the stages know of a search for flares.

A detector gives each usable cadence a flare probability; the mask rule makes flares of these. What
implements `Detector` lies in a folder beside this module, and `CvzCampaign.begin` chooses it.

The stages evaluate it on the observation alone, before stage `detect`. A detector that needs the
model of the quiet star has to be evaluated after stage `model`, with an observation that has it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cvzmpi.cvz.detection.flare_mask import AroundPeak
from cvzmpi.cvz.light_curves.observation import Observation, Window

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team


class Detector(Protocol):
    """Says at each cadence how likely it belongs to a flare."""

    @property
    def window(self) -> Window:
        """The cadences that it needs around one."""

    @property
    def step(self) -> int:
        """Around an injected peak it evaluates multiples of so many cadences."""

    @property
    def checksum(self) -> str:
        """Checksum of all that its answers depend on besides the configuration.

        It is kept in each sector file; one that was made with another is not gone on with.
        """

    def prepare(self) -> None:
        """Do for this process what comes once, before the first light curve."""

    def evaluate(self, observation: Observation, team: Team, shared: ExitStack) -> Evaluation:
        """Evaluate a light curve: collective over the team, which shares the work.

        Parameters
        ----------
        shared : ExitStack
            Frees the memory that the ranks share, once the evaluation is not used any more.
        """


class Evaluation(Protocol):
    """A light curve without injections, as a detector evaluated it."""

    def probability(self) -> np.ndarray:
        """Flare probability of the usable cadences.

        Returns
        -------
        float32, shape (n,)
            Any value where the window of the cadence is not in one segment.
        """

    def reach(self, around: AroundPeak, before: int, after: int) -> Any:
        """The part of a flare's effect that matters around its peak.

        Parameters
        ----------
        before, after : int
            Cadences before and after the peak that the flare changes.

        Returns
        -------
        hashable, with an order
            Flares for which it is the same are evaluated together.
        """

    def inject(
        self,
        around: AroundPeak,
        reach: Any,
        peaks: np.ndarray,
        flare_flux: Callable[[np.ndarray], np.ndarray],
    ) -> InjectedFlares:
        """Put flares into the light curve, each of them alone.

        Parameters
        ----------
        reach : Any
            The same for all of them; see `reach`.
        peaks : int, shape (batch,)
            Cadences of the peaks.
        flare_flux : callable
            Gives the relative flux of the flares at cadences of shape (batch, n), which may lie
            before the first and after the last of the light curve.
        """


class InjectedFlares(Protocol):
    """A batch of injected flares of the same reach."""

    @property
    def n_bounds(self) -> int:
        """How many bounds there are, at least 1; each is closer and dearer than the one before."""

    def bounds(
        self, members: np.ndarray, stretch: slice, threshold: float, number: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where the flare probability is certainly, and where it may be, above a threshold.

        A detector that gets these cheaper than the probability saves most of its work; the two may
        be the same.

        Parameters
        ----------
        members, stretch
            As of `probability`.
        number : int
            Of the bound, from 0.

        Returns
        -------
        bool, shape (k, cadences in the stretch) each
        """

    def probability(self, members: np.ndarray, stretch: slice) -> np.ndarray:
        """Flare probability at some of the cadences around the peaks, for some of the flares.

        Parameters
        ----------
        members : int, shape (k,)
            Which flares of the batch.
        stretch : slice
            Of the cadences of `AroundPeak`; both ends are multiples of the detector's step.

        Returns
        -------
        float32, shape (k, cadences in the stretch)
        """
