"""What the inversion says of a batch of pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.level2.pixels.field_components import COMPONENTS
from cvzmpi.level2.pixels.weak_field import PRODUCTS
from cvzmpi.level2.spectroscopy import milne_eddington as me

CONVERGED, NOT_CONVERGED, UNUSABLE = 1, 2, 3
"""The status of an inverted pixel; 0 is for pixels that are not begun."""

_COLUMNS = {"weak_field": PRODUCTS, "field_components": COMPONENTS}


@dataclass(frozen=True)
class Inverted:
    """The results for a batch of pixels."""

    # float64, shape (n, n_parameters); in the order of `milne_eddington.PARAMETERS`; NaN for
    # unusable pixels. The azimuth is in [0, pi), since a spectrum does not tell two opposite
    # directions of the field apart.
    parameters: np.ndarray
    # float64, shape (n, n_parameters); standard deviations; 0 for a parameter that is not free, NaN
    # for one that the profiles do not determine. Where no field is detected, the field is 0, and
    # its uncertainty what the polarisation allows.
    uncertainties: np.ndarray
    chi_squared: np.ndarray  # float64, shape (n,); per degree of freedom
    n_iterations: np.ndarray  # int64, shape (n,)
    status: np.ndarray  # uint8, shape (n,)
    quality: np.ndarray  # uint16, shape (n,); bits of `Quality`
    n_outliers: np.ndarray  # int64, shape (n,); samples that were left out: spikes and gaps
    # float64, shape (n,); in sigma: see `field_detection.FieldEvidence`
    field_significance: np.ndarray
    # float64, shape (n, n_products); in G, in the order of `weak_field.PRODUCTS`
    weak_field: np.ndarray
    # float64, shape (n, n_components); in G, in the order of `field_components.COMPONENTS`
    field_components: np.ndarray

    def diagnostic(self, name: str) -> np.ndarray:
        """The values of a dataset of the inverted map that is no parameter; shape (n,)."""
        group, _, product = name.partition("/")
        values: np.ndarray = getattr(self, group)
        return values[:, _COLUMNS[group].index(product)] if product else values

    @classmethod
    def unusable(cls, n: int) -> Inverted:
        """The results of pixels that cannot be inverted."""
        return cls(
            parameters=np.full((n, me.N_PARAMETERS), np.nan),
            uncertainties=np.full((n, me.N_PARAMETERS), np.nan),
            chi_squared=np.full(n, np.nan),
            n_iterations=np.zeros(n, np.int64),
            status=np.full(n, UNUSABLE, np.uint8),
            quality=np.zeros(n, np.uint16),
            n_outliers=np.zeros(n, np.int64),
            field_significance=np.full(n, np.nan),
            weak_field=np.full((n, len(PRODUCTS)), np.nan),
            field_components=np.full((n, len(COMPONENTS)), np.nan),
        )
