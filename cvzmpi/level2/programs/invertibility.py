"""Criteria that an Observing Program must meet to be inverted, each evaluated for each dataset.

Every criterion is evaluated, also after another has failed, and everything is recorded: the value,
the limit, and the version of the rule. Quality that is only shown disqualifies nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from cvzmpi.level2.metadata_store.dataset import INSTRUMENT, Dataset, Distribution
from cvzmpi.level2.programs.program import ObservingProgram
from cvzmpi.level2.programs.spectral_lines import SPECTRAL_RULES, SpectralLine, SpectralRule

Weight = Literal["required", "warning", "shown"]

_SOLAR_RADIUS_KM, _ASTRONOMICAL_UNIT_KM = 696_340.0, 149.6e6
_ECCENTRICITY, _PERIHELION_DAY = 0.0167, 3  # of the Earth's orbit; the day of the year
_ARCSEC_PER_RADIAN = 206_265.0


@dataclass(frozen=True)
class Thresholds:
    """The limits of the criteria that are settings."""

    spectral_rule: str = "overlap"
    min_good: float = 0.75
    min_ao_locked: float = 0.75


@dataclass(frozen=True)
class Finding:
    """A criterion evaluated for one dataset."""

    dataset: str
    value: Any  # the value of the dataset; None if it is not given
    limit: Any  # the limit; None if the value is only shown
    passed: bool | None  # None if the value is only shown
    text: str  # the finding in words


@dataclass(frozen=True)
class Criterion:
    """A criterion evaluated for a program, with its findings for the datasets."""

    # `criterion`, `rule`: its name, and the name and version of the rule
    criterion: str
    rule: str
    weight: Weight
    passed: bool | None  # None if the criterion is only shown
    findings: list[Finding]

    @property
    def reasons(self) -> list[str]:
        """The reasons why it failed, in words."""
        if self.passed is not False:
            return []
        return [f"{f.dataset}: {f.text}" for f in self.findings if f.passed is False] or [
            f"no {INSTRUMENT} dataset"
        ]


@dataclass(frozen=True)
class Invertibility:
    """All criteria, evaluated for a program."""

    criteria: list[Criterion]

    @property
    def invertible(self) -> bool:
        """True if every required criterion passed."""
        return not self.failed

    @property
    def failed(self) -> list[str]:
        """The names of the required criteria that failed."""
        return [c.criterion for c in self.criteria if c.weight == "required" and not c.passed]

    @property
    def reasons(self) -> list[str]:
        """The reasons why required criteria failed, in words."""
        return self._reasons("required")

    @property
    def warnings(self) -> list[str]:
        """The reasons why desired criteria failed, in words."""
        return self._reasons("warning")

    def _reasons(self, weight: Weight) -> list[str]:
        return [reason for c in self.criteria if c.weight == weight for reason in c.reasons]

    def as_json(self) -> dict[str, Any]:
        """Everything, as plain values for an event."""
        return {
            "invertible": self.invertible,
            "failed": self.failed,
            "criteria": [asdict(criterion) for criterion in self.criteria],
        }


def evaluate(program: ObservingProgram, thresholds: Thresholds) -> Invertibility:
    """Evaluate every criterion for every dataset of a program.

    All but the first are about the spectropolarimetric datasets alone: no inversion uses the
    context images that were taken beside them.
    """
    datasets = program.spectropolarimetric
    rule = SPECTRAL_RULES[thresholds.spectral_rule]
    return Invertibility(
        [
            _instrument(program),
            _each("row", "readable/1", datasets, _readable),
            _each("on_disk", "all four corners/1", datasets, _on_disk),
            _each("stokes", "IQUV/1", datasets, _stokes),
            _each(
                "health",
                "good frames/1",
                datasets,
                lambda d: _fraction(
                    d, d.health.get("good", 0) if d.health else None, thresholds.min_good, "good"
                ),
            ),
            _each("gos_open", "all frames/1", datasets, _gos_open),
            _each(
                "ao_locked",
                "locked frames/1",
                datasets,
                lambda d: _fraction(d, d.ao_locked, thresholds.min_ao_locked, "AO locked"),
            ),
            *(_line(line, rule, "required", datasets) for line in rule.required),
            *(_line(line, rule, "warning", datasets) for line in rule.desired),
            _shown("light_level", datasets, lambda d: d.light_level),
            _shown("fried_parameter", datasets, lambda d: d.fried_parameter),
            _shown("polarimetric_accuracy", datasets, lambda d: d.polarimetric_accuracy),
        ]
    )


def _instrument(program: ObservingProgram) -> Criterion:
    """One dataset at least is of the instrument; others do no harm."""
    findings = [
        Finding(
            d.dataset_id,
            d.instrument,
            INSTRUMENT,
            d.instrument == INSTRUMENT,
            d.instrument
            if d.instrument == INSTRUMENT
            else f"{d.instrument or 'unknown'}, not {INSTRUMENT}",
        )
        for d in program.datasets
    ]
    passed = any(finding.passed for finding in findings)
    return Criterion("instrument", f"{INSTRUMENT}/1", "required", passed, findings)


def _each(
    criterion: str, rule: str, datasets: Sequence[Dataset], find: Callable[[Dataset], Finding]
) -> Criterion:
    """A criterion that every dataset must meet."""
    findings = [find(dataset) for dataset in datasets]
    passed = bool(findings) and all(finding.passed for finding in findings)
    return Criterion(criterion, rule, "required", passed, findings)


def _line(
    line: SpectralLine, rule: SpectralRule, weight: Weight, datasets: Sequence[Dataset]
) -> Criterion:
    """A line that one of the datasets must have observed."""
    findings = []
    for d in datasets:
        covered = rule.covers(d, line)
        lines = f", {', '.join(d.spectral_lines)}" if d.spectral_lines else ""
        text = (
            f"{line.name} {'counts' if covered else 'does not count'} as observed in "
            f"{d.wavelengths}{lines} ({rule.limit(line)})"
        )
        value = [d.wavelength_min, d.wavelength_max, *(d.spectral_lines or ())]
        findings.append(Finding(d.dataset_id, value, rule.limit(line), covered, text))
    passed = any(finding.passed for finding in findings)
    return Criterion(f"line_{line.id}", rule.name, weight, passed, findings)


def _shown(
    criterion: str, datasets: Sequence[Dataset], of: Callable[[Dataset], Distribution | None]
) -> Criterion:
    """Quality that is recorded and disqualifies nothing."""
    findings = []
    for d in datasets:
        values = of(d)
        text = "not given" if values is None or values.med is None else f"median {values.med:.3g}"
        value = None if values is None else values.model_dump()
        findings.append(Finding(d.dataset_id, value, None, None, text))
    return Criterion(criterion, "shown/1", "shown", None, findings)


def _readable(d: Dataset) -> Finding:
    """Every value of the row can be read; what cannot be is judged by no other criterion."""
    text = "; ".join(d.unreadable) or "all values can be read"
    return Finding(d.dataset_id, list(d.unreadable), "readable", not d.unreadable, text)


def _on_disk(d: Dataset) -> Finding:
    if d.start is None:
        return Finding(d.dataset_id, None, "solar radius", False, "no time of observation")
    radius = round(solar_radius(d.start), 2)
    if d.bounding_box is None:
        return Finding(d.dataset_id, None, radius, False, "no bounding box")
    reach = round(d.bounding_box.reach, 2)
    inside = d.bounding_box.reach <= solar_radius(d.start)
    text = f'farthest corner {reach}" from the centre, radius {radius}" on {d.start:%Y-%m-%d}'
    return Finding(d.dataset_id, reach, radius, inside, text)


def _stokes(d: Dataset) -> Finding:
    text = f"Stokes {d.stokes or 'none'}"
    if d.stokes != "IQUV":
        text += ", not I, Q, U and V"
    return Finding(d.dataset_id, d.stokes, "IQUV", d.stokes == "IQUV", text)


def _fraction(d: Dataset, frames: int | None, limit: float, what: str) -> Finding:
    """At least a fraction of the frames must be `what`."""
    if frames is None or d.frame_count is None:
        missing = "not given" if frames is None else "number of frames not given"
        return Finding(d.dataset_id, None, limit, False, f"{what}: {missing}")
    value = frames / d.frame_count
    passed = value >= limit
    text = f"{what} in {frames} of {d.frame_count} frames, {100 * value:.4g} %"
    if not passed:
        text += f", fewer than {100 * limit:g} %"
    return Finding(d.dataset_id, value, limit, passed, text)


def _gos_open(d: Dataset) -> Finding:
    """The guiding and optics system was open, and nothing else, in all frames."""
    if not d.gos_status or d.frame_count is None:
        missing = "number of frames not given" if d.gos_status else "not given"
        return Finding(d.dataset_id, None, "all frames", False, f"GOS status: {missing}")
    frames = d.gos_status.get("open", 0)
    others = {s: n for s, n in d.gos_status.items() if n and s != "open"}
    passed = frames >= d.frame_count and not others
    text = f"GOS open in {frames} of {d.frame_count} frames"
    text += "".join(f", {status} in {n}" for status, n in others.items())
    return Finding(d.dataset_id, frames, d.frame_count, passed, text)


def solar_radius(when: datetime) -> float:
    """Apparent radius of the Sun in arcsec on the day of the year of `when` (UTC).

    The distance to the Sun is that of a Kepler orbit to first order in its eccentricity, with the
    perihelion on 3 January (Meeus, *Astronomical Algorithms*, ch. 25, has the full expression; this
    one is right within 0.1"): the radius goes from 976" on day 3 of the year to 944" on day 185.
    """
    day = when.timetuple().tm_yday
    phase = 2 * math.pi * (day - _PERIHELION_DAY) / 365
    distance_km = _ASTRONOMICAL_UNIT_KM * (1 - _ECCENTRICITY * math.cos(phase))
    return math.atan(_SOLAR_RADIUS_KM / distance_km) * _ARCSEC_PER_RADIAN
