"""Publish the inversions: files to their bucket, messages to the catalogue, records to the store.

The order for each inversion:

1. its files are made, or taken as they were handed in, and checked;
2. they are brought to their bucket;
3. the catalogue gets a message for each of them;
4. the inversion is registered in the metadata store.

When all inversions of a program have come so far, the ledger records that they are published.

Each step can be repeated with the same result: the files have the same names and content, files
that have arrived stay, a message that the broker has taken is not sent again, and the store has the
record or gets it. After a process that is killed, the next one begins again.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger import Event, Job, State
from cvzmpi.ledger.records import now
from cvzmpi.level2.interservice_bus.bus import InterserviceBus
from cvzmpi.level2.interservice_bus.messages import catalogue_messages
from cvzmpi.level2.metadata_store.client import MetadataStore
from cvzmpi.level2.metadata_store.dataset import Dataset
from cvzmpi.level2.metadata_store.inversion_record import InversionRecord
from cvzmpi.level2.product.files.file_names import directory_name
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.inversions import Inversion
from cvzmpi.level2.programs.isolation import program_failure
from cvzmpi.level2.programs.program import ObservingProgram
from cvzmpi.level2.programs.retry import failure_event
from cvzmpi.level2.programs.spectral_lines import KNOWN_LINES
from cvzmpi.level2.publication.staged_files import StagedFiles, stage
from cvzmpi.level2.settings import DisambiguationChoice
from cvzmpi.level2.transfers.bring import bring
from cvzmpi.level2.transfers.transfer import Transfer, TransferDriver, destination
from cvzmpi.storage.file_lock import FileLock

STEP = "publish"

_LOGGER = logging.getLogger(__name__)


class PublishError(CvzmpiError):
    """A result cannot be published."""


@dataclass(frozen=True)
class Publisher:
    """The means to publish results."""

    store: MetadataStore
    driver: TransferDriver
    staging: Path  # directory where Level 2 files are made
    level1: Path  # directory of Level 1 datasets
    bus: InterserviceBus | None = None  # without it, no messages are sent
    bucket: str = ""  # the one for all files; by default that of the inverted datasets
    embargoed: bool = False  # whether programs under embargo are published
    disambiguation: DisambiguationChoice = "none"  # of the azimuth of maps that were inverted here


@dataclass(frozen=True)
class Published:
    """The result for an inversion that was to be published."""

    program: str
    inversion_id: str
    error: str | None = None  # why it failed
    waits: str | None = None  # why it is not its turn yet

    def __str__(self) -> str:
        if self.waits is not None:
            return f"{self.program}: {self.inversion_id} waits: {self.waits}"
        return f"{self.program}: {self.error or f'published, {self.inversion_id}'}"


def publish_all(catalogue: Catalogue, job: Job, publisher: Publisher) -> list[Published]:
    """Publish every program that is inverted; one that fails goes into error, the others go on.

    Raises
    ------
    CvzmpiError
        If a service does not answer, or a setting is wrong; the programs stay as they are.
    """
    outcomes = []
    for unit in catalogue.ledger.units(states=[State.DONE]):
        pending = catalogue.to_publish(unit.name)
        if not pending:
            continue
        lock = FileLock.take(publisher.staging / f"{pending[0].inversion_id}.claim")
        if lock is None:
            continue  # another process is about it
        try:
            outcomes += _publish_or_fail(catalogue, job, publisher, pending)
        finally:
            lock.release()
    return outcomes


def _publish_or_fail(
    catalogue: Catalogue, job: Job, publisher: Publisher, pending: list[Inversion]
) -> list[Published]:
    """Publish inversions of a program; it is published when all of them are."""
    program = pending[0].program
    outcomes = [Published(program, inversion.inversion_id) for inversion in pending]
    state = catalogue.states()[program]
    if state is not State.DONE:  # it was published, failed or was reopened meanwhile
        return outcomes if state is State.PUBLISHED else []
    events: list[Event] = []
    for inversion in pending:
        try:
            if (waits := _why_not_now(catalogue, publisher, program)) is not None:
                return [replace(one, waits=waits) for one in outcomes]
            detail = publish(catalogue, publisher, inversion)
        except Exception as error:
            failure = program_failure(error, f"publish of {program}", _LOGGER)
            if catalogue.withdrawal(inversion.inversion_id) is not None:  # meanwhile
                outcomes.remove(Published(program, inversion.inversion_id))
                continue
            event = failure_event(
                program, State.DONE, STEP, failure, inversion_id=inversion.inversion_id
            )
            catalogue.ledger.record([event], job, skip_stale=True)
            return [Published(program, inversion.inversion_id, str(failure))]
        events.append(
            Event(
                program,
                State.PUBLISHED,
                message=f"{inversion.inversion_id} in {detail['destination']}",
                detail={"step": STEP, "inversion_id": inversion.inversion_id, **detail},
            )
        )
    if events and not _record(catalogue, job, program, events):
        return [replace(one, error="registered, and reopened meanwhile") for one in outcomes]
    for inversion in pending:
        with suppress(OSError):  # the task of a transfer that is done harms nobody
            _remembered(publisher, inversion).unlink(missing_ok=True)
    return outcomes


def _record(catalogue: Catalogue, job: Job, program: str, events: list[Event]) -> list[Event]:
    """Record what is published; a program that got a further result meanwhile stays inverted."""
    with catalogue.ledger.writing() as connection:
        recorded = catalogue.ledger.record(events, job, skip_stale=True, within=connection)
        came = [one.inversion_id for one in catalogue.to_publish(program, within=connection)]
        if recorded and came:
            message = f"handed in meanwhile: {', '.join(came)}"
            event = Event(program, State.DONE, State.PUBLISHED, message=message)
            catalogue.ledger.record([event], job, within=connection)
    return recorded


def publish(catalogue: Catalogue, publisher: Publisher, inversion: Inversion) -> dict[str, Any]:
    """Publish one result.

    Returns
    -------
    dict
        The registered record, the destination of the files, and their checksums.

    Raises
    ------
    CvzmpiError
        If a step fails; no later step has begun.
    """
    program = _program(catalogue, inversion.program)
    staged = stage(
        inversion, program, publisher.staging, publisher.level1, publisher.disambiguation
    )
    canonical = _canonical_dataset(program, staged)
    bucket = publisher.bucket or canonical.bucket
    if not bucket:
        raise PublishError(
            f"{inversion.program}: {canonical.dataset_id} is in no bucket: set publish.bucket"
        )
    where = destination(bucket, program.proposal, directory_name(inversion.inversion_id))
    bring(
        publisher.driver,
        Transfer(staged.files, where),
        remembered=_remembered(publisher, inversion),
    )
    if catalogue.withdrawal(inversion.inversion_id) is not None:
        raise PublishError(f"{inversion.program}: {inversion.inversion_id} is withdrawn")
    keys = {file: f"{where.partition('/')[2]}{file.name}" for file in staged.files}
    if publisher.bus is not None:
        messages = catalogue_messages(bucket, keys.values(), inversion.inversion_id)
        publisher.bus.send(messages, lambda other: _is_settled(catalogue, other))
    record = InversionRecord(
        inversion_id=inversion.inversion_id,
        primary_proposal_id=program.proposal,
        instrument_program_execution_id=canonical.instrument_program,
        bucket=bucket,
        asdf_object_key=keys[staged.asdf],
        dataset_ids=staged.dataset_ids,
        spectral_lines=[KNOWN_LINES[line].store_name for line in staged.lines],
    )
    publisher.store.register(record)
    return {
        "destination": where,
        "record": record.model_dump(by_alias=True),
        "checksums": {file.name: known for file, known in staged.checksums.items()},
    }


def _program(catalogue: Catalogue, name: str) -> ObservingProgram:
    program = catalogue.program(name)
    if program is None:
        raise PublishError(f"{name}: no dataset belongs to it any more")
    return program


def _canonical_dataset(program: ObservingProgram, staged: StagedFiles) -> Dataset:
    """The dataset that gives an inversion its place in the store; all must still be there."""
    datasets = {dataset.dataset_id: dataset for dataset in program.all_datasets}
    if gone := [dataset for dataset in staged.dataset_ids if dataset not in datasets]:
        raise PublishError(f"{program.name}: {gone[0]} does not belong to it any more")
    return datasets[staged.dataset_ids[0]]


def _why_not_now(catalogue: Catalogue, publisher: Publisher, name: str) -> str | None:
    """The embargo of a program, in words; None if it may be published."""
    if publisher.embargoed:
        return None
    embargo = _program(catalogue, name).embargo(now())
    return f"under embargo {embargo}" if embargo else None


def _is_settled(catalogue: Catalogue, inversion_id: str) -> bool:
    """Tell whether the messages of an inversion will not be sent again."""
    inversion = catalogue.inversion(inversion_id)
    if inversion is None:  # of another campaign
        return False
    if catalogue.withdrawal(inversion_id) is not None:
        return True
    return inversion_id in catalogue.published(inversion.program)


def _remembered(publisher: Publisher, inversion: Inversion) -> Path:
    """The file with the task of a transfer."""
    return publisher.staging / f"{inversion.inversion_id}.transfer"
