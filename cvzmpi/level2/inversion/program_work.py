"""The work of a job: which programs are to be inverted, and the ledger's source of them.

Rank 0 alone has to do with it. A program goes from `preprocessed` through `working` to `done`, and
with the last event come its inversions, in the same transaction, whoever delivers it. A job that
is killed between the last pixel and that event leaves a program whose maps are all finished: the
next one finds nothing left to do in it, and says that it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from cvzmpi.errors import ConfigError, MapFileError
from cvzmpi.ledger import Event, Job, Ledger, LedgerUnit, State
from cvzmpi.ledger.client.rules import Evidence
from cvzmpi.ledger.db.tables import latest, units
from cvzmpi.level2.configuration import Level2Config
from cvzmpi.level2.inversion.inversion_file import MODEL, read_progress
from cvzmpi.level2.inversion.inversion_unit import InversionUnit, last_prepared
from cvzmpi.level2.inversion.inverted_datasets import WEAK_FIELD_MODEL
from cvzmpi.level2.inversion.map_inversion import Tools
from cvzmpi.level2.maps.arms import CALCIUM
from cvzmpi.level2.programs.catalogue import Catalogue, reserved_programs
from cvzmpi.level2.programs.changed_data import changed_programs
from cvzmpi.level2.programs.inversions import Inversion, add_inversion, draw_inversion_id
from cvzmpi.level2.programs.scan import reopen_changed
from cvzmpi.runtime.open_job import OpenJob, open_job
from cvzmpi.scheduler.campaign import Outcome, Unit, UnitSource

STEP = "invert"
_OPEN = (State.PREPROCESSED, State.WORKING)


class ProgramWork:
    """Finds the programs that a job is to invert."""

    def __init__(self, config: Level2Config, tools: Tools) -> None:
        self._config = config
        self._tools = tools
        # programs whose inversion this job has ended, and the ids of their inversions
        self.inverted: list[tuple[str, str]] = []
        self._programs: dict[str, InversionUnit] = {}
        self._changed: set[str] = set()
        self._ids_taken: set[str] = set()

    def open_source(self, ranks: int, nodes: int, teams: int) -> UnitSource:
        """Look at what is prepared, and begin to claim it.

        Parameters
        ----------
        ranks, nodes, teams : int
            Of the job. What waits for a team, people cannot claim: so few programs are claimed
            ahead, some for each team.

        Raises
        ------
        ConfigError
            If a program was begun with other settings, or a table that the settings name cannot be
            read.
        LedgerUnavailableError
            If the ledger's database is away for longer than `ledger.patience`.
        LedgerError
            If the ledger cannot be opened.
        """
        return open_job(
            self._config, "level2 run", ranks, nodes, lambda ledger: self._look(ledger, teams)
        )

    def _look(self, ledger: Ledger, teams: int) -> Callable[[OpenJob], UnitSource]:
        catalogue = Catalogue(ledger)
        self._ids_taken = {known.inversion_id for known in catalogue.inversions()}
        ledger.follow(keep_inversions)
        self._find(ledger)
        n_steps = sum(map(self._n_steps, self._programs.values()))

        def make_source(opened: OpenJob) -> UnitSource:
            self._leave_out_changed(catalogue, opened.job)
            return opened.source(
                self._as_unit,
                self._evidence(ledger),
                teams,
                n_steps // max(len(self._programs), 1),
                only=self._found_and_free,
                failed_in=(State.WORKING,),
                as_recorded=self._as_recorded,
            )

        return make_source

    def _as_unit(self, unit: LedgerUnit) -> Unit:
        program, begun = self._programs[unit.name], unit.progress > 0
        # The ledger knows no pixels.
        steps, part = (0, 0.5) if begun else (self._n_steps(program), 1.0)
        return Unit(unit.name, unit.cost, begun, program, steps=steps, part=part)

    def _n_steps(self, program: InversionUnit) -> int:
        return program.n_steps(self._config.inversion.n_sweeps)

    # ------------------------------------------------------------- which programs

    def _find(self, ledger: Ledger) -> None:
        """The programs that are prepared now; those that come later are for another job."""
        self._tools.read_tables()
        for unit in ledger.units(states=_OPEN):
            program = last_prepared(ledger.history(unit.name), self._config.maps.inverted)
            if program is not None:
                self._check(program)
                self._programs[unit.name] = program

    def _leave_out_changed(self, catalogue: Catalogue, job: Job) -> None:
        """Begin nothing whose datasets came or changed since it was found invertible.

        A scan reopens it at once, but for what a job worked on then, and has given back since.
        """
        with catalogue.ledger.writing() as connection:
            reopen_changed(catalogue, connection, job)
            self._changed = set(changed_programs(catalogue, within=connection))

    def _check(self, program: InversionUnit) -> None:
        """Refuse inverted maps that were begun with other settings."""
        for one in program.maps:
            try:
                progress = read_progress(one.inverted)
            except MapFileError:
                continue  # its team says so: it sets a damaged file aside
            if progress is not None:
                self._tools.check_settings(one.inverted, progress.settings_json, ConfigError)

    def _found_and_free(self, query: sa.Select[Any]) -> sa.Select[Any]:
        wanted = self._programs.keys() - self._changed
        found = sa.select(units.c.id).where(units.c.name.in_(sorted(wanted)))
        return _free(query.where(latest.c.unit_id.in_(found)))

    def _evidence(self, ledger: Ledger) -> Evidence:
        """Evidence from the files of programs, also of those prepared after the job began."""

        def prepared(unit: LedgerUnit) -> InversionUnit | None:
            return last_prepared(ledger.history(unit.name), self._config.maps.inverted)

        def progress(unit: LedgerUnit) -> int:
            program = prepared(unit)
            return 0 if program is None else program.n_tickets_done

        def was_begun(unit: LedgerUnit) -> bool:
            program = prepared(unit)
            return program is not None and program.lock_file.exists()

        return Evidence(progress, was_begun)

    # ------------------------------------------------------------- what becomes of them

    def _as_recorded(self, outcome: Outcome) -> Outcome:
        """An outcome with what the history of the program is to have: step, inversions, summary."""
        if outcome.unfinished is not None:
            return outcome
        if outcome.error is not None:
            result = {**outcome.result, "step": STEP}
            return replace(outcome, error=f"{STEP}: {outcome.error}", result=result)
        inversions = [
            {
                "inversion_id": self._new_id(),
                "level1": str(one.level1),
                "prepared": str(one.prepared),
                "inverted": str(one.inverted),
                **({"model": WEAK_FIELD_MODEL} if one.arm == CALCIUM else {}),
            }
            for one in self._programs[outcome.unit].maps
        ]
        ids = [made["inversion_id"] for made in inversions]
        self.inverted += [(outcome.unit, inversion_id) for inversion_id in ids]
        summary = f"{MODEL} inversion, {', '.join(ids)}"
        if any("model" in made for made in inversions):
            by_id = [f"{made['inversion_id']}: {made.get('model', MODEL)}" for made in inversions]
            summary = ", ".join(by_id)
        result = {**outcome.result, "step": STEP, "summary": summary, "inversions": inversions}
        return replace(outcome, result=result)

    def _new_id(self) -> str:
        """An inversion id that nobody has."""
        inversion_id = draw_inversion_id(self._ids_taken)
        self._ids_taken.add(inversion_id)
        return inversion_id


def keep_inversions(connection: sa.Connection, happened: Sequence[Event]) -> None:
    """Add the inversions that events tell of; follows the ledger (`Ledger.follow`)."""
    for event in happened:
        detail = event.detail or {}
        if event.to_state is not State.DONE or detail.get("step") != STEP:
            continue
        for made in detail["inversions"]:
            files = {key: made[key] for key in ("level1", "prepared", "inverted")}
            model = made.get("model", MODEL)
            add_inversion(
                connection, Inversion(made["inversion_id"], event.unit, model, files, event.at)
            )


def _free(query: sa.Select[Any]) -> sa.Select[Any]:
    """Narrow a query of `latest` to the programs that nobody of the science team has."""
    with_people = sa.select(units.c.id).where(units.c.name.in_(reserved_programs()))
    return query.where(latest.c.unit_id.not_in(with_people))
