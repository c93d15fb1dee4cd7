"""Programs that are inverted, with results as if they had been handed in: files of any content."""

import random
from hashlib import sha256

from cvzmpi.ledger import Event, State
from cvzmpi.ledger.records import now
from cvzmpi.level2.handing_in.hand_in import TEAM
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.programs.inversions import Inversion, add_inversion
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.programs.qualify import qualify
from cvzmpi.level2.programs.scan import synchronise
from tests.level2.example_rows import calcium, row
from tests.level2.invertible_programs import NOW

SIZES = {"a.fits": 7_000, "b.fits": 0, "c.asdf": 3_000}


def invert(catalogue, job, directory, name, inversion_ids, sizes=SIZES, **changed):
    """Make a program inverted; the files of its results, by inversion id.

    `changed` are fields of the rows of its datasets, in the store's names.
    """
    rows = [
        make(f"{kind}-{name}", observingProgramExecutionId=name, **changed)
        for kind, make in (("FE", row), ("CA", calcium))
    ]
    synchronise(catalogue, job, read_datasets(rows))
    qualify(catalogue, job, Thresholds(), 7, NOW, only=[name])
    results = {one: make_files(directory / one, one, sizes) for one in inversion_ids}
    for inversion_id, files in results.items():
        _add(catalogue, job, name, inversion_id, files)
    return results


def make_files(directory, inversion_id, sizes):
    directory.mkdir(parents=True)
    paths = [directory / f"{inversion_id[4:]}_{name}" for name in sizes]
    for path, size in zip(paths, sizes.values(), strict=True):
        path.write_bytes(inversion_id.encode() + random.Random(inversion_id).randbytes(size))
    return paths


def _add(catalogue, job, name, inversion_id, files):
    detail = {
        "checksums": {str(path): sha256(path.read_bytes()).hexdigest() for path in files},
        "dataset_ids": [f"FE-{name}"],
        "lines": ["FeI630"],
    }
    with catalogue.ledger.writing() as connection:
        add_inversion(connection, Inversion(inversion_id, name, TEAM, detail, now()))
        done = Event(name, State.DONE, detail={"inversion_id": inversion_id, **detail})
        catalogue.ledger.record([done], job, within=connection)
