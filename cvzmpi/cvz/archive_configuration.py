"""The section of the configuration that is about the archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from cvzmpi.config import FilePath, Section, Url
from cvzmpi.cvz.address import check_address, check_listings


class ArchiveConfig(Section):
    """The archive that has the light curves of a list of targets, and the limits of requests to it.

    One process of a job sends all requests, so that the limits hold for the whole job.
    """

    targets: FilePath | None = Field(
        None,
        description="list of the stars whose light curves come from the archive: a table with the "
        "column TIC and perhaps Tmag, or a text with a TIC number in each line; without it, all "
        "come from input.directory",
    )
    address: Annotated[Url, AfterValidator(check_address)] = Field(
        "https://mast.stsci.edu",
        description="address of the archive, or of a mirror as s3://BUCKET or file:///DIRECTORY",
    )
    listings: Annotated[Url, AfterValidator(check_listings)] = Field(
        "https://archive.stsci.edu/missions/tess/download_scripts/sector/tesscurl_sector_{sector}_lc.sh",
        description="address of the listing of a sector; {sector} stands for its number",
    )
    fast_listings: Annotated[Url, AfterValidator(check_listings)] = Field(
        "https://archive.stsci.edu/missions/tess/download_scripts/sector/tesscurl_sector_{sector}_fast-lc.sh",
        description="the same of 20-second light curves, where input.products has them",
    )
    tess_spoc_listings: Annotated[Url, AfterValidator(check_listings)] = Field(
        "https://archive.stsci.edu/hlsps/tess-spoc/download_scripts/hlsp_tess-spoc_tess_phot_s{sector:04}_tess_v1_dl-lc.sh",
        description="the same of TESS-SPOC; {sector:04} stands for the number with four digits",
    )
    qlp_listings: Annotated[Url, AfterValidator(check_listings)] = Field(
        "https://archive.stsci.edu/hlsps/qlp/download_scripts/hlsp_qlp_tess_ffi_s{sector:04}_tess_v{version:02}_llc-fits.sh",
        description="the same of QLP; {version:02} stands for the version, which is 02 where a "
        "sector was made anew",
    )
    find: Literal["listings", "search"] = Field(
        "listings",
        description='"listings" asks once for each sector; "search" asks once for each target '
        "with lightkurve's client, and suits a few targets",
    )
    listings_max_age: float = Field(
        7.0, ge=0, description="days after which a listing is fetched again"
    )
    last_sector: int = Field(200, ge=1, le=9998, description="last sector that is looked for")
    absent_sectors: list[int] = Field(
        [], description="sectors that have no listing though later ones have"
    )
    min_sectors_per_year: int = Field(
        10,
        ge=1,
        le=16,
        description="least number of sectors with a light curve, of any of input.products, in a "
        "star's best year of observation",
    )
    min_tmag: float | None = Field(None, description="least TESS magnitude that qualifies")
    max_tmag: float | None = Field(None, description="greatest TESS magnitude that qualifies")
    scratch: FilePath = Field(
        Path("scratch"), description="directory of the downloaded files; may vanish at any time"
    )
    scratch_gb: float = Field(
        20.0, gt=0, description="disk space in GB that the downloaded files may take"
    )
    ahead: int = Field(
        200, ge=1, description="light curves that are downloaded before a team needs them"
    )
    connections: int = Field(4, ge=1, le=16, description="connections to the archive at a time")
    requests_per_second: float = Field(
        10.0, ge=0.001, le=100, description="largest number of requests to the archive per second"
    )
    connect_timeout: float = Field(
        10.0, gt=0, le=3600, description="longest wait for a connection, in seconds"
    )
    read_timeout: float = Field(
        60.0, gt=0, le=3600, description="longest wait for more bytes, in seconds"
    )
    transfer_timeout: float = Field(
        600.0, gt=0, le=86400, description="longest transfer of a file or listing, in seconds"
    )
    min_bytes_per_second: float = Field(
        2000.0,
        ge=0,
        description="least bytes per second of a transfer, on average over read_timeout",
    )
    max_listing_mb: float = Field(
        512.0, gt=0, le=10000, description="largest listing, in MB; those of QLP have 300"
    )
    max_light_curve_mb: float = Field(
        64.0, gt=0, le=10000, description="largest file of a light curve, in MB"
    )
    attempts: int = Field(
        6, ge=1, le=1000, description="attempts at a file or listing before it fails"
    )
    longest_pause: float = Field(
        120.0,
        ge=0,
        le=86400,
        description="longest pause in seconds between two attempts; the first is one second",
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
