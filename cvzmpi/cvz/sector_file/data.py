"""The content of a sector file: what it holds at each checkpoint, and what it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cvzmpi.cvz.injection.injection import Injections
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.stage import Stage

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Provenance:
    """Everything that a result depends on besides the light curve; kept in every file."""

    config_json: str
    config_hash: str
    seed: int
    models_checksum: str
    software: Mapping[str, str]


@dataclass
class SectorData:
    """The content of a sector file up to a checkpoint; arrays as `layout.TABLES` describes them."""

    light_curve: LightCurve
    probability: np.ndarray
    flare_mask: np.ndarray
    gp_mu: np.ndarray | None = None
    gp_sigma: np.ndarray | None = None
    # parameters of the Gaussian process, its likelihood and how the fit ended
    gp_facts: dict[str, Any] = field(default_factory=dict)
    # all columns, in a file of whatever version: see `found_by_stella`
    flares: dict[str, np.ndarray] | None = None
    # Of the search by significance; None before checkpoint `model`, and in files of version 1.
    significance: np.ndarray | None = None
    significance_mask: np.ndarray | None = None
    left_out: np.ndarray | None = None
    event_model: np.ndarray | None = None
    mirror_events: dict[str, np.ndarray] | None = None
    noise_raised: np.ndarray | None = None  # float64, shape (n_templates,)
    injections: Injections | None = None  # their cadences are rows of the light curve
    # float64, shape (n_inject,); of the injected flares, in s
    equivalent_duration: np.ndarray | None = None
    seconds: dict[str, float] = field(default_factory=dict)  # time that each stage took
    # Names of the quality marks when the file was written, separated by commas; None in files of
    # versions that had no marks. Products find them anew: see `quality_marks`.
    marks: str | None = None

    @property
    def checkpoint(self) -> Stage:
        """The checkpoint that the data are at."""
        return Stage.DETECT if self.injections is None else Stage.MODEL

    @classmethod
    def at_detect(
        cls, lc: Columns, seconds: dict[str, float], marks: str | None, **facts: Any
    ) -> SectorData:
        """The inverse of `tables` at checkpoint `detect`; `facts` of the light curve."""
        names = ("time", "flux", "flux_err", "quality")
        curve = LightCurve(**{name: lc[name] for name in names} | facts)
        return cls(curve, lc["flare_probability"], lc["flare_mask"], seconds=seconds, marks=marks)

    def add_model(self, lc: Columns, flares: Columns, injections: Columns) -> None:
        """The inverse of `tables` for what checkpoint `model` adds."""
        self.gp_mu, self.gp_sigma = lc["gp_mu"], lc["gp_sigma"]
        self.significance = lc.get("significance")
        self.significance_mask, self.left_out = lc.get("significance_mask"), lc.get("left_out")
        self.event_model = lc.get("event_model")
        self.flares = flares
        self.equivalent_duration = injections["equivalent_duration"]
        self.injections = Injections(
            injections["amplitude"],
            injections["fwhm"],
            injections["cadence"].astype(np.int64),
            injections["time"],
        )

    def tables(self) -> dict[str, dict[str, Any]]:
        """The columns that `layout.TABLES` declares for the checkpoint, by table and name."""
        curve, injections = self.light_curve, self.injections
        tables: dict[str, dict[str, Any]] = {
            "lc": {
                "time": curve.time,
                "flux": curve.flux,
                "flux_err": curve.flux_err,
                "quality": curve.quality,
                "flare_probability": self.probability,
                "flare_mask": self.flare_mask,
            }
        }
        if injections is not None:
            assert self.flares is not None
            tables["lc"] |= {"gp_mu": self.gp_mu, "gp_sigma": self.gp_sigma}
            tables["flares"] = self.flares
            tables["injections"] = {
                "amplitude": injections.amplitude,
                "fwhm": injections.fwhm,
                "equivalent_duration": self.equivalent_duration,
                "cadence": injections.cadence,
                "time": injections.time,
            }
            tables["recoveries"] = {
                "recovered": np.zeros(injections.cadence.shape),
                "checksum": np.zeros(len(injections.amplitude)),
            }
        if self.significance is not None:
            tables["lc"] |= {
                "significance": self.significance,
                "significance_mask": self.significance_mask,
                "left_out": self.left_out,
                "event_model": self.event_model,
            }
            assert self.mirror_events is not None
            tables["mirror_events"] = self.mirror_events
            tables["templates"] = {"noise_raised": self.noise_raised}
            tables["recoveries"]["recovered_significance"] = tables["recoveries"]["recovered"]
        return tables


@dataclass(frozen=True)
class Recovery:
    """The injected flares that are done so far, and at which places they were found."""

    # `amplitude`, `fwhm`, `equivalent_duration`: float64, shape (n_done,); relative to the median
    # flux; in days; in s
    amplitude: np.ndarray
    fwhm: np.ndarray
    equivalent_duration: np.ndarray
    recovered: np.ndarray  # bool, shape (n_done, n_repeat): by stella
    n_inject: int  # flares in all, done or not
    # as `recovered`, by the search by significance; None in a file of version 1
    recovered_significance: np.ndarray | None = None
    # bool, as `recovered`: the repeats that say how complete the search is; None for all
    counted: np.ndarray | None = None

    @property
    def n_done(self) -> int:
        """Flares that were searched for."""
        return len(self.recovered)

    @property
    def n_placed(self) -> int:
        """Repeats of all of them that count."""
        return int(self.recovered.size if self.counted is None else np.sum(self.counted))

    @property
    def fraction(self) -> float:
        """Recovered fraction of the repeats that count; NaN where none does."""
        counting = self.recovered if self.counted is None else self.recovered[self.counted]
        return float(counting.mean()) if self.n_placed else float("nan")


@dataclass(frozen=True)
class SectorProgress:
    """The state of a sector file, and the light curve that it claims to be of."""

    tic: int
    sector: int
    product: str
    format_version: int
    checkpoint: Stage
    n_inject: int
    n_inject_remaining: int
    config_json: str
    models_checksum: str

    @property
    def id(self) -> LightCurveId:
        """The light curve that its attributes name."""
        return LightCurveId(self.tic, self.sector, self.product)

    @property
    def done(self) -> bool:
        """True if nothing is left to do."""
        return self.checkpoint is Stage.MODEL and self.n_inject_remaining == 0

    @property
    def steps(self) -> int:
        """Checkpoints and injected flares that are done."""
        return self.checkpoint.n_before + self.n_inject - self.n_inject_remaining
