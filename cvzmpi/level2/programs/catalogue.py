"""The catalogue: versions of datasets, answers to the criteria, reservations, inversions.

`Catalogue` reads. Rows are added by `scan`, `qualify`, `reservation` and those who add inversions,
each in the transaction of the event in the ledger that it belongs to.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger.db.tables import events, latest, units
from cvzmpi.ledger.ledger import Ledger
from cvzmpi.ledger.states import State, state_named
from cvzmpi.level2.metadata_store.dataset import Dataset
from cvzmpi.level2.programs.inversions import InversionQueries, without_id
from cvzmpi.level2.programs.program import ObservingProgram, group
from cvzmpi.level2.tables import (
    LEVEL2,
    dataset_versions,
    experiment_versions,
    qualifications,
    reservations,
)
from cvzmpi.messages.foreign_json import plain
from cvzmpi.messages.wording import did_you_mean


@dataclass(frozen=True)
class DatasetVersion:
    """A version of a dataset."""

    dataset_id: str
    version: int  # from 1
    program: str  # its Observing Program
    seen: datetime  # when a scan first saw this version
    row: dict[str, Any]  # the row of the metadata store

    @property
    def dataset(self) -> Dataset:
        """The row as a model."""
        return Dataset.model_validate(self.row)


@dataclass(frozen=True)
class Qualification:
    """The answer of the criteria for a program, with their settings and the datasets."""

    program: str
    invertible: bool
    failed: list[str]  # the required criteria that failed
    thresholds: dict[str, Any]  # the settings of the criteria
    versions: dict[str, int]  # version of each spectropolarimetric dataset, by id
    at: datetime


class Catalogue(InversionQueries):
    """Queries for what is known of the programs.

    Parameters
    ----------
    ledger : Ledger
        Its database gets the tables of Level 2 if it lacks them.
    """

    def __init__(self, ledger: Ledger) -> None:
        LEVEL2.upgrade(ledger.database)
        self.ledger = ledger

    def newest_versions(
        self, program: str | None = None, *, within: sa.Connection | None = None
    ) -> dict[str, DatasetVersion]:
        """The newest versions of all datasets, or of those of a program, by id."""
        v = dataset_versions
        newest = sa.select(sa.func.max(v.c.id)).group_by(v.c.dataset_id)
        query = sa.select(*_VERSION).where(v.c.id.in_(newest)).order_by(v.c.dataset_id)
        if program is not None:
            query = query.where(v.c.program == program)
        return {row.dataset_id: DatasetVersion(*row) for row in self._rows(query, within)}

    def versions(self, dataset_id: str) -> list[DatasetVersion]:
        """All versions of a dataset, the oldest first."""
        v = dataset_versions
        query = sa.select(*_VERSION).where(v.c.dataset_id == dataset_id).order_by(v.c.version)
        return [DatasetVersion(*row) for row in self._rows(query)]

    def versions_at(
        self, numbers: Collection[tuple[str, int]], *, within: sa.Connection | None = None
    ) -> list[DatasetVersion]:
        """Some versions of datasets, by id and number."""
        v = dataset_versions
        wanted = sa.tuple_(v.c.dataset_id, v.c.version).in_(numbers)
        query = sa.select(*_VERSION).where(wanted)
        return [DatasetVersion(*row) for row in self._rows(query, within)] if numbers else []

    def programs(self) -> dict[str, ObservingProgram]:
        """All Observing Programs as they are now."""
        return group(version.dataset for version in self.newest_versions().values())

    def program(self, name: str) -> ObservingProgram | None:
        """One Observing Program as it is now; None if no dataset belongs to it any more."""
        versions = self.newest_versions(name)
        return group(version.dataset for version in versions.values()).get(name)

    def experiments(self, *, within: sa.Connection | None = None) -> dict[str, str]:
        """The descriptions of the experiments, by id."""
        e = experiment_versions
        newest = sa.select(sa.func.max(e.c.id)).group_by(e.c.experiment_id)
        query = sa.select(e.c.experiment_id, e.c.description).where(e.c.id.in_(newest))
        return {row.experiment_id: row.description for row in self._rows(query, within)}

    def qualifications(self, *, within: sa.Connection | None = None) -> dict[str, Qualification]:
        """The newest answers, by program."""
        q = qualifications
        newest = sa.select(sa.func.max(q.c.id)).group_by(q.c.program)
        query = sa.select(*without_id(q)).where(q.c.id.in_(newest))
        return {row.program: Qualification(*row) for row in self._rows(query, within)}

    def reservations(self, *, within: sa.Connection | None = None) -> dict[str, str]:
        """The people who have reserved a program, by program."""
        query = reserved_programs().add_columns(reservations.c.claimed_by)
        return {row.program: row.claimed_by for row in self._rows(query, within)}

    def reserved_since(self) -> dict[str, datetime]:
        """The times since when programs are reserved, by program."""
        query = reserved_programs().add_columns(reservations.c.at)
        return {row.program: row.at for row in self._rows(query)}

    def newest_rows(self) -> tuple[int | None, ...]:
        """The number of the newest row of each table of the programs; it grows with any change."""
        tables = (events, dataset_versions, experiment_versions, qualifications, reservations)
        newest = [sa.select(sa.func.max(table.c.id)).scalar_subquery() for table in tables]
        return tuple(self._rows(sa.select(*newest))[0])

    def state(
        self, program: str, refused: type[CvzmpiError], *, within: sa.Connection | None = None
    ) -> State:
        """The state of a program; `refused` is raised if there is no such program."""
        states = self.states(within=within)
        if program not in states:
            raise refused(
                f"{plain(program)}: no such Observing Program{did_you_mean(program, states)}"
            )
        return states[program]

    def states(self, *, within: sa.Connection | None = None) -> dict[str, State]:
        """The state of every program."""
        query = sa.select(units.c.name, latest.c.state).join(latest, latest.c.unit_id == units.c.id)
        return {row.name: state_named(row.state) for row in self._rows(query, within)}


def reserved_programs() -> sa.Select[tuple[str]]:
    """A query for the names of the programs that are reserved."""
    newest = sa.select(sa.func.max(reservations.c.id)).group_by(reservations.c.program)
    return sa.select(reservations.c.program).where(
        reservations.c.id.in_(newest), reservations.c.claimed_by.is_not(None)
    )


_VERSION = without_id(dataset_versions)


def spectropolarimetric_versions(versions: dict[str, DatasetVersion]) -> dict[str, dict[str, int]]:
    """By program, the version of each current spectropolarimetric dataset."""
    programs = group(version.dataset for version in versions.values())
    return {
        name: {d.dataset_id: versions[d.dataset_id].version for d in program.spectropolarimetric}
        for name, program in programs.items()
    }
