"""The results of a map of Ca II 854.2 nm, for the writer of the Level 2 product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cvzmpi.level2.inversion.calcium_file import CalciumMap
from cvzmpi.level2.inversion.inverted_datasets import CALCIUM_NOTE, WEAK_FIELD_MODEL
from cvzmpi.level2.maps.level1 import Level1Map
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.product import extensions
from cvzmpi.level2.product.product_source import LineProfiles, ScanPosition, SlitPixels

SPECTRAL_LINE = "CaII854"

_TESLA_PER_GAUSS = 1e-4


class CalciumSource:
    """A `ProductSource`: a map of Ca II 854.2 nm, with the prepared map and the dataset."""

    log_tau = None
    model = WEAK_FIELD_MODEL
    notes: Sequence[str] = (
        CALCIUM_NOTE,
        "Velocities are redshifts of the line's core, relative to that of the quiet Sun here.",
        "Profiles are in units of the far wings of the quiet Sun, 0.40 to 0.62 nm from the core.",
    )

    def __init__(self, level1: Level1Map, prepared: PreparedMap, found: CalciumMap) -> None:
        self.level1 = level1
        self._prepared = prepared
        self._found = found

    @property
    def cards(self) -> Mapping[str, str]:
        """None: there is no azimuth to be resolved."""
        return {}

    @property
    def dataset_ids(self) -> list[str]:
        """The one dataset that was measured."""
        return [self.level1.inventory["datasetId"]]

    @property
    def slit(self) -> SlitPixels:
        """All pixels of Level 1, as they were binned."""
        return SlitPixels(0, int(self._prepared.record["settings"]["slit_bin"]))

    @property
    def n_steps(self) -> int:
        """The number of scan positions."""
        return self._prepared.shape[0]

    @property
    def commit(self) -> str | None:
        """The version of this software that measured the map."""
        version = self._found.origin.software.get("cvzmpi")
        return None if version is None else f"cvzmpi {version}"

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
                    (extension, _TESLA_PER_GAUSS * found.values[name][step])
                    for name, extension in extensions.CALCIUM.items()
                ),
            ],
        )
