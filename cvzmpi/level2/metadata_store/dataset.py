"""Models of the metadata store's rows: datasets (`datasetInventories`) and experiments.

The store has rows of several ages and sources. Harmless differences are accepted: the case of
values, missing counts, and times without a zone, which are in UTC.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from itertools import product
from typing import Annotated, Any, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    model_validator,
)
from pydantic.alias_generators import to_camel

from cvzmpi.messages.foreign_json import plain

INSTRUMENT = "VISP"
"""The spectropolarimeter whose datasets are inverted, in capitals."""

MAX_NAME = 200
"""Characters of a name; an index of PostgreSQL takes about 2,700 bytes at most."""

_FIRST_YEAR, _LAST_YEAR = 1950, 2150
_INT64 = 2**63 - 1

_NUMBER = r"\s*([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)\s*"
_BOX = re.compile(rf"\s*\({_NUMBER},{_NUMBER}\)\s*,\s*\({_NUMBER},{_NUMBER}\)\s*")


class BoundingBox(NamedTuple):
    """A field of view in arcsec from the centre of the solar disk, by two opposite corners."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def reach(self) -> float:
        """Distance of the farthest of its four corners from the centre of the disk, in arcsec."""
        return max(math.hypot(x, y) for x, y in product((self.x1, self.x2), (self.y1, self.y2)))


def _utc(time: datetime) -> datetime:
    """A time in UTC; one without a zone is in UTC already."""
    if not _FIRST_YEAR <= time.year <= _LAST_YEAR:
        raise ValueError(f"expected a time between {_FIRST_YEAR} and {_LAST_YEAR}")
    if time.tzinfo is None:
        return time.replace(tzinfo=timezone.utc)
    return time.astimezone(timezone.utc)


def _time_text(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("expected a time as ISO text")
    return value


def _box(value: Any) -> BoundingBox | None:
    """`(x,y),(x,y)` in arcsec, upper right and lower left."""
    if value is None:
        return None
    match = _BOX.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected (x,y),(x,y) in arcsec")
    box = BoundingBox(*map(float, match.groups()))
    if not all(map(math.isfinite, box)):
        raise ValueError("expected finite numbers")
    return box


def _counts(value: Any) -> Any:
    """Counts by status in lower case; a status without frames may be null."""
    if not isinstance(value, dict):
        return {} if value is None else value
    return {str(status).lower(): count or 0 for status, count in value.items()}


def _stokes(value: Any) -> Any:
    """The Stokes parameters in their usual order, from `IQUV` or a list of them."""
    if not isinstance(value, str | list | None):
        raise ValueError("expected some of I, Q, U, V")
    letters = {str(letter).strip().upper() for letter in value or ()}
    unknown = letters - set("IQUV")
    if unknown:
        raise ValueError(
            f"expected some of I, Q, U, V, not {plain(', '.join(sorted(unknown)), 60)}"
        )
    return "".join(letter for letter in "IQUV" if letter in letters)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("expected printable characters")
    return text


def _addressable(name: str) -> str:
    """Refuse a name that cannot stand in the address of a page: browsers resolve `.` and `..`."""
    if {".", ".."} & set(name.split("/")):
        raise ValueError("expected neither . nor .. between slashes")
    return name


Time = Annotated[datetime, BeforeValidator(_time_text), AfterValidator(_utc)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_printable)]
Frames = Annotated[NonNegativeInt, Field(le=_INT64)]
Counts = Annotated[dict[str, Frames], BeforeValidator(_counts)]


class StoreRow(BaseModel):
    """Base of the rows, whose keys are in camel case; unknown keys are ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
        str_strip_whitespace=True,
    )


class Distribution(StoreRow):
    """The quartiles of a quantity over the frames of a dataset."""

    min: float | None = None
    p25: float | None = None
    med: float | None = None
    p75: float | None = None
    max: float | None = None


class Dataset(StoreRow):
    """One dataset: one instrument, one spectral window, one observation.

    Wavelengths are in nm, times in UTC, the box in arcsec; health and GOS status are frames by
    status, `ao_locked` is the number of frames with locked adaptive optics.
    """

    dataset_id: Name
    observing_program: Annotated[Name, AfterValidator(_addressable)] = Field(
        alias="observingProgramExecutionId"
    )
    instrument_program: Name = Field(alias="instrumentProgramExecutionId")
    proposal: Name = Field(alias="primaryProposalId")
    experiment: Name = Field(alias="primaryExperimentId")
    instrument: Annotated[Name, AfterValidator(str.upper)] = Field(alias="instrumentName")
    created: Time = Field(alias="createDate")
    updated: Time = Field(alias="updateDate")
    start: Time = Field(alias="startTime")
    end: Time = Field(alias="endTime")
    embargoed: bool = Field(False, alias="isEmbargoed")
    embargo_end: Time | None = Field(None, alias="embargoEndDate")
    bucket: Name | None = None
    exposure_time: NonNegativeFloat | None = None
    frame_count: Annotated[PositiveInt, Field(le=_INT64)]
    bounding_box: Annotated[BoundingBox | None, BeforeValidator(_box)]
    stokes: Annotated[str, BeforeValidator(_stokes)] = Field(alias="stokesParameters")
    wavelength_min: float
    wavelength_max: float
    spectral_lines: tuple[str, ...] | None = None
    health: Counts = Field({}, validate_default=True)
    gos_status: Counts = Field({}, validate_default=True)
    ao_locked: Frames | None = None
    light_level: Distribution | None = None
    fried_parameter: Distribution | None = None
    polarimetric_accuracy: Distribution | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Dataset:
        if self.wavelength_min > self.wavelength_max:
            raise ValueError(
                f"wavelengthMin {self.wavelength_min} is above wavelengthMax {self.wavelength_max}"
            )
        return self

    @property
    def spectropolarimetric(self) -> bool:
        """True if its instrument is the one whose datasets are inverted."""
        return self.instrument == INSTRUMENT

    @property
    def changed(self) -> datetime:
        """The time of its creation or last change in the store."""
        return max(self.created, self.updated)


class Experiment(StoreRow):
    """An experiment, as its observers describe it."""

    experiment_id: Name
    description: Annotated[str, BeforeValidator(lambda text: "" if text is None else text)] = Field(
        "", alias="experimentDescription"
    )
