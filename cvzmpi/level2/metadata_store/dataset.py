"""A dataset as the metadata store describes it: one row of `datasetInventories`.

The store has rows of several ages and sources. What is harmless is read whatever its form (case of
values, missing counts, times without a zone, which are UTC); a row that cannot be understood is
rejected by itself, with what is wrong in it, and the others are kept.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Annotated, Any, TypeVar

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

from cvzmpi.level2.foreign_json import plain, shown, why_not_storable
from cvzmpi.level2.programs.solar_disk import BoundingBox

INSTRUMENT = "VISP"
"""The spectropolarimeter whose datasets are inverted, as the store writes it in capitals."""

_FIRST_YEAR, _LAST_YEAR = 1950, 2150
_INT64 = 2**63 - 1
_N_EXPLAINED = 10  # errors of one row
_MAX_NAME = 200  # characters; an index of PostgreSQL takes no more than some 2,700 bytes

_NUMBER = r"\s*([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)\s*"
_BOX = re.compile(rf"\s*\({_NUMBER},{_NUMBER}\)\s*,\s*\({_NUMBER},{_NUMBER}\)\s*")


def _utc(time: datetime) -> datetime:
    """A time of the store: UTC where it names no zone."""
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
    """What can stand in the address of a page: browsers resolve `.` and `..`."""
    if {".", ".."} & set(name.split("/")):
        raise ValueError("expected neither . nor .. between slashes")
    return name


Time = Annotated[datetime, BeforeValidator(_time_text), AfterValidator(_utc)]
Name = Annotated[str, Field(min_length=1, max_length=_MAX_NAME), AfterValidator(_printable)]
Frames = Annotated[NonNegativeInt, Field(le=_INT64)]
Counts = Annotated[dict[str, Frames], BeforeValidator(_counts)]


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


Row = TypeVar("Row", bound=StoreRow)


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
    """A row of the store that cannot be used.

    Parameters
    ----------
    name : str
        What it is called in messages.
    message : str
        What is wrong with it, on one line.
    dataset, program : str, optional
        Its dataset and Observing Program, where it says them.
    context : bool
        Whether it is of an instrument whose datasets are not inverted.
    """

    name: str
    message: str
    dataset: str | None = None
    program: str | None = None
    context: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"

    @classmethod
    def of(cls, row: Any, number: int, message: str) -> BadRow:
        """Describe a row; `number` counts from 0."""
        said = row if isinstance(row, dict) else {}
        name = said.get("datasetId") or said.get("experimentId")
        instrument = _said(said.get("instrumentName"))
        return cls(
            plain(str(name), 80) if isinstance(name, str) else f"row {number + 1}",
            message,
            _said(said.get("datasetId")),
            _said(said.get("observingProgramExecutionId")),
            instrument is not None and instrument.upper() != INSTRUMENT,
        )


def _said(value: Any) -> str | None:
    """A name in a row that may be anything."""
    name = value.strip() if isinstance(value, str) else ""
    return name if name and len(name) <= _MAX_NAME and name.isprintable() else None


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
        dataset = _read(Dataset, row)
        if isinstance(dataset, str):
            bad.append(BadRow.of(row, number, dataset))
            continue
        other = newest.get(dataset.dataset_id)
        if other is None or other[0].updated < dataset.updated:
            newest[dataset.dataset_id] = (dataset, row)
    return Reading(list(newest.values()), bad)


def read_experiments(rows: Iterable[Any]) -> tuple[list[Experiment], list[BadRow]]:
    """Read the rows of `experimentDescriptions`, each by itself."""
    experiments, bad = [], []
    for number, row in enumerate(rows):
        experiment = _read(Experiment, row)
        if isinstance(experiment, str):
            bad.append(BadRow.of(row, number, experiment))
        else:
            experiments.append(experiment)
    return experiments, bad


def _read(model: type[Row], row: Any) -> Row | str:
    """A row in our words, or what is wrong with it."""
    if (wrong := why_not_storable(row)) is not None:
        return wrong
    try:
        return model.model_validate(row)
    except ValidationError as error:
        return _explain(error)


def _explain(error: ValidationError) -> str:
    """What is wrong with a row, on one line."""
    errors = error.errors()
    more = f"; and {len(errors) - _N_EXPLAINED} more" if len(errors) > _N_EXPLAINED else ""
    return "; ".join(_explain_one(one) for one in errors[:_N_EXPLAINED]) + more


def _explain_one(error: Any) -> str:
    place = ".".join(plain(str(part), 60) for part in error["loc"])
    if error["type"] == "missing":
        return f"{place} is missing"
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if not place:
        return str(message)
    if not message.startswith("expected"):
        message = f"expected {message[:1].lower()}{message[1:]}"
    return f"{place} = {shown(error['input'])}: {message}"
