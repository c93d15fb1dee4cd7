"""Publish: make the Level 2 files, bring them to their bucket, and register the inversion.

Each step can be repeated with the same result: the files have the same names and content, files
that have arrived stay, and the metadata store accepts an inversion id once. After a job that is
killed, the next one begins again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cvzmpi.errors import CvzmpiError, UnavailableError
from cvzmpi.ledger import Event, Job, State
from cvzmpi.level2.handing_in.hand_in import TEAM
from cvzmpi.level2.metadata_store.client import MetadataStore
from cvzmpi.level2.metadata_store.inversion_record import InversionRecord
from cvzmpi.level2.product.check import check_product, checksum
from cvzmpi.level2.product.checked_product import ProductError
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.inversions import Inversion
from cvzmpi.level2.programs.retry import failure_event
from cvzmpi.level2.programs.spectral_lines import KNOWN_LINES
from cvzmpi.level2.transfers.bring import bring
from cvzmpi.level2.transfers.transfer import Transfer, TransferDriver, destination
from cvzmpi.storage.file_lock import FileLock

STEP = "publish"


class PublishError(CvzmpiError):
    """A result cannot be published."""


@dataclass(frozen=True)
class Publisher:
    """The means to publish results."""

    store: MetadataStore
    driver: TransferDriver
    bucket: str
    staging: Path  # directory where Level 2 files are made


@dataclass(frozen=True)
class Published:
    """The result for an inversion that was to be published; `error` is None if it succeeded."""

    program: str
    inversion_id: str
    error: str | None = None

    def __str__(self) -> str:
        return f"{self.program}: {self.error or f'published, {self.inversion_id}'}"


def publish_all(catalogue: Catalogue, job: Job, publisher: Publisher) -> list[Published]:
    """Publish every program that is inverted; one that fails goes into error, the others go on."""
    outcomes = []
    for unit in catalogue.ledger.units(states=[State.DONE]):
        result = catalogue.result(unit.name)
        lock = FileLock.take(publisher.staging / f"{result[0].inversion_id}.claim")
        if lock is None:
            continue  # another process is about it
        try:
            outcomes += _publish_or_fail(catalogue, job, publisher, result)
        finally:
            lock.release()
    return outcomes


def _publish_or_fail(
    catalogue: Catalogue, job: Job, publisher: Publisher, result: list[Inversion]
) -> list[Published]:
    """Publish all inversions of a program; it is published when all of them are."""
    program = result[0].program
    outcomes = [Published(program, inversion.inversion_id) for inversion in result]
    state = catalogue.states()[program]
    if state is not State.DONE:  # it was published, failed or was reopened meanwhile
        return outcomes if state is State.PUBLISHED else []
    events: list[Event] = []
    for inversion in result:
        try:
            detail = publish(catalogue, publisher, inversion)
        except UnavailableError:
            raise  # the program stays inverted, to be published later
        except CvzmpiError as error:
            event = failure_event(
                program, State.DONE, STEP, error, inversion_id=inversion.inversion_id
            )
            catalogue.ledger.record([event], job, skip_stale=True)
            return [Published(program, inversion.inversion_id, str(error))]
        events.append(
            Event(
                program,
                State.PUBLISHED,
                State.PUBLISHED if events else State.DONE,
                message=f"{inversion.inversion_id} in {detail['destination']}",
                detail={"step": STEP, **detail},
            )
        )
    if not catalogue.ledger.record(events, job, skip_stale=True):
        return [replace(one, error="registered, and reopened meanwhile") for one in outcomes]
    return outcomes


def publish(catalogue: Catalogue, publisher: Publisher, inversion: Inversion) -> dict[str, Any]:
    """Publish one result.

    Returns
    -------
    dict
        The registered record, the destination of the files, and their checksums.

    Raises
    ------
    CvzmpiError
        If a step fails; no result is registered before its files have arrived.
    """
    program = catalogue.program(inversion.program)
    if program is None:
        raise PublishError(f"{inversion.program}: no dataset belongs to it any more")
    checksums, dataset_ids, lines = _product(publisher, inversion)
    datasets = {dataset.dataset_id: dataset for dataset in program.all_datasets}
    if gone := [dataset for dataset in dataset_ids if dataset not in datasets]:
        raise PublishError(f"{inversion.program}: {gone[0]} does not belong to it any more")
    files = [Path(file) for file in checksums]
    where = destination(publisher.bucket, program.proposal, inversion.inversion_id)
    remembered = publisher.staging / f"{inversion.inversion_id}.transfer"
    bring(publisher.driver, Transfer(files, where), remembered=remembered)
    (asdf,) = (file for file in files if file.suffix == ".asdf")
    record = InversionRecord(
        inversion_id=inversion.inversion_id,
        primary_proposal_id=program.proposal,
        instrument_program_execution_id=datasets[dataset_ids[0]].instrument_program,
        bucket=publisher.bucket,
        asdf_object_key=f"{where.partition('/')[2]}{asdf.name}",
        dataset_ids=dataset_ids,
        spectral_lines=[KNOWN_LINES[line].store_name for line in lines],
    )
    publisher.store.register(record)
    return {
        "destination": where,
        "record": record.model_dump(by_alias=True),
        "checksums": {file.name: checksums[str(file)] for file in files},
    }


def _product(
    publisher: Publisher, inversion: Inversion
) -> tuple[dict[str, str], list[str], list[str]]:
    """The files with their checksums, the datasets, and the lines of a result."""
    if inversion.method == TEAM:
        accepted: dict[str, str] = inversion.detail["checksums"]
        for file, expected in accepted.items():
            if checksum(Path(file)) != expected:
                raise ProductError(f"{file}: not as it was when it was handed in")
        return accepted, inversion.detail["dataset_ids"], inversion.detail["lines"]
    product = check_product([_write_product(publisher, inversion)])
    return product.checksums, product.dataset_ids, product.lines


def _write_product(publisher: Publisher, inversion: Inversion) -> Path:
    """Make the files of a map that was inverted here; repeated, it makes the same files."""
    # NumPy, HDF5 and dkist are slow to load, and the service needs them for such results alone.
    from cvzmpi.level2.maps.prepared_map import PreparedMap
    from cvzmpi.level2.product.level2_product import write_product

    directory = publisher.staging / inversion.inversion_id
    write_product(
        Path(inversion.detail["level1"]),
        PreparedMap.read(Path(inversion.detail["prepared"])),
        Path(inversion.detail["inverted"]),
        directory,
        inversion.inversion_id,
        inversion.at,
    )
    return directory
