"""The settings of preprocessing and inversion, as sections of a configuration."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from cvzmpi.config import FilePath, Section
from cvzmpi.text_file import read_text

STEP_NAME = "pixel"
"""The unit in which the progress of inversions is counted."""

Weight = Annotated[float, Field(gt=0)]
Weights = Annotated[tuple[Weight, Weight, Weight, Weight], Field(strict=False)]


def _check_range(value: tuple[float, float]) -> tuple[float, float]:
    if not 0 < value[0] < value[1]:
        raise ValueError(f"is [{value[0]}, {value[1]}], expected [first, last] in nm, ascending")
    return value


Range = Annotated[tuple[float, float], Field(strict=False), AfterValidator(_check_range)]
Ranges = Annotated[tuple[Range, ...], Field(strict=False)]


class RecordedSection(Section):
    """A section that is recorded in the files whose content depends on it."""

    def canonical_json(self) -> str:
        """The settings as text; the same settings give the same text."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True)


class PreprocessSettings(RecordedSection):
    """The preparation of Level 1 data for the inversion."""

    first_wavelength: float = Field(630.075, gt=0, description="nm; the first that is kept")
    last_wavelength: float = Field(630.325, gt=0, description="nm; the last that is kept")
    spectral_bin: int = Field(1, ge=1, description="neighbouring wavelengths averaged into one")
    slit_bin: int = Field(1, ge=1, description="neighbouring pixels of the slit averaged into one")
    correct_crosstalk: bool = Field(
        True, description="remove what leaked from Stokes I into Q, U and V"
    )


class InversionSettings(RecordedSection):
    """The Milne-Eddington inversion."""

    noise: float | None = Field(
        None,
        gt=0,
        description="standard deviation of the profiles, relative to the continuum; "
        "without it, that of each pixel, measured in its continuum, or else that of its map",
    )
    weights: Weights = Field(
        (1.0, 1.0, 1.0, 1.0), description="weights of Stokes I, Q, U, V; each divides the noise"
    )
    max_iterations: int = Field(60, ge=1, description="limit of the least-squares fit of a pixel")
    restarts: int = Field(3, ge=0, le=3, description="further starts for a pixel whose fit is bad")
    exclude_tellurics: bool = Field(
        True, description="leave out the wavelengths of telluric oxygen lines"
    )
    fit_filling_factor: bool = Field(
        False, description="fit how much of a pixel is magnetic, the rest being quiet Sun"
    )
    stray_light: Literal["global", "local"] = Field(
        "global",
        description="what the rest of a pixel shows: the mean intensity of the quiet Sun, "
        '"global", or of the pixels around, "local"',
    )
    stray_light_radius: float = Field(
        1.0, gt=0, le=100, description="how far local stray light comes from"
    )
    stray_light_radius_unit: Literal["arcsec", "pixel"] = Field(
        "arcsec", description='unit of stray_light_radius: "arcsec" or "pixel"'
    )
    coupling: float = Field(
        0.0,
        ge=0,
        le=30,
        description="how strongly neighbours draw a pixel to them; 0 inverts each by itself",
    )
    coupling_sweeps: int = Field(
        3, ge=1, le=20, description="how often all pixels are drawn towards their neighbours"
    )
    spectral_profile_fwhm: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="full width at half maximum of the instrument's spectral profile, a Gaussian, "
        "in pm; 0 if it blurs nothing",
    )
    spectral_profile: FilePath | None = Field(
        None,
        description="instead of a Gaussian, a table of the instrument's spectral profile: offset "
        "in pm, transmission",
    )
    macroturbulence: float = Field(
        0.0, ge=0, le=20, description="of velocities exp(-(v/macroturbulence)^2), in km/s"
    )
    masked: Ranges = Field(
        (),
        description="ranges of wavelengths (nm) to leave out, for hairlines and blends: "
        "[[630.10, 630.12]]",
    )
    lines: FilePath | None = Field(
        None,
        description="table of the spectral lines to fit, .ecsv or .csv; by default the iron lines "
        "at 630 nm",
    )

    @model_validator(mode="after")
    def _one_spectral_profile(self) -> InversionSettings:
        if self.spectral_profile is not None and self.spectral_profile_fwhm > 0:
            raise ValueError(
                f"spectral_profile_fwhm {self.spectral_profile_fwhm} and spectral_profile "
                f"{self.spectral_profile}, expected one of them"
            )
        return self

    @model_validator(mode="after")
    def _filling_factor_for_local_stray_light(self) -> InversionSettings:
        if self.stray_light == "local" and not self.fit_filling_factor:
            raise ValueError('stray_light = "local", expected fit_filling_factor = true with it')
        return self

    @property
    def n_sweeps(self) -> int:
        """How often all pixels are fitted again, after each was by itself."""
        return self.coupling_sweeps if self.coupling > 0 else 0

    def canonical_json(self) -> str:
        """The settings as text; a table stands there with the checksum of its file.

        Raises
        ------
        ConfigError
            If the table cannot be read.
        """
        values = self.model_dump(mode="json")
        if self.spectral_profile is not None:
            digest = hashlib.sha256(read_text(self.spectral_profile).encode()).hexdigest()
            values["spectral_profile"] = f"sha256:{digest}"
        return json.dumps(values, sort_keys=True)

    def as_begun(self, begun_json: str) -> InversionSettings:
        """These settings, for a map that was begun with `begun_json`.

        Without a noise, that of the map is gone on with: earlier versions always had one.
        """
        begun = json.loads(begun_json)
        if self.noise is None and isinstance(begun.get("noise"), float):
            return self.model_copy(update={"noise": begun["noise"]})
        return self


DisambiguationMethod = Literal["acute", "minimum_energy"]
"""Ways to resolve the 180-degree ambiguity of the azimuth."""


class DisambiguationSettings(Section):
    """The 180-degree ambiguity of the azimuth."""

    method: Literal["none"] | DisambiguationMethod = Field(
        "none",
        description="how it is resolved when the product of a map that was inverted here is "
        'written: "none", "acute", "minimum_energy"',
    )


def with_defaults(settings_json: str) -> str:
    """Canonical settings of an inversion, with the defaults of those that came later.

    What an earlier version made without a setting is what the default of that setting makes.
    """
    defaults = json.loads(InversionSettings().canonical_json())
    return json.dumps(defaults | json.loads(settings_json), sort_keys=True)
