"""What sources of products that are made of one map have in common."""

from __future__ import annotations

from cvzmpi.level2.inversion.origin import Origin
from cvzmpi.level2.maps.level1 import Level1Map
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.product.product_source import SlitPixels

TESLA_PER_GAUSS = 1e-4


class OneMap:
    """A part of a `ProductSource`: a map's dataset, its prepared map, and what made its results."""

    def __init__(self, level1: Level1Map, prepared: PreparedMap, origin: Origin) -> None:
        self.level1 = level1
        self._prepared = prepared
        self._origin = origin

    @property
    def dataset_ids(self) -> list[str]:
        """The one dataset."""
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
        """The version of this software that made the results."""
        version = self._origin.software.get("cvzmpi")
        return None if version is None else f"cvzmpi {version}"
