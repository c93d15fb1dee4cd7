"""Rows of the metadata store: each is read by itself, and no value of it costs more than itself.

A row that names its dataset and its program becomes a dataset, whatever else is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from cvzmpi.level2.metadata_store.dataset import INSTRUMENT, NEEDED, Dataset, Experiment
from cvzmpi.level2.metadata_store.values import MAX_NAME, is_addressable
from cvzmpi.messages.foreign_json import plain, shown, why_not_storable

_NAMES = ("datasetId", "observingProgramExecutionId")
_KEYS = Dataset.names()
_N_EXPLAINED = 10  # errors of one row


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used: it names no dataset, or no program."""

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
        program = _said(said.get("observingProgramExecutionId"))
        return cls(
            plain(str(name), 80) if isinstance(name, str) else f"row {number + 1}",
            message,
            _said(said.get("datasetId")),
            program if program is not None and is_addressable(program) else None,
            instrument is not None and instrument.upper() != INSTRUMENT,
        )


def _said(value: Any) -> str | None:
    """A value of a row, if it can be a name."""
    name = value.strip() if isinstance(value, str) else ""
    return name if name and len(name) <= MAX_NAME and name.isprintable() else None


@dataclass(frozen=True)
class Reading:
    """The datasets in an answer, each with what is kept of its row, and the bad rows."""

    datasets: list[tuple[Dataset, dict[str, Any]]]
    bad: list[BadRow]


def read_datasets(rows: Iterable[Any]) -> Reading:
    """Read the rows of `datasetInventories`; the newest row of a dataset counts."""
    newest: dict[str, tuple[Dataset, dict[str, Any]]] = {}
    bad = []
    for number, row in enumerate(rows):
        read = _read_dataset(row)
        if isinstance(read, str):
            bad.append(BadRow.of(row, number, read))
            continue
        dataset, _ = read
        other = newest.get(dataset.dataset_id)
        if other is None or _is_newer(dataset, other[0]):
            newest[dataset.dataset_id] = read
    return Reading(list(newest.values()), bad)


def read_experiments(rows: Iterable[Any]) -> tuple[list[Experiment], list[BadRow]]:
    """Read the rows of `experimentDescriptions`."""
    experiments, bad = [], []
    for number, row in enumerate(rows):
        wrong = why_not_storable(row)
        try:
            if wrong is None:
                experiments.append(Experiment.model_validate(row))
        except ValidationError as error:
            wrong = _on_one_line(_explain(error).values())
        if wrong is not None:
            bad.append(BadRow.of(row, number, wrong))
    return experiments, bad


def _read_dataset(row: Any) -> tuple[Dataset, dict[str, Any]] | str:
    """A row as a dataset, with the values that can be read, or the reason why it is bad."""
    if not isinstance(row, dict):
        return f"expected an object, got {shown(row)}"
    wrong = {key: why for key in _KEYS if (why := _why_not_kept(row, key)) is not None}
    kept = {key: row[key] for key in _KEYS if key in row and key not in wrong}
    try:
        Dataset.model_validate(kept)
    except ValidationError as error:
        wrong = _explain(error) | wrong
        kept = {key: value for key, value in kept.items() if key not in wrong}
    if any(name in wrong for name in _NAMES):
        return _on_one_line(wrong.values())
    if wrong:
        kept["unreadable"] = [wrong[key] for key in _KEYS if key in wrong]
    return Dataset.model_validate(kept), kept


def _why_not_kept(row: dict[str, Any], key: str) -> str | None:
    """The reason why a value is no value, or cannot be stored; None if it can."""
    if row.get(key) is None:
        return f"{key} is not given" if key in NEEDED else None
    why = why_not_storable(row[key])
    return None if why is None else f"{key}: {why}"


def _is_newer(dataset: Dataset, other: Dataset) -> bool:
    """True if a row of a dataset came later than another, or as late and cannot be read."""
    if dataset.changed is None or other.changed is None:
        return dataset.changed is None
    if dataset.changed == other.changed:
        return bool(dataset.unreadable)
    return dataset.changed > other.changed


def _explain(error: ValidationError) -> dict[str, str]:
    """The reasons why values cannot be read, by their names."""
    reasons: dict[str, list[str]] = {}
    for one in error.errors():
        reasons.setdefault(str(one["loc"][0]) if one["loc"] else "", []).append(_explain_one(one))
    return {key: _on_one_line(why) for key, why in reasons.items()}


def _on_one_line(reasons: Iterable[str]) -> str:
    """Reasons on one line, the first few of them."""
    first = list(reasons)
    more = f"; and {len(first) - _N_EXPLAINED} more" if len(first) > _N_EXPLAINED else ""
    return "; ".join(first[:_N_EXPLAINED]) + more


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
