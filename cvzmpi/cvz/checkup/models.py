"""The neural networks of the detector: where they are, and whether they are the published ones."""

from __future__ import annotations

from cvzmpi.cvz.checkup.finding import Finding, ok, problem
from cvzmpi.cvz.checkup.python_process import printed_by
from cvzmpi.cvz.configuration import Config
from cvzmpi.other_program import ProgramError

_LOAD = """
import sys
from pathlib import Path
from cvzmpi.cvz.detection.stella import published_models
from cvzmpi.errors import ModelFileError
file = Path(sys.argv[1]) if len(sys.argv) > 1 else published_models.packed_file()
try:
    models = published_models.load(file)
except ModelFileError as error:
    sys.exit(str(error))
print(f"{len(models)} stella networks, checksum {models.checksum[:16]}..., in {file}")
"""


def check_models(config: Config) -> Finding:
    """Load the networks, as a job does, and compare their checksum with the published one."""
    file = config.detector.file
    try:
        return ok(printed_by(_LOAD, *([] if file is None else [str(file)])))
    except ProgramError as error:
        remedy = "install cvzmpi anew: they are a part of it"
        if file is not None:
            remedy = "leave detector.file out, and those that are a part of cvzmpi are used"
        return problem(str(error), remedy)
