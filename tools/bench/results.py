"""How much is measured, and all that was."""

from __future__ import annotations

from dataclasses import dataclass

from tools.bench.growth import Growth
from tools.bench.light_curve.decisions import Decisions
from tools.bench.light_curve.detector import DetectorTimes
from tools.bench.light_curve.gaussian_process import GaussianProcessTimes
from tools.bench.light_curve.whole import WholeTimes
from tools.bench.measuring.machine import SgemmPeak
from tools.bench.measuring.timing import Samples
from tools.bench.projection import Projection
from tools.bench.ranks.scheduler import SchedulerTimes
from tools.bench.ranks.team import TeamTimes


@dataclass
class Plan:
    """How much is measured.

    Attributes
    ----------
    repeats : int
        Of each measurement.
    n_decisions : int
        Recovery decisions that are compared.
    n_light_curves : int
        At most so many whole ones.
    n_inject : int
        Flares of each of them.
    n_flares : int
        Flares of one measurement of the injections.
    n_units : int
        Assignments of rank 0 with empty work.
    n_teams : int
        Imitated ones.
    longest_unit : float
        Of theirs, in seconds.
    """

    repeats: int = 5
    n_decisions: int = 20_000
    n_light_curves: int = 10
    n_inject: int = 2000
    n_flares: int = 400
    n_units: int = 30_000
    n_teams: int = 10_000
    longest_unit: float = 20.0
    reference: bool = True
    is_quick: bool = False

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that everything works."""
        return cls(2, 200, 2, 100, 40, 5000, 1000, 3.0, reference=False, is_quick=True)


@dataclass
class Results:
    """All that was measured."""

    plan: Plan
    facts: dict[str, str]
    curves: str
    peak: SgemmPeak
    detector: DetectorTimes
    process: GaussianProcessTimes
    whole: WholeTimes
    team: TeamTimes
    start: Samples
    start_complete: Samples
    reference_start: Samples | None
    scheduler: SchedulerTimes
    compared: Decisions
    compared_by_curve: dict[str, Decisions]
    growths: list[Growth]
    projection: Projection | None
    tensorflow: str = ""
    minutes: float = 0.0
