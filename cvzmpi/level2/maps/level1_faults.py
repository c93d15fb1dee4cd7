"""Whether all files of a Level 1 dataset are there, and whole.

What is slow to load is loaded at once, so that the processes that look into datasets have it.
"""

from __future__ import annotations

from pathlib import Path

import asdf
import dkist  # noqa: F401

from cvzmpi.errors import Level1Error
from cvzmpi.level2.maps.level1 import count_maps, read_level1

asdf.get_config().extensions  # of all installed packages, which takes seconds  # noqa: B018


def find_faults(directory: Path, dataset_id: str) -> dict[str, str]:
    """Check all files that the ASDF file of a dataset names, of all maps.

    Returns
    -------
    dict
        What is wrong with a file, by its name; empty if the dataset is whole.

    Raises
    ------
    Level1Error
        If the dataset cannot be read at all, or is another one.
    """
    found: dict[str, str] = {}
    for number in range(count_maps(directory)):
        level1 = read_level1(directory, number, files_needed=False)
        if level1.dataset_id != dataset_id:
            raise Level1Error(f"{directory}: is dataset {level1.dataset_id}, expected {dataset_id}")
        found |= level1.faults()
    return found
