"""Rows of the metadata store: each is read by itself, and a bad one does not stop the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from cvzmpi.level2.metadata_store.dataset import INSTRUMENT, MAX_NAME, Dataset, Experiment, StoreRow
from cvzmpi.messages.foreign_json import plain, shown, why_not_storable

Row = TypeVar("Row", bound=StoreRow)

_N_EXPLAINED = 10  # errors of one row


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used."""

    name: str  # the name of the row in messages
    message: str  # the reason, on one line
    # `dataset`, `program`: its dataset and Observing Program, if it has them
    dataset: str | None = None
    program: str | None = None
    context: bool = False  # True if its instrument is not the one whose datasets are inverted

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
    """A value of a row, if it can be a name."""
    name = value.strip() if isinstance(value, str) else ""
    return name if name and len(name) <= MAX_NAME and name.isprintable() else None


@dataclass(frozen=True)
class Reading:
    """The datasets in an answer, each with its row, and the bad rows."""

    datasets: list[tuple[Dataset, dict[str, Any]]]
    bad: list[BadRow]


def read_datasets(rows: Iterable[Any]) -> Reading:
    """Read the rows of `datasetInventories`; the newest row of a dataset counts."""
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
    """Read the rows of `experimentDescriptions`."""
    experiments, bad = [], []
    for number, row in enumerate(rows):
        experiment = _read(Experiment, row)
        if isinstance(experiment, str):
            bad.append(BadRow.of(row, number, experiment))
        else:
            experiments.append(experiment)
    return experiments, bad


def _read(model: type[Row], row: Any) -> Row | str:
    """A row as a model, or the reason why it is bad."""
    if (wrong := why_not_storable(row)) is not None:
        return wrong
    try:
        return model.model_validate(row)
    except ValidationError as error:
        return _explain(error)


def _explain(error: ValidationError) -> str:
    """The reasons why a row is bad, on one line."""
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
