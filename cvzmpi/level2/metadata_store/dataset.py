"""Models of the metadata store's rows: datasets (`datasetInventories`) and experiments.

A dataset whose row has values that cannot be read is a dataset too: it lacks them, and says so.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from cvzmpi.level2.metadata_store.store_row import StoreRow
from cvzmpi.level2.metadata_store.values import (
    AnyTime,
    Box,
    Counts,
    Flag,
    Frames,
    LineNames,
    Name,
    NameInAddress,
    NameOrBlank,
    NameOrNone,
    Number,
    Stokes,
    Text,
    Time,
    Wavelength,
)

INSTRUMENT = "VISP"
"""The spectropolarimeter whose datasets are inverted, in capitals."""

NEEDED = frozenset(
    {
        "instrumentProgramExecutionId",
        "primaryProposalId",
        "instrumentName",
        "createDate",
        "startTime",
        "endTime",
        "frameCount",
        "wavelengthMin",
        "wavelengthMax",
    }
)
"""Values of a dataset that cannot be read where they are null, whatever the store allows."""

_WIDEST = 100.0  # nm, between the wavelengths of one dataset; those of the ViSP have 1 or 2 nm
_ADMINISTRATIVE = {"product_id", "bucket", "embargoed", "embargo_end"}


class Distribution(StoreRow):
    """The quartiles of a quantity over the frames of a dataset."""

    min: Number | None = None
    p25: Number | None = None
    med: Number | None = None
    p75: Number | None = None
    max: Number | None = None


class Dataset(StoreRow):
    """One dataset: one instrument, one spectral window, one observation.

    Wavelengths are in nm, times in UTC, the box in arcsec; health and GOS status are frames by
    status, `ao_locked` is the number of frames with locked adaptive optics. A value that is not
    given or cannot be read is None, and a name "".

    Parameters
    ----------
    product_id : str or None
        The name of the observed data, which stays when they are processed again: of several
        datasets with one product id, one is current.
    updated : datetime or None
        None if its row never changed.
    bucket : str or None
        The bucket that has its files.
    unreadable : tuple of str
        The values of its row that cannot be read, each with its name and what was expected.
    """

    dataset_id: Name
    observing_program: NameInAddress = Field(alias="observingProgramExecutionId")
    instrument_program: Name = Field("", alias="instrumentProgramExecutionId")
    proposal: Name = Field("", alias="primaryProposalId")
    experiment: NameOrBlank = Field("", alias="primaryExperimentId")
    instrument: Name = Field("", alias="instrumentName")
    product_id: NameOrNone = None
    bucket: NameOrNone = None
    created: Time = Field(None, alias="createDate")
    updated: Time = Field(None, alias="updateDate")
    start: Time = Field(None, alias="startTime")
    end: Time = Field(None, alias="endTime")
    embargoed: Flag = Field(False, alias="isEmbargoed")
    embargo_end: AnyTime = Field(None, alias="embargoEndDate")
    exposure_time: Annotated[Number, Field(ge=0)] | None = None
    frame_count: Annotated[Frames, Field(gt=0)] | None = None
    bounding_box: Box = None
    stokes: Stokes = Field("", alias="stokesParameters")
    wavelength_min: Wavelength | None = None
    wavelength_max: Wavelength | None = None
    spectral_lines: LineNames | None = None
    health: Counts = Field({})
    gos_status: Counts = Field({})
    ao_locked: Frames | None = None
    light_level: Distribution | None = None
    fried_parameter: Distribution | None = None
    polarimetric_accuracy: Distribution | None = None
    unreadable: tuple[str, ...] = ()

    not_of_the_store: ClassVar[frozenset[str]] = frozenset({"unreadable"})

    @field_validator("instrument")
    @classmethod
    def _in_capitals(cls, name: str) -> str:
        return name.upper()

    @field_validator("wavelength_max")
    @classmethod
    def _in_order(cls, longest: float | None, info: ValidationInfo) -> float | None:
        shortest = info.data.get("wavelength_min")
        if longest is not None and shortest is not None and shortest > longest:
            raise ValueError(f"expected no less than wavelengthMin, {shortest}")
        if longest is not None and shortest is not None and longest - shortest > _WIDEST:
            raise ValueError(f"expected at most {_WIDEST:g} nm more than wavelengthMin, {shortest}")
        return longest

    @field_validator("health", "gos_status", "ao_locked")
    @classmethod
    def _not_more_than_frames(
        cls, counted: dict[str, int] | int | None, info: ValidationInfo
    ) -> dict[str, int] | int | None:
        # Frames may get lost after they were counted, so that some more may be counted than remain.
        frames = info.data.get("frame_count")
        largest = max(counted.values(), default=0) if isinstance(counted, dict) else counted or 0
        if frames is not None and largest > 2 * frames:
            raise ValueError(f"expected about frameCount, {frames}, at most")
        return counted

    @property
    def spectropolarimetric(self) -> bool:
        """True if its instrument is the one whose datasets are inverted, or cannot be read."""
        return self.instrument in (INSTRUMENT, "")

    @property
    def changed(self) -> datetime | None:
        """The time of its creation or last change in the store; None if neither is known."""
        return max((time for time in (self.created, self.updated) if time), default=None)

    @property
    def wavelengths(self) -> str:
        """The wavelengths that it covers, in words."""
        if self.wavelength_min is None or self.wavelength_max is None:
            return "unknown wavelengths"
        return f"{self.wavelength_min:.2f} to {self.wavelength_max:.2f} nm"

    def same_data(self, other: Dataset) -> bool:
        """True if another version of it differs in bucket, product id and embargo at most."""
        return self._data() == other._data()

    def _data(self) -> Dataset:
        return self.model_copy(
            update={name: type(self).model_fields[name].default for name in _ADMINISTRATIVE}
        )


class Experiment(StoreRow):
    """An experiment, as its observers describe it."""

    experiment_id: Name
    description: Text = Field("", alias="experimentDescription")
