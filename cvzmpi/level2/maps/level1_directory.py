"""Where the Level 1 data of a dataset are on this machine."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.level2.metadata_store.dataset import Dataset


def level1_directory(level1: Path, dataset: Dataset) -> Path | None:
    """The directory of a dataset, `<dataset>/` or `<proposal>/<dataset>/`; None if not here."""
    name = dataset.dataset_id
    places = (level1 / name, level1 / dataset.proposal / name)
    return next((place for place in places if place.is_dir()), None)
