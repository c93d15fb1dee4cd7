"""Write a sector file from what is in memory, as a campaign would have left it."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.cvz.light_curves.identity import PARTS, is_identity
from cvzmpi.cvz.light_curves.light_curve import PRODUCT, LightCurve
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.product_names import SPOC_120
from cvzmpi.cvz.sector_file.data import Provenance, Recovery, SectorData
from cvzmpi.cvz.sector_file.recovery_writer import RecoveryWriter
from cvzmpi.cvz.sector_file.writing import write_sector_file
from cvzmpi.errors import SectorFileError


def place_for(light_curve: LightCurve, path: Path, overwrite: bool) -> Path:
    """The file to write to: `path`, or its place in an output directory that is there.

    Raises
    ------
    SectorFileError
        If nothing can be written there, or there is a file that is not to be replaced.
    """
    if path.is_dir():
        light_curve_id = light_curve.id
        if light_curve_id.product != SPOC_120 and PRODUCT not in light_curve.header:
            raise SectorFileError(
                f"{path}: a directory, and {light_curve.described} is of no product at "
                f"{light_curve.exposure_seconds:.0f} s: name the file"
            )
        catalogue = light_curve_id.catalogue
        is_known = is_identity(light_curve.tic, light_curve.sector, catalogue)
        if not (is_known and light_curve.sector_is_said):
            raise SectorFileError(
                f"{path}: a directory, and the light curve says no {catalogue} number and "
                f"{PARTS[catalogue]}: name the file, or give tic and sector to the search"
            )
        path = light_curve_id.path(path)
    elif not path.parent.is_dir():
        raise SectorFileError(f"{path}: there is no directory {path.parent}")
    if path.exists() and not overwrite:
        raise SectorFileError(f"{path}: is there already; overwrite=True replaces it")
    return path


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
