"""What Level 2 knows beside the ledger: versions of datasets, answers, claims, inversions.

`Catalogue` reads. What is added goes through the functions of `scan`, `qualify`, `science_team` and
`publish`, in the same transaction as the event in the ledger that it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from cvzmpi.ledger.db.tables import latest, units
from cvzmpi.ledger.ledger import Ledger
from cvzmpi.ledger.states import State, state_named
from cvzmpi.level2.metadata_store.dataset import Dataset
from cvzmpi.level2.programs.program import ObservingProgram, group
from cvzmpi.level2.tables import (
    LEVEL2,
    claims,
    dataset_versions,
    experiment_versions,
    inversions,
    qualifications,
)


@dataclass(frozen=True)
class DatasetVersion:
    """A dataset as it was at some time.

    Parameters
    ----------
    dataset_id : str
    version : int
        From 1.
    program : str
        The Observing Program that it belongs to.
    seen : datetime
        When a scan first saw it like this.
    row : dict
        The row of the metadata store.
    """

    dataset_id: str
    version: int
    program: str
    seen: datetime
    row: dict[str, Any]

    @property
    def dataset(self) -> Dataset:
        """The row in our words."""
        return Dataset.model_validate(self.row)


@dataclass(frozen=True)
class Qualification:
    """The answer that holds for a program, and what it was given for.

    Parameters
    ----------
    program : str
    invertible : bool
    failed : list of str
        The required criteria that failed.
    thresholds : dict
        The settings of the criteria.
    versions : dict
        Version of each spectropolarimetric dataset, by id.
    at : datetime
    """

    program: str
    invertible: bool
    failed: list[str]
    thresholds: dict[str, Any]
    versions: dict[str, int]
    at: datetime


@dataclass(frozen=True)
class Inversion:
    """A result for a program, which has an id from the moment that it is accepted.

    Parameters
    ----------
    inversion_id : str
        `inv.` and six of A-Z and 0-9; no two results have the same.
    program : str
    method : str
        How it was made.
    detail : dict
        Files with their checksums, commit of the software, ...
    at : datetime
    """

    inversion_id: str
    program: str
    method: str
    detail: dict[str, Any]
    at: datetime


class Catalogue:
    """What is known, as of now.

    Parameters
    ----------
    ledger : Ledger
        Its database has, or gets, the tables of Level 2.
    """

    def __init__(self, ledger: Ledger) -> None:
        LEVEL2.upgrade(ledger.database)
        self.ledger = ledger

    def newest_versions(
        self, program: str | None = None, *, within: sa.Connection | None = None
    ) -> dict[str, DatasetVersion]:
        """The datasets as they are now, by id: all, or those of a program."""
        v = dataset_versions
        newest = sa.select(sa.func.max(v.c.id)).group_by(v.c.dataset_id)
        query = sa.select(*_VERSION).where(v.c.id.in_(newest)).order_by(v.c.dataset_id)
        if program is not None:
            query = query.where(v.c.program == program)
        return {row.dataset_id: DatasetVersion(*row) for row in self._rows(query, within)}

    def versions(self, dataset_id: str) -> list[DatasetVersion]:
        """All that a dataset ever was, the oldest first."""
        v = dataset_versions
        query = sa.select(*_VERSION).where(v.c.dataset_id == dataset_id).order_by(v.c.version)
        return [DatasetVersion(*row) for row in self._rows(query)]

    def programs(self) -> dict[str, ObservingProgram]:
        """All Observing Programs as they are now."""
        return group(version.dataset for version in self.newest_versions().values())

    def program(self, name: str) -> ObservingProgram | None:
        """One Observing Program as it is now; None where no dataset belongs to it any more."""
        versions = self.newest_versions(name)
        return group(version.dataset for version in versions.values()).get(name)

    def experiments(self, *, within: sa.Connection | None = None) -> dict[str, str]:
        """What the experiments are about, as far as it is known."""
        e = experiment_versions
        newest = sa.select(sa.func.max(e.c.id)).group_by(e.c.experiment_id)
        query = sa.select(e.c.experiment_id, e.c.description).where(e.c.id.in_(newest))
        return {row.experiment_id: row.description for row in self._rows(query, within)}

    def qualifications(self, *, within: sa.Connection | None = None) -> dict[str, Qualification]:
        """The answers that hold, by program."""
        q = qualifications
        newest = sa.select(sa.func.max(q.c.id)).group_by(q.c.program)
        query = sa.select(*_without_id(q)).where(q.c.id.in_(newest))
        return {row.program: Qualification(*row) for row in self._rows(query, within)}

    def claimants(self, *, within: sa.Connection | None = None) -> dict[str, str]:
        """Who has which program."""
        query = claimed_programs().add_columns(claims.c.claimed_by)
        return {row.program: row.claimed_by for row in self._rows(query, within)}

    def inversions(
        self, program: str | None = None, *, within: sa.Connection | None = None
    ) -> list[Inversion]:
        """All results, or those for a program, the newest last."""
        query = sa.select(*_without_id(inversions)).order_by(inversions.c.id)
        if program is not None:
            query = query.where(inversions.c.program == program)
        return [Inversion(*row) for row in self._rows(query, within)]

    def result(self, program: str) -> list[Inversion]:
        """The newest result for a program: an inversion, or one for each of several maps.

        What belongs together was accepted in one instant.
        """
        there = self.inversions(program)
        return [inversion for inversion in there if inversion.at == there[-1].at]

    def states(self, *, within: sa.Connection | None = None) -> dict[str, State]:
        """The state of every program."""
        query = sa.select(units.c.name, latest.c.state).join(latest, latest.c.unit_id == units.c.id)
        return {row.name: state_named(row.state) for row in self._rows(query, within)}

    def _rows(self, query: sa.Select[Any], within: sa.Connection | None = None) -> list[Any]:
        """The rows of a query; `Any`, since their types are those of its columns."""
        if within is not None:
            return list(within.execute(query))
        with self.ledger.database.reading() as connection:
            return list(connection.execute(query))


def claimed_programs() -> sa.Select[tuple[str]]:
    """The names of the programs that somebody has, as a part of a question."""
    newest = sa.select(sa.func.max(claims.c.id)).group_by(claims.c.program)
    return sa.select(claims.c.program).where(
        claims.c.id.in_(newest), claims.c.claimed_by.is_not(None)
    )


def _without_id(table: sa.Table) -> list[sa.Column[Any]]:
    return [column for column in table.c if column.name != "id"]


_VERSION = _without_id(dataset_versions)


def spectropolarimetric_versions(versions: dict[str, DatasetVersion]) -> dict[str, dict[str, int]]:
    """By program, the version of each dataset that an inversion works on."""
    found: dict[str, dict[str, int]] = {}
    for version in versions.values():
        if version.dataset.spectropolarimetric:
            found.setdefault(version.program, {})[version.dataset_id] = version.version
    return found
