"""Everything that the stages of a campaign need besides a light curve."""

from __future__ import annotations

import json
from dataclasses import dataclass

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.detector import Detector
from cvzmpi.cvz.detection.flare_mask import MaskRule
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

    def write(self, checkpoints: Checkpoints, data: SectorData) -> None:
        """Keep the checkpoint that the data are at, with the quality marks known so far.

        Raises
        ------
        MachineError, SectorFileError
            As the `write` of `checkpoints`.
        """
        data.marks = marks_text(quality_marks(data, json.loads(self.provenance.config_json)))
        checkpoints.write(data)
