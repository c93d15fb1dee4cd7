"""The 180-degree ambiguity of a map's azimuth, resolved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.level2.disambiguation.geometry import MapGeometry
from cvzmpi.level2.disambiguation.minimum_energy import in_a_pair, least_energy
from cvzmpi.level2.disambiguation.neighbours import follow_neighbours
from cvzmpi.level2.disambiguation.not_resolved import NotResolvedError
from cvzmpi.level2.disambiguation.observed_field import ObservedField
from cvzmpi.level2.disambiguation.potential_field import potential_field
from cvzmpi.level2.settings import DisambiguationMethod

NOT_RESOLVED, BY_METHOD, BY_NEIGHBOURS = 0, 1, 2
"""How the direction of a pixel was decided."""

_FEWEST_STRONG = 9  # pixels


@dataclass(frozen=True)
class Resolved:
    """The directions of a map's field; arrays of shape (n_scan, n_slit)."""

    is_opposite: np.ndarray  # bool; the field is opposite to the azimuth as it was given
    how: np.ndarray  # uint8; NOT_RESOLVED, BY_METHOD or BY_NEIGHBOURS

    def azimuth(self, given: np.ndarray) -> np.ndarray:
        """The azimuth in degrees: in 0 to 360 where it is resolved, else as given.

        Parameters
        ----------
        given : float32, shape (n_scan, n_slit)
            In degrees, modulo 180.
        """
        turned = np.mod(given + np.where(self.is_opposite, np.float32(180), 0), 360)
        # What is a little less than 360 may be rounded to it.
        turned = np.where(turned >= 360, 0, turned)
        return np.where(self.how == NOT_RESOLVED, given, turned).astype(np.float32)


def resolve(field: ObservedField, geometry: MapGeometry, method: DisambiguationMethod) -> Resolved:
    """Decide between the two directions of each pixel; the same arguments give the same bits.

    Parameters
    ----------
    method : str
        `acute`: the one nearer to the potential field of the same line-of-sight field.
        `minimum_energy`: those with the least divergence and vertical current, beginning with the
        former. Pixels whose azimuth is noisy follow their neighbours with either.

    Raises
    ------
    NotResolvedError
        If the map is too near to the limb, or too few of its pixels have a field.
    """
    axes, lattice = geometry.axes, geometry.lattice
    decided = field.strong
    if method == "minimum_energy":
        decided = in_a_pair(decided)
    if np.count_nonzero(decided) < _FEWEST_STRONG:
        raise NotResolvedError(
            f"{np.count_nonzero(decided)} of its pixels have a field with a clear azimuth, "
            f"expected {_FEWEST_STRONG}"
        )
    potential = potential_field(field.longitudinal, lattice, axes[:, 2])
    along = np.tensordot(axes[:, :2].T, potential.field, axes=1)
    signs = np.where((field.transverse * along).sum(axis=0) < 0, -1, 1).astype(np.int8)
    if method == "minimum_energy":
        signs = least_energy(
            np.tensordot(axes[:2, :2], field.transverse, axes=1),
            axes[:2, 2, np.newaxis, np.newaxis] * field.longitudinal,
            potential.vertical_gradient,
            lattice,
            decided,
            signs,
        )
    signs = np.where(decided, signs, 0).astype(np.int8)
    others = (field.strong | field.weak) & ~decided
    signs = follow_neighbours(field.transverse, signs, others)
    how = np.where(signs == 0, NOT_RESOLVED, np.where(decided, BY_METHOD, BY_NEIGHBOURS))
    return Resolved(signs < 0, how.astype(np.uint8))
