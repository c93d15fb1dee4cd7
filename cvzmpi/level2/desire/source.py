"""The results of a DeSIRe inversion, as the writer of the Level 2 product takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from cvzmpi.level2.desire.contents import DesireContents, read_contents
from cvzmpi.level2.desire.files import DesireFiles
from cvzmpi.level2.desire.fits_array import ScanBlocks
from cvzmpi.level2.desire.level1_arms import inverted_level1
from cvzmpi.level2.desire.quantities import QUANTITIES, in_product
from cvzmpi.level2.maps.level1 import Level1Map
from cvzmpi.level2.product.azimuth_frame import AZIMUTH_FRAME
from cvzmpi.level2.product.product_source import LineProfiles, ScanPosition, SlitPixels

MODEL = "DeSIRe"

NOTES = (
    "DeSIRe inversion: the atmosphere depends on the optical depth.",
    "Velocities have the zero and the sign that DeSIRe gave them.",
    "Inclinations and azimuths are as DeSIRe gave them, brought into 0 to 360 degrees. The frame "
    "is that of the observed profiles, whose Stokes parameters are taken to be those of Level 1.",
    AZIMUTH_FRAME,
)


@dataclass(frozen=True)
class DesireSource:
    """A `ProductSource` of the files of a DeSIRe inversion, which are read as they are needed."""

    contents: DesireContents
    level1: Level1Map
    dataset_ids: Sequence[str]
    commit: str | None

    @classmethod
    def open(
        cls, files: DesireFiles, level1: Mapping[str, Path], commit: str | None
    ) -> DesireSource:
        """Open the files of an inversion.

        Parameters
        ----------
        level1 : mapping of Path
            Directories of the program's Level 1 datasets that are here, by dataset id.
        commit : str or None
            The version of the inversion code.

        Raises
        ------
        ProductError
            If the files do not fit each other or Level 1.
        """
        contents = read_contents(files)
        inverted = inverted_level1(contents, level1)
        return cls(contents, inverted.canonical, inverted.dataset_ids, commit)

    @property
    def slit(self) -> SlitPixels:
        """The pixels along the slit; the bins begin at the first pixel of the fiducial arm."""
        return SlitPixels(first=0, n_binned=self.contents.n_binned)

    @property
    def n_steps(self) -> int:
        """The number of scan positions; the last one of Level 1 may be left out."""
        return self.contents.n_steps

    @property
    def log_tau(self) -> np.ndarray:
        """The depths: float64, shape (n_depths,)."""
        return self.contents.log_tau

    @property
    def model(self) -> str:
        """The name of the inversion code."""
        return MODEL

    @property
    def notes(self) -> Sequence[str]:
        """Remarks for people who use the product."""
        return NOTES

    @property
    def cards(self) -> Mapping[str, str]:
        """No further keywords: nothing is known of an ambiguity."""
        return {}

    def position(self, step: int) -> ScanPosition:
        """The results at a scan position, counted from 0.

        Raises
        ------
        ProductError
            If a file cannot be read any more.
        """
        atmosphere = self._atmosphere.at(step)
        quantities = {
            quantity.name: np.ascontiguousarray(in_product(quantity, values).T)
            for quantity, values in zip(QUANTITIES, atmosphere, strict=True)
        }
        observed, fit = (_by_slit(blocks.at(step)) for blocks in (self._observed, self._fit))
        profiles = [
            LineProfiles(arm.line, arm.wavelength, observed[:, arm.place], fit[:, arm.place])
            for arm in self.contents.arms
        ]
        return ScanPosition(quantities, profiles)

    @cached_property
    def _atmosphere(self) -> ScanBlocks:
        return ScanBlocks(self.contents.atmosphere)

    @cached_property
    def _observed(self) -> ScanBlocks:
        return ScanBlocks(self.contents.observed)

    @cached_property
    def _fit(self) -> ScanBlocks:
        return ScanBlocks(self.contents.fit)


def _by_slit(profiles: np.ndarray) -> np.ndarray:
    """From (Stokes, wavelength, slit) to (slit, wavelength, Stokes)."""
    return np.ascontiguousarray(profiles.transpose(2, 1, 0))
