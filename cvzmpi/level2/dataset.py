"""A dataset as the metadata store describes it: one row of `datasetInventories`.

The store has rows of several ages and sources. What is harmless is read whatever its form (case of
values, missing counts, times without a zone, which are UTC); a row that cannot be understood is
rejected by itself, with what is wrong in it, and the others are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from cvzmpi.level2.solar_disk import BoundingBox

INSTRUMENT = "VISP"
"""The spectropolarimeter whose datasets are inverted, as the store writes it in capitals."""

_NUMBER = r"\s*([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)\s*"
_BOX = re.compile(rf"\s*\({_NUMBER},{_NUMBER}\)\s*,\s*\({_NUMBER},{_NUMBER}\)\s*")


def _utc(time: datetime) -> datetime:
    """A time of the store: UTC where it names no zone."""
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
    return BoundingBox(*map(float, match.groups()))


def _counts(value: Any) -> Any:
    """Counts by status in lower case; a status without frames may be null."""
    if not isinstance(value, dict):
        return {} if value is None else value
    return {str(status).lower(): count or 0 for status, count in value.items()}


def _stokes(value: Any) -> Any:
    """The Stokes parameters in their usual order, from `IQUV` or a list of them."""
    letters = {str(letter).strip().upper() for letter in value or ()}
    unknown = letters - set("IQUV")
    if unknown:
        raise ValueError(f"expected some of I, Q, U, V, not {', '.join(sorted(unknown))}")
    return "".join(letter for letter in "IQUV" if letter in letters)


Time = Annotated[datetime, BeforeValidator(_time_text), AfterValidator(_utc)]
Name = Annotated[str, Field(min_length=1)]
Counts = Annotated[dict[str, NonNegativeInt], BeforeValidator(_counts)]


class StoreRow(BaseModel):
    """Base of the store's rows, whose names are in camel case; more than ours are ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
        str_strip_whitespace=True,
    )


class Distribution(StoreRow):
    """How a quantity is distributed over the frames of a dataset."""

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
    observing_program: Name = Field(alias="observingProgramExecutionId")
    instrument_program: Name = Field(alias="instrumentProgramExecutionId")
    proposal: Name = Field(alias="primaryProposalId")
    experiment: Name = Field(alias="primaryExperimentId")
    instrument: Annotated[Name, AfterValidator(str.upper)] = Field(alias="instrumentName")
    created: Time = Field(alias="createDate")
    updated: Time = Field(alias="updateDate")
    start: Time = Field(alias="startTime")
    end: Time = Field(alias="endTime")
    embargoed: bool = Field(False, alias="isEmbargoed")
    exposure_time: NonNegativeFloat | None = None
    frame_count: PositiveInt
    bounding_box: Annotated[BoundingBox | None, BeforeValidator(_box)]
    stokes: Annotated[str, BeforeValidator(_stokes)] = Field(alias="stokesParameters")
    wavelength_min: float
    wavelength_max: float
    spectral_lines: tuple[str, ...] | None = None
    health: Counts = Field({}, validate_default=True)
    gos_status: Counts = Field({}, validate_default=True)
    ao_locked: NonNegativeInt | None = None
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
        """Whether it is of the instrument whose datasets are inverted."""
        return self.instrument == INSTRUMENT

    @property
    def changed(self) -> datetime:
        """When it appeared in the store, or was last changed there."""
        return max(self.created, self.updated)


class Experiment(StoreRow):
    """What the observers say about an experiment."""

    experiment_id: Name
    description: str = Field("", alias="experimentDescription")

    @model_validator(mode="before")
    @classmethod
    def _without_description(cls, row: Any) -> Any:
        if isinstance(row, dict) and row.get("experimentDescription", "") is None:
            return {**row, "experimentDescription": ""}
        return row


@dataclass(frozen=True)
class BadRow:
    """A row of the store that cannot be used."""

    name: str
    message: str

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


@dataclass(frozen=True)
class Reading:
    """What one answer of the store holds: its datasets with their rows, and the bad rows."""

    datasets: list[tuple[Dataset, dict[str, Any]]]
    bad: list[BadRow]


def read_datasets(rows: Iterable[Any]) -> Reading:
    """Read the rows of `datasetInventories`, each by itself.

    A dataset that comes twice is taken in its newest form.
    """
    newest: dict[str, tuple[Dataset, dict[str, Any]]] = {}
    bad = []
    for number, row in enumerate(rows):
        try:
            dataset = Dataset.model_validate(row)
        except ValidationError as error:
            bad.append(BadRow(_name(row, number), _explain(error)))
            continue
        other = newest.get(dataset.dataset_id)
        if other is None or other[0].updated < dataset.updated:
            newest[dataset.dataset_id] = (dataset, row)
    return Reading(list(newest.values()), bad)


def read_experiments(rows: Iterable[Any]) -> tuple[list[Experiment], list[BadRow]]:
    """Read the rows of `experimentDescriptions`, each by itself."""
    experiments, bad = [], []
    for number, row in enumerate(rows):
        try:
            experiments.append(Experiment.model_validate(row))
        except ValidationError as error:
            bad.append(BadRow(_name(row, number), _explain(error)))
    return experiments, bad


def _name(row: Any, number: int) -> str:
    """How a bad row is called: by its id where it has one."""
    if isinstance(row, dict):
        for key in ("datasetId", "experimentId"):
            if row.get(key):
                return str(row[key])
    return f"row {number + 1}"


def _explain(error: ValidationError) -> str:
    """What is wrong with a row, on one line."""
    return "; ".join(_explain_one(one) for one in error.errors())


def _explain_one(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return f"{place} is missing"
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if not place:
        return str(message)
    if not message.startswith("expected"):
        message = f"expected {message[:1].lower()}{message[1:]}"
    return f"{place} = {_short(error['input'])}: {message}"


def _short(value: Any, length: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= length else f"{text[: length - 3]}..."
