"""A whole campaign in one file: the example of `docs/new-campaign.md`.

Its units are tables. The work on a table is to raise the number of each of its rows to a power.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from cvzmpi.config import FilePath, Section, load_as, named_or_default
from cvzmpi.errors import ConfigError, CvzmpiError
from cvzmpi.mpi.launch import World, check_parallel_hdf5
from cvzmpi.mpi.team import Team
from cvzmpi.runtime.all_ranks import exit_status
from cvzmpi.scheduler import job
from cvzmpi.scheduler.campaign import Control, Outcome, Unit, UnitSource
from cvzmpi.scheduler.progress import ProgressDisplay
from cvzmpi.scheduler.schedule import Schedule
from cvzmpi.scheduler.tickets import RowTickets, work_through
from cvzmpi.storage.checkpoint_file import CheckpointWriter, check_same_configuration
from cvzmpi.storage.hdf5_file import check_format, opened_hdf5
from cvzmpi.storage.structure_checksum import new_in_memory, whole_image
from cvzmpi.storage.whole_file import is_there, set_aside, write_whole
from cvzmpi.text_file import read_text

FORMAT, FORMAT_VERSION = "powers of a table", 1
ROWS_PER_TICKET = 10


class TableError(CvzmpiError):
    """A table cannot be worked on."""


class DamagedTableError(TableError):
    """The file of a table is inconsistent, or no HDF5."""


class ToyConfig(Section):
    """All settings of the campaign."""

    input: FilePath = Field(Path("tables.txt"), description="Name and rows of each table, as text.")
    output: FilePath = Field(Path("output"), description="Directory of the results.")
    power: int = Field(2, description="To which every number is raised.")
    seconds_per_row: float = Field(0.0, description="That the work on a row takes at least.")
    interval: float = Field(5.0, description="Seconds between checkpoints.")
    ranks_per_team: int = Field(1, description="Ranks that share a table.")

    def science_json(self) -> str:
        """The settings that results depend on."""
        return json.dumps({"power": self.power})


@dataclass(frozen=True)
class Table:
    """What a unit is about."""

    path: Path
    n_rows: int

    @property
    def tickets(self) -> RowTickets:
        """How it is cut into pieces of work."""
        return RowTickets(self.n_rows, ROWS_PER_TICKET)


@dataclass(frozen=True)
class Progress:
    """How far the file of a table is."""

    n_done: int
    config_json: str


def create(table: Table, config_json: str) -> None:
    """Write the file of a table as a whole, with room for all results."""
    with new_in_memory() as file:
        file.attrs["format"], file.attrs["format_version"] = FORMAT, FORMAT_VERSION
        file.attrs["config"] = config_json
        file.attrs["n_done"] = np.int64(0)
        file["powers"] = np.zeros(table.n_rows, np.int64)
        content = whole_image(file, ["powers", "n_done"])
    write_whole(table.path, content)


def read_progress(path: Path) -> Progress | None:
    """How far the file of a table is; None where there is none."""
    if not is_there(path, TableError):
        return None
    with opened_hdf5(path, TableError, DamagedTableError) as file:
        check_format(path, file, FORMAT, FORMAT_VERSION, TableError)
        return Progress(int(file.attrs["n_done"]), str(file.attrs["config"]))


class ToyCampaign:
    """Powers of the numbers in tables."""

    step_name = "row"

    def __init__(self, config: ToyConfig) -> None:
        self._config = config

    def open_source(self) -> UnitSource:
        """Find out how far the tables are."""
        units: list[Unit] = []
        rejected: list[Outcome] = []
        tables = self._tables()
        for table in tables:
            name = table.path.stem
            try:
                n_done = self._n_done(table)
            except DamagedTableError:
                n_done = 0  # its team sets it aside and says so
            except TableError as error:
                rejected.append(Outcome(name, str(error)))
                continue
            n_left = table.n_rows - table.tickets.n_items(n_done)
            if n_left:
                units.append(Unit(name, cost=n_left, begun=n_done > 0, content=table))
        n_done_before = len(tables) - len(units) - len(rejected)
        return Schedule(units, rejected, n_done_before)

    def prepare(self) -> None:
        """Nothing to be read before the first table."""

    def lock_file(self, unit: Unit) -> Path:
        """The lock is beside the results."""
        path: Path = unit.content.path
        return path.with_suffix(".lock")

    def progress(self, unit: Unit) -> int:
        """Tickets that are done."""
        try:
            return self._n_done(unit.content)
        except TableError:
            return 0

    def work(self, unit: Unit, team: Team, control: Control) -> dict[str, Any]:
        """Do what is left of a table."""
        table: Table = unit.content
        n_done, note = team.lead(lambda: self._begin(table))
        writer = CheckpointWriter(table.path, team, error=TableError)

        def work(rows: slice) -> None:
            numbers = np.arange(rows.start, rows.stop)
            time.sleep(self._config.seconds_per_row * len(numbers))
            with writer.writing() as file:
                file["powers"][rows] = numbers**self._config.power

        work_through(
            table.tickets,
            n_done,
            work,
            lambda n_tickets: writer.commit({"n_done": np.int64(n_tickets)}),
            writer=writer,
            team=team,
            control=control,
            interval=self._config.interval,
        )
        return {"path": str(table.path)} | ({"note": note} if note else {})

    def _begin(self, table: Table) -> tuple[int, str | None]:
        """Go on from the file that is there, or make one; what is to be told of it."""
        note = None
        try:
            if read_progress(table.path) is not None:
                return self._n_done(table), None
        except DamagedTableError as error:
            note = f"{error}; kept as {set_aside(table.path).name}, started anew"
        create(table, self._config.science_json())
        return 0, note

    def _n_done(self, table: Table) -> int:
        """Tickets that are done, with the same configuration."""
        progress = read_progress(table.path)
        if progress is None:
            return 0
        ours = self._config.science_json()
        check_same_configuration(table.path, ours, progress.config_json, TableError)
        return progress.n_done

    def _tables(self) -> list[Table]:
        output = self._config.output
        try:
            lines = [line.split() for line in read_text(self._config.input).splitlines()]
            return [Table(output / f"{name}.h5", int(n_rows)) for name, n_rows in lines]
        except (OSError, ValueError) as error:
            raise ConfigError(f"{self._config.input}: no list of tables: {error}") from error


def run(world: World, file: Path | None, settings: Sequence[str]) -> int:
    """Work on all tables; the exit status is the same on all ranks."""
    config = world.first(lambda: load_as(ToyConfig, named_or_default(file), settings))
    world.first(lambda: check_parallel_hdf5(config.ranks_per_team, world.size))
    campaign = ToyCampaign(config)
    display = ProgressDisplay("table", campaign.step_name)
    outcome = job.run(campaign, world, display, config.ranks_per_team)
    return world.first(lambda: exit_status(outcome))
