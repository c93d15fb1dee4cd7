"""The settings of preprocessing and inversion, as sections of a configuration."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import Field

from cvzmpi.config import Section

STEP_NAME = "pixel"
"""The unit in which the progress of inversions is counted."""

Weight = Annotated[float, Field(gt=0)]
Weights = Annotated[tuple[Weight, Weight, Weight, Weight], Field(strict=False)]


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

    def as_begun(self, begun_json: str) -> InversionSettings:
        """These settings, for a map that was begun with `begun_json`.

        Without a noise, that of the map is gone on with: earlier versions always had one.
        """
        begun = json.loads(begun_json)
        if self.noise is None and isinstance(begun.get("noise"), float):
            return self.model_copy(update={"noise": begun["noise"]})
        return self
