"""Programs that can be inverted, at a time after all embargoes."""

from datetime import datetime, timezone

from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.programs.qualify import qualify
from cvzmpi.level2.programs.scan import synchronise
from tests.level2.example_rows import calcium, row

NOW = datetime(2023, 12, 31, tzinfo=timezone.utc)


def make_invertible(catalogue, job, *names):
    rows = [
        make(f"{kind}{number}", observingProgramExecutionId=name)
        for number, name in enumerate(names)
        for kind, make in (("FE", row), ("CA", calcium))
    ]
    synchronise(catalogue, job, read_datasets(rows))
    qualify(catalogue, job, Thresholds(), 7, NOW)
