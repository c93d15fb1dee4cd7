"""Scan: bring the rows of the metadata store into the catalogue and the ledger.

A new Observing Program becomes a unit of the ledger; a dataset that changed gets one more version.
If spectropolarimetric datasets came or changed after the criteria were evaluated, the program
begins again. Values that cannot be read stay with their dataset, for the criterion `row`. A row
that names no dataset or no program is left out, and its program is held back (`held_back`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence, Sized
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from cvzmpi.ledger import Event, Job, NewUnit, State
from cvzmpi.ledger.records import now
from cvzmpi.level2.metadata_store.client import MetadataStore
from cvzmpi.level2.metadata_store.dataset import Dataset, Experiment
from cvzmpi.level2.metadata_store.rows import BadRow, Reading, read_datasets, read_experiments
from cvzmpi.level2.programs.catalogue import Catalogue, DatasetVersion
from cvzmpi.level2.programs.changed_data import changed_programs
from cvzmpi.level2.programs.held_back import (
    held_programs,
    hold_back,
    let_go,
    programs_with_bad_rows,
)
from cvzmpi.level2.programs.program import ObservingProgram, group
from cvzmpi.level2.programs.states import ANSWERED
from cvzmpi.level2.tables import dataset_versions, experiment_versions
from cvzmpi.messages.wording import counted


@dataclass(frozen=True)
class ScanReport:
    """The result of a scan."""

    # `n_datasets`, `n_programs`: in the answer of the store
    n_datasets: int = 0
    n_programs: int = 0
    new_programs: list[str] = field(default_factory=list)
    new_datasets: list[str] = field(default_factory=list)
    changed_datasets: list[str] = field(default_factory=list)
    reopened_programs: list[str] = field(default_factory=list)
    # programs that are in error from now on, since they have bad rows
    held_programs: list[str] = field(default_factory=list)
    # new and changed datasets that have values that cannot be read
    unreadable: list[Dataset] = field(default_factory=list)
    # rows that name no dataset or no program; what the catalogue has of them stays
    bad: list[BadRow] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """The bad rows and the values that cannot be read, in a line each."""
        return [
            *(f"bad row {bad}" for bad in self.bad),
            *(f"{d.dataset_id} cannot be read: {'; '.join(d.unreadable)}" for d in self.unreadable),
        ]

    def __str__(self) -> str:
        text = (
            f"{counted(self.n_datasets, 'dataset')}, "
            f"{counted(self.n_programs, 'Observing Program')}"
        )
        counts: list[tuple[Sized, tuple[str, ...]]] = [
            (self.new_programs, ("new program",)),
            (self.new_datasets, ("new dataset",)),
            (self.changed_datasets, ("changed dataset",)),
            (self.unreadable, ("dataset unreadable in part", "datasets unreadable in part")),
            (self.reopened_programs, ("program reopened", "programs reopened")),
            (self.bad, ("bad row",)),
            (self.held_programs, ("program held back", "programs held back")),
        ]
        news = [counted(len(found), *what) for found, what in counts if found]
        return f"{text}; {', '.join(news) or 'nothing new'}"


def scan(
    store: MetadataStore, catalogue: Catalogue, job: Job, *, proposals: Sequence[str] = ()
) -> ScanReport:
    """Read the store, all of it or some proposals, and add what is new.

    Raises
    ------
    MetadataStoreError
        If the store gives no usable answer; then nothing is added.
    """
    reading = read_datasets(store.dataset_inventories(proposals=proposals))
    experiments, bad = read_experiments(store.experiment_descriptions())
    return synchronise(catalogue, job, reading, experiments, bad)


def synchronise(
    catalogue: Catalogue,
    job: Job,
    reading: Reading,
    experiments: Iterable[Experiment] = (),
    bad: Iterable[BadRow] = (),
    at: datetime | None = None,
) -> ScanReport:
    """Add what is new in the rows that were read, in one transaction."""
    at = at or now()
    programs = group(dataset for dataset, _ in reading.datasets)
    with catalogue.ledger.writing() as connection:
        new, changed = _add_versions(catalogue, connection, reading.datasets, at)
        _add_experiments(catalogue, connection, experiments, at)
        known = catalogue.states(within=connection)
        bad_of = programs_with_bad_rows(catalogue, connection, reading.bad)
        found = [_unit(p) for p in programs.values() if p.name not in known]
        found += [NewUnit(name, 0.0) for name in bad_of if name not in {*known, *programs}]
        catalogue.ledger.add_units(found, job, within=connection)
        freed = let_go(catalogue, connection, job, reading, bad_of)
        reopened = reopen_changed(catalogue, connection, job, but=bad_of)
        held = hold_back(catalogue, connection, job, bad_of)
    return ScanReport(
        n_datasets=len(reading.datasets),
        n_programs=len(programs),
        new_programs=[unit.name for unit in found],
        new_datasets=new,
        changed_datasets=changed,
        reopened_programs=[*freed, *reopened],
        held_programs=held,
        unreadable=[
            d for d, _ in reading.datasets if d.unreadable and d.dataset_id in {*new, *changed}
        ],
        bad=[*reading.bad, *bad],
    )


def _unit(program: ObservingProgram) -> NewUnit:
    frames = sum(dataset.frame_count or 0 for dataset in program.spectropolarimetric)
    return NewUnit(program.name, cost=float(frames))


def _add_versions(
    catalogue: Catalogue,
    connection: sa.Connection,
    datasets: Sequence[tuple[Dataset, dict[str, Any]]],
    at: datetime,
) -> tuple[list[str], list[str]]:
    """Add versions of the datasets that are new or changed; returns the ids of both."""
    known = catalogue.newest_versions(within=connection)
    new: list[str] = []
    changed: list[str] = []
    rows = []
    for dataset, row in datasets:
        before = known.get(dataset.dataset_id)
        # Not by row: a database may give a large float back as an integer.
        if before is not None and before.dataset == dataset:
            continue
        (new if before is None else changed).append(dataset.dataset_id)
        number = 1 if before is None else before.version + 1
        version = DatasetVersion(dataset.dataset_id, number, dataset.observing_program, at, row)
        rows.append(vars(version))
    if rows:
        connection.execute(dataset_versions.insert(), rows)
    return new, changed


def _add_experiments(
    catalogue: Catalogue, connection: sa.Connection, experiments: Iterable[Experiment], at: datetime
) -> None:
    known = catalogue.experiments(within=connection)
    for experiment in experiments:
        if known.get(experiment.experiment_id) == experiment.description:
            continue
        version = (
            sa.select(sa.func.count() + 1)
            .where(experiment_versions.c.experiment_id == experiment.experiment_id)
            .scalar_subquery()
        )
        connection.execute(
            experiment_versions.insert().values(
                experiment_id=experiment.experiment_id,
                version=version,
                description=experiment.description,
                seen=at,
            )
        )
        known[experiment.experiment_id] = experiment.description


def reopen_changed(
    catalogue: Catalogue, connection: sa.Connection, job: Job, but: Collection[str] = ()
) -> list[str]:
    """Let programs begin again whose datasets came or changed since the criteria were evaluated.

    So do programs that failed on the way to a result. A program that a job works on is left to the
    job, and if there is a result, people decide (`retry.reopen`).

    Parameters
    ----------
    but : collection of str
        Programs that are left as they are, like those that are held back.

    Returns
    -------
    list of str
        The programs that begin again.
    """
    states = catalogue.states(within=connection)
    left = {*but, *held_programs(catalogue, connection)}
    failed_in = catalogue.ledger.states_before(State.ERROR, within=connection)
    events = [
        Event(name, State.DISCOVERED, from_state=states[name], message=news)
        for name, news in changed_programs(catalogue, within=connection).items()
        if name not in left
        and (states[name] in ANSWERED or failed_in.get(name) in (*ANSWERED, State.WORKING))
    ]
    catalogue.ledger.record(events, job, within=connection)
    return [event.unit for event in events]
