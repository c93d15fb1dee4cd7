"""The results of an inversion, as the writer of the Level 2 product takes them.

The results are read one scan position at a time: a whole map with depths does not fit in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from cvzmpi.level2.maps.level1 import Level1Map
from cvzmpi.level2.product.extensions import Extension


@dataclass(frozen=True)
class SlitPixels:
    """The pixels along the slit of Level 1 that the pixels of the product are made of."""

    first: int  # the first pixel of Level 1 in the first pixel of the product, counted from 0
    n_binned: int  # pixels of Level 1 in a pixel of the product


@dataclass(frozen=True)
class LineProfiles:
    """The profiles of a spectral line at one scan position, as observed and as fitted.

    Intensities are relative to the continuum of the quiet Sun; Stokes parameters are I, Q, U, V.
    """

    line: str  # a key of `KNOWN_LINES`, as `FeI630`
    wavelength: np.ndarray  # float64, shape (n_wavelengths,); in air, nm, equally spaced
    original: np.ndarray  # float32, shape (n_slit, n_wavelengths, 4)
    fit: np.ndarray | None  # float32, shape (n_slit, n_wavelengths, 4); None if nothing is fitted


@dataclass(frozen=True)
class ScanPosition:
    """The results at one scan position."""

    # by the names of `extensions.QUANTITIES`, in the units there; float32, shape (n_slit,) if the
    # source has one value for all depths, else (n_slit, n_depths)
    quantities: Mapping[str, np.ndarray]
    profiles: Sequence[LineProfiles]
    # standard deviations of quantities, with their names, shapes and units
    uncertainties: Mapping[str, np.ndarray] = field(default_factory=dict)
    chi_squared: np.ndarray | None = None  # reduced; float32, shape (n_slit,)
    status: np.ndarray | None = None  # integers, shape (n_slit,)
    # other results, each of shape (n_slit,)
    more: Sequence[tuple[Extension, np.ndarray]] = ()


class ProductSource(Protocol):
    """The results of the inversion of a map, and what they were made from.

    Every scan position has the same quantities, lines, uncertainties and further results, in the
    same order.
    """

    @property
    def level1(self) -> Level1Map:
        """The map of the canonical dataset; its headers give place and time."""

    @property
    def dataset_ids(self) -> Sequence[str]:
        """All datasets that were inverted."""

    @property
    def slit(self) -> SlitPixels:
        """The pixels of Level 1 along the slit that were inverted."""

    @property
    def n_steps(self) -> int:
        """The number of scan positions; they are the first ones of Level 1."""

    @property
    def log_tau(self) -> np.ndarray | None:
        """The depths, float64, shape (n_depths,): the logarithm of the optical depth at 500 nm.

        None if there is one value for all depths.
        """

    @property
    def model(self) -> str:
        """The model atmosphere, for INVMODEL."""

    @property
    def notes(self) -> Sequence[str]:
        """Remarks for people who use the product, for COMMENT."""

    @property
    def cards(self) -> Mapping[str, str]:
        """Further keywords about the inversion, of `primary_header.FURTHER`."""

    @property
    def commit(self) -> str | None:
        """The version of the inversion code."""

    def position(self, step: int) -> ScanPosition:
        """The results at a scan position, counted from 0.

        Raises
        ------
        CvzmpiError
            If they cannot be read.
        """
