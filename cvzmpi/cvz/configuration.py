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

from pydantic import AfterValidator, Field, model_validator

from cvzmpi.config import FilePath, Section, Url, load_as
from cvzmpi.cvz.address import check_address, check_listings
from cvzmpi.runtime.job_config import CheckpointConfig, JobConfig, LedgerConfig


class InputConfig(Section):
    """Where the light curves are."""

    directory: FilePath = Field(Path("input"), description="directory with the FITS files")
    targets: FilePath | None = Field(
        None,
        description="CSV with the columns tic and sector, and perhaps priority (the highest come "
        "first); without it, every light curve",
    )


class ArchiveConfig(Section):
    """Where the light curves of a list of targets come from, and how gently they are fetched.

    The archive is asked by one process of a job only; `connections` and `requests_per_second` hold
    for all of it.
    """

    targets: FilePath | None = Field(
        None, description="list of TIC numbers; their light curves come from the archive"
    )
    address: Annotated[Url, AfterValidator(check_address)] = Field(
        "https://mast.stsci.edu",
        description="of the files; a mirror may be s3://BUCKET or file:///DIRECTORY",
    )
    listings: Annotated[Url, AfterValidator(check_listings)] = Field(
        "https://archive.stsci.edu/missions/tess/download_scripts/sector/tesscurl_sector_{sector}_lc.sh",
        description="address of the download script of a sector, which lists its light curves",
    )
    find: Literal["listings", "search"] = Field(
        "listings",
        description='"listings": a request for each sector; "search": one for each target, with '
        "lightkurve's client, for a few targets",
    )
    listings_max_age: float = Field(
        7.0, ge=0, description="days after which a listing is fetched again"
    )
    last_sector: int = Field(
        200, ge=1, le=9998, description="sectors after this one are not looked for"
    )
    absent_sectors: list[int] = Field(
        [], description="sectors of which the archive has no listing, though it has of later ones"
    )
    min_sectors_per_year: int = Field(
        10, ge=1, le=16, description="light curves in some year of observation that qualify a star"
    )
    min_tmag: float | None = Field(None, description="brightest TESS magnitude that qualifies")
    max_tmag: float | None = Field(None, description="faintest TESS magnitude that qualifies")
    scratch: FilePath = Field(
        Path("scratch"), description="directory of the downloaded files; may vanish at any time"
    )
    scratch_gb: float = Field(20.0, gt=0, description="what they may take there, in GB")
    ahead: int = Field(
        200, ge=1, description="light curves that may be there or on their way before their turn"
    )
    connections: int = Field(4, ge=1, le=16, description="to the archive, at a time")
    requests_per_second: float = Field(
        10.0, ge=0.001, le=100, description="to the archive, at most"
    )
    connect_timeout: float = Field(10.0, gt=0, le=3600, description="seconds")
    read_timeout: float = Field(60.0, gt=0, le=3600, description="seconds without a byte")
    transfer_timeout: float = Field(
        600.0, gt=0, le=86400, description="seconds for one file or listing"
    )
    min_bytes_per_second: float = Field(
        2000.0,
        ge=0,
        description="of a transfer, on average over read_timeout; one that is slower is ended",
    )
    max_listing_mb: float = Field(64.0, gt=0, le=10000, description="size of a listing, at most")
    max_light_curve_mb: float = Field(
        64.0, gt=0, le=10000, description="size of a light curve's file, at most"
    )
    attempts: int = Field(
        6, ge=1, le=1000, description="at a file or listing, before it counts as failed"
    )
    longest_pause: float = Field(
        120.0,
        ge=0,
        le=86400,
        description="seconds between two attempts; the first pause is one second",
    )
    give_up_after: int = Field(
        10, ge=1, description="failures in a row after which the archive counts as down"
    )

    @model_validator(mode="after")
    def _magnitudes_in_order(self) -> ArchiveConfig:
        low, high = self.min_tmag, self.max_tmag
        if low is not None and high is not None and low > high:
            raise ValueError(f"min_tmag {low} is above max_tmag {high}")
        return self


class OutputConfig(Section):
    """Where the sector files go."""

    directory: FilePath = Field(Path("output"), description="directory of the sector files")


class LightCurveConfig(Section):
    """Which cadences are used, and how many there must be.

    The default bitmask is lightkurve's without bit 512 (impulsive outlier), which removes the
    brightest cadence of real flares.
    """

    quality_bitmask: int = Field(
        16575, ge=0, lt=2**31, description="cadences with any of these bits are out"
    )
    min_usable_cadences: int = Field(1000, ge=200, description="light curves with fewer fail")


class DetectConfig(Section):
    """The mask rule, and where a light curve is cut into segments."""

    threshold: float = Field(0.5, gt=0, lt=1, description="flare probability that counts as flare")
    min_cadences: int = Field(
        3, ge=1, le=20, description="consecutive cadences above the threshold that make a flare"
    )
    merge_gap: int = Field(
        20, ge=1, le=100, description="flares with fewer cadences than this between them are one"
    )
    max_gap: int = Field(30, ge=1, description="missing cadences after which a new segment starts")


class ModelConfig(Section):
    """The Gaussian process."""

    kernel: Literal["rotation", "two_sho"] = Field(
        "rotation", description='"rotation", or "two_sho": rotation and granulation'
    )
    min_period: float = Field(0.1, gt=0, description="days")
    max_period: float = Field(27.0, gt=0, description="days")
    max_iterations: int = Field(200, ge=1, description="of the optimiser")

    @model_validator(mode="after")
    def _periods_in_order(self) -> ModelConfig:
        if self.min_period >= self.max_period:
            raise ValueError(
                f"min_period {self.min_period} is not below max_period {self.max_period}"
            )
        return self


class InjectConfig(Section):
    """The artificial flares, and when one counts as recovered."""

    n_inject: int = Field(2000, ge=1, description="flares per light curve")
    n_repeat: int = Field(10, ge=1, description="places that each flare is tried at")
    min_amplitude: float = Field(1.0, gt=0, description="times the median relative flux error")
    max_amplitude: float = Field(50.0, gt=0, description="times the median relative flux error")
    fwhm_median: float = Field(0.002, gt=0, description="days; FWHMs are log-normal around this")
    fwhm_sigma: float = Field(0.7, ge=0, description="of the natural logarithm of the FWHM")
    peak_tolerance: int = Field(
        3, ge=0, le=20, description="cadences that may lie between the peak and the found flare"
    )

    @model_validator(mode="after")
    def _amplitudes_in_order(self) -> InjectConfig:
        if self.min_amplitude > self.max_amplitude:
            raise ValueError(
                f"min_amplitude {self.min_amplitude} is above max_amplitude {self.max_amplitude}"
            )
        return self


class DetectorConfig(Section):
    """The neural networks."""

    file: FilePath | None = Field(
        None, description="the converted stella models; without it, the cache of `cvzmpi models`"
    )


class Config(Section):
    """The whole configuration of a campaign."""

    seed: int = Field(1, ge=0, lt=2**63, description="of all random draws of the campaign")
    ranks_per_team: int = Field(1, ge=1, description="ranks of one node that share a light curve")
    input: InputConfig = Field(InputConfig(), description="where the light curves are")
    archive: ArchiveConfig = Field(
        ArchiveConfig(), description="where the light curves of a list of targets come from"
    )
    output: OutputConfig = Field(OutputConfig(), description="where the results go")
    light_curve: LightCurveConfig = Field(
        LightCurveConfig(), description="which cadences are used, and how many there must be"
    )
    detect: DetectConfig = Field(DetectConfig(), description="what a flare is")
    model: ModelConfig = Field(ModelConfig(), description="the Gaussian process")
    inject: InjectConfig = Field(
        InjectConfig(), description="the artificial flares, and when one counts as recovered"
    )
    checkpoint: CheckpointConfig = Field(
        CheckpointConfig(), description="how much work a kill may cost"
    )
    job: JobConfig = Field(JobConfig(), description="what a job does about its own end")
    ledger: LedgerConfig = Field(
        LedgerConfig(), description="where the history of the campaign is kept"
    )
    detector: DetectorConfig = Field(DetectorConfig(), description="the neural networks")

    def ledger_location(self) -> str | Path:
        """Where the ledger is: the URL of a database, or the path of an SQLite file."""
        return self.ledger.url or self.output.directory / "ledger.sqlite"

    def outboxes(self) -> Path:
        """Where jobs keep what the ledger's database could not take yet."""
        return self.output.directory / "outbox"

    def logs(self) -> Path:
        """Where the log files of the jobs are."""
        return self.output.directory / "logs"

    def science(self) -> dict[str, Any]:
        """Everything that the results depend on, as plain values by dotted key."""
        return _flatten(
            self.model_dump(
                mode="json", include={"seed", "light_curve", "detect", "model", "inject"}
            )
        )

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


def _flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
