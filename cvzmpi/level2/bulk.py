"""Observing Programs and the inversion in bulk: what is prepared, what is inverted, what is done.

Programs whose Level 1 data are here are prepared. Those that are prepared, and that nobody of the
science team has claimed, are inverted over MPI; the files say how far each is. A finished map makes
its program inverted.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger import Event, Job, State
from cvzmpi.ledger.records import now
from cvzmpi.level2.catalogue import Catalogue, Inversion
from cvzmpi.level2.dataset import Dataset
from cvzmpi.level2.handing_in import add_inversion
from cvzmpi.level2.inversion_campaign import map_name
from cvzmpi.level2.inversion_file import MODEL, SUFFIX, read_progress
from cvzmpi.level2.program import ObservingProgram
from cvzmpi.level2.settings import PreprocessSettings
from cvzmpi.level2.spectral_lines import FE_I_630, SPECTRAL_RULES

if TYPE_CHECKING:
    from cvzmpi.engine.campaign import Outcome

PREPROCESS = "preprocess"
INVERT = "invert"
_LETTERS = string.ascii_uppercase + string.digits


@dataclass(frozen=True)
class Prepared:
    """A program whose map is prepared, as its newest event of that kind says.

    Parameters
    ----------
    program : str
    level1 : Path
        Directory of the Level 1 dataset.
    prepared : Path
        File of the prepared map.
    checksum : str
        SHA-256 of its profiles.
    """

    program: str
    level1: Path
    prepared: Path
    checksum: str


def level1_directory(level1: Path, program: ObservingProgram) -> Path | None:
    """Where the Level 1 data of the iron lines of a program are; None where they are not here.

    They may be in `<dataset>/` or in `<proposal>/<dataset>/`.
    """
    for dataset in _with_iron(program):
        for directory in (
            level1 / dataset.dataset_id,
            level1 / dataset.proposal / dataset.dataset_id,
        ):
            if directory.is_dir():
                return directory
    return None


def _with_iron(program: ObservingProgram) -> list[Dataset]:
    covers = SPECTRAL_RULES["midpoint"].covers
    return [dataset for dataset in program.spectropolarimetric if covers(dataset, FE_I_630)]


def prepare_programs(
    catalogue: Catalogue, job: Job, level1: Path, output: Path, settings: PreprocessSettings
) -> tuple[list[str], list[str]]:
    """Prepare all programs that are invertible, free, and here; the prepared and the failed ones.

    Where one fails, it is in error, and the others go on.
    """
    from cvzmpi.level2.preprocess import preprocess

    prepared, failed = [], []
    claimed = catalogue.claimants()
    for unit in catalogue.ledger.units(states=[State.QUALIFIED]):
        program = catalogue.program(unit.name)
        directory = None if program is None else level1_directory(level1, program)
        if unit.name in claimed or directory is None:
            continue
        try:
            ready = preprocess(directory, output, settings)
        except CvzmpiError as error:
            failed.append(unit.name)
            detail: dict[str, Any] = {"step": PREPROCESS, "level1": directory}
            event = Event(unit.name, State.ERROR, message=f"{PREPROCESS}: {error}", detail=detail)
        else:
            prepared.append(unit.name)
            detail = {
                "step": PREPROCESS,
                "level1": directory,
                "prepared": ready.path,
                "checksum": ready.checksum,
                "record": ready.record,
            }
            event = Event(unit.name, State.PREPROCESSED, State.QUALIFIED, detail=detail)
        catalogue.ledger.record([event], job, skip_stale=True)
    return prepared, failed


def waiting_maps(catalogue: Catalogue) -> list[Prepared]:
    """The prepared programs that nobody of the science team has."""
    claimed = catalogue.claimants()
    found = []
    for unit in catalogue.ledger.units(states=[State.PREPROCESSED]):
        prepared = last_prepared(catalogue, unit.name)
        if unit.name not in claimed and prepared is not None:
            found.append(prepared)
    return found


def last_prepared(catalogue: Catalogue, program: str) -> Prepared | None:
    """The map of a program that was prepared last."""
    for event in reversed(catalogue.ledger.history(program)):
        if event.to_state is State.PREPROCESSED and event.detail and "prepared" in event.detail:
            detail = event.detail
            level1, prepared = Path(detail["level1"]), Path(detail["prepared"])
            return Prepared(program, level1, prepared, detail["checksum"])
    return None


def collect(catalogue: Catalogue, job: Job, inverted: Path) -> list[Inversion]:
    """Make the programs inverted whose maps are finished.

    Parameters
    ----------
    inverted : Path
        Directory of the inverted maps.
    """
    return [
        _record_done(catalogue, job, waiting, path)
        for waiting in waiting_maps(catalogue)
        if _finished(waiting, path := inverted / f"{map_name(waiting.prepared)}{SUFFIX}")
    ]


def record_failed(catalogue: Catalogue, job: Job, failed: Iterable[Outcome]) -> None:
    """Bring the programs into error whose maps could not be inverted."""
    by_map = {map_name(waiting.prepared): waiting for waiting in waiting_maps(catalogue)}
    for outcome in failed:
        event = Event(
            by_map[outcome.unit].program,
            State.ERROR,
            State.PREPROCESSED,
            message=f"{INVERT}: {outcome.error}",
            detail={"step": INVERT, "prepared": by_map[outcome.unit].prepared},
        )
        catalogue.ledger.record([event], job, skip_stale=True)


def _finished(waiting: Prepared, path: Path) -> bool:
    """Whether the map is inverted, and from the profiles of now."""
    try:
        progress = read_progress(path)
    except CvzmpiError:
        return False  # the next job begins it anew, and says so
    return progress is not None and progress.done and progress.prepared_checksum == waiting.checksum


def _record_done(catalogue: Catalogue, job: Job, waiting: Prepared, path: Path) -> Inversion:
    detail = {"level1": waiting.level1, "prepared": waiting.prepared, "inverted": path}
    with catalogue.ledger.writing() as connection:
        taken = {inversion.inversion_id for inversion in catalogue.inversions(within=connection)}
        inversion = Inversion(
            _new_id(taken),
            waiting.program,
            MODEL,
            {key: str(value) for key, value in detail.items()},
            now(),
        )
        add_inversion(connection, inversion)
        event = Event(
            waiting.program,
            State.DONE,
            State.PREPROCESSED,
            message=f"{MODEL} inversion",
            detail={"step": INVERT, "inversion_id": inversion.inversion_id, **inversion.detail},
        )
        catalogue.ledger.record([event], job, within=connection)
    return inversion


def _new_id(taken: Iterable[str]) -> str:
    """An inversion id that nobody has."""
    while True:
        inversion_id = "inv." + "".join(secrets.choice(_LETTERS) for _ in range(6))
        if inversion_id not in taken:
            return inversion_id
