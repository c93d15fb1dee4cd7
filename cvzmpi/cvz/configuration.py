"""The configuration of a `cvz` campaign: its sections, which are the whole configuration.

The *science* part is what the results depend on; it goes into each output file, and a changed one
is refused on resume.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cvzmpi.config import FilePath, Section, load_as
from cvzmpi.cvz.archive_configuration import ArchiveConfig
from cvzmpi.cvz.product_names import PRODUCT_PATTERN, SPOC_120
from cvzmpi.runtime.job_config import CheckpointConfig, JobConfig, LedgerConfig


class InputConfig(Section):
    """The light curves of the campaign."""

    directory: FilePath = Field(Path("input"), description="directory of the FITS files")
    targets: FilePath | None = Field(
        None,
        description="list of the light curves to work on: a table with the column TIC and perhaps "
        "sector (else all of a star) and priority (the highest come first), or a text with a TIC "
        "number in each line; without it, all are worked on",
    )
    products: list[Annotated[str, Field(pattern=PRODUCT_PATTERN)]] = Field(
        [SPOC_120],
        min_length=1,
        description="products that are searched, the best first, as spoc-20, spoc-120, tess-spoc, "
        "qlp, kepler, k2, lightkurve: a star and sector is searched once, as the first of these "
        "that has it; a name without seconds stands for all exposures",
    )
    columns: dict[str, str] = Field(
        {},
        description="names of the columns of tables, by what they hold: time, flux, flux_err, "
        "quality, cadence; and as time_format btjd, bkjd, jd or mjd",
    )


class OutputConfig(Section):
    """The results."""

    directory: FilePath = Field(Path("output"), description="directory of the sector files")


class LightCurveConfig(Section):
    """The cadences of a light curve that are used.

    The default bitmask is lightkurve's without bit 512 (impulsive outlier), which removes the
    brightest cadence of real flares.
    """

    quality_bitmask: int = Field(
        16575, ge=0, lt=2**31, description="quality bits of which any one excludes a cadence"
    )
    min_usable_cadences: int = Field(
        1000,
        ge=200,
        description="usable cadences of 120 s, or of others in as much time; a light curve with "
        "fewer fails",
    )
    dilution: Literal["as_measured", "corrected"] = Field(
        "as_measured",
        description='light of other stars in the aperture: "corrected" takes it off by CROWDSAP '
        "where the flux is the sum over the aperture (SAP); PDCSAP flux has none",
    )


class DetectConfig(Section):
    """The definition of a flare, and of the segments of a light curve."""

    threshold: float = Field(
        0.5, gt=0, lt=1, description="probability above which a cadence may be in a flare"
    )
    min_cadences: int = Field(
        3,
        ge=1,
        le=20,
        description="fewest consecutive cadences above the threshold that are a flare",
    )
    merge_gap: int = Field(
        20, ge=1, le=100, description="flares with fewer cadences than this between them are one"
    )
    max_gap: int = Field(30, ge=1, description="missing cadences after which a new segment starts")
    search: Literal["stella", "significance", "either", "both"] = Field(
        "significance",
        description='search whose flares, completeness and time are shown: "stella", '
        '"significance", "either" or "both"; all are in the files, and it may change',
    )


class SignificanceConfig(Section):
    """The search for flares by their significance over the Gaussian process."""

    min_snr: float = Field(
        4.7, gt=0, description="signal-to-noise of the flare template from which on it is a flare"
    )


class ModelConfig(Section):
    """The Gaussian process that models the quiet star."""

    kernel: Literal["rotation", "two_sho"] = Field(
        "rotation", description='kernel: "rotation", or "two_sho" for rotation and granulation'
    )
    min_period: float = Field(0.1, gt=0, description="shortest rotation period, in days")
    max_period: float = Field(27.0, gt=0, description="longest rotation period, in days")
    max_iterations: int = Field(200, ge=1, description="most iterations of the optimiser")

    @model_validator(mode="after")
    def _periods_in_order(self) -> ModelConfig:
        if self.min_period >= self.max_period:
            raise ValueError(
                f"min_period {self.min_period} is not below max_period {self.max_period}"
            )
        return self


class InjectConfig(Section):
    """The artificial flares, and the condition for one to be recovered."""

    n_inject: int = Field(2000, ge=1, description="artificial flares in a light curve")
    n_repeat: int = Field(10, ge=1, description="times at which each artificial flare is tried")
    min_amplitude: float = Field(
        1.0, gt=0, description="least peak, in median relative flux errors"
    )
    max_amplitude: float = Field(50.0, gt=0, description="greatest peak, in median flux errors")
    fwhm_median: float = Field(
        0.002, gt=0, description="median FWHM of the log-normal law, in days"
    )
    fwhm_sigma: float = Field(0.7, ge=0, description="standard deviation of ln FWHM")
    peak_tolerance: int = Field(
        3,
        ge=0,
        le=20,
        description="most cadences between the peak of a flare and the flare that is found",
    )

    @model_validator(mode="after")
    def _amplitudes_in_order(self) -> InjectConfig:
        if self.min_amplitude > self.max_amplitude:
            raise ValueError(
                f"min_amplitude {self.min_amplitude} is above max_amplitude {self.max_amplitude}"
            )
        return self


class DetectorConfig(Section):
    """The neural networks that detect flares."""

    file: FilePath | None = Field(
        None, description="converted stella models; without it, those that are part of cvzmpi"
    )


SCIENCE = ("light_curve", "detect", "model", "significance", "inject")
"""The sections that results depend on."""

LATER = {"light_curve.dilution": "as_measured"}
"""Settings that sector files of earlier versions do not have, and what these were made with: those
files go on, as long as nobody changes them."""


class Config(Section):
    """The whole configuration of a campaign."""

    seed: int = Field(1, ge=0, lt=2**63, description="seed of all random draws of the campaign")
    ranks_per_team: int = Field(1, ge=1, description="ranks on one node that share a light curve")
    input: InputConfig = InputConfig()
    archive: ArchiveConfig = ArchiveConfig()
    output: OutputConfig = OutputConfig()
    light_curve: LightCurveConfig = LightCurveConfig()
    detect: DetectConfig = DetectConfig()
    model: ModelConfig = ModelConfig()
    significance: SignificanceConfig = SignificanceConfig()
    inject: InjectConfig = InjectConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()
    job: JobConfig = JobConfig()
    ledger: LedgerConfig = LedgerConfig()
    detector: DetectorConfig = DetectorConfig()

    def ledger_location(self) -> str | Path:
        """The URL of the ledger's database, or the path of its SQLite file."""
        return self.ledger.url or self.output.directory / "ledger.sqlite"

    def outboxes(self) -> Path:
        """Directory of the outboxes: events that the ledger's database could not take yet."""
        return self.output.directory / "outbox"

    def logs(self) -> Path:
        """Directory of the log files of the jobs."""
        return self.output.directory / "logs"

    def science(self) -> dict[str, Any]:
        """Everything that the results depend on, as plain values by dotted key."""
        values = _flatten(
            self.model_dump(mode="json", include={"seed", *SCIENCE}, exclude={"detect": {"search"}})
        )
        return {key: v for key, v in values.items() if key not in LATER or v != LATER[key]}

    def science_json(self) -> str:
        """`science` as canonical JSON, the text that goes into each sector file."""
        return json.dumps(self.science(), sort_keys=True)

    def science_hash(self) -> str:
        """SHA-256 of `science_json`."""
        return hashlib.sha256(self.science_json().encode()).hexdigest()


def load(
    file: Path | None,
    overrides: Sequence[str] = (),
    values_by_key: Mapping[str, Any] | None = None,
) -> Config:
    """Read and validate the configuration of a `cvz` campaign; see `cvzmpi.config.load_as`."""
    return load_as(Config, file, overrides, values_by_key)


def as_in_version_1(science_json: str) -> str:
    """`Config.science_json` without what sector files of format version 1 did not depend on."""
    science = json.loads(science_json)
    kept = {key: value for key, value in science.items() if not key.startswith("significance.")}
    return json.dumps(kept, sort_keys=True)


def _flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
