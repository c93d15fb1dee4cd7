"""The Level 1 datasets of a DeSIRe inversion, one for each arm of the spectrograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cvzmpi.errors import Level1Error
from cvzmpi.level2.desire.contents import Arm, DesireContents
from cvzmpi.level2.maps.level1 import Level1Map, read_level1
from cvzmpi.level2.product.checked_product import ProductError
from cvzmpi.level2.product.files.file_names import begin_of
from cvzmpi.messages.foreign_json import plain

_ARM = "VSPARMID"
_WAVELENGTH_MARGIN = 0.5  # nm; those of Level 1 are not calibrated


@dataclass(frozen=True)
class InvertedLevel1:
    """The datasets of an inversion."""

    canonical: Level1Map  # that of the fiducial arm, which gives place and time
    dataset_ids: list[str]  # the canonical one first


@dataclass(frozen=True)
class _Dataset:
    id: str
    level1: Level1Map
    header: Mapping[str, Any]  # of the first frame

    @property
    def arm(self) -> Any:
        return self.header.get(_ARM)

    @property
    def begin(self) -> datetime:
        return begin_of(self.header)

    @property
    def range(self) -> tuple[float, float]:
        return float(self.level1.wavelength.min()), float(self.level1.wavelength.max())

    def has(self, arm: Arm) -> bool:
        low, high = self.range
        return bool(
            low - _WAVELENGTH_MARGIN <= arm.wavelength[0]
            and arm.wavelength[-1] <= high + _WAVELENGTH_MARGIN
        )


def inverted_level1(contents: DesireContents, level1: Mapping[str, Path]) -> InvertedLevel1:
    """Find the datasets of an inversion among those that are here, and compare their sizes.

    Parameters
    ----------
    level1 : mapping of Path
        Directories of datasets, by dataset id; their FITS files are not needed.

    Raises
    ------
    ProductError
        If a dataset is not here, or the inversion cannot be of it.
    """
    datasets, unread = _read(level1)
    canonical = _canonical(contents, datasets, unread)
    chosen = [canonical]
    for arm in contents.arms:
        if not any(dataset.has(arm) for dataset in chosen):
            chosen.append(_of_line(contents, arm, canonical, datasets, unread))
    return InvertedLevel1(canonical.level1, [dataset.id for dataset in chosen])


def _read(level1: Mapping[str, Path]) -> tuple[list[_Dataset], list[str]]:
    """The datasets, and why others cannot be read: they may be of another instrument."""
    datasets, unread = [], []
    for dataset_id, directory in level1.items():
        try:
            one = read_level1(directory, files_needed=False)
            datasets.append(_Dataset(dataset_id, one, one.headers()[0]))
        except Level1Error as error:
            unread.append(str(error))
    return datasets, unread


def _canonical(
    contents: DesireContents, datasets: Sequence[_Dataset], unread: Sequence[str]
) -> _Dataset:
    """The dataset of the fiducial arm; of several, the one that the inversion can be of."""
    of_arm = [dataset for dataset in datasets if dataset.arm == contents.fiducial_arm]
    if not of_arm:
        here = [f"{one.id} (arm {plain(str(one.arm), 40)})" for one in datasets]
        raise ProductError(
            f"{contents.fit.path}: DESR-FID = {contents.fiducial_arm}: no Level 1 dataset of this "
            f"arm is here; {_here(here, unread)}"
        )
    faults = {dataset.id: _misfit(contents, dataset) for dataset in of_arm}
    fitting = [dataset for dataset in of_arm if faults[dataset.id] is None]
    if not fitting:
        raise ProductError(f"{contents.atmosphere.path}: {faults[of_arm[0].id]}")
    if len(fitting) > 1:
        names = " and ".join(dataset.id for dataset in fitting)
        raise ProductError(
            f"{contents.fit.path}: DESR-FID = {contents.fiducial_arm}: the Level 1 datasets "
            f"{names} are of this arm, and the inversion could be of each"
        )
    return fitting[0]


def _misfit(contents: DesireContents, dataset: _Dataset) -> str | None:
    """The reason why the inversion is not of a dataset of the fiducial arm."""
    level1 = dataset.level1
    if level1.wcs.pixel_n_dim == 5:
        return f"Level 1 dataset {dataset.id} has several maps: expected one"
    if not 0 <= level1.n_steps - contents.n_steps <= 1:
        return (
            f"{contents.n_steps} scan positions; Level 1 dataset {dataset.id} has "
            f"{level1.n_steps}: expected the same, or one fewer"
        )
    n, n_binned = contents.n_slit, contents.n_binned
    if not n * n_binned <= level1.n_slit < n * (n_binned + 1):
        return (
            f"{n} pixels along the slit, each of {n_binned} of Level 1 (DESR-BIN); Level 1 dataset "
            f"{dataset.id} has {level1.n_slit}: expected {level1.n_slit // n_binned}"
        )
    return None


def _of_line(
    contents: DesireContents,
    arm: Arm,
    canonical: _Dataset,
    datasets: Sequence[_Dataset],
    unread: Sequence[str],
) -> _Dataset:
    """The dataset of a line; of several, the one nearest in time: all arms observe at once."""
    having = [dataset for dataset in datasets if dataset.has(arm)]
    if not having:
        here = [f"{one.id} ({one.range[0]:.2f} to {one.range[1]:.2f} nm)" for one in datasets]
        raise ProductError(
            f"{contents.fit.path}: {arm.line}: no Level 1 dataset with {arm.wavelength[0]:.2f} to "
            f"{arm.wavelength[-1]:.2f} nm is here; {_here(here, unread)}"
        )
    return min(having, key=lambda one: (abs(one.begin - canonical.begin), one.id))


def _here(names: Sequence[str], unread: Sequence[str]) -> str:
    there = f"here: {', '.join(names)}" if names else "none is here"
    return "; ".join([there, *unread])
