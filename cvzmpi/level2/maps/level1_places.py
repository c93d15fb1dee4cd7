"""The directories of Level 1 datasets on this machine."""

from __future__ import annotations

import os.path
from collections.abc import Sequence
from pathlib import Path

from cvzmpi.level2.metadata_store.dataset import Dataset
from cvzmpi.level2.programs.program import ObservingProgram
from cvzmpi.level2.programs.spectral_lines import FE_I_630, SPECTRAL_RULES


def level1_place(directory: Path, dataset: Dataset) -> Path | None:
    """The directory of a dataset, `<dataset>/` or `<proposal>/<dataset>/`; None if it is not here.

    Parameters
    ----------
    directory : Path
        That of all Level 1 data.
    """
    name = dataset.dataset_id
    places = (directory / name, directory / dataset.proposal / name)
    return next((place for place in places if os.path.isdir(place)), None)


def level1_here(directory: Path, program: ObservingProgram) -> dict[str, Path]:
    """The directories of the datasets of a program that are here, by dataset id.

    Parameters
    ----------
    directory : Path
        That of all Level 1 data.
    """
    found = {d.dataset_id: level1_place(directory, d) for d in program.spectropolarimetric}
    return {name: place for name, place in found.items() if place is not None}


def iron_datasets(program: ObservingProgram) -> list[Dataset]:
    """The datasets that are inverted here: those with the iron lines at 630 nm."""
    covers = SPECTRAL_RULES["midpoint"].covers
    return [dataset for dataset in program.spectropolarimetric if covers(dataset, FE_I_630)]


def datasets_with(program: ObservingProgram, wavelengths: Sequence[float]) -> list[Dataset]:
    """The datasets that have observed all of some wavelengths, in nm."""
    return [
        dataset
        for dataset in program.spectropolarimetric
        if dataset.wavelength_min is not None
        and dataset.wavelength_max is not None
        and dataset.wavelength_min <= min(wavelengths)
        and max(wavelengths) <= dataset.wavelength_max
    ]
