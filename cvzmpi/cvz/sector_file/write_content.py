"""Write a sector file from what is in memory, as a campaign would have left it."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.sector_file.data import Provenance, Recovery, SectorData
from cvzmpi.cvz.sector_file.recovery_writer import RecoveryWriter
from cvzmpi.cvz.sector_file.writing import write_sector_file


def write_content(
    path: Path, data: SectorData, provenance: Provenance, answers: Recovery | None
) -> None:
    """Write a whole file; one that is there is replaced.

    Parameters
    ----------
    answers : Recovery or None
        The answers of both searches for the injected flares that are done.

    Raises
    ------
    SectorFileError
        If the file cannot be written.
    """
    write_sector_file(path, data, provenance)
    if answers is None or not answers.n_done:
        return
    assert answers.recovered_significance is not None
    with RecoveryWriter(path) as writer:
        done = slice(0, answers.n_done)
        writer.write_rows(done, answers.recovered, answers.recovered_significance)
        writer.count_down(
            answers.n_inject - answers.n_done, float(data.seconds.get(Stage.INJECT, 0.0))
        )
