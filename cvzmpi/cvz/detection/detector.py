"""The detector: what the mask rule, the injections and the stages know of a search for flares.

A detector gives each usable cadence a flare probability; the mask rule makes flares of these. What
implements `Detector` lies in a folder beside this module, and `CvzCampaign.begin` chooses it.

The stages evaluate it on the observation alone, before stage `detect`. A detector that needs the
model of the quiet star has to be evaluated after stage `model`, with an observation that has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from cvzmpi.cvz.detection.flare_mask import AroundPeak
from cvzmpi.cvz.light_curves.observation import Observation, Window

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team

FlareFlux = Callable[[np.ndarray, np.ndarray], np.ndarray]


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


@runtime_checkable
class LeanDetector(Protocol):
    """A detector that has the flare probability for less memory than its `evaluate` takes."""

    def probability_alone(
        self, observation: Observation, team: Team, shared: ExitStack
    ) -> np.ndarray:
        """What `probability` of the evaluation says, to the last bit; arguments as of `evaluate`.

        Mirror images are searched so: nothing is injected into them.
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
        Any
            Given to `inject`.
        """

    def inject(
        self,
        around: AroundPeak,
        reaches: Sequence[Any],
        peaks: np.ndarray,
        flare_flux: FlareFlux,
    ) -> InjectedFlares:
        """Put flares into the light curve, each of them alone.

        Parameters
        ----------
        reaches : sequence
            Of each of them; see `reach`.
        peaks : int, shape (batch,)
            Cadences of the peaks.
        flare_flux : callable
            Gives the relative flux of some of the flares (int, shape (k,)) at cadences of shape
            (k, n), which may lie before the first and after the last of the light curve.
        """


class InjectedFlares(Protocol):
    """A batch of injected flares."""

    @property
    def n_rounds(self) -> int:
        """How many rounds of questions there are, at least 1; each says more than the last."""

    def guess(self, members: np.ndarray, cadences: slice, threshold: float) -> np.ndarray:
        """Guess cheaply where the flare probability is above a threshold.

        It decides only what is asked first.

        Parameters
        ----------
        members : int, shape (k,)
            Which flares of the batch.
        cadences : slice
            Of the cadences of `AroundPeak`, from a multiple of the detector's step on.

        Returns
        -------
        bool, shape (k, cadences)
        """

    def ask(self, members: np.ndarray, cadences: slice, found: bool, number: int) -> None:
        """Compute something about some of the flares at some of the cadences, for `known`.

        A detector that learns the answer cheaper than by the probability saves most of its work;
        another does nothing here.

        Parameters
        ----------
        members, cadences
            As of `guess`; the slice may have a step of 2.
        found : bool
            Whether the answer probably is that the flare is found.
        number : int
            Of the round, from 0.
        """

    def known(self, members: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """Where the flare probability is certainly, and where it may be, above a threshold.

        Returns
        -------
        bool, shape (k, cadences of `AroundPeak`) each
            By all that was asked so far. Where nothing was asked, it is not certain and may be.
        """

    def probability(self, members: np.ndarray, cadences: slice) -> np.ndarray:
        """Flare probability of some of the flares, by all that the detector can compute.

        It is asked for where all rounds left an answer open, and its bits must not depend on which
        flares are in the batch.

        Parameters
        ----------
        members, cadences
            As of `guess`.

        Returns
        -------
        float32, shape (k, cadences)
        """
