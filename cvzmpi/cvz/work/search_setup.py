"""Everything that the stages of a campaign need besides a light curve."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.detector import Detector
from cvzmpi.cvz.detection.flare_mask import MaskRule
from cvzmpi.cvz.detection.not_searched import NotSearched, stella_looks
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.quality.quality_marks import marks_text, quality_marks
from cvzmpi.cvz.sector_file.data import Provenance, SectorData
from cvzmpi.cvz.work.checkpoints import Checkpoints


@dataclass(frozen=True)
class SearchSetup:
    """The same for all light curves of a campaign."""

    config: Config
    detector: Detector
    rule: MaskRule
    provenance: Provenance

    def of_light_curve(self, light_curve: LightCurve) -> SearchSetup:
        """The setup for a light curve: without the networks, where they cannot look."""
        if stella_looks(light_curve):
            return self
        return replace(self, detector=NotSearched(self.detector.checksum))

    def write(self, checkpoints: Checkpoints, data: SectorData) -> None:
        """Keep the checkpoint that the data are at, with the quality marks known so far.

        Raises
        ------
        MachineError, SectorFileError
            As the `write` of `checkpoints`.
        """
        data.marks = marks_text(quality_marks(data, json.loads(self.provenance.config_json)))
        checkpoints.write(data)
