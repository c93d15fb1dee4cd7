"""The results of a map of Ca II 854.2 nm, for the writer of the Level 2 product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cvzmpi.level2.inversion.calcium_file import CalciumMap
from cvzmpi.level2.inversion.inverted_datasets import CALCIUM_NOTE, WEAK_FIELD_MODEL
from cvzmpi.level2.maps.level1 import Level1Map
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.product import extensions
from cvzmpi.level2.product.one_map import TESLA_PER_GAUSS, OneMap
from cvzmpi.level2.product.product_source import LineProfiles, ScanPosition

SPECTRAL_LINE = "CaII854"


class CalciumSource(OneMap):
    """A `ProductSource`: a map of Ca II 854.2 nm, with the prepared map and the dataset."""

    log_tau = None
    model = WEAK_FIELD_MODEL
    notes: Sequence[str] = (
        CALCIUM_NOTE,
        "Velocities are redshifts of the line's core, relative to that of the quiet Sun here.",
        "Profiles are in units of the far wings of the quiet Sun, 0.40 to 0.62 nm from the core.",
    )

    def __init__(self, level1: Level1Map, prepared: PreparedMap, found: CalciumMap) -> None:
        super().__init__(level1, prepared, found.origin)
        self._found = found

    @property
    def cards(self) -> Mapping[str, str]:
        """None: there is no azimuth to be resolved."""
        return {}

    def position(self, step: int) -> ScanPosition:
        """The results at a scan position."""
        found = self._found
        observed = self._prepared.read_profiles((step, slice(None)))
        profiles = LineProfiles(
            SPECTRAL_LINE, self._prepared.wavelength, observed.transpose(0, 2, 1), None
        )
        return ScanPosition(
            quantities={"velocity": found.values["core/velocity"][step]},
            profiles=[profiles],
            uncertainties={"velocity": found.values["core/velocity_error"][step]},
            status=found.status[step],
            more=[
                (extensions.QUALITY, found.quality[step]),
                (extensions.N_OUTLIERS, found.n_outliers[step]),
                *(
                    (extension, TESLA_PER_GAUSS * found.values[name][step])
                    for name, extension in extensions.CALCIUM.items()
                ),
            ],
        )
