"""The directories of Level 1 datasets on this machine."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.level2.programs.program import ObservingProgram


def level1_here(directory: Path, program: ObservingProgram) -> dict[str, Path]:
    """The directories of the datasets of a program that are here, by dataset id.

    Parameters
    ----------
    directory : Path
        It has `<dataset>/` or `<proposal>/<dataset>/`.
    """
    found: dict[str, Path] = {}
    for dataset in program.spectropolarimetric:
        places = (
            directory / dataset.dataset_id,
            directory / dataset.proposal / dataset.dataset_id,
        )
        for place in places:
            if place.is_dir():
                found.setdefault(dataset.dataset_id, place)
    return found
